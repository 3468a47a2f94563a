import { concat, padded, readUint16, writeUint16 } from '../bytes.ts'

// Parameter types (RFC 9260 §3.3.2, RFC 3758 §3.1, RFC 5061 §4.2.7, RFC 6525 §4, RFC 9653 §4).

export const HEARTBEAT_INFO = 1
export const IPV4_ADDRESS = 5
export const IPV6_ADDRESS = 6
export const STATE_COOKIE = 7
export const UNRECOGNIZED_PARAMETER = 8
export const COOKIE_PRESERVATIVE = 9
export const HOST_NAME_ADDRESS = 11
export const SUPPORTED_ADDRESS_TYPES = 12
export const OUTGOING_SSN_RESET_REQUEST = 13
export const INCOMING_SSN_RESET_REQUEST = 14
export const SSN_TSN_RESET_REQUEST = 15
export const RECONFIGURATION_RESPONSE = 16
export const ADD_OUTGOING_STREAMS_REQUEST = 17
export const ADD_INCOMING_STREAMS_REQUEST = 18
export const ECN_CAPABLE = 0x8000
export const ZERO_CHECKSUM_ACCEPTABLE = 0x8001
export const SUPPORTED_EXTENSIONS = 0x8008
export const FORWARD_TSN_SUPPORTED = 0xc000

const HEADER_SIZE = 4

/** Whether the rest is still to be read after an unknown parameter of this type (RFC 9260 §3.2.1). */
export function skipUnknownParameter(type: number): boolean {
  return (type & 0x8000) !== 0
}

/** Whether an unknown parameter of this type is to be reported. */
export function reportUnknownParameter(type: number): boolean {
  return (type & 0x4000) !== 0
}

/** One parameter or error cause (both are type, length, value), padded. */
export function encodeParameter(type: number, value: Uint8Array): Uint8Array {
  const out = new Uint8Array(padded(HEADER_SIZE + value.length))
  writeUint16(out, 0, type)
  writeUint16(out, 2, HEADER_SIZE + value.length)
  out.set(value, HEADER_SIZE)
  return out
}

/** Parameters or causes as a chunk carries them: the padding of the last one belongs to the chunk and is not counted (RFC 9260 §3.2). */
export function joinParameters(parameters: readonly Uint8Array[]): Uint8Array {
  const bytes = concat(parameters)
  const last = parameters.at(-1)
  return last === undefined ? bytes : bytes.subarray(0, bytes.length - last.length + readUint16(last, 2))
}

/**
 * Calls `visit` with each type, value and whole encoding (without padding) until it returns false.
 * Returns whether the bytes were well formed as far as they were read.
 */
export function forEachParameter(
  bytes: Uint8Array,
  visit: (type: number, value: Uint8Array, whole: Uint8Array) => boolean,
): boolean {
  let offset = 0
  while (offset + HEADER_SIZE <= bytes.length) {
    const length = readUint16(bytes, offset + 2)
    if (length < HEADER_SIZE || offset + length > bytes.length) return false
    const whole = bytes.subarray(offset, offset + length)
    if (!visit(readUint16(bytes, offset), whole.subarray(HEADER_SIZE), whole)) return true
    offset += padded(length)
  }
  // The padding of the last parameter may be missing, as it is not counted in the chunk's length.
  return offset >= bytes.length
}

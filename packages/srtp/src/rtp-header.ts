/** Version, flags, sequence number, timestamp and SSRC (RFC 3550 §5.1). */
export const FIXED_HEADER = 12
/** Profile and length of a header extension (RFC 3550 §5.3.1). */
export const EXTENSION_HEADER = 4

const EXTENSION_BIT = 0x10

/** Bytes of the header of the RTP packet that ends at `end`, CSRCs and extension included, or -1 when it is no RTP packet. */
export function rtpHeaderLength(packet: Uint8Array, end: number): number {
  if (end < FIXED_HEADER || packet[0]! >>> 6 !== 2) return -1
  let length = FIXED_HEADER + csrcBytes(packet)
  if (hasExtension(packet)) {
    if (length + EXTENSION_HEADER > end) return -1
    length += EXTENSION_HEADER + 4 * uint16(packet, length + 2)
  }
  return length > end ? -1 : length
}

export function csrcBytes(packet: Uint8Array): number {
  return 4 * (packet[0]! & 0x0f)
}

export function hasExtension(packet: Uint8Array): boolean {
  return (packet[0]! & EXTENSION_BIT) !== 0
}

export function withExtensionBit(firstByte: number): number {
  return firstByte | EXTENSION_BIT
}

export function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

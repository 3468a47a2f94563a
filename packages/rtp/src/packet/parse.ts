import { readUint16, readUint32 } from '../bytes.ts'
import { type HeaderExtension, RtpPacket } from './rtp-packet.ts'

/** Bytes of the fixed header (RFC 3550 §5.1). */
export const FIXED_HEADER_SIZE = 12

/** `defined by profile` of the one-byte form (RFC 8285 §4.2). */
export const ONE_BYTE_PROFILE = 0xbede

/** The same of the two-byte form; its low four bits are for the application (RFC 8285 §4.3). */
export const TWO_BYTE_PROFILE = 0x1000

const NONE: readonly never[] = []

/**
 * Takes an RTP packet apart (RFC 3550 §5.1, RFC 8285). Payload and extensions are views of the datagram, which belongs to the
 * packet from then on. Undefined when it is malformed: another version, or CSRCs, header extension or padding that do not fit.
 *
 * An extension of a profile other than RFC 8285's is skipped, as are elements behind one that overruns the extension.
 */
export function parseRtp(datagram: Uint8Array): RtpPacket | undefined {
  const { length } = datagram
  if (length < FIXED_HEADER_SIZE) return undefined
  const first = datagram[0]!
  if (first >>> 6 !== 2) return undefined
  const csrcCount = first & 0x0f
  let offset = FIXED_HEADER_SIZE + 4 * csrcCount
  if (offset > length) return undefined

  let csrcs: readonly number[] = NONE
  if (csrcCount > 0) {
    const list: number[] = []
    for (let at = FIXED_HEADER_SIZE; at < offset; at += 4) list.push(readUint32(datagram, at))
    csrcs = list
  }

  let extensions: readonly HeaderExtension[] = NONE
  if ((first & 0x10) !== 0) {
    if (offset + 4 > length) return undefined
    const profile = readUint16(datagram, offset)
    const start = offset + 4
    offset = start + 4 * readUint16(datagram, offset + 2)
    if (offset > length) return undefined
    if (profile === ONE_BYTE_PROFILE) extensions = parseOneByte(datagram, start, offset)
    else if ((profile & 0xfff0) === TWO_BYTE_PROFILE) extensions = parseTwoByte(datagram, start, offset)
  }

  let paddingLength = 0
  if ((first & 0x20) !== 0) {
    // The last byte counts itself, so it is never zero, and padding cannot reach into the header.
    if (offset === length) return undefined
    paddingLength = datagram[length - 1]!
    if (paddingLength === 0 || paddingLength > length - offset) return undefined
  }

  return new RtpPacket({
    payloadType: datagram[1]! & 0x7f,
    sequenceNumber: readUint16(datagram, 2),
    timestamp: readUint32(datagram, 4),
    ssrc: readUint32(datagram, 8),
    marker: datagram[1]! > 0x7f,
    csrcs,
    extensions,
    payload: datagram.subarray(offset, length - paddingLength),
    paddingLength,
  })
}

function parseOneByte(bytes: Uint8Array, start: number, end: number): HeaderExtension[] {
  const extensions: HeaderExtension[] = []
  let offset = start
  while (offset < end) {
    const head = bytes[offset++]!
    if (head === 0) continue // padding
    const id = head >>> 4
    // 15 is reserved, and 0 with a length is not padding: both end the extension (RFC 8285 §4.2).
    if (id === 15 || id === 0) break
    const next = offset + (head & 0x0f) + 1
    if (next > end) break
    extensions.push({ id, data: bytes.subarray(offset, next) })
    offset = next
  }
  return extensions
}

function parseTwoByte(bytes: Uint8Array, start: number, end: number): HeaderExtension[] {
  const extensions: HeaderExtension[] = []
  let offset = start
  while (offset < end) {
    const id = bytes[offset++]!
    if (id === 0) continue // padding, which has no length byte
    if (offset === end) break
    const length = bytes[offset++]!
    const next = offset + length
    if (next > end) break
    extensions.push({ id, data: bytes.subarray(offset, next) })
    offset = next
  }
  return extensions
}

import { writeUint16, writeUint32 } from '../bytes.ts'
import { RtpError } from '../errors.ts'
import { FIXED_HEADER_SIZE, ONE_BYTE_PROFILE, TWO_BYTE_PROFILE } from './parse.ts'
import type { HeaderExtension, RtpPacket } from './rtp-packet.ts'

/**
 * Bytes of the header: fixed part, CSRCs and header extension.
 * @throws RtpError `ERR_RTP_HEADER` or `ERR_RTP_EXTENSION` for what no header can carry.
 */
export function rtpHeaderLength(packet: RtpPacket): number {
  if (packet.csrcs.length > 15) throw new RtpError('ERR_RTP_HEADER', 'an RTP packet has at most 15 CSRCs')
  const length = FIXED_HEADER_SIZE + 4 * packet.csrcs.length
  const { extensions } = packet
  return extensions.length === 0 ? length : length + 4 + ((elementsLength(extensions) + 3) & ~3)
}

/**
 * Writes the header, `rtpHeaderLength(packet)` bytes, and returns where it ends. Extensions take the one-byte form when all of
 * them fit it (ids 1 to 14, 1 to 16 bytes), else the two-byte form, which needs `a=extmap-allow-mixed` where it was not agreed on
 * otherwise (RFC 8285 §4.1.2). With a `paddingLength` the padding bit is set; the padding itself is the caller's.
 * @throws RtpError as `rtpHeaderLength`; nothing useful was written then.
 */
export function writeRtpHeader(packet: RtpPacket, out: Uint8Array, offset: number): number {
  const { csrcs, extensions, paddingLength } = packet
  if (csrcs.length > 15) throw new RtpError('ERR_RTP_HEADER', 'an RTP packet has at most 15 CSRCs')
  if (!(paddingLength >= 0 && paddingLength <= 255)) {
    throw new RtpError('ERR_RTP_HEADER', 'padding is 0 to 255 bytes long')
  }
  const hasExtension = extensions.length > 0
  out[offset] = 0x80 | (paddingLength > 0 ? 0x20 : 0) | (hasExtension ? 0x10 : 0) | csrcs.length
  out[offset + 1] = (packet.marker ? 0x80 : 0) | (packet.payloadType & 0x7f)
  writeUint16(out, offset + 2, packet.sequenceNumber)
  writeUint32(out, offset + 4, packet.timestamp)
  writeUint32(out, offset + 8, packet.ssrc)
  offset += FIXED_HEADER_SIZE
  for (let i = 0; i < csrcs.length; i++) {
    writeUint32(out, offset, csrcs[i]!)
    offset += 4
  }
  return hasExtension ? writeExtensions(extensions, out, offset) : offset
}

/**
 * The whole packet in an array of its own, padding included.
 * @throws RtpError as `writeRtpHeader`.
 */
export function writeRtp(packet: RtpPacket): Uint8Array {
  const { payload, paddingLength } = packet
  const length = rtpHeaderLength(packet) + payload.length + paddingLength
  const out = new Uint8Array(length)
  out.set(payload, writeRtpHeader(packet, out, 0))
  if (paddingLength > 0) out[length - 1] = paddingLength
  return out
}

function fitsOneByte(extensions: readonly HeaderExtension[]): boolean {
  for (let i = 0; i < extensions.length; i++) {
    const { id, data } = extensions[i]!
    if (id > 14 || data.length === 0 || data.length > 16) return false
  }
  return true
}

/** Bytes of the elements, without the padding behind them. */
function elementsLength(extensions: readonly HeaderExtension[]): number {
  const head = fitsOneByte(extensions) ? 1 : 2
  let length = 0
  for (let i = 0; i < extensions.length; i++) {
    const { id, data } = extensions[i]!
    if (!(id >= 1 && id <= 255)) throw new RtpError('ERR_RTP_EXTENSION', `${id} is no id of a header extension`)
    if (data.length > 255) throw new RtpError('ERR_RTP_EXTENSION', 'a header extension has at most 255 bytes')
    length += head + data.length
  }
  if (length > 0xffff * 4) throw new RtpError('ERR_RTP_EXTENSION', 'too many header extensions')
  return length
}

function writeExtensions(extensions: readonly HeaderExtension[], out: Uint8Array, offset: number): number {
  const oneByte = fitsOneByte(extensions)
  const words = (elementsLength(extensions) + 3) >>> 2
  writeUint16(out, offset, oneByte ? ONE_BYTE_PROFILE : TWO_BYTE_PROFILE)
  writeUint16(out, offset + 2, words)
  offset += 4
  const end = offset + 4 * words
  for (let i = 0; i < extensions.length; i++) {
    const { id, data } = extensions[i]!
    if (oneByte) {
      out[offset++] = (id << 4) | (data.length - 1)
    } else {
      out[offset++] = id
      out[offset++] = data.length
    }
    // Elements are a few bytes long: a loop is cheaper than `set`.
    for (let k = 0; k < data.length; k++) out[offset++] = data[k]!
  }
  while (offset < end) out[offset++] = 0
  return offset
}

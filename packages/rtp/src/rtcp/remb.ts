import { clamp, readUint32 } from '../bytes.ts'
import { FEEDBACK_HEADER_SIZE, FMT_AFB, PSFB } from './packet-types.ts'
import type { ReceiverEstimatedMaximumBitrate } from './types.ts'
import type { RtcpWriter } from './writer.ts'

/** `REMB` in ASCII. */
const IDENTIFIER = 0x52454d42
const MAX_MANTISSA = 0x3ffff
const MAX_EXPONENT = 63

export function isRemb(bytes: Uint8Array, offset: number, end: number): boolean {
  return offset + FEEDBACK_HEADER_SIZE + 8 <= end && readUint32(bytes, offset + FEEDBACK_HEADER_SIZE) === IDENTIFIER
}

/** REMB (draft-alvestrand-rmcat-remb-03 §2.2) */
export function readRemb(bytes: Uint8Array, offset: number, end: number): ReceiverEstimatedMaximumBitrate | undefined {
  if (!isRemb(bytes, offset, end)) return undefined
  const at = offset + FEEDBACK_HEADER_SIZE + 4
  const first = at + 4
  if (first + 4 * bytes[at]! !== end) return undefined
  const exponent = bytes[at + 1]! >>> 2
  const mantissa = ((bytes[at + 1]! & 3) << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  const ssrcs: number[] = []
  for (let i = first; i < end; i += 4) ssrcs.push(readUint32(bytes, i))
  return { type: 'REMB', senderSsrc: readUint32(bytes, offset + 4), bitrate: mantissa * 2 ** exponent, ssrcs }
}

/** The bitrate is rounded down to eighteen bits and an exponent; more than 255 sources are not named. */
export function writeRemb(packet: ReceiverEstimatedMaximumBitrate, out: RtcpWriter): void {
  const count = Math.min(packet.ssrcs.length, 255)
  let mantissa = packet.bitrate > 0 ? packet.bitrate : 0
  let exponent = 0
  for (; mantissa >= MAX_MANTISSA + 1 && exponent < MAX_EXPONENT; exponent++) mantissa /= 2
  mantissa = clamp(Math.floor(mantissa), 0, MAX_MANTISSA)
  out.begin(PSFB, FMT_AFB)
  out.uint32(packet.senderSsrc)
  out.uint32(0)
  out.uint32(IDENTIFIER)
  out.uint8(count)
  out.uint8((exponent << 2) | (mantissa >>> 16))
  out.uint16(mantissa & 0xffff)
  for (let i = 0; i < count; i++) out.uint32(packet.ssrcs[i]!)
  out.end()
}

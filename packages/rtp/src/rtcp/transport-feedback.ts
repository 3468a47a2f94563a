import { clamp, readUint16, readUint24, readUint32 } from '../bytes.ts'
import { FEEDBACK_HEADER_SIZE, FMT_TWCC, RTPFB } from './packet-types.ts'
import type { TransportFeedback } from './types.ts'
import type { RtcpWriter } from './writer.ts'

// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): a status symbol for each sequence number,
// packed in chunks of 16 bits, then a delta of one or two bytes for each packet that was received.

const NOT_RECEIVED = 0
const SMALL_DELTA = 1
const LARGE_DELTA = 2

const MAX_RUN = 0x1fff
const ONE_BIT_SYMBOLS = 14
const TWO_BIT_SYMBOLS = 7

/** Undefined also when it has statuses for more than `maxStatuses` packets: a few bytes can claim 65535. */
export function readTransportFeedback(
  bytes: Uint8Array,
  offset: number,
  end: number,
  maxStatuses: number,
): TransportFeedback | undefined {
  const fields = offset + FEEDBACK_HEADER_SIZE
  if (fields + 8 > end) return undefined
  const statusCount = readUint16(bytes, fields + 2)
  if (statusCount > maxStatuses) return undefined

  const symbols = new Uint8Array(statusCount)
  let at = fields + 8
  for (let i = 0; i < statusCount; at += 2) {
    if (at + 2 > end) return undefined
    i = readChunk(readUint16(bytes, at), symbols, i)
  }

  const deltas: (number | undefined)[] = []
  for (let i = 0; i < statusCount; i++) {
    const symbol = symbols[i]!
    if (symbol === NOT_RECEIVED) {
      deltas.push(undefined)
    } else if (symbol === SMALL_DELTA) {
      if (at + 1 > end) return undefined
      deltas.push(bytes[at]!)
      at += 1
    } else if (symbol === LARGE_DELTA) {
      if (at + 2 > end) return undefined
      deltas.push((readUint16(bytes, at) << 16) >> 16)
      at += 2
    } else {
      return undefined // reserved
    }
  }
  return {
    type: 'TWCC',
    senderSsrc: readUint32(bytes, offset + 4),
    mediaSsrc: readUint32(bytes, offset + 8),
    baseSequenceNumber: readUint16(bytes, fields),
    referenceTime: (readUint24(bytes, fields + 4) << 8) >> 8,
    feedbackPacketCount: bytes[fields + 7]!,
    deltas,
  }
}

/** Fills in the symbols of one chunk from `i` on and returns where they end. A chunk may say more than is needed. */
function readChunk(chunk: number, symbols: Uint8Array, i: number): number {
  if ((chunk & 0x8000) === 0) {
    // Run length (§3.1.3). A run of none would never come to an end, but a chunk takes two bytes of the packet.
    const end = Math.min(symbols.length, i + (chunk & MAX_RUN))
    symbols.fill((chunk >>> 13) & 3, i, end)
    return end
  }
  // Status vector (§3.1.4), highest bits first.
  const twoBits = (chunk & 0x4000) !== 0
  const end = Math.min(symbols.length, i + (twoBits ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS))
  for (let shift = twoBits ? 12 : 13; i < end; i++, shift -= twoBits ? 2 : 1) {
    symbols[i] = (chunk >>> shift) & (twoBits ? 3 : 1)
  }
  return end
}

/**
 * Deltas are clamped to 16 bits signed (±8.19 s), the reference time wraps at 24 bits, and what is beyond 65535 entries is
 * left out. Without an entry nothing is written.
 */
export function writeTransportFeedback(packet: TransportFeedback, out: RtcpWriter): void {
  const statusCount = Math.min(packet.deltas.length, 0xffff)
  if (statusCount === 0) return
  const symbols = new Uint8Array(statusCount)
  for (let i = 0; i < statusCount; i++) symbols[i] = symbolOf(packet.deltas[i])

  out.begin(RTPFB, FMT_TWCC)
  out.uint32(packet.senderSsrc)
  out.uint32(packet.mediaSsrc)
  out.uint16(packet.baseSequenceNumber)
  out.uint16(statusCount)
  out.uint24(packet.referenceTime)
  out.uint8(packet.feedbackPacketCount)
  for (let i = 0; i < statusCount;) i = writeChunk(symbols, i, out)
  for (let i = 0; i < statusCount; i++) {
    if (symbols[i] === SMALL_DELTA) out.uint8(clamp(packet.deltas[i]!, 0, 0xff))
    else if (symbols[i] === LARGE_DELTA) out.uint16(clamp(packet.deltas[i]!, -0x8000, 0x7fff))
  }
  out.end()
}

function symbolOf(delta: number | undefined): number {
  if (delta === undefined) return NOT_RECEIVED
  const rounded = Math.round(delta)
  return rounded >= 0 && rounded <= 0xff ? SMALL_DELTA : LARGE_DELTA
}

/** Writes the chunk that says most about what is from `i` on, and returns where it ends. */
function writeChunk(symbols: Uint8Array, i: number, out: RtcpWriter): number {
  const left = symbols.length - i
  const symbol = symbols[i]!
  let run = 1
  while (run < left && run < MAX_RUN && symbols[i + run] === symbol) run++
  // A vector is always whole; behind the last symbol its bits mean nothing.
  const oneBit = Math.min(left, ONE_BIT_SYMBOLS)
  if (run >= oneBit) {
    out.uint16((symbol << 13) | run)
    return i + run
  }
  if (!hasLargeDelta(symbols, i, i + oneBit)) {
    let bits = 0
    for (let k = 0; k < oneBit; k++) bits |= symbols[i + k]! << (13 - k)
    out.uint16(0x8000 | bits)
    return i + oneBit
  }
  const twoBits = Math.min(left, TWO_BIT_SYMBOLS)
  if (run > twoBits) {
    out.uint16((symbol << 13) | run)
    return i + run
  }
  let bits = 0
  for (let k = 0; k < twoBits; k++) bits |= symbols[i + k]! << (12 - 2 * k)
  out.uint16(0xc000 | bits)
  return i + twoBits
}

function hasLargeDelta(symbols: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (symbols[i] === LARGE_DELTA) return true
  return false
}

import { RtpError } from '../errors.ts'
import { RtpPacket } from '../packet/rtp-packet.ts'

/** One block of a RED payload (RFC 2198 §3). */
export interface RedBlock {
  readonly payloadType: number
  /** How much older than the packet's timestamp it is, in units of the RTP clock, 0 to 16383; 0 for the primary block. */
  readonly timestampOffset: number
  readonly data: Uint8Array
}

const HEADER_SIZE = 4
const PRIMARY_HEADER_SIZE = 1
const MAX_TIMESTAMP_OFFSET = 0x3fff
const MAX_BLOCK_SIZE = 0x3ff

/** The blocks of a RED payload, the primary one last. Undefined when they do not fit it. The data are views. */
export function readRed(payload: Uint8Array): RedBlock[] | undefined {
  // First where the headers end, as the data come behind all of them.
  let count = 0
  while (count * HEADER_SIZE < payload.length && payload[count * HEADER_SIZE]! > 0x7f) count++
  const primaryHeader = count * HEADER_SIZE
  if (primaryHeader >= payload.length) return undefined
  const blocks: RedBlock[] = []
  let start = primaryHeader + PRIMARY_HEADER_SIZE
  for (let at = 0; at < primaryHeader; at += HEADER_SIZE) {
    const bits = (payload[at + 1]! << 16) | (payload[at + 2]! << 8) | payload[at + 3]!
    const end = start + (bits & MAX_BLOCK_SIZE)
    if (end > payload.length) return undefined
    blocks.push({
      payloadType: payload[at]! & 0x7f,
      timestampOffset: bits >>> 10,
      data: payload.subarray(start, end),
    })
    start = end
  }
  blocks.push({ payloadType: payload[primaryHeader]!, timestampOffset: 0, data: payload.subarray(start) })
  return blocks
}

/**
 * A RED payload of the blocks, the primary one last.
 * @throws RtpError `ERR_RTP_ARGUMENT` without a block, and for a redundant one above 1023 bytes or 16383 units of age.
 */
export function writeRed(blocks: readonly RedBlock[]): Uint8Array {
  const primary = blocks.at(-1)
  if (primary === undefined) throw new RtpError('ERR_RTP_ARGUMENT', 'RED needs a primary block')
  let size = HEADER_SIZE * (blocks.length - 1) + PRIMARY_HEADER_SIZE
  for (const block of blocks) {
    if (block !== primary && !(block.timestampOffset >= 0 && block.timestampOffset <= MAX_TIMESTAMP_OFFSET)) {
      throw new RtpError('ERR_RTP_ARGUMENT', 'a redundant block is at most 16383 units old')
    }
    if (block !== primary && block.data.length > MAX_BLOCK_SIZE) {
      throw new RtpError('ERR_RTP_ARGUMENT', 'a redundant block has at most 1023 bytes')
    }
    size += block.data.length
  }
  const out = new Uint8Array(size)
  let at = 0
  let start = HEADER_SIZE * (blocks.length - 1) + PRIMARY_HEADER_SIZE
  for (const block of blocks) {
    if (block === primary) {
      out[at] = block.payloadType & 0x7f
    } else {
      const bits = (block.timestampOffset << 10) | block.data.length
      out[at] = 0x80 | (block.payloadType & 0x7f)
      out[at + 1] = bits >>> 16
      out[at + 2] = bits >>> 8
      out[at + 3] = bits
      at += HEADER_SIZE
    }
    out.set(block.data, start)
    start += block.data.length
  }
  return out
}

/**
 * The packets that a RED packet of audio stands for, oldest first and the primary one last; payloads are shared. A redundant
 * block is taken for the packet right before the next one, as senders of audio make it: no number says so on the wire. Whoever
 * has that packet already drops it as a duplicate. Undefined when the payload is malformed.
 */
export function splitRed(packet: RtpPacket): RtpPacket[] | undefined {
  const blocks = readRed(packet.payload)
  if (blocks === undefined) return undefined
  const last = blocks.length - 1
  const packets: RtpPacket[] = []
  for (let i = 0; i <= last; i++) {
    const { payloadType, timestampOffset, data } = blocks[i]!
    if (i < last && data.length === 0) continue // a place that was kept for nothing
    packets.push(
      new RtpPacket({
        payloadType,
        sequenceNumber: (packet.sequenceNumber - (last - i)) & 0xffff,
        timestamp: (packet.timestamp - timestampOffset) >>> 0,
        ssrc: packet.ssrc,
        marker: i === last && packet.marker,
        csrcs: packet.csrcs,
        extensions: i === last ? packet.extensions : [],
        payload: data,
      }),
    )
  }
  return packets
}

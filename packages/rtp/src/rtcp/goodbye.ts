import { readUint32 } from '../bytes.ts'
import { BYE, HEADER_SIZE, MAX_COUNT } from './packet-types.ts'
import { encodeText, readText } from './text.ts'
import type { Goodbye } from './types.ts'
import type { RtcpWriter } from './writer.ts'

/** BYE (RFC 3550 §6.6) */
export function readGoodbye(bytes: Uint8Array, offset: number, end: number, count: number): Goodbye | undefined {
  const reasonAt = offset + HEADER_SIZE + 4 * count
  if (reasonAt > end) return undefined
  const ssrcs: number[] = []
  for (let at = offset + HEADER_SIZE; at < reasonAt; at += 4) ssrcs.push(readUint32(bytes, at))
  if (reasonAt === end) return { type: 'BYE', ssrcs }
  const reasonEnd = reasonAt + 1 + bytes[reasonAt]!
  if (reasonEnd > end) return undefined
  return { type: 'BYE', ssrcs, reason: readText(bytes, reasonAt + 1, reasonEnd) }
}

/** The reason is cut to 255 bytes; sources beyond the 31 of one packet go into another, each with the reason. */
export function writeGoodbye(packet: Goodbye, out: RtcpWriter): void {
  let from = 0
  do {
    const to = Math.min(packet.ssrcs.length, from + MAX_COUNT)
    out.begin(BYE, to - from)
    for (; from < to; from++) out.uint32(packet.ssrcs[from]!)
    if (packet.reason !== undefined) {
      const encoded = encodeText(packet.reason)
      out.uint8(encoded.length)
      out.bytes(encoded)
    }
    out.end()
  } while (from < packet.ssrcs.length)
}

import { readUint32 } from '../bytes.ts'
import { HEADER_SIZE, MAX_COUNT, SDES } from './packet-types.ts'
import { encodeText, readText } from './text.ts'
import type { SourceDescription, SourceDescriptionItem } from './types.ts'
import type { RtcpWriter } from './writer.ts'

/** SDES (RFC 3550 §6.5). The null that ends the last chunk may be missing, as in what some devices send. */
export function readSourceDescription(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
): SourceDescription | undefined {
  const chunks: { ssrc: number; items: SourceDescriptionItem[] }[] = []
  let at = offset + HEADER_SIZE
  for (let i = 0; i < count; i++) {
    if (at + 4 > end) return undefined
    const ssrc = readUint32(bytes, at)
    const items: SourceDescriptionItem[] = []
    at += 4
    while (at < end && bytes[at] !== 0) {
      if (at + 2 > end) return undefined
      const next = at + 2 + bytes[at + 1]!
      if (next > end) return undefined
      items.push({ type: bytes[at]!, text: readText(bytes, at + 2, next) })
      at = next
    }
    // One null at least, up to the next 32 bits: packets begin at multiples of four, so these do too.
    at = offset + ((at - offset + 4) & ~3)
    chunks.push({ ssrc, items })
  }
  return { type: 'SDES', chunks }
}

/** Texts are cut to 255 bytes; chunks beyond the 31 of one packet go into another. */
export function writeSourceDescription(packet: SourceDescription, out: RtcpWriter): void {
  let from = 0
  do {
    const to = Math.min(packet.chunks.length, from + MAX_COUNT)
    out.begin(SDES, to - from)
    for (; from < to; from++) {
      const { ssrc, items } = packet.chunks[from]!
      out.uint32(ssrc)
      for (const { type, text } of items) {
        if (!(type >= 1 && type <= 255)) continue // 0 would end the chunk
        const encoded = encodeText(text)
        out.uint8(type)
        out.uint8(encoded.length)
        out.bytes(encoded)
      }
      out.uint8(0)
      out.align()
    }
    out.end()
  } while (from < packet.chunks.length)
}

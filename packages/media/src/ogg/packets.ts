import { concat } from '../bytes.ts'
import { CONTINUED } from './page.ts'
import type { OggPage } from './page.ts'

// Opus packets in Ogg are at most 61,440 bytes a stream of theirs (RFC 7845 §6); tags may have a picture in them.
const MAX_PACKET_SIZE = 16 * 1024 * 1024

/** Puts the packets of one logical stream together out of its pages (RFC 3533 §5). */
export class PacketAssembler {
  #pieces: Uint8Array[] = []
  #size = 0
  #sequence: number | undefined
  /** What is collected is without its beginning, or too large. */
  #broken = true

  /** The packets that end on this page. */
  push(page: OggPage): Uint8Array[] {
    const follows = this.#sequence === undefined || page.sequence === (this.#sequence + 1) >>> 0
    this.#sequence = page.sequence
    if (!follows || (page.flags & CONTINUED) === 0) this.#reset((page.flags & CONTINUED) !== 0)
    const packets: Uint8Array[] = []
    let offset = 0
    for (const value of page.lacing) {
      this.#add(page.body.subarray(offset, offset + value))
      offset += value
      if (value === 255) continue
      if (!this.#broken) packets.push(this.#pieces.length === 1 ? this.#pieces[0]! : concat(this.#pieces))
      this.#reset(false)
    }
    return packets
  }

  #add(piece: Uint8Array): void {
    this.#size += piece.length
    if (this.#size > MAX_PACKET_SIZE) this.#reset(true)
    if (!this.#broken) this.#pieces.push(piece)
  }

  #reset(broken: boolean): void {
    this.#pieces = []
    this.#size = 0
    this.#broken = broken
  }
}

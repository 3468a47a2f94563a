import { padded } from '../bytes.ts'
import { packetChecksum } from '../crc32c.ts'
import { COMMON_HEADER_SIZE, writeChecksum, writeCommonHeader } from './common-header.ts'

/** Bytes that are allocated at once. A fresh array per packet would cost thirty times a view of a slab. */
const SLAB_SIZE = 65536

/**
 * Lays packets one behind the other in slabs. A finished packet is a view that belongs to its taker; its slab is never
 * written there again, and goes when the last view of it goes. With `reuse` all packets are written to one place instead,
 * each good until the next is begun.
 */
export class PacketWriter {
  /** Where chunks are written: from `offset`, up to `limit`. */
  bytes: Uint8Array = new Uint8Array(0)
  offset = 0
  limit = 0
  private start = 0
  private slabSize = 2048
  private readonly reuse: boolean
  /** The last finished packet: with `reuse`, the next one of that length is the same view. */
  private last: Uint8Array = new Uint8Array(0)

  constructor(reuse: boolean) {
    this.reuse = reuse
  }

  /** Opens a packet of at most `size` bytes. */
  begin(size: number, source: number, destination: number, tag: number): void {
    if (this.reuse) this.rewind(size)
    else if (this.offset + size > this.bytes.length) {
      // The first slabs are small: most associations carry little, and an idle one should cost little.
      this.bytes = new Uint8Array(Math.max(this.slabSize, size))
      this.offset = 0
      if (this.slabSize < SLAB_SIZE) this.slabSize *= 2
    }
    this.start = this.offset
    this.limit = this.start + size
    writeCommonHeader(this.bytes, this.start, source, destination, tag)
    this.offset = this.start + COMMON_HEADER_SIZE
  }

  /** Bytes left in the packet. */
  get room(): number {
    return this.limit - this.offset
  }

  /** No chunk was written yet. */
  get empty(): boolean {
    return this.offset === this.start + COMMON_HEADER_SIZE
  }

  append(chunk: Uint8Array): void {
    this.bytes.set(chunk, this.offset)
    this.offset += padded(chunk.length)
  }

  /** Forgets the opened packet. */
  cancel(): void {
    this.offset = this.start
  }

  finish(zeroChecksum: boolean): Uint8Array {
    const { start, offset, last } = this
    const packet = this.reuse && last.length === offset ? last : this.bytes.subarray(start, offset)
    if (!zeroChecksum) writeChecksum(packet, packetChecksum(packet))
    // The next packet starts aligned.
    this.offset = (offset + 7) & ~7
    this.last = packet
    return packet
  }

  private rewind(size: number): void {
    if (size > this.bytes.length) {
      this.bytes = new Uint8Array(size)
      this.last = new Uint8Array(0)
    } else {
      this.bytes.fill(0) // what lies between chunks is zero (RFC 9260 §3.2)
    }
    this.offset = 0
  }
}

// ChannelData messages: four bytes of channel number and length, then the data (RFC 8656 §12.4).

export const CHANNEL_HEADER = 4

/** Whether a first byte belongs to ChannelData: RFC 8656 ends at 0x4f, RFC 5766 went on to 0x7f, and coturn's client still does. */
export function isChannelByte(firstByte: number): boolean {
  return (firstByte & 0xc0) === 0x40
}

/**
 * The length of the data in a ChannelData message, or -1 when it is none or says more than there is. Whatever follows the data is
 * padding: over TCP up to a multiple of four, over UDP some clients pad too (RFC 8656 §12.5).
 */
export function channelDataLength(bytes: Uint8Array): number {
  if (bytes.length < CHANNEL_HEADER || !isChannelByte(bytes[0]!)) return -1
  const length = (bytes[2]! << 8) | bytes[3]!
  return length + CHANNEL_HEADER > bytes.length ? -1 : length
}

/** The channel number of a ChannelData message. */
export function channelOf(bytes: Uint8Array): number {
  return (bytes[0]! << 8) | bytes[1]!
}

/** Writes ChannelData messages into slabs. One per connection or server. */
export class ChannelDataWriter {
  readonly #slabSize: number
  #slab: Uint8Array = new Uint8Array(0)
  #end = 0

  /** `slabSize`: bytes taken at a time. Default 65,536. A message keeps its slab alive. */
  constructor(options?: { slabSize?: number }) {
    this.#slabSize = options?.slabSize ?? 65_536
  }

  /** `padded`: up to a multiple of four, as streams need it (RFC 8656 §12.5). `data` has at most 65,535 bytes. */
  write(channel: number, data: Uint8Array, padded: boolean): Uint8Array {
    const { length } = data
    const size = CHANNEL_HEADER + (padded ? (length + 3) & ~3 : length)
    if (this.#end + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(this.#slabSize, size))
      this.#end = 0
    }
    const slab = this.#slab
    const start = this.#end
    slab[start] = channel >>> 8
    slab[start + 1] = channel & 0xff
    slab[start + 2] = length >>> 8
    slab[start + 3] = length & 0xff
    slab.set(data, start + CHANNEL_HEADER)
    this.#end = start + size
    return slab.subarray(start, start + size)
  }
}

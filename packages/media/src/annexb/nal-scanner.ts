import { MediaError } from '../errors.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'

/** Cuts a byte stream in Annex B form, which comes in pieces, into NAL units. What it gives out are copies. */
export class NalScanner {
  #buffer: Uint8Array = new Uint8Array(128 * 1024)
  #length = 0
  /** Of the NAL unit that is being collected; −1 before the first start code. */
  #start = -1
  #scanned = 0

  /** @throws MediaError `ERR_MEDIA_LIMIT` when no start code comes for too long */
  push(bytes: Uint8Array): Uint8Array[] {
    this.#append(bytes)
    const units: Uint8Array[] = []
    const buffer = this.#buffer
    let index = this.#scanned
    while (index + 2 < this.#length) {
      const third = buffer[index + 2]!
      if (third > 1) {
        index += 3
      } else if (third === 1 && buffer[index] === 0 && buffer[index + 1] === 0) {
        this.#cut(units, index)
        index += 3
        this.#start = index
      } else {
        index++
      }
    }
    this.#scanned = Math.min(index, this.#length)
    this.#compact()
    return units
  }

  /** The unit that the end of the stream ends. */
  end(): Uint8Array[] {
    const units: Uint8Array[] = []
    this.#cut(units, this.#length)
    this.#start = -1
    return units
  }

  #cut(units: Uint8Array[], limit: number): void {
    if (this.#start < 0) return
    let end = limit
    while (end > this.#start && this.#buffer[end - 1] === 0) end-- // trailing_zero_8bits
    if (end > this.#start) units.push(this.#buffer.slice(this.#start, end))
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#buffer.length) {
      if (length > MAX_FRAME_SIZE)
        throw new MediaError('ERR_MEDIA_LIMIT', `A NAL unit of more than ${MAX_FRAME_SIZE} bytes`)
      const larger = new Uint8Array(Math.max(length, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = larger
    }
    this.#buffer.set(bytes, this.#length)
    this.#length = length
  }

  /** Forgets what lies before the current unit; before the first start code, everything. */
  #compact(): void {
    const from = this.#start < 0 ? this.#scanned : this.#start
    if (from === 0) return
    this.#buffer.copyWithin(0, from, this.#length)
    this.#length -= from
    this.#scanned -= from
    if (this.#start >= 0) this.#start = 0
  }
}

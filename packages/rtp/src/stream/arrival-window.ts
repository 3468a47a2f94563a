import { SequenceUnwrapper } from '../packet/sequence.ts'

const FIRST_CAPACITY = 128
/** A packet this much older than what was reported is not told of any more: that would repeat all that came since. */
const MAX_LATE = 512

/** When the packets of one sequence arrived, for those not reported yet and a few that were. */
export class ArrivalWindow {
  /** The first that has not been reported. */
  begin = 0
  /** The one after the newest. */
  end = 0
  readonly #maxSize: number
  #unwrapper = new SequenceUnwrapper()
  #times: Float64Array
  /** Of which packet a slot speaks; −1 for none. */
  #owners: Float64Array

  /** `maxSize` is the most packets between the first and the last, a power of two. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize
    this.#times = new Float64Array(Math.min(FIRST_CAPACITY, maxSize))
    this.#owners = new Float64Array(this.#times.length).fill(-1)
  }

  get empty(): boolean {
    return this.begin >= this.end
  }

  /** Packets from the first unreported to the newest, received or not. */
  get size(): number {
    return Math.max(0, this.end - this.begin)
  }

  /** Notes an arrival; the first of duplicates counts. A jump beyond what the window holds forgets everything. */
  add(sequenceNumber: number, value: number): boolean {
    const first = this.#unwrapper.highest === undefined
    // Kept positive, so that masks work: one cycle is added.
    const sequence = this.#unwrapper.unwrap(sequenceNumber) + 0x1_0000
    if (!first && (sequence < this.begin - MAX_LATE || sequence < this.end - this.#maxSize)) return false
    if (first || sequence - this.begin >= this.#maxSize) {
      this.begin = sequence
      this.end = sequence
    } else if (sequence < this.begin) {
      // Out of order and already told as missing: told again, with what came since.
      if (this.at(sequence) !== undefined) return false
      this.begin = sequence
    }
    while (this.end - this.begin >= this.#times.length || sequence - this.begin >= this.#times.length) this.#grow()
    const slot = sequence & (this.#times.length - 1)
    if (this.#owners[slot] === sequence) return false
    this.#owners[slot] = sequence
    this.#times[slot] = value
    if (sequence >= this.end) this.end = sequence + 1
    return true
  }

  /** What was noted for the packet, undefined when it did not arrive. */
  at(sequence: number): number | undefined {
    const slot = sequence & (this.#times.length - 1)
    return this.#owners[slot] === sequence ? this.#times[slot] : undefined
  }

  /** Everything before `sequence` has been reported. */
  reported(sequence: number): void {
    this.begin = sequence
  }

  #grow(): void {
    const [times, owners] = [this.#times, this.#owners]
    const capacity = times.length * 2
    this.#times = new Float64Array(capacity)
    this.#owners = new Float64Array(capacity).fill(-1)
    for (let i = 0; i < times.length; i++) {
      const owner = owners[i]!
      if (owner < 0) continue
      this.#owners[owner & (capacity - 1)] = owner
      this.#times[owner & (capacity - 1)] = times[i]!
    }
  }
}

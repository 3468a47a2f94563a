import type { ChannelCore } from './core.ts'
import type { HeldMessage } from './held.ts'
import type { DtlsRole } from './options.ts'
import type { PartialMessage } from './partial.ts'

const MAX_ANSWERS = 8

/** A pair of streams that is in use, or was and is not free yet. */
export interface StreamEntry {
  readonly id: number
  /** Undefined when a refused channel waits for its reset, or when messages wait for a channel. */
  core: ChannelCore | undefined
  /** Our outgoing stream: in use, asked to be reset, reset, or never to be reset (the peer cannot or will not). */
  outgoing: 'open' | 'resetting' | 'reset' | 'retired'
  /** The peer has reset its outgoing stream. */
  incomingReset: boolean
  held: HeldMessage[] | undefined
  /** The peer uses the id anew already (see `held`), and has closed that channel too. */
  resetAgain: boolean
  /** What the peer sent on the id since then had no room. */
  lost: boolean
  partial: PartialMessage | undefined
}

/** Which stream ids are in use, and which is next (RFC 8832 §6). */
export class StreamTable {
  readonly entries: Map<number, StreamEntry> = new Map()
  /** How often a reset was answered on a stream that carried nothing since. */
  readonly #answers = new Map<number, number>()
  /** Ids of our parity below `#next` that are free again, longest free first. */
  readonly #freed = new Set<number>()
  #next = 0

  /** The DTLS client has the even ids, the server the odd ones. */
  setRole(role: DtlsRole): void {
    this.#next = role === 'client' ? 0 : 1
  }

  get(id: number): StreamEntry | undefined {
    return this.entries.get(id)
  }

  add(id: number, core: ChannelCore | undefined): StreamEntry {
    const entry: StreamEntry = {
      id,
      core,
      outgoing: 'open',
      incomingReset: false,
      held: undefined,
      resetAgain: false,
      lost: false,
      partial: undefined,
    }
    this.entries.set(id, entry)
    this.#answers.delete(id)
    return entry
  }

  /**
   * An entry for a stream that the peer resets and that has no channel here. Undefined when that was done often enough:
   * two stacks that answer such resets could do so for ever.
   */
  answer(id: number): StreamEntry | undefined {
    const answers = this.#answers.get(id) ?? 0
    if (answers === MAX_ANSWERS) return undefined
    const entry = this.add(id, undefined)
    this.#answers.set(id, answers + 1)
    return entry
  }

  /** The id is free: both directions were reset, or it was never used on the wire. */
  release(entry: StreamEntry): void {
    this.entries.delete(entry.id)
    if (entry.id < this.#next && (entry.id & 1) === (this.#next & 1)) this.#freed.add(entry.id)
  }

  /** All streams are as new: the association was restarted. */
  clear(): void {
    for (const entry of Array.from(this.entries.values())) this.release(entry)
    this.#answers.clear()
  }

  /** A free id of our parity below `limit`, or undefined. */
  take(limit: number): number | undefined {
    for (const id of this.#freed) {
      if (id >= limit) continue
      this.#freed.delete(id)
      if (!this.entries.has(id)) return id
    }
    while (this.#next < limit) {
      const id = this.#next
      this.#next += 2
      if (!this.entries.has(id)) return id
    }
    return undefined
  }
}

import type { StreamEntry } from './streams.ts'

/** A message for a stream that cannot take it yet. */
export interface HeldMessage {
  readonly ppid: number
  readonly data: Uint8Array
}

/** What the array and the object of a message cost beside its bytes, roughly. */
const OVERHEAD = 64

/**
 * Messages that came before their channel. That happens to a negotiated channel which the peer made first, and to an id
 * which the peer uses anew as soon as it has seen both resets, while we still wait for the answer to ours. All streams
 * share one limit.
 */
export class HeldMessages {
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when there is no room. */
  add(entry: StreamEntry, ppid: number, data: Uint8Array): boolean {
    const cost = data.length + OVERHEAD
    if (this.#bytes + cost > this.#limit) return false
    this.#bytes += cost
    entry.held ??= []
    entry.held.push({ ppid, data })
    return true
  }

  /** Takes all messages of a stream. */
  take(entry: StreamEntry): readonly HeldMessage[] {
    const held = entry.held
    if (held === undefined) return []
    for (const { data } of held) this.#bytes -= data.length + OVERHEAD
    entry.held = undefined
    return held
  }
}

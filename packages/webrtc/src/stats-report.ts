import type { RTCStats } from './types.ts'
import { defineInterface } from './interface.ts'
import { assertInternal } from './webidl.ts'

type Entry = RTCStats & Record<string, unknown>

/** W3C WebRTC 1.0 §8.2: a read-only map from `id` to a dictionary of statistics. */
export class RTCStatsReport implements ReadonlyMap<string, Entry> {
  readonly #entries: Map<string, Entry>

  /** Not for scripts. */
  constructor(token: symbol, entries: Map<string, Entry>) {
    assertInternal(token)
    this.#entries = entries
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  keys(): MapIterator<string> {
    return this.#entries.keys()
  }

  values(): MapIterator<Entry> {
    return this.#entries.values()
  }

  entries(): MapIterator<[string, Entry]> {
    return this.#entries.entries()
  }

  forEach(callback: (value: Entry, key: string, report: this) => void, thisArgument?: unknown): void {
    for (const [id, entry] of this.#entries) callback.call(thisArgument, entry, id, this)
  }

  declare [Symbol.iterator]: () => MapIterator<[string, Entry]>
  declare readonly [Symbol.toStringTag]: string
}

// Web IDL: one function under both names.
Object.defineProperty(RTCStatsReport.prototype, Symbol.iterator, {
  configurable: true,
  writable: true,
  value: Object.getOwnPropertyDescriptor(RTCStatsReport.prototype, 'entries')!.value as unknown,
})
defineInterface(RTCStatsReport, 'RTCStatsReport', { isInternal: true })

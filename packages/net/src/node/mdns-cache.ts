// What was heard of names, asked for or not: browsers announce theirs before they tell the peer.

import { RECORD_TTL } from './mdns-records.ts'

export const MAX_CACHED = 256

interface Entry {
  readonly address: string
  /** ms */
  readonly expires: number
}

/** Names and addresses for as long as they are valid, the latest 256. Anyone on the link can fill it: it only saves a question. */
export class MdnsCache {
  readonly #entries: Map<string, Entry> = new Map()

  get size(): number {
    return this.#entries.size
  }

  /** @param ttl in s; 0 forgets the name. No longer than a host's record should live. */
  set(key: string, address: string, ttl: number, now: number): void {
    this.#entries.delete(key) // and back as the latest
    if (ttl <= 0) return
    if (this.#entries.size >= MAX_CACHED) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(key, { address, expires: now + Math.min(ttl, RECORD_TTL) * 1000 })
  }

  get(key: string, now: number): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || now < entry.expires) return entry?.address
    this.#entries.delete(key)
    return undefined
  }
}

import { parseAddress } from './address.ts'

/** Sources that are counted at a time; the one that came first makes room. */
const MAX_SOURCES = 20_000
const WINDOW = 1000

/**
 * How often one source is answered. Over UDP the source may be forged, and its owner be drowned in answers that he never asked for; RFC 8489 has
 * nothing against it but short answers. An IPv6 source is its /64, since a single customer has that many addresses.
 */
export class RateLimit {
  readonly #perSecond: number
  readonly #counts = new Map<string, number>()
  #windowStart = -Infinity

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Counts a request; false when it is one too many. */
  admits(address: string, now: number): boolean {
    if (this.#perSecond === Infinity) return true
    if (now - this.#windowStart >= WINDOW) {
      this.#windowStart = now
      this.#counts.clear()
    }
    const source = sourceOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.#perSecond) return false
    if (count === 0 && this.#counts.size >= MAX_SOURCES) this.#counts.delete(this.#counts.keys().next().value!)
    this.#counts.set(source, count + 1)
    return true
  }
}

function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const bytes = parseAddress(address)
  // IPv4 on an IPv6 socket shares its first 64 bits with all of IPv4.
  if (bytes === undefined || bytes.subarray(0, 8).every((byte) => byte === 0)) return address
  return String.fromCharCode(...bytes.subarray(0, 8))
}

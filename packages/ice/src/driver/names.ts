// Remote candidates behind mDNS names (draft-ietf-mmusic-mdns-ice-candidates §3.2).
import type { Mdns } from '@kaon/net'
import { Stops } from './stop.ts'

/** One label and `.local`: a longer name is not an mDNS candidate (§3.2.1). */
const MDNS_NAME = /^[A-Za-z0-9_-]{1,63}\.local\.?$/i
/** Names under way at once; a peer could otherwise make this host ask for any number of them. */
const MAX_PENDING = 32

export function isMdnsName(address: string): boolean {
  return MDNS_NAME.test(address)
}

/** Looks names up, each once while it is under way. */
export class NameResolver {
  readonly #mdns: Mdns
  readonly #stops = new Stops()
  readonly #pending = new Map<string, Promise<string | undefined>>()

  constructor(mdns: Mdns) {
    this.#mdns = mdns
  }

  /** Undefined: nobody answers, or too many are under way. Never rejects. */
  resolve(name: string): Promise<string | undefined> {
    const key = name.toLowerCase()
    const known = this.#pending.get(key)
    if (known !== undefined) return known
    if (this.#pending.size >= MAX_PENDING) return Promise.resolve(undefined)
    const stop = this.#stops.begin()
    const lookup = this.#mdns.resolve(key, { signal: stop.signal }).then(
      (address) => address,
      () => undefined,
    )
    this.#pending.set(key, lookup)
    void lookup.then(() => {
      this.#pending.delete(key)
      this.#stops.end(stop)
    })
    return lookup
  }

  /** Gives up what is under way: its timers and sockets would keep a process alive. */
  close(): void {
    this.#stops.abortAll()
  }
}

/** A fresh name to hide an address behind: a random UUID (RFC 9562 §5.4) under `.local`. */
export function makeMdnsName(random: (length: number) => Uint8Array): string {
  const bytes = random(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}.local`
}

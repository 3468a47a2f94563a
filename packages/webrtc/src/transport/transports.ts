/** The transports of a connection, and which section has which (RFC 9429 §4.1.1, RFC 9143). */
import type { Configuration } from '../configuration.ts'
import type { Connection } from '../connection.ts'
import { TransportEvents } from '../transport-events.ts'
import type { IceCredentials } from '../jsep/sections.ts'
import type { Transport } from './transport.ts'

/** Sections by mid; peers without mids are named by the index that stands for one. */
export type Associations = ReadonlyMap<string, Transport>

/**
 * All transports of a connection have the same ICE credentials, as in Chromium: a restart is one of all, and a section that is
 * bundled keeps what it announced.
 */
export class Transports {
  readonly #connection: Connection
  readonly #events = new Map<Transport, TransportEvents>()
  #byMid = new Map<string, Transport>()
  /** Made before any section was there to have it: for a candidate pool, or for the credentials of an offer. */
  #spare: Transport | undefined
  /** The associations of the last stable state. */
  #stable: Associations = new Map()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Those that sections have, in the order in which they were taken into use. */
  get all(): Transport[] {
    return [...new Set(this.#byMid.values())]
  }

  /** Also those that wait for a section, and those that a rollback may bring back. */
  setServers(now: Configuration, before: Configuration): void {
    for (const transport of this.#events.keys()) transport.setServers(now, before)
  }

  /** What is told of this transport still counts. */
  has(transport: Transport): boolean {
    return this.#events.has(transport)
  }

  of(mid: string): Transport | undefined {
    return this.#byMid.get(mid)
  }

  /** The first one, which speaks for all where they are alike. */
  get primary(): Transport | undefined {
    return this.#byMid.values().next().value ?? this.#spare
  }

  ensurePrimary(): Transport {
    return this.primary ?? (this.#spare = this.#make(undefined))
  }

  /** For a section that has none yet. */
  take(): Transport {
    const spare = this.#spare
    this.#spare = undefined
    return spare ?? this.#make(this.primary?.credentials)
  }

  #make(credentials: IceCredentials | undefined): Transport {
    const events = new TransportEvents(this.#connection, credentials)
    this.#events.set(events.transport, events)
    return events.transport
  }

  associate(mid: string, transport: Transport): void {
    this.#byMid.set(mid, transport)
  }

  dissociate(mid: string): void {
    this.#byMid.delete(mid)
  }

  midsOf(transport: Transport): string[] {
    return [...this.#byMid].filter(([, other]) => other === transport).map(([mid]) => mid)
  }

  /** Closes what no section has any more, unless a rollback may bring it back. */
  prune(): void {
    const used = new Set<Transport>([...this.#byMid.values(), ...this.#stable.values()])
    if (this.#spare !== undefined) used.add(this.#spare)
    for (const transport of this.#events.keys()) {
      if (used.has(transport)) continue
      this.#events.delete(transport)
      transport.close()
    }
  }

  /** A stable state is left or reached: rollback comes back to this. */
  remember(): void {
    this.#stable = new Map(this.#byMid)
  }

  rollback(): void {
    this.#byMid = new Map(this.#stable)
    this.prune()
  }

  releaseEarlyCandidates(): void {
    for (const events of this.#events.values()) events.releaseEarly()
  }

  close(): void {
    for (const transport of this.#events.keys()) transport.close()
  }

  closeSlots(): void {
    for (const transport of this.#events.keys()) transport.closeSlots()
  }
}

// Relayed candidates of a connection (RFC 8445 §5.1.1.2): allocations used again, made, and made anew when they are lost.
import type { Timer } from '@kaon/net'
import type { RelaySocket } from '@kaon/turn/driver'
import type { LocalAddress } from './addresses.ts'
import type { GatheringParts } from './gathering-parts.ts'
import { allocateRelay, explain } from './relayed.ts'
import type { ParsedServer } from './servers.ts'

/** Allocations held at a time: each costs the server a port, and both sides refreshes. */
const MAX_ALLOCATIONS = 16
/** ms of a server's silence after which it is asked about the allocation, where a lost one is made anew. */
const IMPATIENCE = 5000
/** ms between attempts to have a relay again that was lost: the least, and where doubling ends. */
const [MIN_PAUSE, MAX_PAUSE] = [1000, 30_000] as const

/** A server, its place in the list, and the local address that it is asked from. */
export interface RelayWanted {
  readonly server: ParsedServer
  readonly index: number
  readonly from: LocalAddress
}

export class RelayGatherer {
  readonly #parts: GatheringParts
  readonly #renewals = new Set<Timer>()
  /** Under way. */
  #allocations = 0

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** `pause`: of a renewal, the time before it in ms. */
  async add(wanted: RelayWanted, run: number, pause?: number): Promise<void> {
    const { runs, ports, candidates } = this.#parts
    const { server, index, from } = wanted
    const key = `relay ${server.url} ${from.address} ${server.username} ${server.credential}`
    const known = ports.find(key)
    if (known !== undefined && known.gathering !== run && !runs.purpose.isSound) ports.lose(known)
    else if (known !== undefined) {
      ports.reuse(known, from, run, runs.purpose.usernameFragment)
      candidates.addRelayed(known, known.socket as RelaySocket, server.url, index)
      return
    }
    if (this.#allocations + ports.count('relay ') >= MAX_ALLOCATIONS) return
    this.#allocations++
    const result = await this.#allocate(server, from)
    this.#allocations--
    if ('code' in result) {
      if (!runs.isCurrent(run)) return
      this.#failed(wanted, result)
      if (pause !== undefined && this.#isContinual) {
        this.#renew(wanted, Math.min(Math.max(2 * pause, MIN_PAUSE), MAX_PAUSE))
      }
    } else if (runs.isCurrent(run)) this.#hold(wanted, key, result, run)
    else result.close()
  }

  /** Lost allocations are not made anew any more. */
  cancel(): void {
    for (const timer of this.#renewals) timer.cancel()
    this.#renewals.clear()
  }

  get #isContinual(): boolean {
    return this.#parts.options.continualGathering === true
  }

  async #allocate(server: ParsedServer, from: LocalAddress): ReturnType<typeof allocateRelay> {
    const { random, runs } = this.#parts
    const { network, tls, gatherTimeoutMs: timeout = 9500, trace } = this.#parts.options
    const keepaliveInterval = this.#isContinual ? IMPATIENCE : undefined
    const stop = runs.stops.begin()
    const options = { network, tls, timeout, keepaliveInterval, random, trace }
    const result = await allocateRelay(server, from, options, stop.signal)
    runs.stops.end(stop)
    return result
  }

  #hold(wanted: RelayWanted, key: string, relay: RelaySocket, run: number): void {
    const { options, runs, ports, candidates } = this.#parts
    const { network } = options
    const port = ports.add(key, relay, wanted.from, run)
    const since = network.now()
    relay.onclose = (error) => {
      ports.lose(port)
      this.#failed(wanted, explain(error))
      if (port.gathering === runs.current) {
        // A restart took it over without asking the server, which had forgotten it: this generation is owed another.
        const isTakenOver = port.gathering !== run
        const isShort = network.now() - since < MAX_PAUSE
        if (isTakenOver || this.#isContinual) {
          this.#renew({ ...wanted, from: port.address }, isShort && !isTakenOver ? MIN_PAUSE : 0)
        }
      }
      this.#parts.wake()
    }
    candidates.addRelayed(port, relay, wanted.server.url, wanted.index)
    this.#parts.wake()
  }

  #failed({ server, from }: RelayWanted, { code, reason }: { readonly code: number; readonly reason: string }): void {
    this.#parts.errors.serverFailed(server.url, { address: from.address, port: null }, code, reason)
  }

  #renew(wanted: RelayWanted, pause: number): void {
    const { runs, options } = this.#parts
    const begin = (): void => {
      runs.resume()
      runs.begin((run) => this.add(wanted, run, pause))
    }
    if (pause === 0) {
      begin() // before anybody concludes that there is nothing left
      return
    }
    const { network } = options
    const timer = network.setTimer(network.now() + pause, () => {
      this.#renewals.delete(timer)
      begin()
    })
    this.#renewals.add(timer)
  }
}

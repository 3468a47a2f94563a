import { Flight } from './flight.ts'
import type { DtlsStats, ResolvedOptions } from './options.ts'
import { VERSION_1_0, VERSION_1_2 } from './record/header.ts'
import type { RecordLayer } from './record/layer.ts'
import type { Ring } from './ring.ts'
import type { Slab } from './slab.ts'

/** A peer that repeats itself is answered at most this often, in ms. */
const MIN_REPEAT_INTERVAL = 20
/** After this many timeouts in a row a smaller datagram is tried: the smallest that every IPv4 host takes (RFC 6347 §4.1.1.1). */
const TIMEOUTS_BEFORE_SMALL = 3
const SMALL_MTU = 548

/**
 * Sends our flights, and sends them again (RFC 6347 §4.2.4): when no answer comes in time, and when the peer repeats the flight that ours
 * answers. The latter causes no echo without end, since only the repetition of the answered flight counts, not that of a later one.
 */
export class Retransmission {
  readonly #flight: Flight = new Flight()
  readonly #options: ResolvedOptions
  readonly #stats: DtlsStats
  readonly #layer: RecordLayer
  readonly #slab: Slab
  readonly #out: Ring<Uint8Array>
  /** Whether a flight may be sent again without being asked for: not to a client that may not be where it says. */
  readonly #mayInsist: boolean
  #isLast = false
  #sentAt = -Infinity
  #initialTimeout: number
  #timeout: number
  #timeouts = 0
  #answeredSeq = -1
  /** `stats.bytesReceived` when a flight was last begun or repeated, and how many bytes the present one had cost the peer. */
  #receivedBefore = 0
  #price = 0

  /** The flight waits to be written. */
  due: boolean = false
  /** When the flight is repeated, in ms; Infinity when it waits for nothing. */
  at: number = Infinity
  /** Record version: until the server has chosen, one that old servers accept too (RFC 5246 appendix E.1). */
  version: number

  constructor(options: ResolvedOptions, stats: DtlsStats, layer: RecordLayer, slab: Slab, out: Ring<Uint8Array>) {
    this.#options = options
    this.#stats = stats
    this.#layer = layer
    this.#slab = slab
    this.#out = out
    this.#mayInsist = options.role === 'client' || options.pathValidated || options.cookie !== false
    this.#initialTimeout = options.retransmissionTimeout
    this.#timeout = this.#initialTimeout
    this.version = options.role === 'client' ? VERSION_1_0 : VERSION_1_2
  }

  /** From the next flight on. */
  setInitialTimeout(timeout: number): void {
    this.#initialTimeout = timeout
    if (this.#timeouts === 0) this.#timeout = timeout
  }

  /** Starts a flight that answers the one whose last message had the number `answeredSeq` (-1: none). */
  begin(answeredSeq: number): void {
    this.clear()
    this.#timeouts = 0
    this.#timeout = this.#initialTimeout
    this.#answeredSeq = answeredSeq
    this.#price = this.#stats.bytesReceived - this.#receivedBefore
    this.#receivedBefore = this.#stats.bytesReceived
  }

  addHandshake(raw: Uint8Array): void {
    this.#flight.addHandshake(this.#layer.writeEpoch, raw)
  }

  addChangeCipherSpec(): void {
    this.#flight.addChangeCipherSpec(this.#layer.writeEpoch)
  }

  /** The last flight of a handshake is only repeated for a peer that repeats its own. */
  end(isLast: boolean): void {
    this.#isLast = isLast
    this.due = true
  }

  /** The handshake is over: what the peer has surely got is forgotten. */
  complete(): void {
    this.at = Infinity
    if (!this.#isLast) this.clear()
  }

  clear(): void {
    this.#flight.clear()
    this.due = false
    this.at = Infinity
  }

  /** No answer in time. Repeats the flight, and waits twice as long for the next answer (RFC 6347 §4.2.4.1). */
  timedOut(now: number): void {
    this.#timeouts++
    this.#timeout = Math.min(this.#timeout * 2, this.#options.maxRetransmissionTimeout)
    if (this.#mayInsist) this.#repeat()
    else this.at = now + this.#timeout
  }

  /** The end of the message `messageSeq` came again. */
  peerRepeated(messageSeq: number, now: number): void {
    if (messageSeq !== this.#answeredSeq || this.#flight.isEmpty || this.due) return
    if (now - this.#sentAt < MIN_REPEAT_INTERVAL) return
    // Whoever forges repetitions in a victim's name shall pay for each copy of the flight what the first one cost.
    if (!this.#mayInsist && this.#stats.bytesReceived - this.#receivedBefore < this.#price) return
    this.#receivedBefore = this.#stats.bytesReceived
    this.#repeat()
  }

  /** Writes the flight's datagrams. */
  write(now: number): void {
    const { mtu } = this.#options
    const size = this.#timeouts < TIMEOUTS_BEFORE_SMALL ? mtu : Math.min(mtu, SMALL_MTU)
    this.#flight.write(this.#layer, this.version, size, this.#slab, this.#out)
    this.due = false
    this.#sentAt = now
    this.at = this.#isLast ? Infinity : now + this.#timeout
  }

  #repeat(): void {
    this.#stats.flightsRetransmitted++
    this.due = true
    this.at = Infinity
  }
}

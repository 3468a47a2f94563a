// Data over pairs that checks have validated (RFC 8445 §12): where it goes out, over which one it has come in, and how much.
import type { Endpoint, Network } from '@kaon/net'
import type { IceAgent } from '../agent.ts'
import type { CandidatePair } from '../pair.ts'
import { isTurnChannel, type Port, type PortSocket } from './port.ts'
import type { DataTotals } from './stats.ts'

export class DataPath {
  readonly totals: DataTotals = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    selectedPairChanges: 0,
  }
  readonly #network: Network
  readonly #agent: IceAgent
  // Of outgoing data: resolved once per change, not per datagram.
  #pair: CandidatePair | undefined
  #socket: PortSocket | undefined
  /** Those that data has come in on since the agent was told. */
  readonly #heard: Port[] = []

  constructor(network: Network, agent: IceAgent) {
    this.#network = network
    this.#agent = agent
  }

  /** The one that data goes out over. */
  get pair(): CandidatePair | undefined {
    return this.#pair
  }

  /** Another pair was selected, or there is none any more. */
  select(pair: CandidatePair | undefined, socket: PortSocket | undefined): void {
    this.totals.selectedPairChanges++
    this.#pair = pair
    this.#socket = socket
  }

  /** False when there is no pair to send on. */
  send(datagram: Uint8Array, now: number): boolean {
    const socket = this.#socket
    if (socket === undefined) return false
    const pair = this.#pair!
    const { stats } = pair
    stats.packetsSent++
    stats.bytesSent += datagram.length
    stats.lastPacketSentAt = now
    this.totals.packetsSent++
    this.totals.bytesSent += datagram.length
    socket.send(datagram, pair.to)
    return true
  }

  /** False when no check has vouched for where it comes from. */
  receive(port: Port, datagram: Uint8Array, from: Endpoint): boolean {
    if (from !== port.lastFrom || this.#agent.version !== port.lastVersion) {
      // Before another pair takes its place.
      if (port.hasHeard) this.#tell(port, this.#network.now())
      port.lastFrom = from
      port.lastVersion = this.#agent.version
      port.lastPair = this.#agent.lookup(port.id, from)
    }
    const pair = port.lastPair
    // RFC 8445 §12.2 asks to be ready for data on all pairs; what no check has vouched for is somebody else's.
    if (pair === undefined || isTurnChannel(datagram[0]!)) return false
    pair.stats.packetsReceived++
    pair.stats.bytesReceived += datagram.length
    this.totals.packetsReceived++
    this.totals.bytesReceived += datagram.length
    if (!port.hasHeard) {
      port.hasHeard = true
      this.#heard.push(port)
    }
    return true
  }

  /** Tells the agent which pairs data has come in over. */
  report(now: number): void {
    for (const port of this.#heard) if (port.hasHeard) this.#tell(port, now)
    this.#heard.length = 0
  }

  /** Nothing goes out any more. */
  close(): void {
    this.#pair = undefined
    this.#socket = undefined
  }

  #tell(port: Port, now: number): void {
    port.hasHeard = false
    if (port.lastPair !== undefined) this.#agent.dataReceived(port.lastPair, now)
  }
}

/** W3C WebRTC Statistics (webrtc-stats §6), as far as there is something to tell. Times are ms since the Unix epoch. */
import { fingerprint } from '@kaon/crypto'
import type { CandidatePairStats, CandidateStats } from '@kaon/ice/driver'
import { RTCCertificate } from './certificate.ts'
import type { Connection } from './connection.ts'
import type { DataChannelCore } from './data-channel-core.ts'
import { RTCStatsReport } from './stats-report.ts'
import type { ReceiverCore } from './rtp/receiver.ts'
import type { SenderCore } from './rtp/sender.ts'
import { addMediaStats } from './rtp/stats.ts'
import type { Transport } from './transport/transport.ts'
import type { RTCStats } from './types.ts'
import { INTERNAL } from './webidl.ts'

type Entry = RTCStats & Record<string, unknown>

/** Puts an entry into a report and returns its id. */
export type AddStats = (type: string, id: string, members: Record<string, unknown>) => string

/** Takes one snapshot. The ids are stable for the connection and, being salted, cannot be guessed. */
export class StatsCollector {
  readonly #connection: Connection
  readonly #salt: string
  readonly #numbers = new WeakMap<object, number>()
  readonly #counts = new Map<string, number>()

  constructor(connection: Connection) {
    this.#connection = connection
    this.#salt = Array.from(connection.crypto.random(4), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  /** Of all, or of a sender or receiver and what its entries refer to (W3C WebRTC 1.0 §8.5). */
  collect(selector: SenderCore | ReceiverCore | undefined): RTCStatsReport {
    const connection = this.#connection
    const timestamp = connection.network.wallClock()
    const now = connection.network.now()
    const report = new Map<string, Entry>()
    const add: AddStats = (type, id, members) => {
      // A dictionary's absent members are absent, not undefined.
      const present = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
      report.set(id, { id, type, timestamp, ...present })
      return id
    }
    const { channels, transports, transceivers } = connection
    add('peer-connection', this.#id('P', 0), {
      dataChannelsOpened: channels.opened,
      dataChannelsClosed: channels.closed,
    })
    for (const core of channels.cores) this.#addChannel(core, add)
    const transportIds = new Map(transports.all.map((transport) => [transport, this.#addTransport(transport, add)]))
    const roots = addMediaStats({
      transceivers: transceivers.all,
      transportIds,
      selector,
      epoch: timestamp - now,
      now,
      id: (kind, name) => this.#id(kind, name),
      add,
    })
    return new RTCStatsReport(INTERNAL, selector === undefined ? report : referredTo(report, roots))
  }

  #id(kind: string, name: string | number): string {
    return `${kind}${this.#salt}_${name}`
  }

  /** Counted by kind from 0 on, in the order in which they were first seen. */
  #number(kind: string, object: object): number {
    let number = this.#numbers.get(object)
    if (number === undefined) {
      number = this.#counts.get(kind) ?? 0
      this.#numbers.set(object, number)
      this.#counts.set(kind, number + 1)
    }
    return number
  }

  #addChannel(core: DataChannelCore, add: AddStats): void {
    const number = this.#number('D', core) + 1
    const stats = core.channel?.stats
    add('data-channel', this.#id('D', number), {
      label: core.label,
      protocol: core.protocol,
      dataChannelIdentifier: core.id ?? undefined,
      state: core.readyState,
      messagesSent: stats?.messagesSent ?? 0,
      bytesSent: stats?.bytesSent ?? 0,
      messagesReceived: stats?.messagesReceived ?? 0,
      bytesReceived: stats?.bytesReceived ?? 0,
    })
  }

  #addTransport(transport: Transport, add: AddStats): string {
    const { ice, iceSlots, dtlsSlots, peer } = transport
    const stats = ice.stats()
    const number = this.#number('T', transport)
    // Ids within an ICE transport say nothing of the transport.
    const scope = number === 0 ? '' : `${number}_`
    const transportId = this.#id('T', number)
    const local = RTCCertificate.credentials(this.#connection.certificate).chain
    const localCertificateId = this.#addChain('CL', '', local, add)
    const remoteCertificateId = this.#addChain('CR', scope, dtlsSlots.remoteCertificates, add)
    const selected = peer.dtls?.selected
    const pairId = stats.selectedPairId
    add('transport', transportId, {
      packetsSent: stats.packetsSent,
      packetsReceived: stats.packetsReceived,
      bytesSent: stats.bytesSent,
      bytesReceived: stats.bytesReceived,
      iceRole: iceSlots.role,
      iceLocalUsernameFragment: stats.localUsernameFragment,
      dtlsState: dtlsSlots.state,
      iceState: iceSlots.state,
      selectedCandidatePairId: pairId === undefined ? undefined : this.#id('CP', scope + pairId),
      localCertificateId,
      remoteCertificateId,
      tlsVersion: selected?.version.toString(16).padStart(4, '0').toUpperCase(),
      dtlsCipher: selected?.cipherSuite,
      dtlsRole: peer.dtlsRole ?? 'unknown',
      srtpCipher: peer.hasMedia ? selected?.srtpProfile : undefined,
      selectedCandidatePairChanges: stats.selectedPairChanges,
    })
    const where = { transportId, scope }
    for (const entry of stats.localCandidates) {
      this.#addCandidate('local-candidate', entry, where, stats.localUsernameFragment, add)
    }
    for (const entry of stats.remoteCandidates) {
      this.#addCandidate('remote-candidate', entry, where, transport.remoteUsernameFragment, add)
    }
    for (const pair of stats.pairs) this.#addPair(pair, where, add)
    return transportId
  }

  #addCandidate(
    type: 'local-candidate' | 'remote-candidate',
    { id, candidate }: CandidateStats,
    { transportId, scope }: Scope,
    usernameFragment: string | undefined,
    add: AddStats,
  ): void {
    add(type, this.#id('I', scope + id), {
      transportId,
      address: candidate.address,
      port: candidate.port,
      protocol: candidate.protocol,
      candidateType: candidate.type,
      priority: candidate.priority,
      url: candidate.url,
      relayProtocol: candidate.relayProtocol,
      foundation: candidate.foundation,
      relatedAddress: candidate.relatedAddress,
      relatedPort: candidate.relatedPort,
      usernameFragment: candidate.usernameFragment ?? usernameFragment,
      tcpType: candidate.tcpType,
    })
  }

  #addPair(pair: CandidatePairStats, { transportId, scope }: Scope, add: AddStats): void {
    const { network } = this.#connection
    const epoch = network.wallClock() - network.now()
    const at = (time: number | undefined): number | undefined => (time === undefined ? undefined : epoch + time)
    add('candidate-pair', this.#id('CP', scope + pair.id), {
      transportId,
      localCandidateId: this.#id('I', scope + pair.localCandidateId),
      remoteCandidateId: this.#id('I', scope + pair.remoteCandidateId),
      state: pair.state,
      nominated: pair.nominated,
      packetsSent: pair.packetsSent,
      packetsReceived: pair.packetsReceived,
      bytesSent: pair.bytesSent,
      bytesReceived: pair.bytesReceived,
      lastPacketSentTimestamp: at(pair.lastPacketSentAt),
      lastPacketReceivedTimestamp: at(pair.lastPacketReceivedAt),
      totalRoundTripTime: pair.totalRoundTripTime,
      currentRoundTripTime: pair.currentRoundTripTime,
      requestsReceived: pair.requestsReceived,
      requestsSent: pair.requestsSent,
      responsesReceived: pair.responsesReceived,
      responsesSent: pair.responsesSent,
      consentRequestsSent: pair.consentRequestsSent,
    })
  }

  /** Every certificate of a chain, each naming its issuer; returns the id of the first. */
  #addChain(kind: string, scope: string, chain: readonly Uint8Array[], add: AddStats): string | undefined {
    const id = (i: number): string => this.#id(kind, `${scope}${i}`)
    for (const [i, der] of chain.entries()) {
      add('certificate', id(i), {
        fingerprint: fingerprint(der, 'sha-256'),
        fingerprintAlgorithm: 'sha-256',
        base64Certificate: btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join('')),
        issuerCertificateId: i + 1 < chain.length ? id(i + 1) : undefined,
      })
    }
    return chain.length === 0 ? undefined : id(0)
  }
}

/** A transport's entries: what they name it, and what tells its ids from those of others. */
interface Scope {
  readonly transportId: string
  readonly scope: string
}

/** The roots, and every entry that is named by an id in one that is there. */
function referredTo(report: ReadonlyMap<string, Entry>, roots: readonly string[]): Map<string, Entry> {
  const found = new Map<string, Entry>()
  const waiting = [...roots]
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const entry = report.get(id)
    if (entry === undefined || found.has(id)) continue
    found.set(id, entry)
    for (const value of Object.values(entry)) if (typeof value === 'string' && report.has(value)) waiting.push(value)
  }
  return found
}

/** W3C WebRTC Statistics (webrtc-stats §6), as far as there is something to tell. Times are ms since the Unix epoch. */
import { fingerprint } from '@kaon/crypto'
import type { CandidatePairStats, CandidateStats, IceConnectionStats } from '@kaon/ice/driver'
import { RTCCertificate } from './certificate.ts'
import type { Connection } from './connection.ts'
import type { DataChannelCore } from './data-channel-core.ts'
import { RTCStatsReport } from './stats-report.ts'
import type { DataTransport } from './transport/data-transport.ts'
import type { RTCStats } from './types.ts'
import { INTERNAL } from './webidl.ts'

type Entry = RTCStats & Record<string, unknown>

/** Takes one snapshot. The ids are stable for the connection and, being salted, cannot be guessed. */
export class StatsCollector {
  readonly #connection: Connection
  readonly #salt: string
  readonly #ids = new WeakMap<DataChannelCore, number>()
  #channels = 0

  constructor(connection: Connection) {
    this.#connection = connection
    this.#salt = Array.from(connection.crypto.random(4), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  collect(): RTCStatsReport {
    const connection = this.#connection
    const timestamp = connection.network.wallClock()
    const report = new Map<string, Entry>()
    const add = (type: string, id: string, members: Record<string, unknown>): string => {
      // A dictionary's absent members are absent, not undefined.
      const present = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
      report.set(id, { id, type, timestamp, ...present })
      return id
    }
    const { channels, transport } = connection
    add('peer-connection', this.#id('P', 0), {
      dataChannelsOpened: channels.opened,
      dataChannelsClosed: channels.closed,
    })
    for (const core of channels.cores) this.#addChannel(core, add)
    if (transport !== null && connection.sctpActive) this.#addTransport(transport, add)
    return new RTCStatsReport(INTERNAL, report)
  }

  #id(kind: string, name: string | number): string {
    return `${kind}${this.#salt}_${name}`
  }

  #addChannel(core: DataChannelCore, add: Add): void {
    let number = this.#ids.get(core)
    if (number === undefined) this.#ids.set(core, (number = ++this.#channels))
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

  #addTransport(transport: DataTransport, add: Add): void {
    const { ice, iceSlots, dtlsSlots, peer } = transport
    const stats = ice.stats()
    const transportId = this.#id('T', 0)
    const local = RTCCertificate.credentials(this.#connection.certificate).chain
    const localCertificateId = this.#addChain('CL', local, add)
    const remoteCertificateId = this.#addChain('CR', dtlsSlots.remoteCertificates, add)
    const selected = peer.dtls?.selected
    add('transport', transportId, {
      packetsSent: stats.packetsSent,
      packetsReceived: stats.packetsReceived,
      bytesSent: stats.bytesSent,
      bytesReceived: stats.bytesReceived,
      iceRole: iceSlots.role,
      iceLocalUsernameFragment: stats.localUsernameFragment,
      dtlsState: dtlsSlots.state,
      iceState: iceSlots.state,
      selectedCandidatePairId: stats.selectedPairId === undefined ? undefined : this.#id('CP', stats.selectedPairId),
      localCertificateId,
      remoteCertificateId,
      tlsVersion: selected?.version.toString(16).padStart(4, '0').toUpperCase(),
      dtlsCipher: selected?.cipherSuite,
      dtlsRole: peer.dtlsRole ?? 'unknown',
      selectedCandidatePairChanges: stats.selectedPairChanges,
    })
    this.#addCandidates(stats, transport, transportId, add)
    for (const pair of stats.pairs) this.#addPair(pair, transportId, add)
  }

  #addCandidates(stats: IceConnectionStats, transport: DataTransport, transportId: string, add: Add): void {
    for (const entry of stats.localCandidates) {
      this.#addCandidate('local-candidate', entry, transportId, stats.localUsernameFragment, add)
    }
    for (const entry of stats.remoteCandidates) {
      this.#addCandidate('remote-candidate', entry, transportId, transport.remoteUsernameFragment, add)
    }
  }

  #addCandidate(
    type: 'local-candidate' | 'remote-candidate',
    { id, candidate }: CandidateStats,
    transportId: string,
    usernameFragment: string | undefined,
    add: Add,
  ): void {
    add(type, this.#id('I', id), {
      transportId,
      address: candidate.address,
      port: candidate.port,
      protocol: candidate.protocol,
      candidateType: candidate.type,
      priority: candidate.priority,
      url: candidate.url,
      foundation: candidate.foundation,
      relatedAddress: candidate.relatedAddress,
      relatedPort: candidate.relatedPort,
      usernameFragment: candidate.usernameFragment ?? usernameFragment,
      tcpType: candidate.tcpType,
    })
  }

  #addPair(pair: CandidatePairStats, transportId: string, add: Add): void {
    const { network } = this.#connection
    const epoch = network.wallClock() - network.now()
    const at = (time: number | undefined): number | undefined => (time === undefined ? undefined : epoch + time)
    add('candidate-pair', this.#id('CP', pair.id), {
      transportId,
      localCandidateId: this.#id('I', pair.localCandidateId),
      remoteCandidateId: this.#id('I', pair.remoteCandidateId),
      state: pair.state,
      nominated: pair.nominated,
      packetsSent: pair.packetsSent,
      packetsReceived: pair.packetsReceived,
      bytesSent: pair.bytesSent,
      bytesReceived: pair.bytesReceived,
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
  #addChain(kind: string, chain: readonly Uint8Array[], add: Add): string | undefined {
    for (const [i, der] of chain.entries()) {
      add('certificate', this.#id(kind, i), {
        fingerprint: fingerprint(der, 'sha-256'),
        fingerprintAlgorithm: 'sha-256',
        base64Certificate: btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join('')),
        issuerCertificateId: i + 1 < chain.length ? this.#id(kind, i + 1) : undefined,
      })
    }
    return chain.length === 0 ? undefined : this.#id(kind, 0)
  }
}

type Add = (type: string, id: string, members: Record<string, unknown>) => string

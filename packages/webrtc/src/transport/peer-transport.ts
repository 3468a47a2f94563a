import type { CryptoProvider } from '@kaon/crypto'
import { DataChannelManager, type ChannelEvent } from '@kaon/datachannel'
import { DtlsConnection, type DtlsCertificate, type DtlsError, type Fingerprint } from '@kaon/dtls'
import type { IceConnection } from '@kaon/ice/driver'
import type { Network, Timer } from '@kaon/net'
import { Association } from '@kaon/sctp'
import { keyingMaterialLength } from '@kaon/srtp'
import type { DtlsRole } from '../jsep/answer.ts'
import { MediaTransport } from '../media/media-transport.ts'
import type { DtlsSettings, SctpSettings, Trace } from './settings.ts'

/**
 * Offered and accepted whether or not there is media: it may be added to the connection later. In the order of what a packet
 * costs here.
 */
const SRTP_PROFILES = [
  'SRTP_AEAD_AES_128_GCM',
  'SRTP_AEAD_AES_256_GCM',
  'SRTP_AES128_CM_HMAC_SHA1_80',
  'SRTP_AES128_CM_HMAC_SHA1_32',
] as const

/** DTLS datagrams kept while it is not yet known whom they must come from. A flight is 5 or 6 of them. */
const MAX_HELD = 32
/** Floor of the first DTLS timeout behind ICE (RFC 9147 §5.8.2 lets the application choose; browsers use 50 ms). */
const MIN_RETRANSMISSION_TIMEOUT = 50
/** Its ceiling: a pair that took long once (a lost check, a phone asleep) is no reason to wait for minutes. */
const MAX_RETRANSMISSION_TIMEOUT = 1000
/** Where backoff ends, ms: a peer that begins late is not kept waiting for a minute. */
const MAX_BACKOFF = 10_000

export interface DtlsParameters {
  readonly role: DtlsRole
  readonly certificate: DtlsCertificate
  readonly fingerprints: readonly Fingerprint[]
}

export interface SctpParameters {
  readonly localPort: number
  readonly remotePort: number
  /** Bytes; 0 is without a limit. */
  readonly remoteMaxMessageSize: number
  readonly localMaxMessageSize: number
}

/** What a `PeerTransport` tells. Called while machines are drained: take note, run no application code. */
export interface PeerTransportObserver {
  dtlsStateChanged(): void
  /** A channel event, in order. */
  channelEvent(event: ChannelEvent): void
  /** A drain is over: amounts of buffered data may have changed. */
  drained(): void
}

export interface PeerTransportOptions {
  readonly network: Network
  readonly crypto: CryptoProvider | undefined
  readonly ice: IceConnection
  readonly dtls: DtlsSettings | undefined
  readonly sctp: SctpSettings | undefined
  readonly trace: Trace | undefined
}

/**
 * The driver of a transport: ICE → DTLS → SCTP → data channels, ICE → SRTP → streams, and back. Everything that one
 * poll of the sockets brought is fed first and drained once; sends of the application are drained once per microtask
 * checkpoint; one timer stands for the deadlines of DTLS, SCTP and the streams.
 */
export class PeerTransport {
  readonly ice: IceConnection
  dtls: DtlsConnection | undefined
  association: Association | undefined
  manager: DataChannelManager | undefined
  /** Why DTLS failed. */
  dtlsError: DtlsError | undefined
  dtlsRole: DtlsRole | undefined
  readonly #options: PeerTransportOptions
  readonly #network: Network
  readonly #observer: PeerTransportObserver
  readonly #held: Uint8Array[] = []
  readonly #send: (datagram: Uint8Array) => void
  #media: MediaTransport | undefined
  #dtlsParameters: DtlsParameters | undefined
  #timer: Timer | undefined
  #timerAt = Infinity
  /** When media is being sent, ms. */
  #sendTime = 0
  #drainQueued = false
  #draining = false
  #sctpConnecting = false
  #closed = false

  constructor(options: PeerTransportOptions, observer: PeerTransportObserver) {
    this.#options = options
    this.#network = options.network
    this.#observer = observer
    this.ice = options.ice
    this.#send = (datagram) => options.ice.send(datagram, this.#sendTime)
    options.ice.onDatagram = (datagram) => this.#receive(datagram)
    options.ice.onBurstEnd = () => this.#drain()
  }

  get now(): number {
    return this.#network.now()
  }

  /** The RTP of this transport, made when the first section wants it. */
  get media(): MediaTransport {
    return (this.#media ??= this.#createMedia())
  }

  get hasMedia(): boolean {
    return this.#media !== undefined
  }

  #createMedia(): MediaTransport {
    const { network, crypto, trace } = this.#options
    const media = new MediaTransport({
      clock: network,
      onPending: () => this.scheduleDrain(),
      ...(crypto === undefined ? {} : { crypto }),
      ...(trace === undefined ? {} : { trace }),
    })
    this.#media = media
    this.#setMediaKeys()
    return media
  }

  /** RFC 5764 §4.2. Without a profile in common there is no media. */
  #setMediaKeys(): void {
    const { dtls, dtlsRole: role } = this
    const profile = dtls?.selected?.srtpProfile
    if (this.#media === undefined || dtls?.state !== 'connected' || profile === undefined || role === undefined) return
    const material = dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', keyingMaterialLength(profile))
    this.#media.setKeys({ profile, material, role })
    this.#timeMedia()
  }

  /** Who the peer must be is known: DTLS starts now, or as soon as ICE has a path, without which answers would be lost. */
  startDtls(parameters: DtlsParameters): void {
    if (this.#closed) return
    this.#dtlsParameters = parameters
    this.dtlsRole = parameters.role
    this.writable()
    this.#drain()
  }

  /** ICE may have a path. A client speaks first; a server reads what was held. */
  writable(): void {
    const { state } = this.ice
    if (state === 'connected' || state === 'completed') this.#openDtls()
  }

  /** Data goes another way, or again after a pause: what SCTP measured and waits for belongs to the old way. */
  pathChanged(): void {
    if (this.#closed) return
    // A server's handshake may have begun before there was a pair to measure.
    const { dtls } = this
    const isOpen = dtls !== undefined && (dtls.state === 'new' || dtls.state === 'connecting')
    if (isOpen && this.#options.dtls?.retransmissionTimeout === undefined) {
      dtls.setRetransmissionTimeout(this.#firstTimeout())
    }
    this.#timeMedia()
    if (this.association === undefined) return
    this.association.pathChanged(this.now)
    this.scheduleDrain()
  }

  /** What is asked for again is asked for by the round trip that ICE measured. */
  #timeMedia(): void {
    const roundTrip = this.#media === undefined ? undefined : this.#roundTrip()
    if (roundTrip !== undefined) this.#media!.setRoundTripTime(roundTrip * 1000)
  }

  /** Of the selected pair, s. */
  #roundTrip(): number | undefined {
    const { pairs, selectedPairId } = this.ice.stats()
    return pairs.find((pair) => pair.id === selectedPairId)?.currentRoundTripTime
  }

  #openDtls(): void {
    const parameters = this.#dtlsParameters
    if (parameters === undefined || this.dtls !== undefined || this.#closed) return
    const now = this.now
    const { crypto, trace } = this.#options
    this.dtls = new DtlsConnection({
      retransmissionTimeout: this.#firstTimeout(),
      maxRetransmissionTimeout: MAX_BACKOFF,
      // The answerer's ICE connects before the offerer has the answer, which may take minutes when people carry it. Whether
      // the peer is there at all is ICE's to find out.
      handshakeTimeout: Infinity,
      srtpProfiles: SRTP_PROFILES,
      ...this.#options.dtls,
      role: parameters.role,
      certificate: parameters.certificate,
      remoteFingerprints: parameters.fingerprints,
      now,
      ...(crypto === undefined ? {} : { crypto }),
      ...(trace === undefined ? {} : { trace }),
    })
    if (parameters.role === 'client') this.dtls.start(now)
    for (const datagram of this.#held.splice(0)) this.dtls.receive(datagram, now)
    this.#observer.dtlsStateChanged()
    this.#drain()
  }

  /** Two round trips as ICE measured them. */
  #firstTimeout(): number {
    const roundTrip = this.#roundTrip()
    if (roundTrip === undefined) return 200
    return Math.min(Math.max(MIN_RETRANSMISSION_TIMEOUT, Math.ceil(roundTrip * 2000)), MAX_RETRANSMISSION_TIMEOUT)
  }

  startSctp(parameters: SctpParameters): void {
    if (this.#closed || this.association !== undefined) return
    const { sctp, trace } = this.#options
    const { maxMessageSize: _local, sendBufferSize: _buffer, ...settings } = sctp ?? {}
    const now = this.now
    this.association = new Association({
      // RFC 9653: DTLS protects every packet better than the checksum would.
      zeroChecksum: true,
      // ICE finds out whether the peer is there, and an ICE restart may bring it back after any time, as in Chromium.
      maxRetransmissions: Infinity,
      maxInitRetransmissions: Infinity,
      ...settings,
      // DTLS encrypts each packet at once, into memory of its own.
      reusePackets: true,
      now,
      localPort: parameters.localPort,
      remotePort: parameters.remotePort,
      maxMessageSize: parameters.remoteMaxMessageSize || Number.MAX_SAFE_INTEGER,
      maxReceiveMessageSize: parameters.localMaxMessageSize || Number.MAX_SAFE_INTEGER,
      ...(trace === undefined ? {} : { trace }),
    })
    this.manager = new DataChannelManager(this.association, {
      maxMessageSize: parameters.remoteMaxMessageSize,
      ...(this.dtlsRole === undefined ? {} : { role: this.dtlsRole }),
      ...(trace === undefined ? {} : { trace }),
    })
    this.#sctpConnecting = false
    if (this.dtls?.state === 'connected') this.#connectSctp(now)
    this.#drain()
  }

  /** The peer's `a=max-message-size` of a renegotiation; 0 is without a limit. */
  setRemoteMaxMessageSize(size: number): void {
    this.manager?.setMaxMessageSize(size)
  }

  /** Both sides begin (RFC 8841 §10.2), and the INITs that cross become one association. */
  #connectSctp(now: number): void {
    if (this.association === undefined || this.#sctpConnecting) return
    this.#sctpConnecting = true
    this.association.connect(now)
  }

  /** Gives up the association; its channels end with it. */
  stopSctp(): void {
    this.association?.abort()
    this.#drain()
    this.association = undefined
    this.manager = undefined
  }

  /** Gives up the association and the DTLS connection: the peer begins anew. */
  discardDtls(): void {
    this.stopSctp()
    this.dtls?.close()
    this.#drain()
    this.dtls = undefined
    this.dtlsRole = undefined
    this.#dtlsParameters = undefined
  }

  /** Something was queued: drained when the application's code has come to rest. */
  scheduleDrain(): void {
    if (this.#drainQueued || this.#closed) return
    this.#drainQueued = true
    queueMicrotask(() => {
      this.#drainQueued = false
      this.#drain()
    })
  }

  #receive(datagram: Uint8Array): void {
    const first = datagram[0]!
    if (first >= 128 && first <= 191) {
      this.#media?.receive(datagram, this.now)
      return
    }
    if (first < 20 || first > 63) return // RFC 7983 §7: what is neither is nobody's
    if (this.dtls !== undefined) this.dtls.receive(datagram, this.now)
    else if (this.#held.length < MAX_HELD) this.#held.push(datagram)
  }

  #drain(): void {
    if (this.#draining || this.#closed) return
    this.#draining = true
    const now = this.now
    try {
      // Each floor may give the other something to do; the turn in which none has is the last.
      while (this.#drainDtlsEvents(now) || this.#drainChannelEvents(now) || this.#transmit(now)) {
        if (this.#closed) return
      }
      this.#sendTime = now
      this.#media?.transmit(now, this.#send)
    } finally {
      this.#draining = false
    }
    this.#armTimer()
    this.#observer.drained()
  }

  #drainDtlsEvents(now: number): boolean {
    let any = false
    for (let event = this.dtls?.pollEvent(); event !== undefined; event = this.dtls?.pollEvent()) {
      any = true
      if (event.type === 'data') {
        this.association?.receive(event.data, now)
        continue
      }
      if (event.type === 'connected') {
        this.#connectSctp(now)
        this.#setMediaKeys()
      } else {
        if (event.type === 'failed') this.dtlsError = event.error
        // Without DTLS there is no way to the peer any more: the channels end here.
        this.association?.abort()
      }
      this.#observer.dtlsStateChanged()
    }
    return any
  }

  #drainChannelEvents(now: number): boolean {
    let any = false
    for (let event = this.manager?.pollEvent(now); event !== undefined; event = this.manager?.pollEvent(now)) {
      any = true
      this.#observer.channelEvent(event)
    }
    return any
  }

  #transmit(now: number): boolean {
    const { dtls, association, ice } = this
    if (dtls === undefined) return false
    let any = false
    if (association !== undefined && dtls.state === 'connected') {
      for (let packet = association.pollTransmit(now); packet !== undefined; packet = association.pollTransmit(now)) {
        any = true
        dtls.send(packet)
        for (let out = dtls.pollTransmit(now); out !== undefined; out = dtls.pollTransmit(now)) ice.send(out, now)
      }
    }
    for (let out = dtls.pollTransmit(now); out !== undefined; out = dtls.pollTransmit(now)) {
      any = true
      ice.send(out, now)
    }
    return any
  }

  /** A timer that is early is cheaper than one that is moved with every packet: it is armed anew when it fires. */
  #armTimer(): void {
    const deadline = Math.min(
      this.dtls?.deadline ?? Infinity,
      this.association?.deadline ?? Infinity,
      this.#media?.deadline ?? Infinity,
    )
    if (deadline >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = this.#network.setTimer(deadline, () => this.#tick())
  }

  #tick(): void {
    this.#timer = undefined
    this.#timerAt = Infinity
    if (this.#closed) return
    const now = this.now
    if (this.dtls !== undefined && this.dtls.deadline <= now) this.dtls.tick(now)
    if (this.association !== undefined && this.association.deadline <= now) this.association.tick(now)
    if (this.#media !== undefined && this.#media.deadline <= now) this.#media.tick(now)
    this.#drain()
  }

  /** Tells the peer with an SCTP ABORT and close_notify, then releases everything. Idempotent. */
  close(): void {
    if (this.#closed) return
    const now = this.now
    if (this.#media !== undefined) {
      this.#media.close()
      this.#sendTime = now
      this.#media.transmit(now, this.#send)
    }
    this.association?.abort()
    // Within a drain (a trace listener may close) the outer loop stops; what is left goes out here.
    this.#transmit(now)
    this.dtls?.close()
    this.#transmit(now)
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#held.length = 0
    this.ice.close()
  }
}

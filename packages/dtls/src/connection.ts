import { type Alert, ALERTS, decodeAlert, encodeAlert, LEVEL_FATAL, LEVEL_WARNING } from './alert.ts'
import { DtlsError } from './error.ts'
import type { Fingerprint } from './fingerprint.ts'
import { HandshakeLink, type LinkOwner } from './handshake-link.ts'
import { HandshakeType } from './handshake/header.ts'
import { HeldData } from './held-data.ts'
import {
  checkTimeout,
  type DtlsEvent,
  type DtlsOptions,
  type DtlsSelected,
  type DtlsState,
  type DtlsStats,
  newStats,
  type ResolvedOptions,
  resolveOptions,
} from './options.ts'
import { PeerIdentity } from './peer-identity.ts'
import { ContentType, MAX_PLAINTEXT, VERSION_1_2 } from './record/header.ts'
import { RecordLayer, type RecordSink } from './record/layer.ts'
import { Retransmission } from './retransmission.ts'
import { Ring } from './ring.ts'
import { Slab } from './slab.ts'

/** Refusals of renegotiation that are sent; a peer that asks more often is ignored. */
const MAX_REFUSALS = 4

/**
 * A DTLS connection as a machine without I/O: feed it datagrams with `receive` and time with `tick`, then drain `pollTransmit` and
 * `pollEvent`. Nothing here throws for what a peer sends.
 */
export class DtlsConnection {
  /** Counters, live. */
  readonly stats: DtlsStats = newStats()
  readonly #options: ResolvedOptions
  readonly #trace: DtlsOptions['trace']
  readonly #layer: RecordLayer
  readonly #link: HandshakeLink
  readonly #retransmission: Retransmission
  readonly #peer: PeerIdentity
  readonly #slab: Slab = new Slab()
  readonly #datagrams: Ring<Uint8Array> = new Ring()
  readonly #events: Ring<DtlsEvent> = new Ring()

  #state: DtlsState = 'new'
  #now: number
  #deadline = Infinity

  #giveUpAt = Infinity
  #peerAuthenticated = false
  readonly #held: HeldData = new HeldData()
  /** A fatal alert without protection: believed only when nothing else comes. */
  #suspectAlert: Alert | undefined
  #refusals = 0

  /** Throws `ERR_DTLS_OPTIONS`. */
  constructor(options: DtlsOptions) {
    this.#options = resolveOptions(options)
    this.#trace = options.trace
    this.#now = options.now
    this.#peer = new PeerIdentity(this.#options, options.remoteFingerprints)
    const sink: RecordSink = { onRecord: (type, epoch, content) => this.#record(type, epoch, content) }
    this.#layer = new RecordLayer(sink, this.stats, this.#options.replayWindow)
    this.#retransmission = new Retransmission(this.#options, this.stats, this.#layer, this.#slab, this.#datagrams)
    const { stats } = this
    const parts = { options: this.#options, stats, trace: this.#trace, layer: this.#layer, peer: this.#peer }
    this.#link = new HandshakeLink({ ...parts, retransmission: this.#retransmission }, this.#linkOwner())
  }

  get state(): DtlsState {
    return this.#state
  }

  /** When `tick` is due, in ms on the axis of `now`; Infinity when nothing is. */
  get deadline(): number {
    return this.#deadline
  }

  /** The peer's chain in DER, its own certificate first; empty until it has shown one. */
  get remoteCertificates(): readonly Uint8Array[] {
    return this.#peer.chain
  }

  /** What was negotiated, as far as the handshake has come; to be trusted once `connected`. */
  get selected(): DtlsSelected | undefined {
    return this.#link.handshake.selected
  }

  // ---- the verbs ----

  /**
   * Client: sends the ClientHello. Throws `ERR_DTLS_STATE` the second time, and `ERR_DTLS_OPTIONS` when the `clientHello` option made something
   * unreadable. Server: starts the time limit of the handshake, which otherwise runs from the first ClientHello on; does nothing later.
   */
  start(now: number): void {
    const isServer = this.#options.role === 'server'
    if (this.#state !== 'new') {
      if (isServer) return
      throw new DtlsError('ERR_DTLS_STATE', `start in state ${this.#state}`)
    }
    this.#now = now
    if (!isServer) {
      this.#link.handshake.start()
      this.#setState('connecting')
    }
    this.#limitTime()
  }

  /** Takes a datagram, which belongs to the connection from then on. */
  receive(datagram: Uint8Array, now: number): void {
    if (this.#state === 'closed' || this.#state === 'failed') return
    this.#now = now
    this.stats.datagramsReceived++
    this.stats.bytesReceived += datagram.length
    this.#layer.receive(datagram)
  }

  /** To be called when `deadline` has come; does nothing before. */
  tick(now: number): void {
    if (now < this.#deadline) return
    this.#now = now
    if (now >= this.#giveUpAt) {
      this.#fail(new DtlsError('ERR_DTLS_TIMEOUT', 'the handshake took too long'))
      return
    }
    if (this.#suspectAlert !== undefined) {
      this.#failByAlert(this.#suspectAlert)
      return
    }
    this.#trace?.({ layer: 'dtls', name: 'timeout' })
    this.#retransmission.timedOut(now)
    this.#updateDeadline()
  }

  /** The next datagram to send, or undefined when there is none for now. */
  pollTransmit(now: number): Uint8Array | undefined {
    if (this.#retransmission.due) {
      this.#now = now
      this.#writeFlight()
    }
    const datagram = this.#datagrams.shift()
    if (datagram !== undefined) {
      this.stats.datagramsSent++
      this.stats.bytesSent += datagram.length
    }
    return datagram
  }

  pollEvent(): DtlsEvent | undefined {
    return this.#events.shift()
  }

  /**
   * Protects application data as one record in a datagram of its own. Throws `ERR_DTLS_STATE` unless connected, and
   * `ERR_DTLS_DATA_TOO_LARGE` for more than 16384 bytes.
   */
  send(data: Uint8Array): void {
    if (this.#state !== 'connected') throw new DtlsError('ERR_DTLS_STATE', `send in state ${this.#state}`)
    if (data.length > MAX_PLAINTEXT) {
      throw new DtlsError('ERR_DTLS_DATA_TOO_LARGE', `a record carries at most ${MAX_PLAINTEXT} bytes`)
    }
    if (this.#retransmission.due) this.#writeFlight()
    const layer = this.#layer
    const epoch = layer.writeEpoch
    if (layer.sequencesLeft(epoch) <= 1) {
      this.#exhausted()
      return
    }
    const slab = this.#slab
    slab.reserve(layer.sealedLength(epoch, data.length))
    this.#datagrams.push(
      slab.cut(layer.seal(ContentType.applicationData, VERSION_1_2, epoch, data, slab.buffer, slab.at)),
    )
  }

  /** Says goodbye (close_notify, RFC 5246 §7.2.1) and ends. Idempotent; no event follows. Drain `pollTransmit` once more. */
  close(): void {
    if (this.#state === 'closed' || this.#state === 'failed') return
    if (this.#state !== 'new') this.#sendAlert(LEVEL_WARNING, ALERTS.close_notify)
    this.#events.clear()
    this.#end('closed')
  }

  /**
   * Sets or replaces the fingerprints that the peer's certificate must match (RFC 8122 §5). They may come while the handshake runs or
   * after it; `connected` waits for them. A certificate that does not match ends the connection.
   */
  setRemoteFingerprints(list: readonly Fingerprint[]): void {
    if (this.#state === 'closed' || this.#state === 'failed') return
    try {
      this.#peer.setFingerprints(list)
      this.#reportConnected()
    } catch (error) {
      this.#failed(error)
    }
  }

  /**
   * Sets the first retransmission timeout in ms for the flights to come, when the round-trip time becomes known only after construction.
   * Throws `ERR_DTLS_OPTIONS`.
   */
  setRetransmissionTimeout(timeout: number): void {
    this.#retransmission.setInitialTimeout(checkTimeout(timeout))
  }

  /**
   * Keying material for another protocol (RFC 5705), such as SRTP with the label `EXTRACTOR-dtls_srtp` and no context. Throws
   * `ERR_DTLS_STATE` unless connected.
   */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    const { keys } = this.#link.handshake
    if (this.#state !== 'connected' || keys === undefined) {
      throw new DtlsError('ERR_DTLS_STATE', `exportKeyingMaterial in state ${this.#state}`)
    }
    if (context !== undefined && context.length > 0xffff) {
      throw new DtlsError('ERR_DTLS_DATA_TOO_LARGE', 'a context has at most 65535 bytes')
    }
    return keys.exportKeyingMaterial(label, length, context)
  }

  // ---- records ----

  #record(type: number, epoch: number, content: Uint8Array): void {
    if (epoch > 0) this.#peerAuthenticated = true
    if (type === ContentType.applicationData) this.#applicationData(epoch, content)
    else if (type === ContentType.handshake) {
      this.#link.receive(epoch, content, this.#now)
      this.#updateDeadline()
    } else if (type === ContentType.alert) this.#alert(epoch, content)
    // ChangeCipherSpec: every record says its epoch, and the keys of the next one come from the handshake alone. So the message has nothing
    // to tell, whether it is lost, early or forged.
  }

  #applicationData(epoch: number, content: Uint8Array): void {
    if (epoch === 0) {
      this.stats.droppedUnexpected++ // RFC 5246 §10: application data only under the keys
      return
    }
    if (content.length === 0) return // legal, and says nothing (RFC 5246 §6.2.1)
    if (this.#state === 'connected') {
      this.#events.push({ type: 'data', data: content })
      return
    }
    if (!this.#held.add(content)) this.stats.droppedOverflow++
  }

  /**
   * HelloRequest may be ignored (RFC 5246 §7.4.1.1), and is: some servers take a refusal for the end. A ClientHello asks for an answer,
   * which is a warning (§7.2.2).
   */
  #refuseRenegotiation(type: number): void {
    this.stats.refusedRenegotiations++
    if (type === HandshakeType.clientHello && this.#refusals++ < MAX_REFUSALS) {
      this.#sendAlert(LEVEL_WARNING, ALERTS.no_renegotiation)
    }
  }

  // ---- alerts ----

  #alert(epoch: number, content: Uint8Array): void {
    const alert = decodeAlert(content)
    if (alert === undefined) {
      this.stats.droppedMalformed++
      return
    }
    this.#trace?.({ layer: 'dtls', name: 'alert-received', data: { ...alert, epoch } })
    const ends = alert.level === LEVEL_FATAL || alert.code === ALERTS.close_notify
    if (epoch === 0) {
      // Anyone can write this. A peer that has moved to its keys no longer speaks without them; before that, the alert is remembered, and
      // believed at the next timeout unless the handshake has gone on: a real one ends the peer's side, so nothing follows it.
      if (!ends || this.#state === 'new' || this.#peerAuthenticated) this.stats.ignoredAlerts++
      else this.#suspectAlert = alert
      return
    }
    if (!ends) return
    if (alert.code !== ALERTS.close_notify || !this.#link.isComplete) {
      this.#failByAlert(alert)
      return
    }
    this.#sendAlert(LEVEL_WARNING, ALERTS.close_notify) // RFC 5246 §7.2.1: answered, then closed
    this.#end('closed')
    this.#events.push({ type: 'closed' })
  }

  #failByAlert(alert: Alert): void {
    const { description } = alert
    this.#fail(new DtlsError('ERR_DTLS_ALERT', `the peer sent the alert ${description}`, description))
  }

  #sendAlert(level: number, code: number): void {
    this.#trace?.({ layer: 'dtls', name: 'alert-sent', data: { level, code } })
    if (this.#retransmission.due) this.#writeFlight()
    const layer = this.#layer
    const epoch = layer.writeEpoch
    if (layer.sequencesLeft(epoch) < 1) return
    const alert = encodeAlert(level, code)
    this.#slab.reserve(layer.sealedLength(epoch, alert.length))
    const { buffer, at } = this.#slab
    this.#datagrams.push(this.#slab.cut(layer.seal(ContentType.alert, VERSION_1_2, epoch, alert, buffer, at)))
  }

  // ---- the handshake ----

  #linkOwner(): LinkOwner {
    return {
      state: () => this.#state,
      onProgress: (begins) => {
        this.#suspectAlert = undefined
        if (!begins) return
        this.#setState('connecting')
        this.#limitTime()
      },
      onComplete: () => {
        this.#giveUpAt = Infinity
        this.#reportConnected()
      },
      onFailure: (error) => this.#failed(error),
      onRenegotiation: (type) => this.#refuseRenegotiation(type),
    }
  }

  #reportConnected(): void {
    if (!this.#link.isComplete || !this.#peer.isVerified || this.#state !== 'connecting') return
    this.#setState('connected')
    this.#events.push({ type: 'connected' })
    for (const data of this.#held.take()) this.#events.push({ type: 'data', data })
  }

  // ---- flights and time ----

  #limitTime(): void {
    if (this.#giveUpAt === Infinity) this.#giveUpAt = this.#now + this.#options.handshakeTimeout
    this.#updateDeadline()
  }

  #writeFlight(): void {
    this.#retransmission.write(this.#now)
    this.#updateDeadline()
  }

  #updateDeadline(): void {
    this.#deadline = Math.min(this.#retransmission.at, this.#giveUpAt)
  }

  // ---- ends ----

  #failed(error: unknown): void {
    if (this.#state === 'closed' || this.#state === 'failed') return
    const reason =
      error instanceof DtlsError
        ? error
        : new DtlsError('ERR_DTLS_PROTOCOL', 'the handshake failed', 'internal_error', { cause: error })
    const code = ALERTS[reason.alert as keyof typeof ALERTS] ?? ALERTS.internal_error
    this.#retransmission.due = false // what we meant to say before the trouble came is moot
    this.#sendAlert(LEVEL_FATAL, code)
    this.#fail(reason)
  }

  #fail(error: DtlsError): void {
    this.#end('failed')
    this.#events.push({ type: 'failed', error })
  }

  /** RFC 6347 §4.1: a sequence number must never come again, and there is no renegotiation to start anew. */
  #exhausted(): void {
    this.#sendAlert(LEVEL_WARNING, ALERTS.close_notify)
    this.#fail(new DtlsError('ERR_DTLS_SEQUENCE_EXHAUSTED', 'all sequence numbers of this connection are used up'))
  }

  #end(state: 'closed' | 'failed'): void {
    this.#setState(state)
    this.#layer.stop()
    this.#retransmission.clear()
    this.#link.forget()
    this.#held.take()
    this.#giveUpAt = Infinity
    this.#updateDeadline()
  }

  #setState(state: DtlsState): void {
    this.#state = state
    this.#trace?.({ layer: 'dtls', name: 'state', data: state })
  }
}

import { type Alert, ALERTS, decodeAlert, encodeAlert, LEVEL_FATAL, LEVEL_WARNING } from './alert.ts'
import { ClientHandshake } from './client.ts'
import { DtlsError } from './error.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { Handshake, HandshakeHost } from './handshake/handshake12.ts'
import { decodeFragment, HANDSHAKE_HEADER_LENGTH, HandshakeType } from './handshake/header.ts'
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
import { type HandshakeMessage, Reassembler } from './reassembler.ts'
import { ContentType, MAX_PLAINTEXT, VERSION_1_2 } from './record/header.ts'
import { RecordLayer, type RecordSink } from './record/layer.ts'
import { Retransmission } from './retransmission.ts'
import { Ring } from './ring.ts'
import { ServerHandshake } from './server.ts'
import { Slab } from './slab.ts'

/** Application data that came before `connected`: the limits of what is held. */
const MAX_HELD_RECORDS = 256
const MAX_HELD_BYTES = 0x40000
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
  readonly #reassembler: Reassembler
  readonly #handshake: Handshake
  readonly #retransmission: Retransmission
  readonly #peer: PeerIdentity
  readonly #slab: Slab = new Slab()
  readonly #datagrams: Ring<Uint8Array> = new Ring()
  readonly #events: Ring<DtlsEvent> = new Ring()

  #state: DtlsState = 'new'
  #now: number
  #deadline = Infinity

  #giveUpAt = Infinity
  #handshakeDone = false
  #peerAuthenticated = false
  #held: Uint8Array[] = []
  #heldBytes = 0
  /** A fatal alert without protection: believed only when nothing else comes. */
  #suspectAlert: Alert | undefined
  #refusals = 0
  /** Keys have come for records that were too early. */
  #earlyReady = false

  /** Throws `ERR_DTLS_OPTIONS`. */
  constructor(options: DtlsOptions) {
    this.#options = resolveOptions(options)
    this.#trace = options.trace
    this.#now = options.now
    this.#peer = new PeerIdentity(this.#options, options.remoteFingerprints)
    const sink: RecordSink = { onRecord: (type, epoch, content) => this.#record(type, epoch, content) }
    this.#layer = new RecordLayer(sink, this.stats, this.#options.replayWindow)
    this.#retransmission = new Retransmission(this.#options, this.stats, this.#layer, this.#slab, this.#datagrams)
    this.#reassembler = new Reassembler(this.#options.maxHandshakeMessage)
    const host = this.#handshakeHost()
    this.#handshake = this.#options.role === 'client' ? new ClientHandshake(host) : new ServerHandshake(host)
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
    return this.#handshake.selected
  }

  // ---- the verbs ----

  /**
   * Client: sends the ClientHello. Servers wait for one and need no start. Throws `ERR_DTLS_STATE` the second time, and
   * `ERR_DTLS_OPTIONS` when the `clientHello` option made something unreadable.
   */
  start(now: number): void {
    if (this.#options.role === 'server') return
    if (this.#state !== 'new') throw new DtlsError('ERR_DTLS_STATE', `start in state ${this.#state}`)
    this.#now = now
    this.#handshake.start()
    this.#begin()
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
    this.#retransmission.timedOut()
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
    const keys = this.#handshake.keys
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
    else if (type === ContentType.handshake) this.#handshakeRecord(epoch, content)
    else if (type === ContentType.alert) this.#alert(epoch, content)
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
    if (this.#held.length >= MAX_HELD_RECORDS || this.#heldBytes + content.length > MAX_HELD_BYTES) {
      this.stats.droppedOverflow++
      return
    }
    this.#held.push(content)
    this.#heldBytes += content.length
  }

  /** A record may carry several messages or fragments (RFC 6347 §4.2.3). */
  #handshakeRecord(epoch: number, content: Uint8Array): void {
    let at = 0
    while (at < content.length) {
      const fragment = decodeFragment(content, at)
      if (fragment === undefined) {
        this.stats.droppedMalformed++
        return
      }
      at += HANDSHAKE_HEADER_LENGTH + fragment.body.length
      const { type, messageSeq } = fragment
      if (this.#handshakeDone && (type === HandshakeType.clientHello || type === HandshakeType.helloRequest)) {
        this.#refuseRenegotiation(type, epoch)
        continue
      }
      if (epoch !== this.#handshake.epochOf(type)) {
        this.stats.droppedUnexpected++
        continue
      }
      if (messageSeq < this.#reassembler.nextSeq) {
        // One answer to a repeated flight, when its end comes (RFC 6347 §4.2.4).
        const isEnd = fragment.fragmentOffset + fragment.body.length === fragment.length
        if (isEnd) this.#retransmission.peerRepeated(messageSeq, this.#now)
        continue
      }
      if (this.#handshakeDone) {
        this.stats.droppedUnexpected++
        continue
      }
      this.#startReassembly(type, messageSeq)
      if (!this.#reassembler.add(fragment, epoch)) this.stats.droppedOverflow++
    }
    this.#takeMessages()
    this.#updateDeadline()
  }

  /** A server behind a `CookieGate` sees the second hello only, whose number is not 0. */
  #startReassembly(type: number, messageSeq: number): void {
    if (this.#options.cookie !== 'verified' || this.#state !== 'new') return
    if (type === HandshakeType.clientHello && messageSeq !== this.#reassembler.nextSeq) {
      this.#reassembler.reset(messageSeq)
    }
  }

  #takeMessages(): void {
    while (!this.#handshakeDone && this.#state !== 'closed' && this.#state !== 'failed') {
      const message = this.#reassembler.next()
      if (message === undefined) return
      this.#takeMessage(message)
      if (this.#earlyReady) {
        this.#earlyReady = false
        this.#layer.replayEarly()
      }
    }
  }

  #takeMessage(message: HandshakeMessage): void {
    this.#trace?.({
      layer: 'dtls',
      name: 'message-received',
      data: { type: message.type, length: message.body.length },
    })
    this.#suspectAlert = undefined
    try {
      this.#handshake.receive(message)
      if (this.#state === 'new') this.#begin()
    } catch (error) {
      if (this.#handshake.hasBegun || (error as DtlsError).code !== 'ERR_DTLS_PROTOCOL') this.#failed(error)
      else {
        // A server that has seen nothing sensible yet has no peer to fail for: it waits for a better hello.
        this.stats.droppedMalformed++
        this.#reassembler.reset(message.messageSeq)
      }
    }
  }

  /**
   * HelloRequest may be ignored (RFC 5246 §7.4.1.1), and is: some servers take a refusal for the end. A ClientHello asks for an answer,
   * which is a warning (§7.2.2). Without protection either may come from anyone, and is nothing.
   */
  #refuseRenegotiation(type: number, epoch: number): void {
    if (epoch === 0) {
      this.stats.droppedUnexpected++
      return
    }
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
    if (alert.code !== ALERTS.close_notify) {
      this.#failByAlert(alert)
      return
    }
    if (!this.#handshakeDone) {
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

  // ---- what the handshake asks for ----

  #handshakeHost(): HandshakeHost {
    const retransmission = this.#retransmission
    const layer = this.#layer
    return {
      options: this.#options,
      beginFlight: () => {
        if (this.selected !== undefined) retransmission.version = VERSION_1_2
        retransmission.begin(this.#reassembler.nextSeq - 1)
      },
      sendHandshake: (raw) => {
        this.#trace?.({ layer: 'dtls', name: 'message-sent', data: { type: raw[0], length: raw.length } })
        retransmission.addHandshake(raw)
      },
      sendChangeCipherSpec: (protection) => {
        retransmission.addChangeCipherSpec()
        layer.addWriteEpoch(protection)
      },
      endFlight: (isLast) => retransmission.end(isLast),
      addReadKeys: (protection) => {
        layer.addReadEpoch(protection)
        layer.expectsNextEpoch = false
        this.#earlyReady = true
      },
      continueNumbering: () => layer.setWriteSequence(0, layer.lastPlainSequence),
      acceptPeerCertificate: (chain) => this.#peer.accept(chain),
      complete: () => this.#complete(),
    }
  }

  #complete(): void {
    this.#handshakeDone = true
    this.#giveUpAt = Infinity
    this.#suspectAlert = undefined
    this.#retransmission.complete()
    this.#reassembler.reset(this.#reassembler.nextSeq)
    this.#reportConnected()
  }

  #reportConnected(): void {
    if (!this.#handshakeDone || !this.#peer.isVerified || this.#state !== 'connecting') return
    this.#setState('connected')
    this.#events.push({ type: 'connected' })
    for (const data of this.#held) this.#events.push({ type: 'data', data })
    this.#held = []
    this.#heldBytes = 0
  }

  // ---- flights and time ----

  #begin(): void {
    this.#setState('connecting')
    this.#giveUpAt = this.#now + this.#options.handshakeTimeout
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
    this.#reassembler.reset(0)
    this.#held = []
    this.#heldBytes = 0
    this.#giveUpAt = Infinity
    this.#updateDeadline()
  }

  #setState(state: DtlsState): void {
    this.#state = state
    this.#trace?.({ layer: 'dtls', name: 'state', data: state })
  }
}

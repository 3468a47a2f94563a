import { ClientHandshake } from './client.ts'
import type { DtlsError } from './error.ts'
import type { Handshake, HandshakeHost } from './handshake/handshake12.ts'
import { decodeFragment, type Fragment, HANDSHAKE_HEADER_LENGTH, HandshakeType } from './handshake/header.ts'
import type { DtlsOptions, DtlsState, DtlsStats, ResolvedOptions } from './options.ts'
import type { PeerIdentity } from './peer-identity.ts'
import { type HandshakeMessage, Reassembler } from './reassembler.ts'
import { VERSION_1_2 } from './record/header.ts'
import type { RecordLayer } from './record/layer.ts'
import type { RecordProtection } from './record/protection.ts'
import type { Retransmission } from './retransmission.ts'
import { ServerHandshake } from './server.ts'

/** The rest of the connection, as far as the link has to do with it. */
export interface LinkParts {
  readonly options: ResolvedOptions
  readonly stats: DtlsStats
  readonly trace: DtlsOptions['trace']
  readonly layer: RecordLayer
  readonly retransmission: Retransmission
  readonly peer: PeerIdentity
}

/** What the link tells the connection. */
export interface LinkOwner {
  state(): DtlsState
  /** A whole handshake message has come. `begins`: the first one that makes sense. */
  onProgress(begins: boolean): void
  onComplete(): void
  onFailure(error: unknown): void
  /** A peer asks for a renegotiation under the keys. */
  onRenegotiation(type: number): void
}

/** What stands between the handshake and its records: fragments in, flights out, keys to the record layer. */
export class HandshakeLink implements HandshakeHost {
  readonly options: ResolvedOptions
  readonly handshake: Handshake
  readonly #parts: LinkParts
  readonly #owner: LinkOwner
  readonly #reassembler: Reassembler
  #isComplete = false
  /** Keys have come for records that were too early. */
  #earlyReady = false

  constructor(parts: LinkParts, owner: LinkOwner) {
    this.options = parts.options
    this.#parts = parts
    this.#owner = owner
    this.#reassembler = new Reassembler(parts.options.maxHandshakeMessage)
    this.handshake = parts.options.role === 'client' ? new ClientHandshake(this) : new ServerHandshake(this)
  }

  /** Both Finished have been exchanged. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Takes a record, which may carry several messages or fragments (RFC 6347 §4.2.3). */
  receive(epoch: number, content: Uint8Array, now: number): void {
    for (let at = 0; at < content.length;) {
      const fragment = decodeFragment(content, at)
      if (fragment === undefined) {
        this.#parts.stats.droppedMalformed++
        break
      }
      at += HANDSHAKE_HEADER_LENGTH + fragment.body.length
      this.#fragment(fragment, epoch, now)
    }
    this.#takeMessages()
  }

  /** The connection is over. */
  forget(): void {
    this.#reassembler.reset(0)
    this.handshake.forget()
  }

  #fragment(fragment: Fragment, epoch: number, now: number): void {
    const { stats, retransmission } = this.#parts
    const { type, messageSeq } = fragment
    if (this.#isComplete && (type === HandshakeType.clientHello || type === HandshakeType.helloRequest)) {
      // Without protection it may come from anyone, and is nothing.
      if (epoch === 0) stats.droppedUnexpected++
      else this.#owner.onRenegotiation(type)
      return
    }
    if (messageSeq < this.#reassembler.nextSeq) {
      if (epoch !== this.handshake.epochOf(type)) stats.droppedUnexpected++
      // One answer to a repeated flight, when its end comes (RFC 6347 §4.2.4).
      else if (isEnd(fragment)) retransmission.peerRepeated(messageSeq, now)
      return
    }
    if (this.#isComplete || !this.handshake.admits(type, epoch, fragment.length)) {
      stats.droppedUnexpected++
      return
    }
    this.#startReassembly(type, messageSeq)
    if (!this.#reassembler.add(fragment, epoch)) stats.droppedOverflow++
  }

  /** A server behind a `CookieGate` sees the second hello only, whose number is not 0. */
  #startReassembly(type: number, messageSeq: number): void {
    if (this.options.cookie !== 'verified' || this.#owner.state() !== 'new') return
    if (type === HandshakeType.clientHello && messageSeq !== this.#reassembler.nextSeq) {
      this.#reassembler.reset(messageSeq)
    }
  }

  #takeMessages(): void {
    for (;;) {
      const state = this.#owner.state()
      if (this.#isComplete || state === 'closed' || state === 'failed') return
      const message = this.#reassembler.next()
      if (message === undefined) return
      this.#takeMessage(message)
      if (this.#earlyReady) {
        this.#earlyReady = false
        this.#parts.layer.replayEarly()
      }
    }
  }

  #takeMessage(message: HandshakeMessage): void {
    const { stats, trace } = this.#parts
    const { type, epoch, messageSeq, body } = message
    if (!this.handshake.admits(type, epoch, body.length)) {
      // It came when something else might still have been meant by it.
      stats.droppedUnexpected++
      this.#reassembler.reset(messageSeq)
      return
    }
    trace?.({ layer: 'dtls', name: 'message-received', data: { type, length: body.length } })
    try {
      this.handshake.receive(message)
    } catch (error) {
      if (this.handshake.hasBegun || (error as DtlsError).code !== 'ERR_DTLS_PROTOCOL') this.#owner.onFailure(error)
      else {
        // A server that has seen nothing sensible yet has no peer to fail for: it waits for a better hello.
        stats.droppedMalformed++
        this.#reassembler.reset(messageSeq)
      }
      return
    }
    this.#owner.onProgress(this.#owner.state() === 'new')
  }

  // ---- what the handshake asks for ----

  beginFlight(): void {
    const { retransmission } = this.#parts
    if (this.handshake.selected !== undefined) retransmission.version = VERSION_1_2
    retransmission.begin(this.#reassembler.nextSeq - 1)
  }

  sendHandshake(raw: Uint8Array): void {
    const { trace, retransmission } = this.#parts
    trace?.({ layer: 'dtls', name: 'message-sent', data: { type: raw[0], length: raw.length } })
    retransmission.addHandshake(raw)
  }

  sendChangeCipherSpec(protection: RecordProtection): void {
    const { layer, retransmission } = this.#parts
    retransmission.addChangeCipherSpec()
    layer.addWriteEpoch(protection)
  }

  endFlight(isLast: boolean): void {
    this.#parts.retransmission.end(isLast)
  }

  addReadKeys(protection: RecordProtection): void {
    const { layer } = this.#parts
    layer.addReadEpoch(protection)
    layer.expectsNextEpoch = false
    this.#earlyReady = true
  }

  continueNumbering(): void {
    const { layer } = this.#parts
    layer.setWriteSequence(0, layer.lastPlainSequence)
  }

  acceptPeerCertificate(chain: readonly Uint8Array[]): void {
    this.#parts.peer.accept(chain)
  }

  complete(): void {
    this.#isComplete = true
    this.#parts.retransmission.complete()
    this.#reassembler.reset(this.#reassembler.nextSeq)
    this.#owner.onComplete()
  }
}

function isEnd({ fragmentOffset, body, length }: Fragment): boolean {
  return fragmentOffset + body.length === length
}

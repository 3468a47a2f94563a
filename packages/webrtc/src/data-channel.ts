/** W3C WebRTC 1.0 §6.2. */
import type { DataChannelCore } from './data-channel-core.ts'
import type { RTCErrorEvent } from './events.ts'
import { defineInterface } from './interface.ts'
import type { Message, Payload } from './streams.ts'
import type { BinaryType, Handler, RTCDataChannelState } from './types.ts'
import { assertInternal, enforceRange, toDOMString } from './webidl.ts'

export class RTCDataChannel extends EventTarget {
  declare onopen: Handler<RTCDataChannel>
  declare onbufferedamountlow: Handler<RTCDataChannel>
  declare onerror: Handler<RTCDataChannel, RTCErrorEvent>
  declare onclosing: Handler<RTCDataChannel>
  declare onclose: Handler<RTCDataChannel>
  declare onmessage: Handler<RTCDataChannel, MessageEvent>
  readonly #core: DataChannelCore

  /** Not for scripts: `createDataChannel` and the `datachannel` event make channels. */
  constructor(token: symbol, core: DataChannelCore) {
    assertInternal(token)
    super()
    this.#core = core
  }

  get label(): string {
    return this.#core.label
  }

  get ordered(): boolean {
    return this.#core.ordered
  }

  /** ms */
  get maxPacketLifeTime(): number | null {
    return this.#core.maxPacketLifeTime
  }

  get maxRetransmits(): number | null {
    return this.#core.maxRetransmits
  }

  get protocol(): string {
    return this.#core.protocol
  }

  get negotiated(): boolean {
    return this.#core.negotiated
  }

  /** Null until the DTLS role is known. */
  get id(): number | null {
    return this.#core.id
  }

  /** W3C WebRTC Priority §4. */
  get priority(): 'very-low' | 'low' | 'medium' | 'high' {
    return this.#core.priority
  }

  get readyState(): RTCDataChannelState {
    return this.#core.readyState
  }

  /** Bytes given to `send` that have not left yet. Never falls within a task. */
  get bufferedAmount(): number {
    return this.#core.bufferedAmount
  }

  /** Bytes; `bufferedamountlow` fires when `bufferedAmount` falls to this or below. */
  get bufferedAmountLowThreshold(): number {
    return this.#core.bufferedAmountLowThreshold
  }

  set bufferedAmountLowThreshold(value: number) {
    this.#core.bufferedAmountLowThreshold = enforceRange(value, 0xffffffff, 'bufferedAmountLowThreshold')
  }

  /**
   * How binary messages arrive. 'arraybuffer' at first, as the specification has had it since 2023; browsers of before
   * that begin with 'blob'.
   */
  get binaryType(): BinaryType {
    return this.#core.binaryType
  }

  set binaryType(value: BinaryType) {
    // Web IDL ignores values outside of the enumeration.
    const type = toDOMString(value)
    if (type === 'arraybuffer' || type === 'blob') this.#core.binaryType = type
  }

  /**
   * Queues a message. Throws `InvalidStateError` unless open, `TypeError` for other types and for messages larger than
   * `RTCSctpTransport.maxMessageSize`, `OperationError` when the send buffer is full.
   */
  send(data: Payload): void {
    this.#core.send(data)
  }

  /** What is queued is sent before. */
  close(): void {
    this.#core.close()
  }

  /**
   * Extension: settles when `bufferedAmount` is at or below `bufferedAmountLowThreshold` (or 1 MiB when that is 0), and rejects with `InvalidStateError` when the
   * channel closes first: `await channel.ready(); channel.send(…)` keeps memory bounded.
   */
  ready(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.ready(options.signal)
  }

  /** Extension: the messages that arrive from the first look at this on, as a stream that ends when the channel closes. */
  get readable(): ReadableStream<Message> {
    return this.#core.readable
  }

  /** Extension: a stream whose writes wait as `ready()` does, and whose end closes the channel. */
  get writable(): WritableStream<Payload> {
    return this.#core.writable
  }

  /** Extension: the messages in order, until the channel closes. What arrives between two turns is kept. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#core.iterate()
  }

  /** Extension: `await using`. Settles when the channel is closed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#core.dispose()
  }
}

defineInterface(RTCDataChannel, 'RTCDataChannel', {
  handlers: ['open', 'bufferedamountlow', 'error', 'closing', 'close', 'message'],
  isInternal: true,
})

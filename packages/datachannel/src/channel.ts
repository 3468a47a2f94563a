import type { ChannelCore } from './core.ts'
import type { ChannelStats } from './stats.ts'

/** The W3C's `RTCDataChannelState`. */
export type ChannelState = 'connecting' | 'open' | 'closing' | 'closed'

/** A data channel (RFC 8831 §6). Made by `DataChannelManager.open` or brought by a `channel` event. */
export class Channel {
  readonly #core: ChannelCore

  /** @internal */
  constructor(core: ChannelCore) {
    this.#core = core
  }

  get label(): string {
    return this.#core.parameters.label
  }

  get protocol(): string {
    return this.#core.parameters.protocol
  }

  get ordered(): boolean {
    return this.#core.parameters.ordered
  }

  /** Undefined when messages are not given up by count. A peer may ask for up to 4294967295. */
  get maxRetransmits(): number | undefined {
    return this.#core.parameters.maxRetransmits
  }

  /** ms; undefined when messages are not given up by time. A peer may ask for up to 4294967295. */
  get maxPacketLifeTime(): number | undefined {
    return this.#core.parameters.maxPacketLifeTime
  }

  get negotiated(): boolean {
    return this.#core.parameters.negotiated
  }

  /** Our share of the association when several channels have data. */
  get priority(): number {
    return this.#core.parameters.priority
  }

  /** The stream id; null until the DTLS role is known. Never changes afterwards. */
  get id(): number | null {
    return this.#core.id < 0 ? null : this.#core.id
  }

  /** Changes with calls and with `pollEvent`, so it is always that of the last event taken or later. */
  get state(): ChannelState {
    return this.#core.state
  }

  /**
   * Bytes of the application's data given to `send` and not yet sent for the first time: UTF-8 of strings, without
   * framing, the filler of empty messages and DCEP. Stays as it was when the association ends.
   */
  get bufferedAmount(): number {
    return this.#core.bufferedAmount
  }

  /** Bytes; `buffered-amount-low` fires when `bufferedAmount` falls to this. Default 0. */
  get bufferedAmountLowThreshold(): number {
    return this.#core.buffer.threshold
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#core.setThreshold(bytes)
  }

  get stats(): Readonly<ChannelStats> {
    return this.#core.stats
  }

  /**
   * Queues a message: a string goes as UTF-8, bytes belong to the channel from now on. Empty messages are fine.
   * @throws {DataChannelError} `ERR_DATACHANNEL_STATE` unless open, `ERR_DATACHANNEL_MESSAGE_TOO_LARGE` above the
   * manager's `maxMessageSize`, `ERR_DATACHANNEL_BUFFER_FULL`
   */
  send(data: string | Uint8Array, now: number): void {
    this.#core.send(data, now)
  }

  /**
   * Closes: what is queued is sent first, then the streams are reset (RFC 8831 §6.7) and `closed` follows. Nothing
   * received from now on is reported. Idempotent.
   */
  close(): void {
    this.#core.close()
  }
}

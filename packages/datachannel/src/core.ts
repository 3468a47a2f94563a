import type { AssociationLike } from './association.ts'
import { BufferedAmount } from './buffered-amount.ts'
import { Channel, type ChannelState } from './channel.ts'
import { utf8 } from './dcep.ts'
import { DataChannelError } from './errors.ts'
import type { ChannelParameters } from './options.ts'
import { PPID } from './ppid.ts'
import { createChannelStats, type ChannelStats } from './stats.ts'

/** What a channel needs of its manager. */
export interface ChannelOwner {
  readonly association: AssociationLike
  /** Bytes; Infinity when the peer accepts any size. */
  maxMessageSize: number
  closeChannel(core: ChannelCore): void
}

/** The inside of a channel, shared by its public face and the manager. */
export class ChannelCore {
  readonly owner: ChannelOwner
  readonly parameters: ChannelParameters
  /** Brought by the peer. */
  readonly incoming: boolean
  readonly channel: Channel
  readonly buffer: BufferedAmount = new BufferedAmount()
  readonly stats: ChannelStats = createChannelStats()
  state: ChannelState = 'connecting'
  /** −1 until chosen. */
  id = -1
  /** We sent DATA_CHANNEL_OPEN and the ACK has not come. */
  awaitsAck = false
  /** Nothing but ordered messages may be sent before the peer was heard on the channel (RFC 8832 §6). */
  heard: boolean
  /** Why the channel is closing, when not in good order. */
  error: DataChannelError | undefined = undefined
  #lastAmount = 0
  /** `bufferedAmount` was above its threshold since the last `buffered-amount-low`. */
  #armed = false
  #associationThreshold = 0

  constructor(owner: ChannelOwner, parameters: ChannelParameters, incoming: boolean) {
    this.owner = owner
    this.parameters = parameters
    this.incoming = incoming
    // Nobody acknowledges a negotiated channel, and an OPEN is a message that was heard.
    this.heard = incoming || parameters.negotiated
    this.channel = new Channel(this)
  }

  get bufferedAmount(): number {
    if (this.state === 'open' || this.state === 'closing') {
      this.#lastAmount = this.buffer.amount(this.owner.association.bufferedAmount(this.id))
    }
    return this.#lastAmount
  }

  /** The id is known and the association is up. */
  bind(): void {
    const { association } = this.owner
    // RFC 8832 §5.1 allows a priority of 0; a share of nothing would never be sent.
    association.setStreamPriority(this.id, Math.max(1, this.parameters.priority))
    this.#associationThreshold = -1
    this.#updateThreshold()
  }

  send(data: string | Uint8Array, now: number): void {
    if (this.state !== 'open') throw new DataChannelError('ERR_DATACHANNEL_STATE', `the channel is ${this.state}`)
    const isString = typeof data === 'string'
    let bytes = isString ? utf8(data) : data
    const size = bytes.length
    if (size > this.owner.maxMessageSize) {
      const max = this.owner.maxMessageSize
      throw new DataChannelError('ERR_DATACHANNEL_MESSAGE_TOO_LARGE', `${size} bytes; the peer accepts ${max}`)
    }
    let ppid: number = isString ? PPID.STRING : PPID.BINARY
    if (size === 0) {
      // RFC 8831 §6.6: SCTP has no empty messages, so one zero byte stands for it.
      bytes = new Uint8Array(1)
      ppid = isString ? PPID.STRING_EMPTY : PPID.BINARY_EMPTY
    }
    const { ordered, maxRetransmits, maxPacketLifeTime } = this.parameters
    this.submit(
      {
        streamId: this.id,
        ppid,
        data: bytes,
        unordered: !ordered && this.heard,
        ...(maxRetransmits === undefined ? undefined : { maxRetransmits }),
        ...(maxPacketLifeTime === undefined ? undefined : { lifetime: maxPacketLifeTime }),
      },
      now,
    )
    this.stats.messagesSent++
    this.stats.bytesSent += size
    if (size === 0) this.buffer.addOverhead(1)
    else this.buffer.addData(size)
    this.#updateThreshold()
    if (!this.#armed) this.#armed = this.bufferedAmount > this.buffer.threshold
    else this.#lastAmount += size
  }

  /** Sends a DCEP message: ordered and reliable whatever the channel is (RFC 8832 §6). */
  sendControl(data: Uint8Array, now: number): void {
    this.submit({ streamId: this.id, ppid: PPID.DCEP, data }, now)
    this.buffer.addOverhead(data.length)
    this.#updateThreshold()
  }

  submit(message: Parameters<AssociationLike['send']>[0], now: number): void {
    try {
      this.owner.association.send(message, now)
    } catch (cause) {
      throw translate(cause)
    }
  }

  setThreshold(bytes: number): void {
    if (!(bytes >= 0)) throw new DataChannelError('ERR_DATACHANNEL_ARGUMENT', 'the threshold is not a number of bytes')
    this.buffer.threshold = bytes
    this.#armed = this.bufferedAmount > bytes
    if (this.state === 'open') this.#updateThreshold()
  }

  /** The association's queue fell to the threshold it was told. True when the application's amount did too. */
  becameLow(): boolean {
    if (this.state !== 'open' && this.state !== 'closing') return false
    const amount = this.bufferedAmount
    if (amount > this.buffer.threshold) this.#updateThreshold()
    else if (this.#armed) {
      this.#armed = false
      return true
    }
    return false
  }

  close(): void {
    this.owner.closeChannel(this)
  }

  /** The association counts overhead too, so its threshold lies higher by what of that is still queued. */
  #updateThreshold(): void {
    const { association } = this.owner
    let threshold = this.buffer.threshold
    if (this.buffer.hasOverhead) threshold += this.buffer.overhead(association.bufferedAmount(this.id))
    if (threshold === this.#associationThreshold) return
    this.#associationThreshold = threshold
    association.setBufferedAmountLowThreshold(this.id, threshold)
  }
}

/** Errors of the association that its user can bring about, in the terms of a channel. */
function translate(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const message = cause instanceof Error ? cause.message : ''
  switch (code) {
    case 'ERR_SCTP_BUFFER_FULL':
      return new DataChannelError('ERR_DATACHANNEL_BUFFER_FULL', message, cause)
    case 'ERR_SCTP_MESSAGE_TOO_LARGE':
      return new DataChannelError('ERR_DATACHANNEL_MESSAGE_TOO_LARGE', message, cause)
    case 'ERR_SCTP_STREAM_ID':
      return new DataChannelError('ERR_DATACHANNEL_ID_EXHAUSTED', message, cause)
    case 'ERR_SCTP_STATE':
    case 'ERR_SCTP_STREAM_RESETTING':
      return new DataChannelError('ERR_DATACHANNEL_STATE', message, cause)
    default:
      return cause
  }
}

import { DataChannelError, type Channel, type ChannelEvent, type DataChannelManager } from '@kaon/datachannel'
import { SctpError } from '@kaon/sctp'
import { DataChannelCore, type DataChannelHost } from './data-channel-core.ts'
import { PRIORITIES, toParameters, type ConvertedInit } from './data-channel-init.ts'
import { domError, RTCError } from './rtc-error.ts'

const MAX_UNSIGNED_SHORT = 65535
/** Weights of RFC 8831 §6.4, to find the name of what a peer asked for. */
const WEIGHTS = [128, 256, 512, 1024]

/** The data channels of a connection: `[[DataChannels]]`, and the map between them and the channels below. */
export class DataChannels {
  /** Extends the connection's life of every channel that is not closed yet. */
  readonly cores: Set<DataChannelCore> = new Set()
  opened = 0
  closed = 0
  readonly #host: DataChannelHost
  readonly #onIncoming: (core: DataChannelCore) => void
  readonly #byChannel = new Map<Channel, DataChannelCore>()
  readonly #unsent = new Set<DataChannelCore>()
  #manager: DataChannelManager | undefined

  /** `onIncoming` is called in a task of its own for a channel that the peer made. */
  constructor(host: DataChannelHost, onIncoming: (core: DataChannelCore) => void) {
    this.#host = host
    this.#onIncoming = onIncoming
  }

  /** The steps of `createDataChannel` that concern the channel. Throws `TypeError` and `OperationError`. */
  create(init: ConvertedInit): DataChannelCore {
    const { parameters, id } = toParameters(init)
    const taken = id !== null && [...this.cores].some((core) => core.id === id)
    if (taken) throw domError('OperationError', `The id ${id} is in use`)
    const core = new DataChannelCore(parameters, id, this.#host)
    if (this.#manager !== undefined) {
      try {
        this.#open(core, this.#manager)
      } catch (error) {
        if (!(error instanceof DataChannelError)) throw error
        throw domError('OperationError', error.message)
      }
    }
    this.cores.add(core)
    return core
  }

  #open(core: DataChannelCore, manager: DataChannelManager): void {
    const options = {
      label: core.label,
      protocol: core.protocol,
      ordered: core.ordered,
      maxRetransmits: core.maxRetransmits ?? undefined,
      maxPacketLifeTime: core.maxPacketLifeTime ?? undefined,
      negotiated: core.negotiated,
      priority: core.priority,
      ...(core.negotiated ? { id: core.id! } : {}),
    }
    const channel = manager.open(options, this.#host.now)
    core.channel = channel
    core.id = channel.id
    this.#byChannel.set(channel, core)
    this.#host.transmit(core)
  }

  /** The DTLS role is known: every channel gets its id, those with a negotiated one first. */
  start(manager: DataChannelManager): void {
    if (manager === this.#manager) return
    this.#manager = manager
    const waiting = [...this.cores].filter((core) => core.channel === undefined && core.readyState === 'connecting')
    for (const core of waiting.sort((a, b) => Number(b.negotiated) - Number(a.negotiated))) {
      try {
        this.#open(core, manager)
      } catch (error) {
        if (!(error instanceof DataChannelError)) throw error
        const { message } = error
        this.cores.delete(core)
        this.#host.queueTask(() => core.announceClosed(new RTCError({ errorDetail: 'data-channel-failure' }, message)))
      }
    }
  }

  /** Data was refused, or its transport is gone for good: what is not closed yet is now. */
  stop(): void {
    this.#manager = undefined
    this.#byChannel.clear()
    for (const core of this.cores) this.#host.queueTask(() => core.announceClosed(undefined))
    this.cores.clear()
  }

  handle(event: ChannelEvent): void {
    if (event.type === 'connected' || event.type === 'ended') return
    if (event.type === 'channel') {
      this.#incoming(event.channel)
      return
    }
    const core = this.#byChannel.get(event.channel)
    if (core === undefined) return
    const { queueTask } = this.#host
    switch (event.type) {
      case 'message': {
        const { data } = event
        queueTask(() => core.receive(data))
        break
      }
      case 'open':
        this.opened++
        queueTask(() => core.announceOpen())
        break
      case 'closing':
        queueTask(() => core.announceClosing())
        break
      case 'closed': {
        this.#byChannel.delete(event.channel)
        this.cores.delete(core)
        if (core.readyState !== 'connecting') this.closed++
        const error = toRtcError(event.error)
        queueTask(() => core.announceClosed(error))
        break
      }
      case 'buffered-amount-low':
        break // `updateBufferedAmount` looks at every channel with something unsent
    }
  }

  /** §6.2.3. `open` comes after `datachannel`, and before the first message. */
  #incoming(channel: Channel): void {
    const priority = WEIGHTS.findLastIndex((weight) => channel.priority >= weight)
    const core = new DataChannelCore(
      {
        label: channel.label,
        ordered: channel.ordered,
        maxPacketLifeTime: clamp(channel.maxPacketLifeTime),
        maxRetransmits: clamp(channel.maxRetransmits),
        protocol: channel.protocol,
        negotiated: false,
        priority: PRIORITIES[Math.max(priority, 0)]!,
      },
      channel.id,
      this.#host,
    )
    core.channel = channel
    this.cores.add(core)
    this.#byChannel.set(channel, core)
    this.opened++
    this.#host.queueTask(() => {
      core.readyState = 'open'
      this.#onIncoming(core)
    })
    this.#host.queueTask(() => core.announceOpen())
  }

  /** Something of `core` may be unsent. */
  noteUnsent(core: DataChannelCore): void {
    if (core.bufferedAmount > 0) this.#unsent.add(core)
  }

  /** After a drain: looks at the channels that have something unsent, and at no other. */
  updateBufferedAmounts(): void {
    for (const core of this.#unsent) {
      if (core.bufferedAmount === 0 || core.readyState === 'closed') this.#unsent.delete(core)
      else core.updateBufferedAmount()
    }
  }

  /** `RTCPeerConnection.close()`. */
  abandon(): void {
    for (const core of this.cores) core.abandon()
    this.#byChannel.clear()
  }
}

/** The interface's attributes are `unsigned short`, the wire has 32 bits. */
function clamp(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(value, MAX_UNSIGNED_SHORT)
}

/**
 * Undefined for an end in good order. The peer's `close()` is none: it aborts the association (§4.4.2), which its channels
 * tell here with an error event, as in browsers.
 */
function toRtcError(error: DataChannelError | undefined): RTCError | undefined {
  if (error === undefined) return undefined
  const { cause, code, message } = error
  if (code === 'ERR_DATACHANNEL_REFUSED' || code === 'ERR_DATACHANNEL_ID_EXHAUSTED') {
    return new RTCError({ errorDetail: 'data-channel-failure' }, message)
  }
  if (cause instanceof SctpError) {
    if (cause.code === 'ERR_SCTP_ABORTED') return undefined
    const { causeCode } = cause
    return new RTCError(
      { errorDetail: 'sctp-failure', ...(causeCode === undefined ? {} : { sctpCauseCode: causeCode }) },
      cause.message,
    )
  }
  return new RTCError({ errorDetail: 'sctp-failure' }, message)
}

import type { SctpEvent } from '@kaon/sctp'
import type { AssociationLike } from './association.ts'
import type { Channel } from './channel.ts'
import { ChannelCore, type ChannelOwner } from './core.ts'
import { decodeDcep, encodeAck, encodeOpen, type OpenMessage } from './dcep.ts'
import { DataChannelError } from './errors.ts'
import type { ChannelEvent } from './events.ts'
import { HeldMessages, type HeldMessage } from './held.ts'
import { IncomingLimit } from './incoming-limit.ts'
import { checkOptions, type ChannelOptions, type DtlsRole, type ManagerOptions } from './options.ts'
import { isPartial, PartialMessage, type PartialBudget } from './partial.ts'
import { readPayload } from './payload.ts'
import { Queue } from './queue.ts'
import { PPID } from './ppid.ts'
import { createManagerStats, type ManagerStats } from './stats.ts'
import { StreamTable, type StreamEntry } from './streams.ts'

/** RFC 8832 §6: ids are below this whatever the association has. */
const MAX_STREAMS = 65535

/**
 * The data channels of one association (RFC 8831, RFC 8832): a machine without I/O on top of the association's. It takes
 * the association's events and answers what they ask for, so poll events before packets:
 *
 * 1. feed the association (`receive`, `tick`) and call channels as you like
 * 2. `manager.pollEvent(now)` until undefined
 * 3. `association.pollTransmit(now)` until undefined, then 2 again if anything was sent
 */
export class DataChannelManager {
  readonly stats: ManagerStats = createManagerStats()
  readonly #association: AssociationLike
  readonly #owner: ChannelOwner
  readonly #incoming: IncomingLimit
  readonly #partialBudget: PartialBudget
  readonly #trace: ManagerOptions['trace']
  readonly #streams = new StreamTable()
  readonly #held: HeldMessages
  /** Channels that wait for the association or the role. */
  readonly #waiting = new Set<ChannelCore>()
  readonly #events = new Queue<ChannelEvent>()
  /** What came too early and can be dealt with now, one by one, so that no channel is ahead of its events. */
  readonly #inputs = new Queue<{ readonly id: number; readonly message: HeldMessage | undefined }>()
  /** Streams to reset once the event at hand is dealt with. */
  #resets: number[] = []
  #role: DtlsRole | undefined
  #connected = false
  #ended = false

  constructor(association: AssociationLike, options: ManagerOptions = {}) {
    this.#association = association
    this.#trace = options.trace
    this.#incoming = new IncomingLimit(
      options.maxIncomingChannels ?? 1024,
      options.maxIncomingLabelBytes ?? 1024 * 1024,
    )
    this.#partialBudget = { left: options.maxPartialBytes ?? 256 * 1024 }
    this.#held = new HeldMessages(options.maxHeldBytes ?? 256 * 1024)
    this.#owner = { association, maxMessageSize: 0, closeChannel: (core) => this.#close(core) }
    this.setMaxMessageSize(options.maxMessageSize ?? 65536)
    if (options.role !== undefined) {
      this.#role = options.role
      this.#streams.setRole(options.role)
    }
  }

  get role(): DtlsRole | undefined {
    return this.#role
  }

  /**
   * Our role in the DTLS handshake is known: waiting channels get their ids, and open if the association is up.
   * @throws {DataChannelError} `ERR_DATACHANNEL_ARGUMENT` when it was set to the other one before
   */
  setRole(role: DtlsRole, now: number): void {
    if (this.#role === role) return
    if (this.#role !== undefined) throw new DataChannelError('ERR_DATACHANNEL_ARGUMENT', 'the role does not change')
    this.#role = role
    this.#streams.setRole(role)
    for (const core of this.#waiting) this.#progress(core, now)
  }

  /** Largest message that the peer accepts, bytes; Infinity for any. */
  get maxMessageSize(): number {
    return this.#owner.maxMessageSize
  }

  /** The peer's `a=max-message-size` in bytes; 0 is without limit (RFC 8841 §6.1). */
  setMaxMessageSize(bytes: number): void {
    if (!(bytes >= 0)) throw new DataChannelError('ERR_DATACHANNEL_ARGUMENT', 'maxMessageSize is not a number of bytes')
    this.#owner.maxMessageSize = bytes === 0 ? Infinity : bytes
    this.#association.setMaxMessageSize(this.#owner.maxMessageSize)
  }

  /** Channels that the association has streams for (W3C `maxChannels`); undefined until it is up. */
  get maxChannels(): number | undefined {
    const streams = this.#association.negotiated
    return streams === undefined || !this.#connected
      ? undefined
      : Math.min(streams.outboundStreams, streams.inboundStreams, MAX_STREAMS)
  }

  /** All channels that are not closed. */
  get channels(): Channel[] {
    const channels: Channel[] = []
    for (const entry of this.#streams.entries.values()) {
      if (entry.core !== undefined) channels.push(entry.core.channel)
    }
    for (const core of this.#waiting) if (core.id < 0) channels.push(core.channel)
    return channels
  }

  /**
   * Makes a channel. It opens once the association is up and, unless `negotiated`, the DTLS role is known: an `open`
   * event tells.
   * @throws {DataChannelError} `ERR_DATACHANNEL_ARGUMENT`, `ERR_DATACHANNEL_ID_IN_USE`, `ERR_DATACHANNEL_ID_EXHAUSTED`,
   * `ERR_DATACHANNEL_STATE` when the association has ended
   */
  open(options: ChannelOptions, now: number): Channel {
    const { id, ...parameters } = checkOptions(options)
    if (this.#ended) throw new DataChannelError('ERR_DATACHANNEL_STATE', 'the association has ended')
    const core = new ChannelCore(this.#owner, parameters, false)
    if (id !== undefined) {
      const entry = this.#streams.get(id)
      // Messages that came before their negotiated channel was made are waiting for it.
      if (entry !== undefined && (entry.core !== undefined || entry.outgoing !== 'open')) {
        throw new DataChannelError('ERR_DATACHANNEL_ID_IN_USE', `stream ${id} is in use`)
      }
      if (id >= (this.maxChannels ?? MAX_STREAMS)) throw exhausted()
      if (entry === undefined) this.#streams.add(id, core)
      else entry.core = core
      core.id = id
    } else if (this.#role !== undefined) {
      const free = this.#streams.take(this.maxChannels ?? MAX_STREAMS)
      if (free === undefined) throw exhausted()
      core.id = free
      this.#streams.add(free, core)
    }
    this.#waiting.add(core)
    this.#progress(core, now)
    return core.channel
  }

  /** The next event. Takes the association's events as needed and answers them. */
  pollEvent(now: number): ChannelEvent | undefined {
    for (;;) {
      this.#flushResets()
      const next = this.#events.shift()
      if (next !== undefined) return next
      const input = this.#inputs.shift()
      if (input !== undefined) {
        if (input.message !== undefined) this.#receive(input.id, input.message.ppid, input.message.data, now)
        else this.#incomingResetOf(input.id)
        continue
      }
      const event = this.#association.pollEvent()
      if (event === undefined) return undefined
      this.#handle(event, now)
    }
  }

  #handle(event: SctpEvent, now: number): void {
    switch (event.type) {
      case 'message':
        return this.#receive(event.streamId, event.ppid, event.data, now)
      case 'buffered-amount-low': {
        const core = this.#streams.get(event.streamId)?.core
        if (core?.becameLow()) this.#events.push({ type: 'buffered-amount-low', channel: core.channel })
        return
      }
      case 'connected':
        this.#connected = true
        this.#events.push({ type: 'connected' })
        for (const core of this.#waiting) this.#progress(core, now)
        return
      case 'incoming-reset':
        if (event.all) for (const entry of Array.from(this.#streams.entries.values())) this.#incomingReset(entry)
        else for (const id of event.streamIds) this.#incomingResetOf(id)
        return
      case 'outgoing-reset':
        for (const id of event.streamIds) this.#outgoingReset(id, event.ok)
        return
      case 'message-discarded': {
        const core = this.#streams.get(event.streamId)?.core
        const reason = 'the peer sent a message larger than this side accepts'
        if (core !== undefined) this.#fail(core, new DataChannelError('ERR_DATACHANNEL_MESSAGE_TOO_LARGE', reason))
        return
      }
      case 'restarted':
        return this.#closeAll(new DataChannelError('ERR_DATACHANNEL_ASSOCIATION', 'the peer restarted the association'))
      case 'closed':
        return this.#end(undefined)
      case 'aborted':
        return this.#end(new DataChannelError('ERR_DATACHANNEL_ASSOCIATION', event.error.message, event.error))
    }
  }

  // -- opening

  /** Gives a waiting channel its id and opens it as far as the association and the role allow. */
  #progress(core: ChannelCore, now: number): void {
    if (core.id < 0) {
      if (this.#role === undefined) return
      const id = this.#streams.take(this.maxChannels ?? MAX_STREAMS)
      if (id === undefined) return this.#closed(core, exhausted())
      core.id = id
      this.#streams.add(id, core)
    }
    const max = this.maxChannels
    if (max === undefined) return
    const entry = this.#streams.get(core.id)!
    this.#waiting.delete(core)
    try {
      // The handshake may have left fewer streams than an id chosen before it.
      if (core.id >= max) throw exhausted()
      core.bind()
      if (!core.parameters.negotiated) {
        core.sendControl(encodeOpen(core.parameters), now)
        core.awaitsAck = true
      }
    } catch (error) {
      if (!(error instanceof DataChannelError)) throw error
      this.#streams.release(entry)
      return this.#closed(core, error)
    }
    core.state = 'open'
    this.stats.channelsOpened++
    this.#trace?.({ layer: 'datachannel', name: 'open', data: { id: core.id, label: core.parameters.label } })
    this.#events.push({ type: 'open', channel: core.channel })
    this.#releaseHeld(entry)
  }

  /** A DATA_CHANNEL_OPEN on a stream without a channel (RFC 8832 §6). */
  #accept(id: number, open: OpenMessage, now: number): void {
    const ours = this.#role === undefined ? undefined : this.#role === 'client' ? 0 : 1
    if ((id & 1) === ours) return this.#refuse(id, 'parity')
    if (!this.#incoming.allows(open)) return this.#refuse(id, 'limit')
    const { type: _, ...parameters } = open
    const core = new ChannelCore(this.#owner, { ...parameters, negotiated: false }, true)
    core.id = id
    core.bind()
    try {
      core.sendControl(encodeAck(), now)
    } catch (error) {
      // The association is shutting down: there is nothing to accept any more.
      if (error instanceof DataChannelError) return
      throw error
    }
    this.#incoming.add(open)
    const entry = this.#streams.get(id) ?? this.#streams.add(id, core)
    entry.core = core
    core.state = 'open'
    this.stats.channelsOpened++
    this.#trace?.({ layer: 'datachannel', name: 'channel', data: { id, label: open.label } })
    this.#events.push({ type: 'channel', channel: core.channel })
    this.#releaseHeld(entry)
  }

  /** RFC 8832 §6: a channel that cannot be accepted is closed, without an ACK. */
  #refuse(id: number, reason: 'malformed' | 'parity' | 'limit'): void {
    this.stats.refused[reason]++
    this.#trace?.({ layer: 'datachannel', name: 'refused', data: { id, reason } })
    const entry = this.#streams.get(id) ?? this.#streams.add(id, undefined)
    this.#held.take(entry)
    this.#resetOutgoing(entry)
  }

  // -- receiving

  #receive(id: number, ppid: number, data: Uint8Array, now: number): void {
    const entry = this.#streams.get(id)
    const core = entry?.core
    if (entry === undefined) {
      if (id >= (this.maxChannels ?? MAX_STREAMS)) this.stats.refused.stream++
      else if (ppid === PPID.DCEP) this.#receiveControl(id, data, now)
      else this.#hold(this.#streams.add(id, undefined), ppid, data)
    } else if (entry.incomingReset && entry.outgoing !== 'retired') {
      // The peer has seen our reset and uses the id anew before we saw its answer.
      if (entry.lost || entry.resetAgain) this.stats.dropped.closing++
      else this.#hold(entry, ppid, data)
    } else if (core === undefined) {
      if (entry.outgoing !== 'open') this.stats.dropped.closing++
      else if (ppid === PPID.DCEP) this.#receiveControl(id, data, now)
      else this.#hold(entry, ppid, data)
    } else if (core.state === 'connecting') {
      // A negotiated channel that waits for `connected`, which the association reports first.
      this.#hold(entry, ppid, data)
    } else if (ppid === PPID.DCEP) {
      const message = decodeDcep(data)
      core.heard = true
      // RFC 8832 §6 would have the channel closed for a second OPEN; browsers ignore it, and so does Kaon.
      if (message?.type === 'open') this.stats.refused.idInUse++
      else if (message === undefined) this.stats.dropped.malformedDcep++
      else if (!core.awaitsAck) this.stats.dropped.unexpectedAck++
      core.awaitsAck = false
    } else {
      core.heard = true
      core.awaitsAck = false
      if (core.state === 'open') this.#deliver(core, entry, ppid, data)
      else this.stats.dropped.closing++
    }
  }

  #receiveControl(id: number, data: Uint8Array, now: number): void {
    const message = decodeDcep(data)
    if (message?.type === 'open') this.#accept(id, message, now)
    else if (message?.type === 'ack') this.stats.dropped.unexpectedAck++
    else if (data[0] === 0x03) this.#refuse(id, 'malformed')
    else this.stats.dropped.malformedDcep++
  }

  #deliver(core: ChannelCore, entry: StreamEntry, ppid: number, bytes: Uint8Array): void {
    let data = bytes
    if (isPartial(ppid) || entry.partial?.isEmpty === false) {
      entry.partial ??= new PartialMessage(this.#partialBudget)
      const whole = core.parameters.ordered ? entry.partial.add(ppid, data) : false
      if (whole === undefined) return
      if (whole === false) {
        this.stats.dropped.partial++
        const reason = 'the peer sent partial messages that cannot be put together'
        return this.#fail(core, new DataChannelError('ERR_DATACHANNEL_PROTOCOL', reason))
      }
      data = whole
    }
    const message = readPayload(ppid, data)
    if (message === undefined) {
      this.stats.dropped.unknownPpid++
      return
    }
    core.stats.messagesReceived++
    if (message.length > 0) core.stats.bytesReceived += data.length
    this.#events.push({ type: 'message', channel: core.channel, data: message })
  }

  // -- messages that come too early

  #hold(entry: StreamEntry, ppid: number, data: Uint8Array): void {
    if (this.#held.add(entry, ppid, data)) return
    this.stats.dropped.noChannel++
    // RFC 8832 §6: user data on a stream without a channel is an error, and the stream is reset.
    this.#held.take(entry)
    if (entry.outgoing === 'open') this.#resetOutgoing(entry)
    else entry.lost = true
  }

  #releaseHeld(entry: StreamEntry): void {
    for (const message of this.#held.take(entry)) this.#inputs.push({ id: entry.id, message })
  }

  // -- closing (RFC 8831 §6.7)

  #close(core: ChannelCore): void {
    if (core.state === 'closing' || core.state === 'closed') return
    const entry = this.#streams.get(core.id)
    if (core.state === 'connecting' || entry === undefined) {
      this.#waiting.delete(core)
      if (entry?.core === core) this.#streams.release(entry)
      return this.#closed(core, undefined)
    }
    core.state = 'closing'
    this.#resetOutgoing(entry)
    this.#flushResets()
  }

  #flushResets(): void {
    if (this.#resets.length === 0) return
    const resets = this.#resets
    this.#resets = []
    try {
      this.#association.resetStreams(resets)
    } catch (error) {
      // It ended in the same burst, and the event that says so is still to be read: that closes the channels.
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SCTP_STATE')) throw error
    }
  }

  /** Closes a channel from here because of the peer. */
  #fail(core: ChannelCore, error: DataChannelError): void {
    if (core.state !== 'open') return
    core.state = 'closing'
    core.error = error
    this.#events.push({ type: 'closing', channel: core.channel })
    this.#resetOutgoing(this.#streams.get(core.id)!)
  }

  #resetOutgoing(entry: StreamEntry): void {
    if (entry.outgoing !== 'open') return
    if (this.#association.negotiated?.streamReset === false) return this.#retire(entry)
    entry.outgoing = 'resetting'
    this.#resets.push(entry.id)
  }

  /** The stream cannot be reset: the channel is closed here, and the id is not used again. */
  #retire(entry: StreamEntry): void {
    entry.outgoing = 'retired'
    entry.partial?.clear()
    const core = entry.core
    entry.core = undefined
    if (core !== undefined) this.#closed(core, core.error)
  }

  #incomingResetOf(id: number): void {
    let entry = this.#streams.get(id)
    if (entry === undefined) {
      // The peer closes a channel that we never had (negotiated there only) and waits for our reset.
      entry = id < (this.maxChannels ?? 0) ? this.#streams.answer(id) : undefined
      if (entry === undefined) {
        this.stats.dropped.unexpectedReset++
        return
      }
    }
    this.#incomingReset(entry)
  }

  #incomingReset(entry: StreamEntry): void {
    if (entry.incomingReset) {
      entry.resetAgain = true
      return
    }
    this.#held.take(entry)
    entry.partial?.clear()
    entry.incomingReset = true
    const core = entry.core
    if (core?.state === 'open') {
      if (core.awaitsAck) core.error = new DataChannelError('ERR_DATACHANNEL_REFUSED', 'the peer refused the channel')
      core.state = 'closing'
      this.#events.push({ type: 'closing', channel: core.channel })
    }
    if (entry.outgoing === 'reset') this.#release(entry)
    else this.#resetOutgoing(entry)
  }

  #outgoingReset(id: number, ok: boolean): void {
    const entry = this.#streams.get(id)
    if (entry === undefined || entry.outgoing !== 'resetting') return
    if (!ok) return this.#retire(entry)
    entry.outgoing = 'reset'
    if (entry.incomingReset) this.#release(entry)
  }

  /** Both directions are reset. */
  #release(entry: StreamEntry): void {
    this.#streams.release(entry)
    const core = entry.core
    if (core !== undefined) this.#closed(core, core.error)
    if (entry.held === undefined && !entry.lost && !entry.resetAgain) return
    // The id is not free: what the peer did with it meanwhile happens now.
    const next = this.#streams.add(entry.id, undefined)
    if (entry.lost) this.#resetOutgoing(next)
    this.#releaseHeld(entry)
    if (entry.resetAgain) this.#inputs.push({ id: entry.id, message: undefined })
  }

  #closed(core: ChannelCore, error: DataChannelError | undefined): void {
    if (core.state === 'closed') return
    void core.bufferedAmount // freezes it
    const wasOpen = core.state !== 'connecting'
    core.state = 'closed'
    this.#waiting.delete(core)
    if (wasOpen) this.stats.channelsClosed++
    if (core.incoming) this.#incoming.remove(core.parameters)
    this.#trace?.({ layer: 'datachannel', name: 'closed', data: { id: core.id, error: error?.code } })
    this.#events.push({ type: 'closed', channel: core.channel, error })
  }

  /** The association is gone or new: nothing of any stream is left. Channels without one go on waiting. */
  #closeAll(error: DataChannelError | undefined): void {
    for (const entry of this.#streams.entries.values()) {
      this.#held.take(entry)
      entry.partial?.clear()
      if (entry.core !== undefined) this.#closed(entry.core, error)
    }
    this.#streams.clear()
    this.#inputs.clear()
    this.#resets = []
  }

  #end(error: DataChannelError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#closeAll(error)
    for (const core of this.#waiting) this.#closed(core, error)
    this.#events.push({ type: 'ended', error })
  }
}

function exhausted(): DataChannelError {
  return new DataChannelError('ERR_DATACHANNEL_ID_EXHAUSTED', 'no stream is left for another channel')
}

import type { SctpEvent } from '@kaon/sctp'
import type { AssociationLike } from './association.ts'
import type { Channel } from './channel.ts'
import { close, closeAll, end, fail, flushResets, incomingReset, incomingResetOf, outgoingReset } from './closing.ts'
import { ChannelCore } from './core.ts'
import { DataChannelError } from './errors.ts'
import type { ChannelEvent } from './events.ts'
import { exhausted, progress } from './opening.ts'
import { checkOptions, type ChannelOptions, type DtlsRole, type ManagerOptions } from './options.ts'
import { receive } from './receiving.ts'
import { MAX_STREAMS, ManagerState } from './state.ts'
import type { ManagerStats } from './stats.ts'

/**
 * The data channels of one association (RFC 8831, RFC 8832): a machine without I/O on top of the association's. It takes
 * the association's events and answers what they ask for, so poll events before packets:
 *
 * 1. feed the association (`receive`, `tick`) and call channels as you like
 * 2. `manager.pollEvent(now)` until undefined
 * 3. `association.pollTransmit(now)` until undefined, then 2 again if anything was sent
 */
export class DataChannelManager {
  readonly #state: ManagerState

  constructor(association: AssociationLike, options: ManagerOptions = {}) {
    this.#state = new ManagerState(association, options, (core) => close(this.#state, core))
    this.setMaxMessageSize(options.maxMessageSize ?? 65536)
    if (options.role !== undefined) {
      this.#state.role = options.role
      this.#state.streams.setRole(options.role)
    }
  }

  get stats(): ManagerStats {
    return this.#state.stats
  }

  get role(): DtlsRole | undefined {
    return this.#state.role
  }

  /**
   * Our role in the DTLS handshake is known: waiting channels get their ids, and open if the association is up.
   * @throws {DataChannelError} `ERR_DATACHANNEL_ARGUMENT` when it was set to the other one before
   */
  setRole(role: DtlsRole, now: number): void {
    const state = this.#state
    if (state.role === role) return
    if (state.role !== undefined) throw new DataChannelError('ERR_DATACHANNEL_ARGUMENT', 'the role does not change')
    state.role = role
    state.streams.setRole(role)
    for (const core of state.waiting) progress(state, core, now)
  }

  /** Largest message that the peer accepts, bytes; Infinity for any. */
  get maxMessageSize(): number {
    return this.#state.owner.maxMessageSize
  }

  /** The peer's `a=max-message-size` in bytes; 0 is without limit (RFC 8841 §6.1). */
  setMaxMessageSize(bytes: number): void {
    if (!(bytes >= 0)) throw new DataChannelError('ERR_DATACHANNEL_ARGUMENT', 'maxMessageSize is not a number of bytes')
    this.#state.owner.maxMessageSize = bytes === 0 ? Infinity : bytes
    this.#state.association.setMaxMessageSize(this.#state.owner.maxMessageSize)
  }

  /** Channels that the association has streams for (W3C `maxChannels`); undefined until it is up. */
  get maxChannels(): number | undefined {
    return this.#state.maxChannels
  }

  /** All channels that are not closed. */
  get channels(): Channel[] {
    return this.#state.channels
  }

  /**
   * Makes a channel. It opens once the association is up and, unless `negotiated`, the DTLS role is known: an `open`
   * event tells.
   * @throws {DataChannelError} `ERR_DATACHANNEL_ARGUMENT`, `ERR_DATACHANNEL_ID_IN_USE`, `ERR_DATACHANNEL_ID_EXHAUSTED`,
   * `ERR_DATACHANNEL_STATE` when the association has ended
   */
  open(options: ChannelOptions, now: number): Channel {
    const state = this.#state
    const { id, ...parameters } = checkOptions(options)
    if (state.ended) throw new DataChannelError('ERR_DATACHANNEL_STATE', 'the association has ended')
    const core = new ChannelCore(state.owner, parameters, false)
    if (id !== undefined) {
      const entry = state.streams.get(id)
      // Messages that came before their negotiated channel was made are waiting for it.
      if (entry !== undefined && (entry.core !== undefined || entry.outgoing !== 'open')) {
        throw new DataChannelError('ERR_DATACHANNEL_ID_IN_USE', `stream ${id} is in use`)
      }
      if (id >= (state.maxChannels ?? MAX_STREAMS)) throw exhausted()
      if (entry === undefined) state.streams.add(id, core)
      else entry.core = core
      core.id = id
    } else if (state.role !== undefined) {
      const free = state.streams.take(state.maxChannels ?? MAX_STREAMS)
      if (free === undefined) throw exhausted()
      core.id = free
      state.streams.add(free, core)
    }
    state.waiting.add(core)
    progress(state, core, now)
    return core.channel
  }

  /** The next event. Takes the association's events as needed and answers them. */
  pollEvent(now: number): ChannelEvent | undefined {
    const state = this.#state
    for (;;) {
      flushResets(state)
      const next = state.events.shift()
      if (next !== undefined) return next
      const input = state.inputs.shift()
      if (input !== undefined) {
        if (input.message !== undefined) receive(state, input.id, input.message.ppid, input.message.data, now)
        else incomingResetOf(state, input.id)
        continue
      }
      const event = state.association.pollEvent()
      if (event === undefined) return undefined
      this.#handle(event, now)
    }
  }

  #handle(event: SctpEvent, now: number): void {
    const state = this.#state
    switch (event.type) {
      case 'message':
        return receive(state, event.streamId, event.ppid, event.data, now)
      case 'buffered-amount-low': {
        const core = state.streams.get(event.streamId)?.core
        if (core?.becameLow()) state.events.push({ type: 'buffered-amount-low', channel: core.channel })
        return
      }
      case 'connected':
        state.connected = true
        state.events.push({ type: 'connected' })
        for (const core of state.waiting) progress(state, core, now)
        return
      case 'incoming-reset':
        if (event.all) for (const entry of Array.from(state.streams.entries.values())) incomingReset(state, entry)
        else for (const id of event.streamIds) incomingResetOf(state, id)
        return
      case 'outgoing-reset':
        for (const id of event.streamIds) outgoingReset(state, id, event.ok)
        return
      case 'message-discarded': {
        const core = state.streams.get(event.streamId)?.core
        const reason = 'the peer sent a message larger than this side accepts'
        if (core !== undefined) fail(state, core, new DataChannelError('ERR_DATACHANNEL_MESSAGE_TOO_LARGE', reason))
        return
      }
      case 'restarted':
        return closeAll(
          state,
          new DataChannelError('ERR_DATACHANNEL_ASSOCIATION', 'the peer restarted the association'),
        )
      case 'closed':
        return end(state, undefined)
      case 'aborted':
        return end(state, new DataChannelError('ERR_DATACHANNEL_ASSOCIATION', event.error.message, event.error))
    }
  }
}

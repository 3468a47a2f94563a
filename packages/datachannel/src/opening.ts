// Channels that open (RFC 8832 §6).
import { closed, resetOutgoing } from './closing.ts'
import { ChannelCore } from './core.ts'
import { encodeAck, encodeOpen, type OpenMessage } from './dcep.ts'
import { DataChannelError } from './errors.ts'
import { MAX_STREAMS, type ManagerState } from './state.ts'

/** Gives a waiting channel its id and opens it as far as the association and the role allow. */
export function progress(state: ManagerState, core: ChannelCore, now: number): void {
  if (core.id < 0) {
    if (state.role === undefined) return
    const id = state.streams.take(state.maxChannels ?? MAX_STREAMS)
    if (id === undefined) return closed(state, core, exhausted())
    core.id = id
    state.streams.add(id, core)
  }
  const max = state.maxChannels
  if (max === undefined) return
  const entry = state.streams.get(core.id)!
  state.waiting.delete(core)
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
    state.streams.release(entry)
    return closed(state, core, error)
  }
  core.state = 'open'
  state.stats.channelsOpened++
  state.trace?.({ layer: 'datachannel', name: 'open', data: { id: core.id, label: core.parameters.label } })
  state.events.push({ type: 'open', channel: core.channel })
  state.releaseHeld(entry)
}

/** A DATA_CHANNEL_OPEN on a stream without a channel (RFC 8832 §6). */
export function accept(state: ManagerState, id: number, open: OpenMessage, now: number): void {
  const ours = state.role === undefined ? undefined : state.role === 'client' ? 0 : 1
  if ((id & 1) === ours) return refuse(state, id, 'parity')
  if (!state.incoming.allows(open)) return refuse(state, id, 'limit')
  const { type: _, ...parameters } = open
  const core = new ChannelCore(state.owner, { ...parameters, negotiated: false }, true)
  core.id = id
  core.bind()
  try {
    core.sendControl(encodeAck(), now)
  } catch (error) {
    if (!(error instanceof DataChannelError)) throw error
    // A send buffer without room for the ACK. An association that is shutting down has nothing to accept any more.
    if (error.code === 'ERR_DATACHANNEL_BUFFER_FULL') refuse(state, id, 'limit')
    return
  }
  state.incoming.add(open)
  const entry = state.streams.get(id) ?? state.streams.add(id, core)
  entry.core = core
  core.state = 'open'
  state.stats.channelsOpened++
  state.trace?.({ layer: 'datachannel', name: 'channel', data: { id, label: open.label } })
  state.events.push({ type: 'channel', channel: core.channel })
  state.releaseHeld(entry)
}

/** RFC 8832 §6: a channel that cannot be accepted is closed, without an ACK. */
export function refuse(state: ManagerState, id: number, reason: 'malformed' | 'parity' | 'limit'): void {
  state.stats.refused[reason]++
  state.trace?.({ layer: 'datachannel', name: 'refused', data: { id, reason } })
  const entry = state.streams.get(id) ?? state.streams.add(id, undefined)
  state.held.take(entry)
  resetOutgoing(state, entry)
}

export function exhausted(): DataChannelError {
  return new DataChannelError('ERR_DATACHANNEL_ID_EXHAUSTED', 'no stream is left for another channel')
}

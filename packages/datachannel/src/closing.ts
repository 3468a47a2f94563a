// Channels that close (RFC 8831 §6.7).
import type { ChannelCore } from './core.ts'
import { DataChannelError } from './errors.ts'
import type { ManagerState } from './state.ts'
import type { StreamEntry } from './streams.ts'

export function close(state: ManagerState, core: ChannelCore): void {
  if (core.state === 'closing' || core.state === 'closed') return
  const entry = state.streams.get(core.id)
  if (core.state === 'connecting' || entry === undefined) {
    state.waiting.delete(core)
    if (entry?.core === core) state.streams.release(entry)
    return closed(state, core, undefined)
  }
  core.state = 'closing'
  resetOutgoing(state, entry)
  flushResets(state)
}

export function flushResets(state: ManagerState): void {
  if (state.resets.length === 0) return
  const resets = state.resets
  state.resets = []
  try {
    state.association.resetStreams(resets)
  } catch (error) {
    // It ended in the same burst, and the event that says so is still to be read: that closes the channels.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SCTP_STATE')) throw error
  }
}

/** Closes a channel from here because of the peer. */
export function fail(state: ManagerState, core: ChannelCore, error: DataChannelError): void {
  if (core.state !== 'open') return
  core.state = 'closing'
  core.error = error
  state.events.push({ type: 'closing', channel: core.channel })
  resetOutgoing(state, state.streams.get(core.id)!)
}

export function resetOutgoing(state: ManagerState, entry: StreamEntry): void {
  if (entry.outgoing !== 'open') return
  if (state.association.negotiated?.streamReset === false) return retire(state, entry)
  entry.outgoing = 'resetting'
  state.resets.push(entry.id)
}

/** The stream cannot be reset: the channel is closed here, and the id is not used again. */
function retire(state: ManagerState, entry: StreamEntry): void {
  entry.outgoing = 'retired'
  entry.partial?.clear()
  const core = entry.core
  entry.core = undefined
  if (core !== undefined) closed(state, core, core.error)
}

export function incomingResetOf(state: ManagerState, id: number): void {
  let entry = state.streams.get(id)
  if (entry === undefined) {
    // The peer closes a channel that we never had (negotiated there only) and waits for our reset.
    entry = id < (state.maxChannels ?? 0) ? state.streams.answer(id) : undefined
    if (entry === undefined) {
      state.stats.dropped.unexpectedReset++
      return
    }
  }
  incomingReset(state, entry)
}

export function incomingReset(state: ManagerState, entry: StreamEntry): void {
  if (entry.incomingReset) {
    entry.resetAgain = true
    return
  }
  state.held.take(entry)
  entry.partial?.clear()
  entry.incomingReset = true
  const core = entry.core
  if (core?.state === 'open') {
    if (core.awaitsAck) core.error = new DataChannelError('ERR_DATACHANNEL_REFUSED', 'the peer refused the channel')
    core.state = 'closing'
    state.events.push({ type: 'closing', channel: core.channel })
  }
  if (entry.outgoing === 'reset') release(state, entry)
  else resetOutgoing(state, entry)
}

export function outgoingReset(state: ManagerState, id: number, ok: boolean): void {
  const entry = state.streams.get(id)
  if (entry === undefined || entry.outgoing !== 'resetting') return
  if (!ok) return retire(state, entry)
  entry.outgoing = 'reset'
  if (entry.incomingReset) release(state, entry)
}

/** Both directions are reset. */
function release(state: ManagerState, entry: StreamEntry): void {
  state.streams.release(entry)
  const core = entry.core
  if (core !== undefined) closed(state, core, core.error)
  if (entry.held === undefined && !entry.lost && !entry.resetAgain) return
  // The id is not free: what the peer did with it meanwhile happens now.
  const next = state.streams.add(entry.id, undefined)
  if (entry.lost) resetOutgoing(state, next)
  state.releaseHeld(entry)
  if (entry.resetAgain) state.inputs.push({ id: entry.id, message: undefined })
}

export function closed(state: ManagerState, core: ChannelCore, error: DataChannelError | undefined): void {
  if (core.state === 'closed') return
  void core.bufferedAmount // freezes it
  const wasOpen = core.state !== 'connecting'
  core.state = 'closed'
  state.waiting.delete(core)
  if (wasOpen) state.stats.channelsClosed++
  if (core.incoming) state.incoming.remove(core.parameters)
  state.trace?.({ layer: 'datachannel', name: 'closed', data: { id: core.id, error: error?.code } })
  state.events.push({ type: 'closed', channel: core.channel, error })
}

/** The association is gone or new: nothing of any stream is left. Channels without one go on waiting. */
export function closeAll(state: ManagerState, error: DataChannelError | undefined): void {
  for (const entry of state.streams.entries.values()) {
    state.held.take(entry)
    entry.partial?.clear()
    if (entry.core !== undefined) closed(state, entry.core, error)
  }
  state.streams.clear()
  state.inputs.clear()
  state.resets = []
}

export function end(state: ManagerState, error: DataChannelError | undefined): void {
  if (state.ended) return
  state.ended = true
  closeAll(state, error)
  for (const core of state.waiting) closed(state, core, error)
  state.events.push({ type: 'ended', error })
}

// Messages of the association's streams.
import { fail, resetOutgoing } from './closing.ts'
import type { ChannelCore } from './core.ts'
import { decodeDcep } from './dcep.ts'
import { DataChannelError } from './errors.ts'
import { accept, refuse } from './opening.ts'
import { isPartial, PartialMessage } from './partial.ts'
import { readPayload } from './payload.ts'
import { PPID } from './ppid.ts'
import { MAX_STREAMS, type ManagerState } from './state.ts'
import type { StreamEntry } from './streams.ts'

export function receive(state: ManagerState, id: number, ppid: number, data: Uint8Array, now: number): void {
  const entry = state.streams.get(id)
  const core = entry?.core
  if (entry === undefined) {
    if (id >= (state.maxChannels ?? MAX_STREAMS)) state.stats.refused.stream++
    else if (ppid === PPID.DCEP) receiveControl(state, id, data, now)
    else hold(state, state.streams.add(id, undefined), ppid, data)
  } else if (entry.incomingReset && entry.outgoing !== 'retired') {
    // The peer has seen our reset and uses the id anew before we saw its answer.
    if (entry.lost || entry.resetAgain) state.stats.dropped.closing++
    else hold(state, entry, ppid, data)
  } else if (core === undefined) {
    if (entry.outgoing !== 'open') state.stats.dropped.closing++
    else if (ppid === PPID.DCEP) receiveControl(state, id, data, now)
    else hold(state, entry, ppid, data)
  } else if (core.state === 'connecting') {
    // A negotiated channel that waits for `connected`, which the association reports first.
    hold(state, entry, ppid, data)
  } else if (ppid === PPID.DCEP) {
    const message = decodeDcep(data)
    core.heard = true
    // RFC 8832 §6 would have the channel closed for a second OPEN; browsers ignore it, and so does Kaon.
    if (message?.type === 'open') state.stats.refused.idInUse++
    else if (message === undefined) state.stats.dropped.malformedDcep++
    else if (!core.awaitsAck) state.stats.dropped.unexpectedAck++
    core.awaitsAck = false
  } else {
    core.heard = true
    core.awaitsAck = false
    if (core.state === 'open') deliver(state, core, entry, ppid, data)
    else state.stats.dropped.closing++
  }
}

function receiveControl(state: ManagerState, id: number, data: Uint8Array, now: number): void {
  const message = decodeDcep(data)
  if (message?.type === 'open') accept(state, id, message, now)
  else if (message?.type === 'ack') state.stats.dropped.unexpectedAck++
  else if (data[0] === 0x03) refuse(state, id, 'malformed')
  else state.stats.dropped.malformedDcep++
}

function deliver(state: ManagerState, core: ChannelCore, entry: StreamEntry, ppid: number, bytes: Uint8Array): void {
  let data = bytes
  if (isPartial(ppid) || entry.partial?.isEmpty === false) {
    entry.partial ??= new PartialMessage(state.partialBudget)
    const whole = core.parameters.ordered ? entry.partial.add(ppid, data) : false
    if (whole === undefined) return
    if (whole === false) {
      state.stats.dropped.partial++
      const reason = 'the peer sent partial messages that cannot be put together'
      return fail(state, core, new DataChannelError('ERR_DATACHANNEL_PROTOCOL', reason))
    }
    data = whole
  }
  const message = readPayload(ppid, data)
  if (message === undefined) {
    state.stats.dropped.unknownPpid++
    return
  }
  core.stats.messagesReceived++
  if (message.length > 0) core.stats.bytesReceived += data.length
  state.events.push({ type: 'message', channel: core.channel, data: message })
}

function hold(state: ManagerState, entry: StreamEntry, ppid: number, data: Uint8Array): void {
  if (state.held.add(entry, ppid, data)) return
  state.stats.dropped.noChannel++
  // RFC 8832 §6: user data on a stream without a channel is an error, and the stream is reset.
  state.held.take(entry)
  if (entry.outgoing === 'open') resetOutgoing(state, entry)
  else entry.lost = true
}

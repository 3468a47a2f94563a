import type { AssociationLike } from './association.ts'
import type { Channel } from './channel.ts'
import type { ChannelCore, ChannelOwner } from './core.ts'
import type { ChannelEvent } from './events.ts'
import { type HeldMessage, HeldMessages } from './held.ts'
import { IncomingLimit } from './incoming-limit.ts'
import type { DtlsRole, ManagerOptions } from './options.ts'
import type { PartialBudget } from './partial.ts'
import { Queue } from './queue.ts'
import { createManagerStats, type ManagerStats } from './stats.ts'
import { type StreamEntry, StreamTable } from './streams.ts'

/** RFC 8832 §6: ids are below this whatever the association has. */
export const MAX_STREAMS = 65535

/**
 * The state of a manager, in one place. `opening.ts`, `receiving.ts` and `closing.ts` are functions over it; `manager.ts`
 * is its public face.
 */
export class ManagerState {
  readonly association: AssociationLike
  readonly owner: ChannelOwner
  readonly stats: ManagerStats = createManagerStats()
  readonly incoming: IncomingLimit
  readonly partialBudget: PartialBudget
  readonly trace: ManagerOptions['trace']
  readonly streams: StreamTable = new StreamTable()
  readonly held: HeldMessages
  /** Channels that wait for the association or the role. */
  readonly waiting: Set<ChannelCore> = new Set()
  readonly events: Queue<ChannelEvent> = new Queue()
  /** What came too early and can be dealt with now, one by one, so that no channel is ahead of its events. */
  readonly inputs: Queue<{ readonly id: number; readonly message: HeldMessage | undefined }> = new Queue()
  /** Streams to reset once the event at hand is dealt with. */
  resets: number[] = []
  role: DtlsRole | undefined
  connected = false
  ended = false

  constructor(association: AssociationLike, options: ManagerOptions, closeChannel: (core: ChannelCore) => void) {
    this.association = association
    this.trace = options.trace
    this.incoming = new IncomingLimit(options.maxIncomingChannels ?? 1024, options.maxIncomingLabelBytes ?? 1024 * 1024)
    this.partialBudget = { left: options.maxPartialBytes ?? 256 * 1024 }
    this.held = new HeldMessages(options.maxHeldBytes ?? 256 * 1024)
    this.owner = { association, maxMessageSize: 0, closeChannel }
  }

  /** Channels that the association has streams for; undefined until it is up. */
  get maxChannels(): number | undefined {
    const streams = this.association.negotiated
    return streams === undefined || !this.connected
      ? undefined
      : Math.min(streams.outboundStreams, streams.inboundStreams, MAX_STREAMS)
  }

  /** All channels that are not closed. */
  get channels(): Channel[] {
    const channels: Channel[] = []
    for (const entry of this.streams.entries.values()) {
      if (entry.core !== undefined) channels.push(entry.core.channel)
    }
    for (const core of this.waiting) if (core.id < 0) channels.push(core.channel)
    return channels
  }

  /** What was kept for a stream is dealt with next. */
  releaseHeld(entry: StreamEntry): void {
    for (const message of this.held.take(entry)) this.inputs.push({ id: entry.id, message })
  }
}

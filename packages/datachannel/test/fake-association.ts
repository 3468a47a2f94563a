import type { OutgoingMessage, SctpEvent } from '@kaon/sctp'
import { SctpError } from '@kaon/sctp'
import { DataChannelManager } from '../src/index.ts'
import type { AssociationLike, AssociationStreams, ChannelEvent, ManagerOptions } from '../src/index.ts'

/** An association without a wire: what is sent waits until the test lets it through, byte by byte if it likes. */
export class FakeAssociation implements AssociationLike {
  negotiated: AssociationStreams | undefined = { outboundStreams: 65535, inboundStreams: 65535, streamReset: true }
  peer: FakeAssociation | undefined
  readonly events: SctpEvent[] = []
  /** Everything ever sent. */
  readonly sent: OutgoingMessage[] = []
  readonly priorities: Map<number, number> = new Map()
  readonly resets: number[] = []
  maxMessageSize = 0
  /** Reset requests are not carried out while false. */
  resetsPass = true
  /** It has ended, though the event that says so may not have been read. */
  ended = false
  /** The next `send` fails with this. */
  failure: SctpError | undefined
  #queue: { message: OutgoingMessage; left: number }[] = []
  #resetting: number[] = []
  readonly #thresholds = new Map<number, number>()

  pollEvent(): SctpEvent | undefined {
    return this.events.shift()
  }

  send(message: OutgoingMessage): void {
    if (this.failure !== undefined) throw this.failure
    if (this.#resetting.includes(message.streamId)) throw new SctpError('ERR_SCTP_STREAM_RESETTING', 'resetting')
    if (message.data.length === 0) throw new SctpError('ERR_SCTP_EMPTY_MESSAGE', 'empty')
    if (message.data.length > this.maxMessageSize) throw new SctpError('ERR_SCTP_MESSAGE_TOO_LARGE', 'too large')
    this.sent.push(message)
    this.#queue.push({ message, left: message.data.length })
  }

  bufferedAmount(streamId: number): number {
    let sum = 0
    for (const { message, left } of this.#queue) if (message.streamId === streamId) sum += left
    return sum
  }

  setBufferedAmountLowThreshold(streamId: number, bytes: number): void {
    this.#thresholds.set(streamId, bytes)
  }

  setStreamPriority(streamId: number, priority: number): void {
    this.priorities.set(streamId, priority)
  }

  resetStreams(streamIds: readonly number[]): void {
    if (this.ended) throw new SctpError('ERR_SCTP_STATE', 'ended')
    this.resets.push(...streamIds)
    this.#resetting.push(...streamIds)
  }

  setMaxMessageSize(bytes: number): void {
    this.maxMessageSize = bytes
  }

  /** Lets up to so many bytes out; then, if nothing is queued on a stream any more, its reset. */
  transmit(bytes = Infinity): void {
    let budget = bytes
    while (this.#queue.length > 0 && budget > 0) {
      const entry = this.#queue[0]!
      const { streamId } = entry.message
      const before = this.bufferedAmount(streamId)
      const step = Math.min(budget, entry.left)
      entry.left -= step
      budget -= step
      if (entry.left === 0) {
        this.#queue.shift()
        const { ppid, data, unordered = false } = entry.message
        this.peer?.events.push({ type: 'message', streamId, ppid, data, unordered })
      }
      const threshold = this.#thresholds.get(streamId) ?? 0
      const after = this.bufferedAmount(streamId)
      if (before > threshold && after <= threshold) this.events.push({ type: 'buffered-amount-low', streamId })
    }
    if (!this.resetsPass) return
    for (const id of this.#resetting.filter((id) => this.bufferedAmount(id) === 0)) {
      this.#resetting = this.#resetting.filter((other) => other !== id)
      this.peer?.events.push({ type: 'incoming-reset', streamIds: [id], all: false })
      this.events.push({ type: 'outgoing-reset', streamIds: [id], ok: true })
    }
  }

  /** A message from the peer. */
  deliver(streamId: number, ppid: number, data: Uint8Array | readonly number[]): void {
    this.events.push({ type: 'message', streamId, ppid, data: Uint8Array.from(data), unordered: false })
  }
}

/** A manager on a fake association, with the events it gave. */
export class Side {
  readonly association: FakeAssociation = new FakeAssociation()
  readonly manager: DataChannelManager

  constructor(options: ManagerOptions = { role: 'client' }) {
    this.manager = new DataChannelManager(this.association, options)
  }

  /** Polls all events, as short texts and values that are easy to compare. */
  poll(): ChannelEvent[] {
    const events: ChannelEvent[] = []
    for (let event; (event = this.manager.pollEvent(0)) !== undefined;) events.push(event)
    return events
  }

  /** The same in words: `open a`, `message a "x"`. */
  words(): string[] {
    return this.poll().map(describeEvent)
  }

  connect(): this {
    this.association.events.push({ type: 'connected' })
    this.poll()
    return this
  }
}

export function describeEvent(event: ChannelEvent): string {
  switch (event.type) {
    case 'connected':
      return 'connected'
    case 'ended':
      return `ended${event.error === undefined ? '' : ` ${event.error.code}`}`
    case 'message':
      return `message ${event.channel.label} ${typeof event.data === 'string' ? JSON.stringify(event.data) : `[${event.data.join()}]`}`
    case 'closed':
      return `closed ${event.channel.label}${event.error === undefined ? '' : ` ${event.error.code}`}`
    default:
      return `${event.type} ${event.channel.label}`
  }
}

/** Two managers, connected. */
export function fakePair(client: ManagerOptions = {}, server: ManagerOptions = {}): { a: Side; b: Side; run(): void } {
  const a = new Side({ role: 'client', ...client })
  const b = new Side({ role: 'server', ...server })
  a.association.peer = b.association
  b.association.peer = a.association
  a.connect()
  b.connect()
  return { a, b, run: () => pump(a, b) }
}

/** Carries everything across, without taking the managers' events. */
function pump(a: Side, b: Side): void {
  a.association.transmit()
  b.association.transmit()
}

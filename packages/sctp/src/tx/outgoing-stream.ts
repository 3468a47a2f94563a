import { Ring } from '../ring.ts'

/** A message of the user's on its way out. */
export interface QueuedMessage {
  readonly stream: OutgoingStream
  readonly ppid: number
  data: Uint8Array
  readonly unordered: boolean
  /** Infinity: as often as it takes. */
  readonly maxRetransmits: number
  /** Absolute ms; Infinity: never. */
  readonly expiresAt: number
  /** How often the queue had waited for a window when the message came into it. */
  readonly queuedAt: number
  /** SSN or MID, unwrapped; -1 until the first fragment is sent. */
  messageId: number
  /** Bytes already cut into chunks. */
  offset: number
  /** Fragment sequence number of the next chunk. */
  nextFragment: number
  /** Sequence numbers of the first and last chunk; -1 before there is one. */
  firstSeq: number
  lastSeq: number
  abandoned: boolean
}

/** Default weight: WebRTC's "low", which is what a channel has when nothing is said (RFC 8831 §6.4). */
export const DEFAULT_WEIGHT = 256

/** One outgoing stream: its queue, its numbers, its share. */
export class OutgoingStream {
  readonly id: number
  readonly queue: Ring<QueuedMessage> = new Ring()
  /** Bytes queued and not yet cut into chunks. */
  bufferedAmount = 0
  lowThreshold = 0
  /** Next SSN, or MID of ordered messages; and MID of unordered ones. Unwrapped. */
  nextOrderedId = 0
  nextUnorderedId = 0
  /** Unwrapped TSN from which these numbers count: later than the last reset. */
  numberedFrom = 0
  weight: number = DEFAULT_WEIGHT
  /** Virtual time at which the stream's next piece starts (start-time fair queueing). */
  startTag = 0
  /** Place in the scheduler's heap, -1 when not in it. */
  heapIndex = -1
  /** What the user asked for with `resetStreams`, and how far it is (RFC 6525). */
  reset: 'none' | 'queued' | 'requested' = 'none'

  constructor(id: number) {
    this.id = id
  }
}

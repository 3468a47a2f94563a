import { distance32 } from '../tsn.ts'
import { encodeReConfig } from '../packet/re-config.ts'
import {
  ADD_INCOMING_STREAMS_REQUEST,
  ADD_OUTGOING_STREAMS_REQUEST,
  forEachParameter,
  INCOMING_SSN_RESET_REQUEST,
  OUTGOING_SSN_RESET_REQUEST,
  RECONFIGURATION_RESPONSE,
  SSN_TSN_RESET_REQUEST,
} from '../parameter/parameter.ts'
import {
  BAD_SEQUENCE_NUMBER,
  DENIED,
  encodeOutgoingResetRequest,
  encodeReconfigurationResponse,
  IN_PROGRESS,
  NOTHING_TO_DO,
  parseIncomingResetRequest,
  parseOutgoingResetRequest,
  parseReconfigurationResponse,
  PERFORMED,
  REQUEST_ALREADY_IN_PROGRESS,
  WRONG_SSN,
} from '../parameter/reconfiguration.ts'
import type { IncomingResetRequest, OutgoingResetRequest } from '../parameter/reconfiguration.ts'
import type { Core } from './core.ts'
import { readUint32 } from '../bytes.ts'

/** Streams in one request: 2 bytes each, and it has to fit a packet. */
const MAX_STREAMS_PER_REQUEST = 200
/** Parameters of one RE-CONFIG that are looked at (RFC 6525 §3.1 allows two). */
const MAX_PARAMETERS = 4
/** Resets of the peer's that may wait in the event queue. */
const MAX_RESETS_WAITING = 256

/** Our request that waits for its answer. One at a time (RFC 6525 §5.1.1). */
interface OwnRequest {
  readonly streamIds: number[]
  number: number
  readonly lastAssignedTsn: number
  /** The unwrapped TSN that comes after it. */
  readonly nextSeq: number
  timeouts: number
  /** The peer waits for data, and is asked again under a new number. */
  inProgress: boolean
}

/** Stream reset (RFC 6525): ours to the peer, and the peer's to us. */
export class StreamReset {
  /** When our request is sent again. */
  deadline: number = Infinity
  private readonly core: Core
  private nextNumber = 0
  private current: OwnRequest | undefined
  private sendCurrent = false
  /** The peer's last request, and what became of it. */
  private peerNumber = 0
  private peerResult: number = NOTHING_TO_DO
  /** The peer's request that waits for data, and the last one that did and was performed. */
  private deferred: OutgoingResetRequest | undefined
  private performedLate: OutgoingResetRequest | undefined
  /** The request of the peer's that asked us to reset, answered by our own request (§5.2.3). */
  private answering: number | undefined
  private waiting = 0

  constructor(core: Core) {
    this.core = core
  }

  /** A new association: request numbers start with the TSNs (§3.1). */
  start(): void {
    this.nextNumber = this.core.localInitialTsn
    this.peerNumber = (this.core.peerInitialTsn - 1) >>> 0
    this.peerResult = NOTHING_TO_DO
    this.deferred = undefined
    this.performedLate = undefined
    this.current = undefined
    this.sendCurrent = false
    this.answering = undefined
    this.deadline = Infinity
  }

  /** Whether `advance` has something to send. */
  get pending(): boolean {
    return this.sendCurrent || (this.current === undefined && this.core.queue.hasResets)
  }

  /** Makes the request that is due, if its streams have sent all they had. Called before packets are made. */
  advance(now: number): void {
    const { core } = this
    if (this.current === undefined && core.queue.hasResets) {
      const streamIds = core.queue.takeResettable(MAX_STREAMS_PER_REQUEST)
      if (streamIds.length === 0) return
      if (!core.negotiated!.streamReset) {
        this.settle(streamIds, false, 0)
        return
      }
      const number = this.nextNumber
      this.nextNumber = (number + 1) >>> 0
      const { lastAssignedTsn, data } = core.sender!
      this.current = { streamIds, number, lastAssignedTsn, nextSeq: data.next, timeouts: 0, inProgress: false }
      this.sendCurrent = true
    }
    if (!this.sendCurrent) return
    this.sendCurrent = false
    const { number, lastAssignedTsn, streamIds, timeouts } = this.current!
    core.sendControl(
      encodeReConfig([
        encodeOutgoingResetRequest({
          requestNumber: number,
          responseNumber: this.answering ?? this.peerNumber,
          lastAssignedTsn,
          streamIds,
        }),
      ]),
    )
    this.deadline = now + Math.min(core.settings.rtoMax, core.rto.value * 2 ** timeouts)
  }

  /** No answer yet: once more. */
  onTime(now: number): void {
    if (now < this.deadline) return
    this.deadline = Infinity
    const { current } = this
    if (current === undefined) return
    if (current.inProgress) {
      // The same number would get the same answer from peers that do not look again.
      current.inProgress = false
      current.number = this.nextNumber
      this.nextNumber = (this.nextNumber + 1) >>> 0
    } else {
      if (!this.core.countError()) return
      current.timeouts++
    }
    this.sendCurrent = true
  }

  /** The path has come back: no need to wait. */
  hurry(now: number): void {
    if (this.deadline !== Infinity) this.deadline = now
  }

  /** The user has taken an `incoming-reset` event. */
  onTaken(): void {
    this.waiting--
  }

  /** A RE-CONFIG chunk; `value` are its parameters. */
  onReConfig(value: Uint8Array, now: number): void {
    if (this.waiting >= MAX_RESETS_WAITING) {
      this.core.stats.dropped.limit++
      return
    }
    const responses: Uint8Array[] = []
    let count = 0
    forEachParameter(value, (type, parameter) => {
      if (++count > MAX_PARAMETERS) return false
      switch (type) {
        case OUTGOING_SSN_RESET_REQUEST: {
          const request = parseOutgoingResetRequest(parameter)
          if (request === undefined) break
          this.respond(responses, request.requestNumber, () => this.onOutgoingRequest(request))
          // §4.1: it may be the answer to a request of ours as well; we make none of that kind.
          return true
        }
        case INCOMING_SSN_RESET_REQUEST: {
          const request = parseIncomingResetRequest(parameter)
          if (request === undefined) break
          this.respond(responses, request.requestNumber, () => this.onIncomingRequest(request))
          return true
        }
        case SSN_TSN_RESET_REQUEST:
        case ADD_OUTGOING_STREAMS_REQUEST:
        case ADD_INCOMING_STREAMS_REQUEST:
          // Data channels need none of them: all streams there can be are there (RFC 8831 §6.2).
          if (parameter.length < 4) break
          this.respond(responses, readUint32(parameter, 0), () => DENIED)
          return true
        case RECONFIGURATION_RESPONSE: {
          const response = parseReconfigurationResponse(parameter)
          if (response === undefined) break
          this.onResponse(response.responseNumber, response.result, now)
          return true
        }
        default:
          // Their highest bits say: stop here (§4).
          break
      }
      this.core.stats.dropped.malformedChunk++
      return false
    })
    if (responses.length > 0) this.core.sendControl(encodeReConfig(responses))
  }

  /** Data has come in: a reset that waited for it may be due. Its peer need not ask again. */
  afterData(): void {
    const { receiver } = this.core
    if (!receiver!.resetDeferred || !receiver!.finishDeferredReset()) return
    this.waiting++
    this.peerResult = PERFORMED
    this.performedLate = this.deferred
    this.deferred = undefined
    this.core.sendControl(
      encodeReConfig([encodeReconfigurationResponse({ responseNumber: this.peerNumber, result: PERFORMED })]),
    )
  }

  /** §5.2.1: a number is processed once; its repetition gets the same answer. */
  private respond(responses: Uint8Array[], number: number, process: () => number): void {
    let result: number
    if (number === this.peerNumber) {
      result = this.peerResult
    } else if (distance32(number, this.peerNumber) === 1) {
      this.afterData() // what it waited for may be in this very packet
      this.peerNumber = number
      result = process()
      this.peerResult = result
    } else {
      result = BAD_SEQUENCE_NUMBER
    }
    responses.push(encodeReconfigurationResponse({ responseNumber: number, result }))
  }

  /** §5.2.2. */
  private onOutgoingRequest(request: OutgoingResetRequest): number {
    const { receiver, negotiated } = this.core
    for (const id of request.streamIds) if (id >= negotiated!.inboundStreams) return WRONG_SSN
    // The peer asks once more, under a new number, before it has heard that what it waits for was done. To do it again
    // would tell the user of a second reset, and close whatever uses the streams by now.
    const { performedLate } = this
    this.performedLate = undefined
    if (performedLate !== undefined && isSameReset(request, performedLate)) return PERFORMED
    if (this.deferred !== undefined) {
      return isSameReset(request, this.deferred) ? IN_PROGRESS : REQUEST_ALREADY_IN_PROGRESS
    }
    if (receiver!.resetStreams(request.lastAssignedTsn, request.streamIds)) {
      this.waiting++
      return PERFORMED
    }
    this.deferred = request
    return IN_PROGRESS
  }

  /** §5.2.3: the peer wants streams of ours reset. Our own request will answer, once they have sent what they had. */
  private onIncomingRequest(request: IncomingResetRequest): number {
    const { queue, negotiated } = this.core
    for (const id of request.streamIds) if (id >= negotiated!.outboundStreams) return WRONG_SSN
    const ids = request.streamIds.length === 0 ? queue.streamIds() : request.streamIds
    let some = false
    for (const id of ids) if (queue.get(id) !== undefined && queue.requestReset(id)) some = true
    if (!some) return NOTHING_TO_DO
    this.answering = request.requestNumber
    return IN_PROGRESS
  }

  /** §5.2.7. */
  private onResponse(number: number, result: number, now: number): void {
    const { current, core } = this
    // Not the numbers that this request went under before: the peer takes requests in sequence, so the last number has
    // to be answered ere a new one is used, or all later ones would be refused.
    if (current === undefined || number !== current.number) return
    core.errors = 0
    if (result === IN_PROGRESS) {
      current.inProgress = true
      current.timeouts = 0
      this.sendCurrent = false
      this.deadline = now + core.rto.value
      return
    }
    this.current = undefined
    this.sendCurrent = false
    this.answering = undefined
    this.deadline = Infinity
    this.settle(current.streamIds, result === PERFORMED || result === NOTHING_TO_DO, current.nextSeq)
  }

  private settle(streamIds: number[], ok: boolean, nextSeq: number): void {
    this.core.queue.finishReset(streamIds, ok, nextSeq)
    this.core.events.push({ type: 'outgoing-reset', streamIds, ok })
  }
}

function isSameReset(a: OutgoingResetRequest, b: OutgoingResetRequest): boolean {
  return (
    a.lastAssignedTsn === b.lastAssignedTsn &&
    a.streamIds.length === b.streamIds.length &&
    a.streamIds.every((id, i) => id === b.streamIds[i])
  )
}

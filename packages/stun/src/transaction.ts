import { attribute, stunAttributes } from './attributes.ts'
import { StunError } from './error.ts'
import { decodeMessage, type StunMessage, transactionKey } from './message.ts'
import { HEADER_LENGTH } from './numbers.ts'

/** How a `StunTransaction` is run. All times are ms. */
export interface StunTransactionOptions {
  /** The request as it goes on the wire. The transaction owns it and hands out copies. */
  readonly request: Uint8Array
  /** TCP or TLS: sent once, no retransmission. Default false. */
  readonly reliable?: boolean
  /** The first retransmission timeout (RFC 8489 §6.2.1). Default 500. */
  readonly rto?: number
  /** Rc: how often the request is sent at most. Default 7. */
  readonly maxTransmissions?: number
  /** Rm: how many RTOs are waited after the last one. Default 16. */
  readonly lastWait?: number
  /** Ti: how long is waited for the response over a reliable transport (§6.2.2). Default 39,500. */
  readonly reliableTimeout?: number
  /** Whether a response is authentic; one that is not is dropped, or over a reliable transport ends the transaction (§9.1.4). Default: all are. */
  readonly accept?: (message: StunMessage) => boolean
  /** The comprehension-required attributes that may stand in a response. Default: those of RFC 8489. */
  readonly understood?: ReadonlySet<number>
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

/** Why a transaction came to nothing. */
export type StunFailure =
  | 'timeout' // nothing came
  | 'integrity' // what came was not authentic (RFC 8489 §9.1.4)
  | 'unknown-attribute' // a response with an attribute that had to be understood (§6.3.3, §6.3.4)
  | 'malformed' // an error response without ERROR-CODE (§6.3.4)
  | 'cancelled'

export type StunTransactionEvent =
  | {
      readonly type: 'response'
      readonly message: StunMessage
      /** ms; undefined when the request had been sent more than once, since nobody knows which one was answered (Karn). */
      readonly roundTripTime: number | undefined
    }
  | { readonly type: 'failed'; readonly reason: StunFailure }

export interface StunTransactionStats {
  transmissions: number
  /** Datagrams that were not a response to this request. */
  droppedForeign: number
  /** Responses that `accept` refused. */
  droppedUnauthenticated: number
  /** Responses after the end. */
  droppedLate: number
}

/**
 * One request until its response, its timeout or its end (RFC 8489 §6.2). A machine: it has no socket and no clock; its time
 * begins with the first `pollTransmit`, which has the request at once.
 */
export class StunTransaction {
  readonly stats: StunTransactionStats = {
    transmissions: 0,
    droppedForeign: 0,
    droppedUnauthenticated: 0,
    droppedLate: 0,
  }
  /** The transaction id as a string, as `StunMessage.transactionKey` gives it. */
  readonly key: string
  readonly #request: Uint8Array
  readonly #reliable: boolean
  readonly #rto: number
  readonly #maxTransmissions: number
  readonly #lastWait: number
  readonly #accept: ((message: StunMessage) => boolean) | undefined
  readonly #understood: ReadonlySet<number>
  readonly #trace: StunTransactionOptions['trace']
  #deadline = Infinity
  #due = true
  #sentAt = 0
  #ended = false
  #event: StunTransactionEvent | undefined

  /** @throws StunError `ERR_STUN_OPTION` when the request is not a STUN message or a number is out of range. */
  constructor(options: StunTransactionOptions) {
    const { request, rto = 500, maxTransmissions = 7, lastWait = 16, reliableTimeout = 39_500 } = options
    if (request.length < HEADER_LENGTH) throw new StunError('ERR_STUN_OPTION', 'the request is not a STUN message')
    for (const [name, value] of Object.entries({ rto, lastWait, reliableTimeout })) {
      if (!(value > 0)) throw new StunError('ERR_STUN_OPTION', `${name} must be above 0, not ${value}`)
    }
    if (!Number.isInteger(maxTransmissions) || maxTransmissions < 1) {
      throw new StunError('ERR_STUN_OPTION', `maxTransmissions must be a whole number above 0, not ${maxTransmissions}`)
    }
    this.key = transactionKey(request, 8)
    this.#request = request
    this.#reliable = options.reliable ?? false
    this.#rto = rto
    this.#maxTransmissions = this.#reliable ? 1 : maxTransmissions
    this.#lastWait = this.#reliable ? reliableTimeout : lastWait * rto
    this.#accept = options.accept
    this.#understood = options.understood ?? stunAttributes
    this.#trace = options.trace
  }

  /** True after the response, the failure or `cancel`. */
  get ended(): boolean {
    return this.#ended
  }

  /** Absolute ms at which `tick` is due; Infinity when there is something to transmit or nothing left to do. */
  get deadline(): number {
    return this.#deadline
  }

  /** Takes a datagram, which changes owner. What is not a response to this request is dropped and counted. */
  receive(datagram: Uint8Array, now: number): void {
    const message = decodeMessage(datagram)
    if (message === undefined) this.stats.droppedForeign++
    else this.handle(message, now)
  }

  /** As `receive`, for a message that is decoded already. */
  handle(message: StunMessage, now: number): void {
    const { messageClass } = message
    if ((messageClass !== 'success' && messageClass !== 'error') || message.transactionKey !== this.key) {
      this.stats.droppedForeign++
      return
    }
    if (this.#ended || this.stats.transmissions === 0) {
      this.stats.droppedLate++
      return
    }
    if (this.#accept !== undefined && !this.#accept(message)) {
      this.stats.droppedUnauthenticated++
      this.#trace?.({ layer: 'stun', name: 'response-dropped', data: { reason: 'integrity' } })
      if (this.#reliable) this.#fail('integrity')
      return
    }
    if (message.unknownRequired(this.#understood).length > 0) this.#fail('unknown-attribute')
    else if (messageClass === 'error' && message.get(attribute.errorCode) === undefined) this.#fail('malformed')
    else {
      const roundTripTime = this.stats.transmissions === 1 ? now - this.#sentAt : undefined
      this.#end({ type: 'response', message, roundTripTime })
    }
  }

  tick(now: number): void {
    if (now < this.#deadline) return
    if (this.stats.transmissions < this.#maxTransmissions) {
      this.#due = true
      this.#deadline = Infinity
    } else {
      // RFC 8489 §9.1.4: all responses were discarded, so this is not a mere timeout.
      this.#fail(this.stats.droppedUnauthenticated > 0 ? 'integrity' : 'timeout')
    }
  }

  /** The request, when it is time to send it (again). */
  pollTransmit(now: number): Uint8Array | undefined {
    if (!this.#due) return undefined
    this.#due = false
    const count = ++this.stats.transmissions
    this.#sentAt = now
    // RFC 8489 §6.2.1: the timeout doubles with each transmission; after the last one it is Rm times the first RTO.
    this.#deadline = now + (count < this.#maxTransmissions ? this.#rto * 2 ** (count - 1) : this.#lastWait)
    this.#trace?.({ layer: 'stun', name: 'request-sent', data: { count } })
    return this.#request.slice()
  }

  pollEvent(): StunTransactionEvent | undefined {
    const event = this.#event
    this.#event = undefined
    return event
  }

  /** Ends the transaction without a response. */
  cancel(): void {
    if (!this.#ended) this.#fail('cancelled')
  }

  #fail(reason: StunFailure): void {
    this.#end({ type: 'failed', reason })
  }

  #end(event: StunTransactionEvent): void {
    this.#ended = true
    this.#due = false
    this.#deadline = Infinity
    this.#event = event
    this.#trace?.({
      layer: 'stun',
      name: 'transaction-ended',
      data: event.type === 'failed' ? event.reason : 'response',
    })
  }
}

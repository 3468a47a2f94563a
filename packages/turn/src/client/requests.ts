// The requests of one client to its server: authenticated, retransmitted, sent again after a challenge.
import {
  attribute,
  type AuthenticatedRequest,
  type ClientCredentials,
  createTransactionId,
  MessageBuilder,
  RetransmissionTimeout,
  type StunMessage,
  StunTransaction,
} from '@kaon/stun'
import { TurnError } from '../error.ts'
import { clientAttributes } from '../numbers.ts'

/** What became of a request: its success response, or why there is none (with the error response, when that is why). */
export type Outcome =
  | { readonly ok: true; readonly message: StunMessage }
  | { readonly ok: false; readonly error: TurnError; readonly message: StunMessage | undefined }

export interface RequestsOptions {
  readonly credentials: ClientCredentials
  /** TCP or TLS: sent once. */
  readonly reliable: boolean
  readonly rto?: number | undefined
  readonly maxTransmissions?: number | undefined
  readonly software?: string | undefined
  readonly random?: ((length: number) => Uint8Array) | undefined
  readonly trace?: ((event: { layer: string; name: string; data?: unknown }) => void) | undefined
}

interface Pending {
  readonly transaction: StunTransaction
  readonly authentication: AuthenticatedRequest
  readonly method: number
  readonly build: (builder: MessageBuilder) => void
  readonly done: (outcome: Outcome, now: number) => void
  readonly attempt: number
  /** Nobody wants it any more, but its answer may still matter: it is neither repeated nor sent again. */
  abandoned: boolean
}

/** A bare request, a challenge, then three stale nonces in a row: whoever asks for more is no server to work with. */
const MAX_ATTEMPTS = 6

export class Requests {
  readonly #options: RequestsOptions
  readonly #builder: MessageBuilder = new MessageBuilder({ slabSize: 2048 })
  readonly #rto: RetransmissionTimeout
  readonly #pending: Map<string, Pending> = new Map()
  /** Those that have something to send. */
  #due: Pending[] = []
  #deadline = Infinity

  constructor(options: RequestsOptions) {
    this.#options = options
    this.#rto = new RetransmissionTimeout(options.rto)
  }

  get deadline(): number {
    return this.#deadline
  }

  get size(): number {
    return this.#pending.size
  }

  /** `build` adds the attributes, again for each attempt; `done` is called once, from within `handle` or `tick`. */
  start(
    method: number,
    build: (builder: MessageBuilder) => void,
    done: (outcome: Outcome, now: number) => void,
    now: number,
  ): void {
    this.#send(method, build, done, now, 1)
  }

  /** True when the message was a response to one of these. */
  handle(message: StunMessage, now: number): boolean {
    const pending = this.#pending.get(message.transactionKey)
    if (pending === undefined) return false
    pending.transaction.handle(message, now)
    this.#settle(pending, now)
    this.#rearm()
    return true
  }

  tick(now: number): void {
    if (now < this.#deadline) return
    for (const pending of this.#pending.values()) {
      if (pending.abandoned) continue
      pending.transaction.tick(now)
      if (this.#settle(pending, now)) continue
      if (pending.transaction.deadline === Infinity && !this.#due.includes(pending)) this.#due.push(pending)
    }
    this.#rearm()
  }

  pollTransmit(now: number): Uint8Array | undefined {
    while (this.#due.length > 0) {
      const { transaction } = this.#due.shift()!
      const datagram = transaction.pollTransmit(now)
      if (datagram === undefined) continue
      if (transaction.deadline < this.#deadline) this.#deadline = transaction.deadline
      return datagram
    }
    return undefined
  }

  /** What is under way is not repeated; an answer that comes is still told. */
  abandon(): void {
    for (const pending of this.#pending.values()) pending.abandoned = true
    this.#due = []
    this.#deadline = Infinity
  }

  /** Forgets all of them; nobody is told. */
  clear(): void {
    this.#pending.clear()
    this.#due = []
    this.#deadline = Infinity
  }

  #send(method: number, build: Pending['build'], done: Pending['done'], now: number, attempt: number): void {
    const { credentials, reliable, software, random, maxTransmissions, trace } = this.#options
    const builder = this.#builder.start('request', method, createTransactionId(random))
    build(builder)
    if (software !== undefined) builder.add(attribute.software, software)
    const authentication = credentials.authenticate(builder)
    const transaction = new StunTransaction({
      request: builder.fingerprint().finish(),
      reliable,
      rto: this.#rto.value(now),
      understood: clientAttributes,
      accept: (message) => authentication.accept(message),
      ...(maxTransmissions !== undefined && { maxTransmissions }),
      ...(trace && { trace }),
    })
    const pending = { transaction, authentication, method, build, done, attempt, abandoned: false }
    this.#pending.set(transaction.key, pending)
    this.#due.push(pending)
  }

  #settle(pending: Pending, now: number): boolean {
    const event = pending.transaction.pollEvent()
    if (event === undefined) return false
    this.#pending.delete(pending.transaction.key)
    if (event.type === 'failed') {
      pending.done({ ok: false, error: failure(event.reason), message: undefined }, now)
      return true
    }
    if (event.roundTripTime !== undefined) this.#rto.sample(event.roundTripTime, now)
    const { message } = event
    if (message.messageClass === 'success') {
      pending.done({ ok: true, message }, now)
    } else if (!pending.abandoned && pending.attempt < MAX_ATTEMPTS && pending.authentication.retry(message)) {
      this.#send(pending.method, pending.build, pending.done, now, pending.attempt + 1)
    } else {
      pending.done({ ok: false, error: refusal(message), message }, now)
    }
    return true
  }

  #rearm(): void {
    let deadline = Infinity
    for (const { transaction, abandoned } of this.#pending.values()) {
      if (!abandoned && transaction.deadline < deadline) deadline = transaction.deadline
    }
    this.#deadline = deadline
  }
}

/** RFC 8656 §8.3: the server restarted, or never knew. */
export function forgotten(error: TurnError): TurnError {
  return new TurnError('ERR_TURN_LOST', 'the server does not know the allocation', {
    responseCode: error.responseCode,
    cause: error,
  })
}

function failure(reason: 'timeout' | 'integrity' | 'unknown-attribute' | 'malformed' | 'cancelled'): TurnError {
  switch (reason) {
    case 'timeout':
      return new TurnError('ERR_TURN_TIMEOUT', 'the server does not answer')
    case 'integrity':
      return new TurnError('ERR_TURN_INTEGRITY', 'no authentic response: wrong password?')
    case 'unknown-attribute':
    case 'malformed':
      return new TurnError('ERR_TURN_MALFORMED', 'the server sent a response that cannot be understood')
    case 'cancelled':
      return new TurnError('ERR_TURN_CLOSED', 'closed')
  }
}

function refusal(message: StunMessage): TurnError {
  const { code, reason } = message.get(attribute.errorCode)!
  if (code === 401 || code === 441) {
    return new TurnError('ERR_TURN_CREDENTIALS', 'the server refuses the credentials', { responseCode: code })
  }
  return new TurnError('ERR_TURN_RESPONSE', `the server answered ${code} ${reason}`.trimEnd(), { responseCode: code })
}

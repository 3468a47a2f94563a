import type { Endpoint, Network, Timer, UdpSocket } from '@kaon/net'
import { attribute } from '../../attributes.ts'
import { createTransactionId, MessageBuilder } from '../../builder.ts'
import { checkFingerprint } from '../../integrity.ts'
import { decodeMessage, type StunMessage } from '../../message.ts'
import { isSame } from '../../nat-mapping.ts'
import { methods } from '../../numbers.ts'
import { StunTransaction } from '../../transaction.ts'

/** What became of a question. */
export type ProbeResult =
  | {
      readonly type: 'answer'
      readonly mapped: Endpoint
      readonly message: StunMessage
      readonly roundTripTime: number | undefined
    }
  /** Nothing came; with a `cause`, because the system would not even send the request. */
  | { readonly type: 'silence'; readonly cause?: Error }
  /** An error response, or one without an address. */
  | { readonly type: 'refusal'; readonly code: number | undefined }
  /** The response came from elsewhere than was asked for. */
  | { readonly type: 'wrong-origin' }

export interface ProbeOptions {
  /** The first retransmission timeout, ms. */
  readonly rto: number
  /** Where the response has to come from. Default: where the request goes. */
  readonly from?: Endpoint
  readonly build?: (builder: MessageBuilder) => void
}

interface Question {
  readonly transaction: StunTransaction
  readonly to: Endpoint
  readonly from: Endpoint
  readonly settle: (result: ProbeResult) => void
  timer: Timer | undefined
}

/** A question is sent as two transactions of four requests: 0, 1, 3 and 7 RTOs after its beginning, and the same again after 11. */
const ROUNDS = 2
const TRANSMISSIONS = 4
const LAST_WAIT = 4

/** No route, no interface, a firewall on this machine. */
const FINAL: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EINVAL',
  'EPERM',
  'EACCES',
])

/**
 * One UDP socket that asks any number of servers: the tests of RFC 5780 are about who may answer it. Unlike a `StunClient` it gives
 * up soon, since silence is what half of these tests are about.
 */
export class ProbeSocket {
  readonly #network: Network
  readonly #socket: UdpSocket
  readonly #builder = new MessageBuilder({ slabSize: 1024 })
  readonly #random: ((length: number) => Uint8Array) | undefined
  readonly #questions = new Map<string, Question>()
  /** By transaction: messages that another socket causes to come here. */
  readonly #awaited = new Map<string, (from: Endpoint) => void>()
  #closed = false

  constructor(network: Network, socket: UdpSocket, random: ((length: number) => Uint8Array) | undefined) {
    this.#network = network
    this.#socket = socket
    this.#random = random
    socket.onmessage = (datagram, from) => this.#receive(datagram, from)
    socket.onerror = (error) => this.#refused(error)
  }

  get local(): Endpoint {
    return this.#socket.local
  }

  /** Asks for the own address. Never rejects; `silence` once the socket is closed. */
  async ask(to: Endpoint, options: ProbeOptions): Promise<ProbeResult> {
    let result: ProbeResult = { type: 'silence' }
    for (let round = 0; round < ROUNDS && !this.#closed; round++) {
      result = await this.#askOnce(to, options)
      if (result.type !== 'silence' || result.cause !== undefined) break
    }
    return result
  }

  /** A request that is sent once, and whose response nobody waits for here. Returns its transaction's key. */
  tell(to: Endpoint, build?: (builder: MessageBuilder) => void, key?: Uint8Array): Uint8Array {
    const id = key ?? createTransactionId(this.#random)
    const builder = this.#builder.start('request', methods.binding, id)
    build?.(builder)
    this.#socket.send(builder.finish(), to)
    return id
  }

  /** Calls back when a message of this transaction comes, whatever it is, until `forget`. */
  await(key: string, callback: (from: Endpoint) => void): void {
    this.#awaited.set(key, callback)
  }

  forget(key: string): void {
    this.#awaited.delete(key)
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#socket.close()
    for (const [key] of this.#questions) this.#settle(key, { type: 'silence' })
    this.#awaited.clear()
  }

  #askOnce(to: Endpoint, { rto, from = to, build }: ProbeOptions): Promise<ProbeResult> {
    const builder = this.#builder.start('request', methods.binding, createTransactionId(this.#random))
    build?.(builder)
    const request = builder.finish()
    const transaction = new StunTransaction({ request, rto, maxTransmissions: TRANSMISSIONS, lastWait: LAST_WAIT })
    return new Promise((settle) => {
      this.#questions.set(transaction.key, { transaction, to, from, settle, timer: undefined })
      this.#drain(transaction.key)
    })
  }

  /** What the system will not send now it will not send a second later either, unless it merely had too much to do. */
  #refused(error: Error): void {
    const { systemCode, remote } = error as Error & { systemCode?: string; remote?: Endpoint }
    if (remote === undefined || !FINAL.has(systemCode ?? '')) return
    for (const [key, { to }] of this.#questions) {
      if (isSame(to, remote)) this.#settle(key, { type: 'silence', cause: error })
    }
  }

  #receive(datagram: Uint8Array, from: Endpoint): void {
    const message = decodeMessage(datagram)
    if (message === undefined || (message.fingerprintOffset >= 0 && !checkFingerprint(message))) return
    const key = message.transactionKey
    const awaited = this.#awaited.get(key)
    if (awaited !== undefined) {
      awaited(from)
      return
    }
    const question = this.#questions.get(key)
    if (question === undefined) return
    // Nobody but who was asked knows the transaction: a response from elsewhere is the server's doing.
    const isRefusal = message.messageClass === 'error' && isSame(from, question.to)
    if (!isRefusal && !isSame(from, question.from)) {
      this.#settle(key, { type: 'wrong-origin' })
      return
    }
    question.transaction.handle(message, this.#network.now())
    this.#drain(key)
  }

  #drain(key: string): void {
    const question = this.#questions.get(key)
    if (question === undefined) return
    const { transaction, to } = question
    const now = this.#network.now()
    const datagram = transaction.pollTransmit(now)
    if (datagram !== undefined) this.#socket.send(datagram, to)
    const event = transaction.pollEvent()
    if (event === undefined) {
      question.timer?.cancel()
      question.timer = this.#network.setTimer(transaction.deadline, () => {
        transaction.tick(this.#network.now())
        this.#drain(key)
      })
      return
    }
    if (event.type === 'failed') {
      const result: ProbeResult =
        event.reason === 'timeout' ? { type: 'silence' } : { type: 'refusal', code: undefined }
      this.#settle(key, result)
      return
    }
    const { message, roundTripTime } = event
    const mapped = message.get(attribute.xorMappedAddress) ?? message.get(attribute.mappedAddress)
    if (message.messageClass === 'error') {
      this.#settle(key, { type: 'refusal', code: message.get(attribute.errorCode)?.code })
    } else if (mapped === undefined) this.#settle(key, { type: 'refusal', code: undefined })
    else this.#settle(key, { type: 'answer', mapped, message, roundTripTime })
  }

  #settle(key: string, result: ProbeResult): void {
    const question = this.#questions.get(key)
    if (question === undefined) return
    this.#questions.delete(key)
    question.timer?.cancel()
    question.settle(result)
  }
}

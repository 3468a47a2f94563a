// The state of an agent, in one place. The rooms beside this file (pairing, requests, responses, schedule, selection,
// transport-state) are functions over it; `agent.ts` is its public face.
import type { CryptoProvider } from '@kaon/crypto'
import type { IntegrityKey, TransportAddress } from '@kaon/stun'
import { CheckTable } from './check.ts'
import { Consent } from './consent.ts'
import { generateCredentials, type IceParameters } from './credentials.ts'
import { Generation } from './generation.ts'
import type { CandidatePair } from './pair.ts'
import type { Settings } from './settings.ts'
import type { IceAgentStats, IceEvent, IceRole, IceState, Transmit } from './types.ts'
import { MessageWriter } from './wire.ts'

/** No peer may slow this side down further, ms. */
const MAX_CHECK_INTERVAL = 1000

/** A response that is owed to the peer; written when `pollTransmit` asks. */
export interface OwedResponse {
  readonly socket: number
  readonly to: TransportAddress
  readonly transactionId: Uint8Array
  /** 0 for success. */
  readonly code: number
  readonly key: IntegrityKey
  readonly unknown: readonly number[]
  readonly pair: CandidatePair | undefined
}

export class Machine {
  readonly settings: Settings
  readonly crypto: CryptoProvider
  readonly random: (length: number) => Uint8Array
  readonly writer: MessageWriter
  readonly checks: CheckTable = new CheckTable()
  readonly consent: Consent
  readonly stats: IceAgentStats = {
    checksSent: 0,
    checksRetransmitted: 0,
    checksReceived: 0,
    checksSucceeded: 0,
    checksFailed: 0,
    consentChecksSent: 0,
    standbyChecksSent: 0,
    responsesSent: 0,
    roleConflicts: 0,
    unknownUsername: 0,
    badIntegrity: 0,
    malformed: 0,
    unknownTransaction: 0,
    limited: 0,
    ignoredCandidates: 0,
  }

  role: IceRole
  tieBreaker: bigint
  state: IceState = 'new'
  current: Generation
  /** Before a restart completes: what still carries data. After: what still listens for a while. */
  previous: Generation | undefined
  /** The pair that data goes over, of either generation. */
  path: CandidatePair | undefined
  /** The path does not answer: 'disconnected'. */
  quiet = false
  /** Some pair of the current generation has been valid before, so that failing needs no more patience. */
  wasConnected = false
  /** A restart began while the path was quiet or lost: the state is 'checking' until there is a new one. */
  forgetQuiet = false
  closed = false

  nextOrdinaryAt = 0
  nextTriggeredAt = 0
  /** Looks at the path while data comes over it, ms; Infinity while none does. */
  vigilAt: number = Infinity
  /** What had been sent over it when it was last looked at. */
  vigilSent = 0
  /** Interfaces may come back until then, ms: before, nothing has failed. */
  graceUntil = 0
  /** When the pairs in reserve are checked next, ms. */
  standbyAt: number = Infinity
  /** When `tick` is due; 0: at once. */
  deadline: number = Infinity
  /** Changes whenever a path may have become trusted or gone: caches of `lookup` are stale then. */
  version = 0

  readonly out: Transmit[] = []
  readonly owed: OwedResponse[] = []
  readonly events: IceEvent[] = []
  #ids = 0

  constructor(settings: Settings) {
    this.settings = settings
    this.crypto = settings.crypto
    this.random = settings.random
    this.writer = new MessageWriter(this.random)
    this.role = settings.role
    this.tieBreaker = this.makeTieBreaker()
    this.current = this.makeGeneration()
    const { consentIntervalMs, consentTimeoutMs, disconnectedTimeoutMs } = settings
    this.consent = new Consent(
      {
        interval: consentIntervalMs,
        timeout: consentTimeoutMs,
        quiet: disconnectedTimeoutMs,
        lite: settings.lite,
      },
      () => this.randomUint32() / 0x1_0000_0000,
    )
  }

  makeGeneration(given?: { readonly usernameFragment: string; readonly password: string }): Generation {
    const { usernameFragment, password } = given ?? generateCredentials(this.random)
    const credentials = { usernameFragment, password }
    const { checkIntervalMs, lite } = this.settings
    const local: IceParameters = {
      ...credentials,
      pacing: checkIntervalMs,
      renomination: true,
      ...(lite && { iceLite: true }),
    }
    return new Generation(local, this.settings.maxPairs, this.crypto)
  }

  makeTieBreaker(): bigint {
    return (BigInt(this.randomUint32()) << 32n) | BigInt(this.randomUint32())
  }

  makeId(): number {
    return ++this.#ids
  }

  /** Something changed that `tick` has to look at. */
  wake(): void {
    this.deadline = 0
  }

  emit(event: IceEvent): void {
    this.events.push(event)
    this.trace(event.type, event)
  }

  trace(name: string, data?: unknown): void {
    this.settings.trace?.({ layer: 'ice', name, data })
  }

  send(socket: number, to: TransportAddress, data: Uint8Array): void {
    this.out.push({ socket, to, data })
  }

  /** Ta: the larger of both sides' (RFC 8445 §14.2). */
  get checkInterval(): number {
    return Math.max(this.settings.checkIntervalMs, Math.min(this.current.remote?.pacing ?? 0, MAX_CHECK_INTERVAL))
  }

  setRole(role: IceRole): void {
    if (role === this.role || this.settings.lite) return
    this.role = role
    for (const generation of [this.current, this.previous]) generation?.checklist.sort(role)
    this.trace('role', role)
    this.wake()
  }

  generationOf(pair: CandidatePair): Generation | undefined {
    if (this.current.checklist.find(pair.socket, pair.to) === pair) return this.current
    return this.previous?.checklist.find(pair.socket, pair.to) === pair ? this.previous : undefined
  }

  /** Those that send checks: their credentials are known, and no newer one has taken over. */
  liveGenerations(): Generation[] {
    const live: Generation[] = []
    if (this.current.remote !== undefined) live.push(this.current)
    if (this.previous?.remote !== undefined && this.previous.retiredUntil === Infinity) live.push(this.previous)
    return live
  }

  private randomUint32(): number {
    const [a, b, c, d] = this.random(4) as unknown as [number, number, number, number]
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  }
}

// The candidates of the peer that come by signalling, and the end of them, which waits for the names among them.
import type { Mdns } from '@kaon/net'
import type { IceAgent } from '../agent.ts'
import { type Candidate, formatCandidate } from '../candidate.ts'
import { isMdnsName, NameResolver } from './names.ts'
import type { IceConnectionOptions } from './options.ts'

/** Those that are remembered. */
const MAX_CANDIDATES = 128

export class RemoteCandidates {
  readonly #options: Pick<IceConnectionOptions, 'candidateFilter' | 'mdns'>
  readonly #agent: IceAgent
  readonly #names: NameResolver
  /** The agent has been told something, later. */
  readonly #wake: () => void
  #list: Candidate[] = []
  /** Names under way. */
  #namesPending = 0
  #hasEnded = false
  /** Counts generations: answers to older questions are dropped. */
  #generation = 0

  constructor(
    options: Pick<IceConnectionOptions, 'candidateFilter' | 'mdns'>,
    mdns: Mdns,
    agent: IceAgent,
    wake: () => void,
  ) {
    this.#options = options
    this.#agent = agent
    this.#names = new NameResolver(mdns)
    this.#wake = wake
  }

  /** Of the current generation. */
  get list(): readonly Candidate[] {
    return this.#list
  }

  /** There are some to connect to by TCP. */
  get hasPassive(): boolean {
    return this.#list.some(({ tcpType }) => tcpType === 'passive')
  }

  /** False when it is known, one too many, or not wanted. */
  add(candidate: Candidate): boolean {
    if (!this.#isNew(candidate) || this.#options.candidateFilter?.(candidate, 'remote') === false) return false
    this.#list.push(candidate)
    const isName = (this.#options.mdns ?? 'resolve') !== 'off' && isMdnsName(candidate.address)
    if (isName) this.#resolve(candidate)
    else this.#agent.addRemoteCandidate(candidate)
    return true
  }

  /** RFC 8838 §14: there are no more. */
  end(): void {
    this.#hasEnded = true
    this.#endWhenResolved()
  }

  /** Another generation. */
  clear(): void {
    this.#generation++
    this.#list = []
    this.#namesPending = 0
    this.#hasEnded = false
  }

  /** The list stays. */
  close(): void {
    this.#generation++
    this.#names.close()
  }

  /** Every new description repeats its candidates; a name that was asked for is not asked for again. */
  #isNew(candidate: Candidate): boolean {
    if (this.#list.length >= MAX_CANDIDATES) return false
    const text = formatCandidate(candidate)
    return !this.#list.some((known) => known === candidate || formatCandidate(known) === text)
  }

  #resolve(candidate: Candidate): void {
    const generation = this.#generation
    this.#namesPending++
    void this.#names.resolve(candidate.address).then((address) => {
      if (generation !== this.#generation) return
      this.#namesPending--
      if (address !== undefined) this.#agent.addRemoteCandidate(candidate, address)
      this.#endWhenResolved()
      this.#wake()
    })
  }

  #endWhenResolved(): void {
    if (this.#hasEnded && this.#namesPending === 0) this.#agent.endOfRemoteCandidates()
  }
}

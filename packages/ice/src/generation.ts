import { type IntegrityKey, shortTermKey } from '@kaon/stun'
import type { CryptoProvider } from '@kaon/crypto'
import { Checklist } from './checklist.ts'
import type { IceParameters } from './credentials.ts'
import type { CandidatePair, LocalEntry, RemoteCandidate } from './pair.ts'

/** Everything that an ICE restart replaces (RFC 8445 §9): credentials, candidates and pairs. */
export class Generation {
  readonly local: IceParameters
  /** Authenticates requests that come in and the answers to them. */
  readonly localKey: IntegrityKey
  readonly checklist: Checklist
  readonly locals: LocalEntry[] = []
  readonly remotes: RemoteCandidate[] = []
  /** Unset until signalling brings the peer's credentials: checks of the peer are answered before that. */
  remote: IceParameters | undefined
  /** Authenticates requests that go out and the answers to them. */
  remoteKey: IntegrityKey | undefined
  localEnd = false
  remoteEnd = false
  /** When both sides' credentials were known, ms. */
  startedAt: number = Infinity
  /** When the first pair became valid, ms. */
  firstValidAt: number = Infinity
  /** The nominated pair. */
  selected: CandidatePair | undefined
  /** When it was nominated, ms. */
  selectedAt = 0
  /** The largest NOMINATION value seen (controlled side) or sent (controlling side). */
  nomination = 0
  /** A nomination was refused: the next one not before this, ms. */
  nextNominationAt = 0
  /** Remote candidates that no signalling has told of. */
  peerReflexive = 0
  /** How many have come since a pair was last found valid. */
  chase = 0
  /** Set when a newer generation carries the data: from then on this one only listens, until this time (ms). */
  retiredUntil: number = Infinity

  constructor(local: IceParameters, maxPairs: number, crypto: CryptoProvider) {
    this.local = local
    this.localKey = shortTermKey(local.password, { crypto })
    this.checklist = new Checklist(maxPairs)
  }

  setRemote(remote: IceParameters, crypto: CryptoProvider, now: number): void {
    this.remote = remote
    this.remoteKey = shortTermKey(remote.password, { crypto })
    this.startedAt = now
  }

  /** Takes a pair out of use; with its remote candidate when nothing else refers to that. */
  drop(pair: CandidatePair): void {
    this.checklist.remove(pair)
    if (this.selected === pair) this.selected = undefined
  }
}

import type { Candidate } from '../candidate.ts'
import type { LocalCandidate } from '../types.ts'

/** A candidate as the outside may see it: without the socket, and without the address that a name hides. */
export function withoutInternals(candidate: Candidate | LocalCandidate): Candidate {
  const { socket: _socket, transportAddress: _address, ...plain } = candidate as LocalCandidate
  return plain
}

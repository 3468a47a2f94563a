import type { CandidateProtocol, CandidateType } from './candidate.ts'

/**
 * Hands out foundations: the same text exactly for candidates of the same type, base address, protocol and server address
 * (RFC 8445 §5.1.1.3). Small numbers, so they tell the peer nothing about the addresses.
 */
export class FoundationTable {
  readonly #known = new Map<string, string>()

  /** `server`: the IP address of the STUN or TURN server that a reflexive or relayed candidate was learned from. */
  get(type: CandidateType, baseAddress: string, protocol: CandidateProtocol, server = ''): string {
    const key = `${type} ${baseAddress} ${protocol} ${server}`
    let foundation = this.#known.get(key)
    if (foundation === undefined) {
      foundation = String(this.#known.size + 1)
      this.#known.set(key, foundation)
    }
    return foundation
  }
}

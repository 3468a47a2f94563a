// One UDP socket for many connections. Requests are told apart by the username fragment that they name, responses by the
// transaction that they answer, everything else by where it comes from, once something authentic has come from there.
import type { Endpoint, UdpSocket } from '@kaon/net'
import { transactionKey } from '@kaon/stun'
import { canonicalAddress } from '../address.ts'
import { isBindingRequest, isResponse, localFragmentOf } from './peek.ts'
import { isStun, type PortSocket } from './port.ts'

/** Requests of all connections whose answers are awaited; the oldest are forgotten, answered or not. */
const MAX_TRANSACTIONS = 16_384
/** Addresses of one connection's peer. A connection has 100 pairs at most, and few of them ever answer. */
const MAX_CLAIMS = 128

export interface SharedUdpStats {
  datagramsReceived: number
  /** Binding requests that name nobody here. */
  unknownFragment: number
  /** Responses to requests that nobody here has sent, or that have long been answered. */
  unknownTransaction: number
  /** Anything else from an address that nobody here knows. */
  unknownAddress: number
}

/** Where a datagram of nobody's goes. */
export type UnhandledDatagram = (datagram: Uint8Array, from: Endpoint, local: Endpoint) => void

/** The part of a shared socket that one connection has. */
export class UdpShare implements PortSocket {
  readonly local: Endpoint
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined
  onerror: ((error: Error) => void) | undefined
  /** Whether something authentic has come from there. */
  isTrusted: ((from: Endpoint) => boolean) | undefined
  /** @internal */
  readonly fragments: Set<string> = new Set()
  /** @internal The addresses that lead here. */
  readonly claims: Set<string> = new Set()
  readonly #owner: SharedUdp

  constructor(owner: SharedUdp, local: Endpoint) {
    this.#owner = owner
    this.local = local
  }

  /** Requests that name this fragment belong here from now on. False: they are another connection's. */
  claimFragment(fragment: string): boolean {
    return this.#owner.claimFragment(this, fragment)
  }

  /** Gives up all fragments but this one: a restart is complete. */
  keepFragment(fragment: string): void {
    for (const one of this.fragments) if (one !== fragment) this.#owner.releaseFragment(this, one)
  }

  send(data: Uint8Array, to: Endpoint): void {
    this.#owner.send(this, data, to)
  }

  close(): void {
    this.#owner.release(this)
    this.onmessage = undefined
    this.onerror = undefined
    this.isTrusted = undefined
  }
}

export class SharedUdp {
  readonly local: Endpoint
  onunhandled: UnhandledDatagram | undefined
  readonly stats: SharedUdpStats = {
    datagramsReceived: 0,
    unknownFragment: 0,
    unknownTransaction: 0,
    unknownAddress: 0,
  }
  readonly #socket: UdpSocket
  readonly #shares = new Set<UdpShare>()
  readonly #byFragment = new Map<string, UdpShare>()
  /** The latest of several claims comes last: it is the one that counts. */
  readonly #byAddress = new Map<string, UdpShare[]>()
  readonly #transactions = new Map<string, UdpShare>()
  #lastFrom: Endpoint | undefined
  #lastShare: UdpShare | undefined

  constructor(socket: UdpSocket) {
    this.#socket = socket
    this.local = socket.local
    socket.onmessage = (data, from) => this.#receive(data, from)
    socket.onerror = (error) => {
      for (const share of this.#shares) share.onerror?.(error)
    }
  }

  get size(): number {
    return this.#shares.size
  }

  /** Entries of all tables: what a flood must not make grow. */
  get entries(): number {
    return this.#byFragment.size + this.#byAddress.size + this.#transactions.size
  }

  share(): UdpShare {
    const share = new UdpShare(this, this.local)
    this.#shares.add(share)
    return share
  }

  findFragment(fragment: string): UdpShare | undefined {
    return this.#byFragment.get(fragment)
  }

  claimFragment(share: UdpShare, fragment: string): boolean {
    if (!this.#shares.has(share)) return false
    const known = this.#byFragment.get(fragment)
    if (known !== undefined) return known === share
    this.#byFragment.set(fragment, share)
    share.fragments.add(fragment)
    return true
  }

  releaseFragment(share: UdpShare, fragment: string): void {
    if (share.fragments.delete(fragment)) this.#byFragment.delete(fragment)
  }

  send(share: UdpShare, data: Uint8Array, to: Endpoint): void {
    if (!this.#shares.has(share)) return
    if (isBindingRequest(data)) {
      const key = transactionKey(data, 8)
      this.#transactions.set(key, share)
      if (this.#transactions.size > MAX_TRANSACTIONS) {
        for (const oldest of this.#transactions.keys()) {
          this.#transactions.delete(oldest)
          break
        }
      }
    }
    this.#socket.send(data, to)
  }

  release(share: UdpShare): void {
    if (!this.#shares.delete(share)) return
    for (const fragment of share.fragments) this.#byFragment.delete(fragment)
    share.fragments.clear()
    for (const key of share.claims) this.#unclaim(share, key)
    share.claims.clear()
    for (const [key, owner] of this.#transactions) if (owner === share) this.#transactions.delete(key)
    this.#lastFrom = undefined
    this.#lastShare = undefined
  }

  close(): void {
    this.#socket.close()
    this.#shares.clear()
    this.#byFragment.clear()
    this.#byAddress.clear()
    this.#transactions.clear()
  }

  #receive(data: Uint8Array, sender: Endpoint): void {
    this.stats.datagramsReceived++
    if (sender === this.#lastFrom && this.#lastShare !== undefined && data.length > 0 && !isStun(data[0]!)) {
      this.#lastShare.onmessage?.(data, sender)
      return
    }
    const from = canonicalAddress(sender)
    if (isBindingRequest(data)) {
      const fragment = localFragmentOf(data)
      const share = fragment === undefined ? undefined : this.#byFragment.get(fragment)
      if (share === undefined) {
        // Without USERNAME it is a question to a STUN server.
        this.stats.unknownFragment++
        this.onunhandled?.(data, sender, this.local)
        return
      }
      share.onmessage?.(data, from)
      this.#learn(share, from)
      return
    }
    if (data.length > 0 && isStun(data[0]!) && isResponse(data)) {
      const key = transactionKey(data, 8)
      const share = this.#transactions.get(key)
      if (share === undefined) {
        this.stats.unknownTransaction++
        return
      }
      this.#transactions.delete(key)
      share.onmessage?.(data, from)
      this.#learn(share, from)
      return
    }
    const shares = this.#byAddress.get(keyOf(from))
    if (shares === undefined) {
      this.stats.unknownAddress++
      this.onunhandled?.(data, sender, this.local)
      return
    }
    const share = shares[shares.length - 1]!
    if (from === sender) {
      this.#lastFrom = sender
      this.#lastShare = share
    }
    share.onmessage?.(data, from)
  }

  /** What comes from there is this connection's from now on, if the message was authentic: others leave no trace. */
  #learn(share: UdpShare, from: Endpoint): void {
    if (share.isTrusted?.(from) !== true) return
    const key = keyOf(from)
    const known = this.#byAddress.get(key)
    if (known !== undefined && known[known.length - 1] === share) return
    if (!share.claims.has(key) && share.claims.size >= MAX_CLAIMS) {
      const oldest: string = share.claims.values().next().value!
      share.claims.delete(oldest)
      this.#unclaim(share, oldest)
    }
    const shares = this.#byAddress.get(key)
    // A peer whose address led elsewhere has begun anew, or somebody new has got the address from a NAT. Peers that share a port
    // themselves come from one address all: their requests and answers are told apart, their data cannot be.
    if (shares === undefined) this.#byAddress.set(key, [share])
    else if (share.claims.has(key)) return
    else shares.push(share)
    share.claims.add(key)
    this.#lastFrom = undefined
    this.#lastShare = undefined
  }

  #unclaim(share: UdpShare, key: string): void {
    const shares = this.#byAddress.get(key)
    if (shares === undefined) return
    const index = shares.indexOf(share)
    if (index >= 0) shares.splice(index, 1)
    if (shares.length === 0) this.#byAddress.delete(key)
    this.#lastFrom = undefined
    this.#lastShare = undefined
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${port} ${address}`
}

// Two connections with signalling between them, for the tests of the driver.
import type { Network } from '@kaon/net'
import type { VirtualNetwork } from '@kaon/net/virtual'
import { type Candidate, formatCandidate, type IceState, parseCandidate } from '../../src/index.ts'
import { IceConnection, type IceConnectionOptions } from '../../src/driver/index.ts'

export interface Peer {
  readonly ice: IceConnection
  readonly states: IceState[]
  readonly received: Uint8Array[]
}

export type PeerOptions = Partial<Omit<IceConnectionOptions, 'network'>>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Random bytes of a seed, so that a run can be repeated. */
export function seededRandom(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0 || 1
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      bytes[i] = state >>> 16
    }
    return bytes
  }
}

export function makePeer(network: Network, options: PeerOptions = {}, seed = 1): Peer {
  const ice = new IceConnection({
    network,
    ...options,
    agent: { random: seededRandom(seed * 7919), ...options.agent },
  })
  const peer: Peer = { ice, states: [], received: [] }
  ice.onStateChange = (state) => peer.states.push(state)
  ice.onDatagram = (datagram) => peer.received.push(datagram)
  return peer
}

/** Candidates travel as text, as they would in SDP. */
export function trickle(from: Peer, to: Peer): void {
  from.ice.onCandidate = (candidate) => to.ice.addRemoteCandidate(candidate && overTheWire(candidate))
}

export function overTheWire(candidate: Candidate): Candidate {
  return parseCandidate(formatCandidate(candidate))!
}

/** Everything that two applications do: parameters and trickled candidates both ways. */
export function connect(a: Peer, b: Peer): void {
  trickle(a, b)
  trickle(b, a)
  a.ice.setRemoteParameters(b.ice.localParameters)
  b.ice.setRemoteParameters(a.ice.localParameters)
  a.ice.gather()
  b.ice.gather()
}

export function isConnected(...peers: Peer[]): boolean {
  return peers.every(({ ice }) => ice.state === 'connected' || ice.state === 'completed')
}

/** Sends a text both ways and sees it arrive. */
export async function exchange(net: VirtualNetwork, a: Peer, b: Peer, maxMs = 5000): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const text = `hello ${net.now} ${to.received.length}`
    const arrived = (): boolean => to.received.some((bytes) => decoder.decode(bytes) === text)
    // Datagrams get lost where the network is told to lose some.
    for (let waited = 0; !arrived(); waited += 50) {
      if (waited > maxMs) throw new Error(`nothing arrived within ${maxMs} ms`)
      from.ice.send(encoder.encode(text))
      await net.run(50)
    }
  }
}

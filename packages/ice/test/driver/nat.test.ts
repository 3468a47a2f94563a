// Every pair of NATs (RFC 4787 mapping × filtering), with a STUN server and no relay.
import { type NatBehavior, VirtualNetwork } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { describe, expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

interface Nat {
  readonly mapping: NatBehavior
  readonly filtering: NatBehavior
}

const BEHAVIORS = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const
const NATS: Nat[] = BEHAVIORS.flatMap((mapping) => BEHAVIORS.map((filtering) => ({ mapping, filtering })))

/** What can be had without a relay, worked out by hand; the checks must find every way that there is. */
function isSolvable(a: Nat, b: Nat): boolean {
  const aIsStable = a.mapping === 'endpoint-independent'
  const bIsStable = b.mapping === 'endpoint-independent'
  if (aIsStable && bIsStable) return true
  // One address is known; packets to it come from a port that nobody could announce.
  if (aIsStable) return a.filtering !== 'address-and-port-dependent'
  if (bIsStable) return b.filtering !== 'address-and-port-dependent'
  // Neither is. The first packet gets in only where anybody may; the way back must exist, and must settle.
  const settles = a.mapping === 'address-dependent' || b.mapping === 'address-dependent'
  const opens = (open: Nat, other: Nat): boolean =>
    open.filtering === 'endpoint-independent' && other.filtering !== 'address-and-port-dependent'
  return settles && (opens(a, b) || opens(b, a))
}

function letters({ mapping, filtering }: Nat): string {
  const short = { 'endpoint-independent': 'EI', 'address-dependent': 'AD', 'address-and-port-dependent': 'APD' }
  return `${short[mapping]} mapping ${short[filtering]} filtering`
}

async function meet(a: Nat, b: Nat, seed: number): Promise<boolean> {
  const net = new VirtualNetwork({ seed })
  const server = net.addHost({ address: '198.18.0.10' })
  const stun = await StunServer.listen({ network: server, tcp: false })
  const iceServers = [{ urls: 'stun:198.18.0.10' }]
  const home = (nat: Nat) => net.addHost({ via: net.addNat({ ...nat, portAllocation: 'random' }), link: { delay: 5 } })
  const one = makePeer(home(a), { role: 'controlling', iceServers }, seed)
  const two = makePeer(home(b), { role: 'controlled', iceServers }, seed + 1)
  connect(one, two)
  await net.runUntil(() => isConnected(one, two) || (one.ice.state === 'failed' && two.ice.state === 'failed'), 90_000)
  const connected = isConnected(one, two)
  if (connected) await exchange(net, one, two)
  one.ice.close()
  two.ice.close()
  stun.close()
  return connected
}

describe('through two NATs', () => {
  for (const [i, a] of NATS.entries()) {
    for (const b of NATS.slice(i)) {
      const solvable = isSolvable(a, b)
      test(`${letters(a)} and ${letters(b)}: ${solvable ? 'connects' : 'fails'}`, async () => {
        expect(await meet(a, b, 100 + i)).toBe(solvable)
        expect(await meet(b, a, 200 + i)).toBe(solvable)
      })
    }
  }

  test('symmetric NATs on both sides fail without a relay, after patience and not before', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const iceServers = [{ urls: 'stun:198.18.0.10' }]
    const a = makePeer(net.addHost({ via: net.addNat({ type: 'symmetric' }) }), { role: 'controlling', iceServers }, 1)
    const b = makePeer(net.addHost({ via: net.addNat({ type: 'symmetric' }) }), { iceServers }, 2)
    connect(a, b)
    await net.run(39_000)
    expect(a.states).not.toContain('failed')
    await net.run(1000)
    expect([a.ice.state, b.ice.state]).toEqual(['failed', 'failed'])
  })

  test('two hosts behind one NAT meet inside it', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const iceServers = [{ urls: 'stun:198.18.0.10' }]
    const via = net.addNat({ type: 'symmetric' })
    const a = makePeer(net.addHost({ via }), { role: 'controlling', iceServers }, 1)
    const b = makePeer(net.addHost({ via }), { iceServers }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.selectedPair?.remote.type).toBe('host')
    expect(a.ice.selectedPair?.local.type).toBe('host')
  })

  test('a binding at the NAT outlives a slow answer', async () => {
    const net = new VirtualNetwork({ seed: 7 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const iceServers = [{ urls: 'stun:198.18.0.10' }]
    const nat = (): ReturnType<typeof net.addNat> => net.addNat({ type: 'port-restricted-cone', timeout: 30_000 })
    const a = makePeer(net.addHost({ via: nat() }), { role: 'controlling', iceServers }, 1)
    const b = makePeer(net.addHost({ via: nat() }), { iceServers }, 2)
    a.ice.gather()
    await net.run(300_000) // the answer is pasted by hand, minutes later
    for (const candidate of a.ice.localCandidates) b.ice.addRemoteCandidate(candidate)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
  })
})

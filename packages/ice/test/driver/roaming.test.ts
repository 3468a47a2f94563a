// Interfaces that come and go, and pairs that turn out to be faster. Gaps are virtual time.
import { type LinkOptions, VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer, type Peer, type PeerOptions } from './pair.ts'
import { report } from './report.ts'

const LINK: LinkOptions = { delay: 20 }

/** A call: both sides send every 10 ms. Returns the longest time without anything received since `mark`, of either side. */
function call(net: VirtualNetwork, a: Peer, b: Peer) {
  const last = { a: net.now, b: net.now }
  let longest = 0
  const hear = (side: 'a' | 'b'): void => {
    longest = Math.max(longest, net.now - last[side])
    last[side] = net.now
  }
  a.ice.onDatagram = () => hear('a')
  b.ice.onDatagram = () => hear('b')
  return {
    async run(ms: number): Promise<void> {
      for (let waited = 0; waited < ms; waited += 10) {
        a.ice.send(new Uint8Array([80, 1]))
        b.ice.send(new Uint8Array([80, 2]))
        await net.run(10)
      }
    },
    mark(): void {
      longest = 0
    },
    /** ms */
    get gap(): number {
      return Math.max(longest, net.now - last.a, net.now - last.b)
    },
  }
}

async function meet(net: VirtualNetwork, a: Peer, b: Peer): Promise<ReturnType<typeof call>> {
  connect(a, b)
  await net.runUntil(() => isConnected(a, b))
  const talk = call(net, a, b)
  await talk.run(3000)
  talk.mark()
  return talk
}

const CONTINUAL: PeerOptions = { continualGathering: true }

describe('continual gathering', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    const other = role === 'controlling' ? 'controlled' : 'controlling'

    test(`an interface comes, and is in reserve when the first one goes (${role} roams)`, async () => {
      const net = new VirtualNetwork({ seed: 1 })
      const host = net.addHost({ link: LINK })
      const a = makePeer(host, { role, ...CONTINUAL }, 1)
      const b = makePeer(net.addHost({ link: LINK }), { role: other }, 2)
      const talk = await meet(net, a, b)
      const states: string[] = []
      a.ice.onGatheringStateChange = (state) => states.push(state)
      const before = a.ice.localParameters
      host.addInterface({ link: LINK })
      await talk.run(3000)
      expect(a.ice.localCandidates).toHaveLength(2)
      expect(a.ice.localParameters).toEqual(before)
      expect(states).toEqual(['gathering', 'complete'])
      expect(a.ice.stats().pairs.filter(({ state }) => state === 'succeeded')).toHaveLength(2)
      host.interface('eth0').remove()
      await talk.run(3000)
      report(`      gap with another interface in reserve, ${role} roams: ${Math.round(talk.gap)} ms`)
      expect(talk.gap).toBeLessThan(1000)
      expect(isConnected(a, b)).toBe(true)
      expect(a.ice.stats().pairs.filter(({ nominated }) => nominated)).toHaveLength(1)
      expect(b.ice.stats().pairs.find(({ selected }) => selected)!.nominated).toBe(true)
      await talk.run(120_000)
      expect(isConnected(a, b)).toBe(true)
      expect(talk.gap).toBeLessThan(1000)
    })

    test(`first the old one goes, then a new one comes (${role} roams)`, async () => {
      const net = new VirtualNetwork({ seed: 2 })
      const host = net.addHost({ link: LINK })
      const a = makePeer(host, { role, ...CONTINUAL }, 1)
      const b = makePeer(net.addHost({ link: LINK }), { role: other }, 2)
      const talk = await meet(net, a, b)
      host.interface('eth0').remove()
      await talk.run(2000)
      expect(a.ice.state).toBe('disconnected')
      host.addInterface({ link: LINK })
      await talk.run(3000)
      report(`      gap with 2000 ms without any interface, ${role} roams: ${Math.round(talk.gap)} ms`)
      expect(talk.gap).toBeLessThan(3000)
      expect(isConnected(a, b)).toBe(true)
    })

    test(`a link that dies without a word, with another in reserve (${role} roams)`, async () => {
      const net = new VirtualNetwork({ seed: 3 })
      const host = net.addHost({ link: LINK })
      host.addInterface({ link: LINK })
      const a = makePeer(host, { role, ...CONTINUAL }, 1)
      const b = makePeer(net.addHost({ link: LINK }), { role: other }, 2)
      const talk = await meet(net, a, b)
      const used = a.ice.selectedPair!.local.address
      const name = host.interfaces().find(({ address }) => address === used)!.name
      host.interface(name).link.down()
      await talk.run(15_000)
      report(`      gap when the system tells nothing, ${role} roams: ${Math.round(talk.gap)} ms`)
      expect(isConnected(a, b)).toBe(true)
      expect(talk.gap).toBeLessThan(1200)
    })
  }

  test('a host that has no interface yet when it gathers', async () => {
    const net = new VirtualNetwork({ seed: 9 })
    const host = net.addHost({ link: LINK })
    host.interface('eth0').remove()
    const a = makePeer(host, { role: 'controlling', ...CONTINUAL }, 1)
    const b = makePeer(net.addHost({ link: LINK }), CONTINUAL, 2)
    connect(a, b)
    await net.run(2000)
    expect(a.ice.localCandidates).toEqual([])
    expect([...a.states, ...b.states]).not.toContain('failed')
    host.addInterface({ link: LINK })
    await net.runUntil(() => isConnected(a, b), 1000)
    await exchange(net, a, b)
  })

  test('from behind one NAT to behind another, both sides at once', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const nats = Array.from({ length: 4 }, () => net.addTopology('full-cone'))
    const hosts = [net.addHost({ via: nats[0]!, link: LINK }), net.addHost({ via: nats[1]!, link: LINK })] as const
    for (const [i, host] of hosts.entries()) host.addInterface({ via: nats[2 + i]!, link: LINK })
    const { StunServer } = await import('@kaon/stun/driver')
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const options: PeerOptions = { ...CONTINUAL, iceServers: [{ urls: 'stun:198.18.0.10' }] }
    const a = makePeer(hosts[0], { role: 'controlling', ...options }, 1)
    const b = makePeer(hosts[1], options, 2)
    const talk = await meet(net, a, b)
    await talk.run(12_000)
    talk.mark()
    for (const [host, peer] of [
      [hosts[0], a],
      [hosts[1], b],
    ] as const) {
      const pair = peer.ice.selectedPair!.local
      const base = pair.relatedAddress ?? pair.address
      host.interface(host.interfaces().find(({ address }) => address === base)!.name).remove()
    }
    await talk.run(5000)
    report(`      gap when both roam at once: ${Math.round(talk.gap)} ms`)
    expect(talk.gap).toBeLessThan(1500)
    expect(isConnected(a, b)).toBe(true)
  })

  test('nothing is left behind', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const host = net.addHost()
    const a = makePeer(host, { role: 'controlling', ...CONTINUAL }, 1)
    const b = makePeer(net.addHost(), {}, 2)
    await meet(net, a, b)
    for (let i = 0; i < 40; i++) {
      host.addInterface({ interface: `wlan${i}` })
      await net.run(500)
      host.interface(i === 0 ? 'eth0' : `wlan${i - 1}`).remove()
      await net.run(500)
    }
    expect(isConnected(a, b)).toBe(true)
    expect(a.ice.stats().localCandidates).toHaveLength(1)
    expect(a.ice.stats().pairs).toHaveLength(1)
    a.ice.close()
    expect(host.openHandles).toBe(0)
  })

  test('without it, restartIce brings a new interface in', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const host = net.addHost({ link: LINK })
    const a = makePeer(host, { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ link: LINK }), {}, 2)
    const talk = await meet(net, a, b)
    host.interface('eth0').remove()
    host.addInterface({ link: LINK })
    await talk.run(500)
    a.ice.restart()
    b.ice.setRemoteParameters(a.ice.localParameters)
    connect(a, b)
    await talk.run(5000)
    report(`      gap when a restart comes 500 ms after the interface: ${Math.round(talk.gap)} ms`)
    expect(talk.gap).toBeLessThan(2000)
    expect(isConnected(a, b)).toBe(true)
  })
})

describe('nomination by round trip', () => {
  /** Two interfaces on either side would be four ways: here two, a slow one of the higher priority and a fast one. */
  async function uneven(options: PeerOptions, peerOptions: PeerOptions = {}) {
    const net = new VirtualNetwork({ seed: 7 })
    const host = net.addHost({ link: { delay: 12 } })
    const fast = host.addInterface({ link: { delay: 5 } })
    const a = makePeer(host, { role: 'controlling', ...options }, 1)
    const b = makePeer(net.addHost({ link: { delay: 5 } }), peerOptions, 2)
    connect(a, b)
    await net.run(5000)
    expect(isConnected(a, b)).toBe(true)
    return { net, host, fast, a, b }
  }

  test('by priority the first interface is taken, by round trip the fast one', async () => {
    for (const nominationPolicy of ['priority', 'round-trip'] as const) {
      const { a, fast, host } = await uneven({ agent: { nominationPolicy } })
      const expected = nominationPolicy === 'priority' ? host.address : fast.addresses[0]
      expect(a.ice.selectedPair!.local.address).toBe(expected)
    }
  })

  test('the pair changes when round trips do, once, and both sides follow', async () => {
    const { net, a, b, host, fast } = await uneven({ agent: { nominationPolicy: 'round-trip' } })
    fast.link.set({ delay: 200 })
    await net.run(90_000)
    expect(a.ice.selectedPair!.local.address).toBe(host.address)
    expect(b.ice.selectedPair!.remote.address).toBe(host.address)
    const { selectedPairChanges } = a.ice.stats()
    await net.run(120_000)
    expect(a.ice.stats().selectedPairChanges).toBe(selectedPairChanges)
    await exchange(net, a, b)
  })

  test('small differences change nothing', async () => {
    const net = new VirtualNetwork({ seed: 8 })
    const host = net.addHost({ link: { delay: 20, jitter: 8 } })
    host.addInterface({ link: { delay: 18, jitter: 8 } })
    const a = makePeer(host, { role: 'controlling', agent: { nominationPolicy: 'round-trip' } }, 1)
    const b = makePeer(net.addHost({ link: { delay: 20, jitter: 8 } }), {}, 2)
    connect(a, b)
    await net.run(5000)
    const { selectedPairChanges } = a.ice.stats()
    await net.run(600_000)
    expect(a.ice.stats().selectedPairChanges).toBe(selectedPairChanges)
  })
})

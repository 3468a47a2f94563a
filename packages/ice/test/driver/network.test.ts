// Bad networks: loss, reordering, duplication, families, cables.
import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

describe('a lossy network', () => {
  for (let seed = 1; seed <= 12; seed++) {
    test(`30 % loss each way, seed ${seed}`, async () => {
      const net = new VirtualNetwork({ seed })
      const link = { delay: 20, jitter: 10, loss: 0.16 } // two links on the way: 1 − 0.84² = 30 %
      const a = makePeer(net.addHost({ link }), { role: 'controlling' }, seed)
      const b = makePeer(net.addHost({ link }), { role: 'controlled' }, seed + 100)
      connect(a, b)
      await net.runUntil(() => isConnected(a, b), 15_000)
      await exchange(net, a, b)
      await net.run(60_000)
      expect(a.states).not.toContain('failed')
      expect(b.states).not.toContain('failed')
      expect(a.ice.stats().pairs[0]!.nominated && b.ice.stats().pairs[0]!.nominated).toBe(true)
    })
  }

  test('reordering and duplication change nothing', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const link = { delay: 20, reorder: 0.3, reorderDelay: 60, duplicate: 0.3 }
    const a = makePeer(net.addHost({ link }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ link }), {}, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    await net.run(120_000)
    expect(a.states).toEqual(['checking', 'connected', 'completed'])
    expect(b.states).toEqual(['checking', 'connected', 'completed'])
  })

  test('bursts of loss longer than an answer takes', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const link = { delay: 10, burstLoss: { enter: 0.2, leave: 0.25 } }
    const a = makePeer(net.addHost({ link }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost(), {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
  })
})

describe('address families', () => {
  test('IPv6 only', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost({ families: [6] }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ families: [6] }), {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    expect(a.ice.selectedPair?.remote.address).toContain(':')
  })

  test('dual-stack hosts prefer IPv6', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost({ families: [4, 6] }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ families: [4, 6] }), {}, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.localCandidates).toHaveLength(2)
    expect(a.ice.selectedPair?.remote.address).toContain(':')
    expect(b.ice.selectedPair?.remote.address).toContain(':')
  })

  test('a broken IPv6 path costs a check and no more', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const filter = (packet: { family: 4 | 6 }): boolean => packet.family === 4
    const a = makePeer(net.addHost({ families: [4, 6], link: { filter } }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ families: [4, 6] }), {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b), 200)
    await net.runUntil(() => a.ice.stats().pairs.some((pair) => pair.nominated), 500)
    expect(a.ice.selectedPair?.remote.address).not.toContain(':')
  })

  test('an IPv4 host and an IPv6 host have no pair, and fail', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost({ families: [4] }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ families: [6] }), {}, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'failed' && b.ice.state === 'failed', 45_000)
    expect(a.ice.stats().pairs).toHaveLength(0)
  })

  test('link-local addresses, when asked for', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const options = { includeLinkLocal: true }
    const a = makePeer(net.addHost({ via: router, address: 'fe80::1' }), { ...options, role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ via: router, address: 'fe80::2' }), options, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    expect(a.ice.selectedPair?.local.type).toBe('host')
  })
})

describe('a cable', () => {
  async function connected(seed = 1) {
    const net = new VirtualNetwork({ seed })
    const hosts = [net.addHost(), net.addHost()] as const
    const a = makePeer(hosts[0], { role: 'controlling' }, 1)
    const b = makePeer(hosts[1], { role: 'controlled' }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    return { net, hosts, a, b }
  }

  for (const seed of [1, 2, 3, 4]) {
    test(`pulled for 20 s: disconnected, and back (seed ${seed})`, async () => {
      const { net, hosts, a, b } = await connected(seed)
      hosts[0].link.down()
      await net.run(12_000)
      expect([a.ice.state, b.ice.state]).toEqual(['disconnected', 'disconnected'])
      await net.run(8000)
      hosts[0].link.up()
      await net.runUntil(() => isConnected(a, b), 2500)
      await exchange(net, a, b)
      await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed', 5000)
      expect(a.states).not.toContain('failed')
    })
  }

  test('pulled for longer: consent expires 30 s after the last answer, and the transport fails', async () => {
    const { net, hosts, a, b } = await connected()
    hosts[0].link.down()
    await net.run(23_000)
    expect(a.ice.send(new Uint8Array([80]))).toBe(true)
    expect(a.ice.state).toBe('disconnected')
    await net.run(8000)
    expect([a.ice.state, b.ice.state]).toEqual(['failed', 'failed'])
    expect(a.ice.send(new Uint8Array([80]))).toBe(false)
    expect(a.ice.selectedPair).toBeUndefined()
    const sent = hosts[0].link.upstream.stats.sent
    await net.run(60_000)
    expect(hosts[0].link.upstream.stats.sent).toBe(sent) // failed is silent
  })

  test('one direction broken is no consent: data that comes in does not keep the path', async () => {
    const { net, hosts, a, b } = await connected()
    hosts[0].link.set({ upstream: { loss: 1 } }) // b still reaches a
    for (let i = 0; i < 36; i++) {
      b.ice.send(new Uint8Array([80, i]))
      await net.run(1000)
    }
    expect(a.states).toContain('failed')
    expect(b.states).toContain('failed')
  })

  for (const role of ['controlling', 'controlled'] as const) {
    test(`another interface takes over while the first one is dead (${role})`, async () => {
      const net = new VirtualNetwork({ seed: 9 })
      const host = net.addHost()
      const second = host.addInterface()
      const a = makePeer(host, { role }, 1)
      const b = makePeer(net.addHost(), { role: role === 'controlling' ? 'controlled' : 'controlling' }, 2)
      connect(a, b)
      await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
      const before = a.ice.selectedPair!.local.address
      host.interface('eth0').link.down()
      await net.runUntil(() => a.states.includes('disconnected'), 15_000)
      await net.runUntil(() => isConnected(a, b), 10_000)
      expect(a.ice.selectedPair!.local.address).not.toBe(before)
      expect(second.addresses).toContain(a.ice.selectedPair!.local.address)
      await exchange(net, a, b)
      await net.run(60_000)
      expect(isConnected(a, b)).toBe(true)
      expect(a.ice.stats().pairs.filter((pair) => pair.nominated)).toHaveLength(1)
    })
  }

  for (const role of ['controlling', 'controlled'] as const) {
    test(`a NAT that forgets everything: the path moves to the new binding (${role} behind it)`, async () => {
      const net = new VirtualNetwork({ seed: 10 })
      const nat = net.addNat({ type: 'full-cone', portAllocation: 'random' })
      const a = makePeer(net.addHost({ via: nat }), { role }, 1)
      const b = makePeer(net.addHost(), { role: role === 'controlling' ? 'controlled' : 'controlling' }, 2)
      connect(a, b)
      await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
      const before = b.ice.selectedPair!.remote.port
      nat.reset()
      await net.run(20_000)
      await exchange(net, a, b)
      expect(b.ice.selectedPair!.remote.port).not.toBe(before)
      await net.run(60_000)
      expect(isConnected(a, b)).toBe(true)
    })
  }
})

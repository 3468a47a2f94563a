import { VirtualNetwork } from '@kaon/net/virtual'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration } from '../src/index.ts'
import { closeAll } from './support/peers.ts'
import { account, turnServer } from './support/turn-server.ts'
import { localCandidate, stopCalls, VirtualCall } from './support/virtual-call.ts'

// Calls through TURN servers, which come to an end and come back, in virtual time.

afterEach(() => {
  stopCalls()
  closeAll()
})

const SERVERS = ['198.18.0.10', '198.18.0.11'] as const
const link = { delay: 10 }

function relayed(urls: string | string[], more: RTCConfiguration = {}): RTCConfiguration {
  return { iceServers: [{ urls, ...account }], iceTransportPolicy: 'relay', ...more }
}

describe('a call through a relay alone', () => {
  it.each([
    ['udp', `turn:${SERVERS[0]}`],
    ['tcp', `turn:${SERVERS[0]}?transport=tcp`],
    ['tls', 'turns:turn.example.org:443?transport=tcp'],
  ] as const)('over %s: pictures and messages', async (transport, url) => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ address: SERVERS[0] })
    net.addName('turn.example.org', host)
    const server = await turnServer(host, { tls: { ...net.issueCertificate('turn.example.org'), port: 443 } })
    // The authority is the application's own; who does not name it reaches nobody by TLS.
    const ice = { tls: { authorities: [net.authority] } }
    const blocked = net.addTopology(transport === 'udp' ? 'symmetric' : 'udp-blocked')
    const hosts = [net.addHost({ via: blocked, link }), net.addHost({ via: net.addNat({ type: 'symmetric' }), link })]
    const one = relayed(url, { ice })
    const call = await VirtualCall.start(net, [hosts[0]!, hosts[1]!], 1, [one, one])
    call.mark()
    await net.run(5000)
    for (const side of call.sides) {
      expect(localCandidate(side)).toMatchObject({ type: 'relay', relayProtocol: transport, url, protocol: 'udp' })
      const { frames, discontinuities } = side.seen
      expect(frames).toEqual(frames.map((_, i) => frames[0]! + i))
      expect(discontinuities).toBe(0)
    }
    expect(call.gap).toBeLessThan(60)
    expect(server.stats.bytesToPeers).toBeGreaterThan(500_000)
    expect(await call.finish()).toBe(true)
    expect(call.errors).toEqual([])
    call.stop()
    for (const { pc } of call.sides) pc.close()
    await net.run(1000)
    expect(server.stats.allocations).toBe(0)
    for (const { openHandles } of hosts) expect(openHandles).toBe(0)
  })
})

describe('a TURN server that is killed', () => {
  it('and started again: an ICE restart brings the call back', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    const host = net.addHost({ address: SERVERS[0] })
    const first = await turnServer(host)
    const one = relayed(`turn:${SERVERS[0]}`)
    const call = await VirtualCall.start(net, [net.addHost({ link }), net.addHost({ link })], 10, [one, one])
    await net.run(2000)
    first.close()
    await net.runUntil(() => call.sides[0].pc.iceConnectionState === 'disconnected', 60_000)
    await net.run(20_000)
    const second = await turnServer(host)
    // What an application does, whenever it does it.
    call.sides[0].pc.restartIce()
    const before = net.now
    await net.runUntil(() => call.isConnected, 30_000)
    expect(net.now - before).toBeLessThan(2000)
    call.mark()
    await net.run(3000)
    expect(second.stats.allocations).toBe(2)
    expect(await call.finish()).toBe(true)
    expect(call.errors).toEqual([])
  })

  it('and started again at once: allocations that it knows nothing of are noticed', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const host = net.addHost({ address: SERVERS[0] })
    const one = relayed(`turn:${SERVERS[0]}`)
    const first = await turnServer(host)
    const call = await VirtualCall.start(net, [net.addHost({ link }), net.addHost({ link })], 20, [one, one])
    await net.run(2000)
    first.close()
    const second = await turnServer(host)
    // The rule that W3C's examples have: restart when ICE says that it has failed.
    const { pc } = call.sides[0]
    pc.addEventListener('iceconnectionstatechange', () => {
      if (pc.iceConnectionState === 'failed') pc.restartIce()
    })
    const before = net.now
    await net.runUntil(() => second.stats.allocations === 2 && call.isConnected, 60_000)
    expect(net.now - before).toBeLessThan(45_000)
    expect(await call.finish()).toBe(true)
  })

  it.each([
    ['udp', 0],
    ['tcp', 10_000],
  ] as const)(
    'with continual gathering over %s, back after %i ms: nobody has to restart ICE',
    async (transport, pause) => {
      const net = new VirtualNetwork({ seed: 8 })
      const host = net.addHost({ address: SERVERS[0] })
      const one = relayed(`turn:${SERVERS[0]}?transport=${transport}`, { ice: { continualGathering: true } })
      const first = await turnServer(host)
      const call = await VirtualCall.start(net, [net.addHost({ link }), net.addHost({ link })], 70, [one, one])
      let offers = 0
      for (const { pc } of call.sides) pc.addEventListener('negotiationneeded', () => offers++)
      await net.run(5000)
      first.close()
      await net.run(pause)
      const second = await turnServer(host)
      await net.runUntil(() => second.stats.allocations === 2 && call.isConnected, 60_000)
      await net.run(2000)
      expect(call.isConnected).toBe(true)
      expect(call.sides.flatMap(({ states }) => states)).not.toContain('failed')
      expect(call.sides.map(({ pc }) => pc.iceGatheringState)).toEqual(['complete', 'complete'])
      expect(offers).toBe(0)
      expect(await call.finish()).toBe(true)
      call.stop()
      for (const { pc } of call.sides) pc.close()
      await net.run(1000)
      expect(second.stats.allocations).toBe(0)
      for (const { host: one } of call.sides) expect(one.openHandles).toBe(0)
    },
  )

  it.each([false, true])('beside another one: the call goes on without a restart (reserve: %s)', async (reserve) => {
    const net = new VirtualNetwork({ seed: 4 })
    const servers = await Promise.all(SERVERS.map((address) => turnServer(net.addHost({ address }))))
    const urls = SERVERS.map((address) => `turn:${address}`)
    const one = relayed(urls, { ice: { agent: { standby: reserve } } })
    const call = await VirtualCall.start(net, [net.addHost({ link }), net.addHost({ link })], 30, [one, one])
    let offers = 0
    for (const { pc } of call.sides) pc.addEventListener('negotiationneeded', () => offers++)
    await net.run(6000)
    const used = SERVERS.indexOf(localCandidate(call.sides[0]).url!.slice(5) as (typeof SERVERS)[number])
    call.mark()
    servers[used]!.close()
    await net.run(12_000)
    expect(call.isConnected).toBe(true)
    expect(localCandidate(call.sides[0]).url).toBe(urls[1 - used])
    expect(call.gap).toBeLessThan(reserve ? 3000 : 10_000)
    expect(call.sides.flatMap(({ states }) => states)).not.toContain('failed')
    expect(offers).toBe(0)
    expect(await call.finish()).toBe(true)
  })

  it('beside a direct path: nobody notices', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const server = await turnServer(net.addHost({ address: SERVERS[0] }))
    const hosts = [net.addHost({ link }), net.addHost({ link })] as const
    const one: RTCConfiguration = { iceServers: [{ urls: `turn:${SERVERS[0]}`, ...account }] }
    const call = await VirtualCall.start(net, hosts, 40, [one, one])
    expect(localCandidate(call.sides[0]).type).toBe('host')
    server.close()
    call.mark()
    await net.run(30_000)
    // It was never used, and is not missed.
    expect(call.gap).toBeLessThan(60)
    expect(await call.finish()).toBe(true)
  })
})

describe('setConfiguration', () => {
  it('takes a call to another TURN server with the next ICE restart', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const servers = await Promise.all(SERVERS.map((address) => turnServer(net.addHost({ address }))))
    const [old, other] = SERVERS.map((address) => relayed(`turn:${address}`)) as [RTCConfiguration, RTCConfiguration]
    const hosts = [net.addHost({ link }), net.addHost({ link })] as const
    const call = await VirtualCall.start(net, hosts, 50, [old, old])
    await net.run(1000)
    expect(servers.map(({ stats }) => stats.allocations)).toEqual([2, 0])
    for (const { pc } of call.sides) pc.setConfiguration({ ...pc.getConfiguration(), iceServers: other.iceServers! })
    call.mark()
    call.sides[0].pc.restartIce()
    await net.run(20_000)
    // The allocations of before are given back once nothing is expected from there any more.
    expect(servers.map(({ stats }) => stats.allocations)).toEqual([0, 2])
    for (const side of call.sides) expect(localCandidate(side).url).toBe(`turn:${SERVERS[1]}`)
    expect(call.gap).toBeLessThan(100)
    expect(await call.finish()).toBe(true)
    expect(call.errors).toEqual([])
  })

  it('from everything to relays alone, and back', async () => {
    const net = new VirtualNetwork({ seed: 7 })
    await turnServer(net.addHost({ address: SERVERS[0] }))
    const hosts = [net.addHost({ link }), net.addHost({ link })] as const
    const one = relayed(`turn:${SERVERS[0]}`, { iceTransportPolicy: 'all' })
    const call = await VirtualCall.start(net, hosts, 60, [one, one])
    const types: (string | null)[] = []
    for (const iceTransportPolicy of ['relay', 'all'] as const) {
      const { pc } = call.sides[0]
      pc.setConfiguration({ ...pc.getConfiguration(), iceTransportPolicy })
      pc.restartIce()
      await net.run(3000)
      types.push(localCandidate(call.sides[0]).type)
      expect(call.isConnected).toBe(true)
    }
    expect(types).toEqual(['relay', 'host'])
    expect(await call.finish()).toBe(true)
  })
})

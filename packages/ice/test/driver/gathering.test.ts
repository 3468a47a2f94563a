import { VirtualNetwork } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { describe, expect, test } from 'vitest'
import { formatCandidate } from '../../src/index.ts'
import type { CandidateError, IceConnection } from '../../src/driver/index.ts'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

interface Gathered {
  readonly candidates: string[]
  readonly errors: CandidateError[]
  readonly states: string[]
  done: boolean
}

function watch(ice: IceConnection): Gathered {
  const gathered: Gathered = { candidates: [], errors: [], states: [], done: false }
  ice.onCandidate = (candidate) => {
    if (candidate === undefined) gathered.done = true
    else gathered.candidates.push(`${candidate.type} ${candidate.address}`)
  }
  ice.onCandidateError = (error) => gathered.errors.push(error)
  ice.onGatheringStateChange = (state) => gathered.states.push(state)
  return gathered
}

describe('host candidates', () => {
  test('one per address, without loopback, each with a preference of its own', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ families: [4, 6] })
    host.addInterface({ families: [4, 6] })
    const { ice } = makePeer(host)
    const gathered = watch(ice)
    expect(ice.gatheringState).toBe('new')
    ice.gather()
    expect(ice.gatheringState).toBe('gathering')
    await net.run(10)
    expect(gathered).toMatchObject({ done: true, errors: [], states: ['gathering', 'complete'] })
    expect(gathered.candidates).toHaveLength(4)
    expect(new Set(ice.localCandidates.map(({ priority }) => priority)).size).toBe(4)
    expect(new Set(ice.localCandidates.map(({ foundation }) => foundation)).size).toBe(4)
    const { usernameFragment } = ice.localParameters
    expect(ice.localCandidates.every((candidate) => candidate.usernameFragment === usernameFragment)).toBe(true)
  })

  test('loopback, filters and port ranges on request', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ families: [4, 6] })
    host.addInterface({ interface: 'vpn0' })
    const { ice } = makePeer(host, {
      includeLoopback: true,
      interfaceFilter: ({ name }) => name !== 'vpn0',
      addressFilter: (_address, family) => family === 4,
      portRange: [5000, 5001],
    })
    ice.gather()
    await net.run(10)
    expect(ice.localCandidates.map(({ address }) => address)).toEqual([host.address, '127.0.0.1'])
    expect(ice.localCandidates.every(({ port }) => port >= 5000 && port <= 5001)).toBe(true)
  })

  test('a port range that is used up leaves no candidate, and gathering completes', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const first = makePeer(host, { portRange: [5000, 5000] })
    const second = makePeer(host, { portRange: [5000, 5000] })
    first.ice.gather()
    await net.run(10)
    second.ice.gather()
    await net.run(10)
    expect(second.ice.gatheringState).toBe('complete')
    expect(second.ice.localCandidates).toEqual([])
  })

  test('loopback candidates connect two peers of one host', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const a = makePeer(
      host,
      { role: 'controlling', includeLoopback: true, addressFilter: (one) => one === '127.0.0.1' },
      1,
    )
    const b = makePeer(host, {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
  })
})

describe('server-reflexive candidates', () => {
  test('are found behind a NAT and left out without one', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    net.addName('stun.example.org', '198.18.0.10', { delay: 30 })
    const nat = net.addNat()
    const inside = net.addHost({ via: nat })
    const iceServers = [{ urls: ['stun:stun.example.org', 'stun:198.18.0.10:3478?transport=udp'] }]
    const a = makePeer(inside, { iceServers })
    const b = makePeer(net.addHost(), { iceServers })
    const [behind, open] = [watch(a.ice), watch(b.ice)]
    a.ice.gather()
    b.ice.gather()
    await net.runUntil(() => behind.done && open.done)
    expect(behind.candidates).toEqual([`host ${inside.address}`, `srflx ${nat.address}`])
    expect(open.candidates).toHaveLength(1)
    const reflexive = a.ice.localCandidates[1]!
    expect(reflexive).toMatchObject({ relatedAddress: inside.address, url: 'stun:198.18.0.10:3478?transport=udp' })
    expect(formatCandidate(reflexive)).not.toContain('stun')
  })

  test('a server that loses packets is asked again', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10', link: { loss: 0.3 } }), tcp: false })
    const a = makePeer(net.addHost({ via: net.addNat() }), { iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.runUntil(() => gathered.done)
    expect(gathered.candidates).toHaveLength(2)
  })

  test('errors are reported and gathering completes', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    net.addHost({ address: '198.18.0.11' }) // a host without a server
    const a = makePeer(net.addHost(), {
      iceServers: [{ urls: ['stun:198.18.0.11', 'stun:no.such.name', 'turn:198.18.0.11', 'stuns:198.18.0.11'] }],
    })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.run(9000)
    expect(gathered.done).toBe(false)
    await net.run(1000)
    expect(gathered.done).toBe(true)
    expect(gathered.errors.map(({ url, errorCode }) => `${errorCode} ${url}`).sort()).toEqual([
      '701 stun:198.18.0.11',
      '701 stun:no.such.name',
      '701 stuns:198.18.0.11',
      '701 turn:198.18.0.11',
    ])
    expect(gathered.errors.find(({ url }) => url === 'stun:198.18.0.11')?.port).toBe(a.ice.localCandidates[0]!.port)
  })

  test("'relay' gathers nothing that shows an address", async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost(), { iceTransportPolicy: 'relay', iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.run(100)
    expect(gathered).toMatchObject({ done: true, candidates: [] })
  })
})

describe('mDNS', () => {
  test('names hide the addresses, and the other side resolves them', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const hosts = [net.addHost({ via: router }), net.addHost({ via: router })] as const
    const a = makePeer(hosts[0], { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(hosts[1], { mdns: 'hide' }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    const text = a.ice.localCandidates.map(formatCandidate).join()
    expect(text).toMatch(/ [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local /)
    expect(text).not.toContain(hosts[0].address)
    expect(b.ice.selectedPair?.remote.address).toMatch(/\.local$/)
    a.ice.close()
    expect(hosts[0].openHandles).toBe(0)
  })

  test('a name that only the other side can resolve still connects, by peer-reflexive candidates', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost({ via: net.addRouter() }), { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(net.addHost({ via: net.addRouter() }), {}, 2) // another link: multicast does not get there
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    await net.runUntil(() => b.ice.state === 'completed', 15_000) // the end of candidates waits for the name
  })

  test("'off' leaves names alone", async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const a = makePeer(net.addHost({ via: router }), { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(net.addHost({ via: router }), { mdns: 'off' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(b.ice.stats().agent.ignoredCandidates).toBe(1)
    expect(b.ice.selectedPair?.remote.type).toBe('prflx')
  })

  test('the base of a reflexive candidate is hidden too', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const host = net.addHost({ via: net.addNat() })
    const a = makePeer(host, { mdns: 'hide', iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.runUntil(() => gathered.done)
    expect(a.ice.localCandidates[1]).toMatchObject({ type: 'srflx', relatedAddress: '0.0.0.0', relatedPort: 0 })
    expect(a.ice.localCandidates.map(formatCandidate).join()).not.toContain(host.address)
  })
})

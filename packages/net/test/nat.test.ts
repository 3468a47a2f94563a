import { describe, expect, it } from 'vitest'
import { VirtualNetwork, VirtualNetworkError } from '@kaon/net/virtual'
import type { NatBehavior, NatOptions, VirtualNat } from '@kaon/net/virtual'
import type { Endpoint, UdpSocket } from '@kaon/net'

const BEHAVIORS: NatBehavior[] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent']
const PACKET = Uint8Array.of(1)

/** Sources of all that arrives, as `address:port`. */
function sources(socket: UdpSocket): string[] {
  const list: string[] = []
  socket.onmessage = (_data, from) => list.push(`${from.address}:${from.port}`)
  return list
}

function at(address: string, port: number): Endpoint {
  return { address, port, family: address.includes(':') ? 6 : 4 }
}

/** One socket inside; outside, two on one address and one on another. */
async function setUp(options: NatOptions = {}): Promise<{
  net: VirtualNetwork
  nat: VirtualNat
  inside: UdpSocket
  outside: [UdpSocket, UdpSocket, UdpSocket]
  seen: [string[], string[], string[]]
}> {
  const net = new VirtualNetwork({ seed: 5 })
  const nat = net.addNat({ address: '203.0.113.1', ...options })
  const host = net.addHost({ via: nat })
  const near = net.addHost({ address: '203.0.113.10' })
  const far = net.addHost({ address: '203.0.113.20' })
  const outside: [UdpSocket, UdpSocket, UdpSocket] = [
    await near.bindUdp({ address: near.address, port: 1000 }),
    await near.bindUdp({ address: near.address, port: 1001 }),
    await far.bindUdp({ address: far.address, port: 1000 }),
  ]
  const seen: [string[], string[], string[]] = [sources(outside[0]), sources(outside[1]), sources(outside[2])]
  return { net, nat, inside: await host.bindUdp({ port: 5000 }), outside, seen }
}

describe('mapping (RFC 4787 §4.1)', () => {
  it.each([
    ['endpoint-independent', 1],
    ['address-dependent', 2],
    ['address-and-port-dependent', 3],
  ] as const)('%s gives three remotes %i mappings', async (mapping, count) => {
    const { net, nat, inside, outside, seen } = await setUp({ mapping })
    for (let round = 0; round < 2; round++) {
      for (const socket of outside) inside.send(PACKET, socket.local)
      await net.run(100)
    }
    for (const list of seen) expect(list).toEqual([list[0], list[0]])
    const [same, samePort, other] = seen.map((list) => list[0])
    expect(new Set([same, samePort, other]).size).toBe(count)
    expect(same === samePort).toBe(mapping !== 'address-and-port-dependent')
    for (const list of seen) expect(list[0]).toMatch(/^203\.0\.113\.1:/)
    expect(nat.mappings.length).toBe(count)
    expect(nat.mappings[0]!.inside).toEqual({ address: '192.168.1.2', port: 5000, family: 4 })
  })
})

describe('filtering (RFC 4787 §5)', () => {
  describe.each(BEHAVIORS)('with %s mapping', (mapping) => {
    it.each([
      ['endpoint-independent', [true, true, true]],
      ['address-dependent', [true, true, false]],
      ['address-and-port-dependent', [true, false, false]],
    ] as const)('%s lets in %o', async (filtering, expected) => {
      const { net, inside, outside, seen } = await setUp({ mapping, filtering })
      const received = sources(inside)
      inside.send(PACKET, at('203.0.113.10', 1000))
      await net.run(100)
      const external = at('203.0.113.1', Number(seen[0][0]!.split(':')[1]))
      for (const socket of outside) socket.send(PACKET, external)
      await net.run(100)
      expect(received).toEqual(
        ['203.0.113.10:1000', '203.0.113.10:1001', '203.0.113.20:1000'].filter((_source, index) => expected[index]),
      )
      expect(net.dropped['nat-filtering']).toBe(expected.filter((passes) => !passes).length)
    })
  })

  it('lets nobody in before something went out, and nothing to another port', async () => {
    const { net, inside, outside } = await setUp({ type: 'full-cone' })
    const received = sources(inside)
    outside[0].send(PACKET, at('203.0.113.1', 5000))
    await net.run(100)
    inside.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    outside[0].send(PACKET, at('203.0.113.1', 5001))
    await net.run(100)
    expect(received).toEqual([])
    expect(net.dropped['nat-filtering']).toBe(2)
  })
})

describe('ports (RFC 4787 §4.2)', () => {
  it('preserve keeps the port, and the second host that wants it gets the next', async () => {
    const { net, nat, inside, seen } = await setUp()
    const second = await net.addHost({ via: nat }).bindUdp({ port: 5000 })
    inside.send(PACKET, at('203.0.113.10', 1000))
    second.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    expect(seen[0]).toEqual(['203.0.113.1:5000', '203.0.113.1:5001'])
  })

  it('sequential counts up', async () => {
    const { net, inside, outside, seen } = await setUp({
      mapping: 'address-and-port-dependent',
      portAllocation: 'sequential',
      portRange: [40_000, 40_010],
    })
    for (const socket of outside) inside.send(PACKET, socket.local)
    await net.run(100)
    expect(seen.flat()).toEqual(['203.0.113.1:40000', '203.0.113.1:40001', '203.0.113.1:40002'])
  })

  it('symmetric picks at random, by the seed', async () => {
    const ports = async (): Promise<string[]> => {
      const { net, inside, outside, seen } = await setUp({ type: 'symmetric' })
      for (const socket of outside) inside.send(PACKET, socket.local)
      await net.run(100)
      return seen.flat()
    }
    const first = await ports()
    expect(new Set(first).size).toBe(3)
    const numbers = first.map((source) => Number(source.split(':')[1]))
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeGreaterThan(100)
    expect(await ports()).toEqual(first)
  })

  it('drops when none is left, and goes on when one is free again', async () => {
    const { net, inside, outside, seen } = await setUp({
      mapping: 'address-and-port-dependent',
      portRange: [2000, 2001],
      timeout: 1000,
    })
    for (const socket of outside) inside.send(PACKET, socket.local)
    await net.run(100)
    expect(seen.flat().length).toBe(2)
    expect(net.dropped['nat-ports']).toBe(1)
    await net.run(1000)
    inside.send(PACKET, at('203.0.113.20', 1000))
    await net.run(100)
    expect(seen[2]).toEqual(['203.0.113.1:2000'])
  })
})

describe('lifetime (RFC 4787 §4.3)', () => {
  it('forgets a mapping that only hears, and keeps one that speaks', async () => {
    const { net, inside, outside } = await setUp({ timeout: 1000 })
    const received = sources(inside)
    const external = at('203.0.113.1', 5000)
    for (let i = 0; i < 5; i++) {
      inside.send(PACKET, at('203.0.113.10', 1000))
      await net.run(900)
      outside[0].send(PACKET, external)
    }
    await net.run(50)
    expect(received.length).toBe(5)
    outside[0].send(PACKET, external)
    await net.run(900)
    outside[0].send(PACKET, external)
    await net.run(100)
    expect(received.length).toBe(6)
  })

  it('is kept alive from outside when asked to', async () => {
    const { net, inside, outside } = await setUp({ timeout: 1000, refreshOnInbound: true })
    const received = sources(inside)
    inside.send(PACKET, at('203.0.113.10', 1000))
    for (let i = 0; i < 5; i++) {
      await net.run(900)
      outside[0].send(PACKET, at('203.0.113.1', 5000))
    }
    await net.run(100)
    expect(received.length).toBe(5)
  })

  it('forgets each remote by itself', async () => {
    const { net, inside, outside } = await setUp({ timeout: 1000 })
    const received = sources(inside)
    inside.send(PACKET, at('203.0.113.10', 1000))
    await net.run(600)
    inside.send(PACKET, at('203.0.113.20', 1000))
    await net.run(600)
    outside[0].send(PACKET, at('203.0.113.1', 5000))
    outside[2].send(PACKET, at('203.0.113.1', 5000))
    await net.run(100)
    expect(received).toEqual(['203.0.113.20:1000'])
  })

  it('a forwarded port outlives the row that its host had before', async () => {
    const { net, nat, inside, outside, seen } = await setUp({
      timeout: 1000,
      portRange: [4000, 4001],
      type: 'full-cone',
    })
    inside.send(PACKET, outside[0].local)
    await net.run(100)
    nat.forward(8000, at('192.168.1.2', 5000))
    await net.run(2000)
    // Another host gets the port of the row that has expired.
    const other = await net.addHost({ via: nat }).bindUdp({ port: 4000 })
    other.send(PACKET, outside[0].local)
    inside.send(PACKET, outside[0].local)
    await net.run(100)
    expect(seen[0]).toEqual(['203.0.113.1:4000', '203.0.113.1:4000', '203.0.113.1:8000'])
  })

  it('reset and setAddress forget all, but forwarded ports only when the address changes', async () => {
    const { net, nat, inside, outside, seen } = await setUp()
    const received = sources(inside)
    nat.forward(8000, at('192.168.1.2', 5000))
    outside[2].send(PACKET, at('203.0.113.1', 8000))
    await net.run(100)
    expect(received).toEqual(['203.0.113.20:1000'])
    nat.reset()
    outside[2].send(PACKET, at('203.0.113.1', 8000))
    await net.run(100)
    expect(received.length).toBe(2)
    nat.setAddress('203.0.113.2')
    expect(nat.address).toBe('203.0.113.2')
    expect(nat.mappings).toEqual([])
    outside[2].send(PACKET, at('203.0.113.1', 8000))
    outside[2].send(PACKET, at('203.0.113.2', 8000))
    await net.run(100)
    expect(received.length).toBe(2)
    inside.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    expect(seen[0]).toEqual(['203.0.113.2:5000'])
  })
})

describe('hairpinning (RFC 4787 §6)', () => {
  it.each([true, false])('%s', async (hairpin) => {
    const { net, nat, inside, seen } = await setUp({ hairpin })
    const second = await net.addHost({ via: nat }).bindUdp({ port: 6000 })
    const atFirst = sources(inside)
    const atSecond = sources(second)
    inside.send(PACKET, at('203.0.113.10', 1000))
    second.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    expect(seen[0]).toEqual(['203.0.113.1:5000', '203.0.113.1:6000'])
    // Filtering holds for hairpinned datagrams too: the first opens the way for the second.
    inside.send(PACKET, at('203.0.113.1', 6000))
    await net.run(100)
    second.send(PACKET, at('203.0.113.1', 5000))
    await net.run(100)
    expect(atSecond).toEqual([])
    expect(atFirst).toEqual(hairpin ? ['203.0.113.1:6000'] : [])
    expect(net.dropped['nat-hairpin']).toBe(hairpin ? 0 : 2)
  })

  it('does not translate between hosts inside', async () => {
    const { net, nat, inside } = await setUp()
    const second = await net.addHost({ via: nat }).bindUdp({ port: 6000 })
    const received = sources(second)
    inside.send(PACKET, at('192.168.1.3', 6000))
    await net.run(100)
    expect(received).toEqual(['192.168.1.2:5000'])
    expect(nat.mappings).toEqual([])
  })
})

describe('combinations', () => {
  it('two hosts with the same private address in two homes reach each other', async () => {
    const net = new VirtualNetwork()
    const home = (address: string): VirtualNat =>
      net.addNat({ address, subnets: ['192.168.1.0/24'], type: 'port-restricted-cone' })
    const a = await net.addHost({ via: home('203.0.113.1') }).bindUdp({ port: 5000 })
    const b = await net.addHost({ via: home('203.0.113.2') }).bindUdp({ port: 5000 })
    const atA = sources(a)
    const atB = sources(b)
    a.send(PACKET, at('203.0.113.2', 5000))
    await net.run(10)
    b.send(PACKET, at('203.0.113.1', 5000))
    await net.run(10)
    a.send(PACKET, at('203.0.113.2', 5000))
    await net.run(10)
    expect([atA, atB]).toEqual([['203.0.113.2:5000'], ['203.0.113.1:5000']])
  })

  it('nests: behind a carrier and a home', async () => {
    const net = new VirtualNetwork()
    const server = await net.addHost({ address: '203.0.113.10' }).bindUdp({ address: '203.0.113.10', port: 1000 })
    const carrier = net.addNat({ name: 'carrier', address: '203.0.113.1', subnets: ['100.64.0.0/10'] })
    const home = net.addNat({ name: 'home', via: carrier, subnets: ['192.168.1.0/24'] })
    const inside = await net.addHost({ via: home }).bindUdp({ port: 5000 })
    expect(home.address).toBe('100.64.0.2')
    const received = sources(inside)
    server.onmessage = (data, from) => server.send(data, from)
    inside.send(PACKET, server.local)
    await net.run(100)
    expect(received).toEqual(['203.0.113.10:1000'])
    expect(home.mappings[0]!.outside).toEqual(at('100.64.0.2', 5000))
    expect(carrier.mappings[0]!.outside).toEqual(at('203.0.113.1', 5000))
  })

  it('routes IPv6 behind a firewall, or translates it when asked', async () => {
    for (const translateIpv6 of [false, true]) {
      const net = new VirtualNetwork()
      const server = await net.addHost({ address: '2001:db8::10' }).bindUdp({ address: '2001:db8::10', port: 1000 })
      const atServer = sources(server)
      const nat = net.addNat({
        subnets: ['192.168.1.0/24', '2001:db8:1::/64'],
        address: ['203.0.113.1', '2001:db8::1'],
        translateIpv6,
      })
      const host = net.addHost({ via: nat, families: [4, 6] })
      expect(host.addresses).toEqual(['192.168.1.2', '2001:db8:1::2'])
      const inside = await host.bindUdp({ address: '2001:db8:1::2', port: 5000 })
      const received = sources(inside)
      server.send(PACKET, at('2001:db8:1::2', 5000))
      await net.run(10)
      expect(received).toEqual([])
      inside.send(PACKET, server.local)
      await net.run(10)
      const external = at(translateIpv6 ? '2001:db8::1' : '2001:db8:1::2', 5000)
      expect(atServer).toEqual([`${external.address}:5000`])
      server.send(PACKET, external)
      await net.run(10)
      expect(received).toEqual(['2001:db8::10:1000'])
    }
  })

  it('keeps UDP out when told to', async () => {
    const { net, nat, inside, seen } = await setUp({ blockUdp: true })
    inside.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    expect([seen[0], net.dropped['udp-blocked']]).toEqual([[], 1])
    nat.blockUdp = false
    inside.send(PACKET, at('203.0.113.10', 1000))
    await net.run(100)
    expect(seen[0].length).toBe(1)
  })

  it('refuses addresses that are taken or none', () => {
    const net = new VirtualNetwork()
    net.addNat({ address: '203.0.113.1' })
    expect(() => net.addNat({ address: '203.0.113.1' })).toThrow(VirtualNetworkError)
    expect(() => net.addNat({ address: 'example.org' })).toThrow(VirtualNetworkError)
    expect(() => net.addNat({ subnets: ['10.0.0.0/33'] })).toThrow(VirtualNetworkError)
    expect(() => net.addNat({ name: 'nat1' })).toThrow(VirtualNetworkError)
  })
})

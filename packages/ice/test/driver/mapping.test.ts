// 1:1 NATs by configuration, and filters of candidates.
import type { NetworkInterface } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, test } from 'vitest'
import { type AddressMapping, SharedPorts } from '../../src/driver/index.ts'
import { selectAddresses } from '../../src/driver/addresses.ts'
import { compileMappings, findMapping } from '../../src/driver/mapping.ts'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

const hosts: NetworkInterface[] = [
  { name: 'eth0', address: '10.0.0.5', family: 4, internal: false, prefixLength: 24 },
  { name: 'eth1', address: '10.0.1.7', family: 4, internal: false, prefixLength: 24 },
  { name: 'eth1', address: '2001:db8::7', family: 6, internal: false, prefixLength: 64 },
  { name: 'lo', address: '127.0.0.1', family: 4, internal: true, prefixLength: 8 },
]

function match(...rules: AddressMapping[]): (string | undefined)[] {
  const compiled = compileMappings(rules)
  const local = selectAddresses(hosts, { includeLoopback: true })
  return hosts.map(
    ({ address }) =>
      findMapping(
        compiled,
        local.find((one) => one.address === address)!,
      )?.external,
  )
}

describe('rules', () => {
  test('by address, network, interface and family; the first that fits', () => {
    const [one, two, six] = ['192.0.2.1', '192.0.2.2', '2001:db8:1::1']
    expect(match({ external: one })).toEqual([one, one, undefined, undefined])
    expect(match({ external: six })).toEqual([undefined, undefined, six, undefined])
    expect(match({ external: one, local: '10.0.0.5' })).toEqual([one, undefined, undefined, undefined])
    expect(match({ external: one, local: '10.0.0.0/23' })).toEqual([one, one, undefined, undefined])
    expect(match({ external: one, local: '10.0.1.0/25' }, { external: two })).toEqual([two, one, undefined, undefined])
    expect(match({ external: one, interfaceName: 'eth1' })).toEqual([undefined, one, undefined, undefined])
    expect(match({ external: one, local: '0.0.0.0/0' })).toEqual([one, one, undefined, one])
    expect(match({ external: six, local: '2001:db8::/127' })).toEqual([undefined, undefined, undefined, undefined])
  })

  test('that make no sense', () => {
    const bad: AddressMapping[] = [
      { external: 'example.org' },
      { external: '192.0.2.1', local: '::1' },
      { external: '192.0.2.1', local: '10.0.0.0/33' },
      { external: '192.0.2.1', local: '10.0.0.0/x' },
      { external: '192.0.2.1', local: 'eth0' },
      { external: '192.0.2.1', externalPort: 0 },
    ]
    for (const rule of bad) {
      expect(() => compileMappings([rule]), JSON.stringify(rule)).toThrow(
        expect.objectContaining({ code: 'ERR_ICE_OPTION' }),
      )
    }
  })
})

/** A host behind a NAT that forwards a port to it. */
function behind(seed: number, port = 5000) {
  const net = new VirtualNetwork({ seed })
  const nat = net.addNat({ type: 'full-cone', address: '198.18.5.5' })
  const host = net.addHost({ via: nat })
  nat.forward(port, { address: host.address, port: 5000, family: 4 })
  return { net, nat, host }
}

describe('a host behind a 1:1 NAT', () => {
  test('announces the outside in place of the local address', async () => {
    const { net, nat, host } = behind(1)
    const a = makePeer(host, { portRange: [5000, 5000], addressMapping: [{ external: nat.address }] }, 1)
    const b = makePeer(net.addHost({ via: net.addTopology('symmetric-random') }), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.localCandidates).toMatchObject([{ type: 'host', address: nat.address, port: 5000 }])
    expect(JSON.stringify(a.ice.localCandidates)).not.toContain(host.address)
    await exchange(net, a, b)
    // What the peer sees is what was announced: no peer-reflexive candidate.
    expect(a.ice.selectedPair!.local.type).toBe('host')
    expect(b.ice.selectedPair!.remote.type).toBe('host')
  })

  test('or beside it, as a server-reflexive one, on another port', async () => {
    const { net, nat, host } = behind(2, 6000)
    const addressMapping = [{ external: nat.address, externalPort: 6000, as: 'srflx' as const }]
    const a = makePeer(host, { portRange: [5000, 5000], addressMapping }, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(a.ice.localCandidates).toMatchObject([
      { type: 'host', address: host.address, port: 5000 },
      { type: 'srflx', address: nat.address, port: 6000, relatedAddress: host.address, relatedPort: 5000 },
    ])
    expect(a.ice.localCandidates[1]).not.toHaveProperty('url')
    await exchange(net, a, b)
  })

  test('with shared ports, UDP and TCP, and hidden names: the outside is no secret', async () => {
    const { net, nat, host } = behind(3)
    const shared = await SharedPorts.open({ network: host, port: 5000, tcp: true })
    const options = { sharedPorts: shared, tcp: ['passive'] as const, mdns: 'hide' as const }
    const a = makePeer(host, { ...options, addressMapping: [{ external: nat.address }] }, 1)
    const b = makePeer(net.addHost({ via: net.addTopology('udp-blocked') }), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    expect(a.ice.localCandidates.map(({ protocol, address, port }) => `${protocol} ${address} ${port}`)).toEqual([
      `udp ${nat.address} 5000`,
      `tcp ${nat.address} 5000`,
    ])
    expect(b.ice.selectedPair!.remote).toMatchObject({ type: 'host', protocol: 'tcp', address: nat.address })
  })
})

describe('candidate filters', () => {
  test('a local candidate that is left out is not told, but its socket is used', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const a = makePeer(net.addHost(), { role: 'controlling', candidateFilter: (_, side) => side === 'remote' }, 1)
    const b = makePeer(net.addHost(), {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(a.ice.localCandidates).toEqual([])
    expect(b.ice.selectedPair!.remote.type).toBe('prflx')
    await exchange(net, a, b)
  })

  test('a remote candidate that is left out is not used', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const left = net.addHost({ families: [4, 6] })
    const right = net.addHost({ families: [4, 6] })
    const candidateFilter = ({ address }: { address: string }) => !address.includes(':')
    const a = makePeer(left, { role: 'controlling', candidateFilter }, 1)
    const b = makePeer(right, { candidateFilter }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed')
    expect(a.ice.remoteCandidates).toHaveLength(1)
    expect(a.ice.selectedPair!.remote.address).not.toContain(':')
  })
})

import { type NatBehavior, TOPOLOGIES, type TopologyName, VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import { discoverNat, type DiscoverNatOptions, type NatReport, StunServer } from '../src/driver/index.ts'

type Host = ReturnType<VirtualNetwork['addHost']>

const PRIMARY = '203.0.113.1'
const ALTERNATE = '203.0.113.2'

/** A network with a server of RFC 5780. */
async function makeNet(seed = 1): Promise<{ net: VirtualNetwork; server: StunServer }> {
  const net = new VirtualNetwork({ seed })
  const host = net.addHost({ name: 'server', address: [PRIMARY, ALTERNATE] })
  net.addName('stun.example.org', PRIMARY)
  const server = await StunServer.listen({ network: host, addresses: [PRIMARY], alternate: { address: ALTERNATE } })
  return { net, server }
}

async function discover(
  net: VirtualNetwork,
  host: Host,
  options: Partial<DiscoverNatOptions> = {},
  maxMs = 60_000,
): Promise<NatReport> {
  const report = await net.runUntil(discoverNat({ network: host, server: PRIMARY, ...options }), maxMs)
  expect(host.openHandles).toBe(0)
  return report
}

const EI = 'endpoint-independent'
const AD = 'address-dependent'
const APD = 'address-and-port-dependent'

type Expected = Partial<Omit<NatReport, 'doubts'>>

const silent: Expected = { udp: 'silent', mapping: 'unknown', filtering: 'unknown', hairpinning: undefined }

const EXPECTED: Record<TopologyName, Expected> = {
  open: { udp: 'open', mapping: 'none', filtering: EI, hairpinning: undefined, portPreservation: undefined },
  'full-cone': { udp: 'open', mapping: EI, filtering: EI, hairpinning: true, portPreservation: true },
  'address-restricted': { udp: 'open', mapping: EI, filtering: AD, hairpinning: true, portPreservation: true },
  'port-restricted': { udp: 'open', mapping: EI, filtering: APD, hairpinning: true, portPreservation: true },
  symmetric: { udp: 'open', mapping: APD, filtering: APD, hairpinning: undefined, portPreservation: false },
  'symmetric-random': { udp: 'open', mapping: APD, filtering: APD, hairpinning: undefined, portPreservation: false },
  cgnat: { udp: 'open', mapping: EI, filtering: APD, hairpinning: true, portPreservation: false },
  'udp-blocked': { ...silent, udp: 'blocked' },
  'tcp-443-only': silent,
}

describe('discoverNat on the virtual network', () => {
  it.each(TOPOLOGIES)('names the behaviour of %s', async (name) => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addTopology(name), link: { delay: 10 } })
    const report = await discover(net, host)
    expect(report).toMatchObject(EXPECTED[name])
    const isMapped = report.udp === 'open'
    expect(report.rewritesPayload).toBe(isMapped ? false : undefined)
    expect(report.localAddress?.address).toBe(isMapped ? host.address : undefined)
    if (name.startsWith('symmetric')) expect(report.doubts).toEqual([{ topic: 'hairpinning', reason: 'mapping' }])
    else if (isMapped) expect(report.doubts).toEqual([])
    else expect(new Set(report.doubts.map(({ reason }) => reason))).toEqual(new Set(['udp-blocked']))
  })

  it.each(['full-cone', 'address-restricted', 'port-restricted', 'cgnat'] as const)(
    'sees that %s does not hairpin',
    async (name) => {
      const { net } = await makeNet()
      const host = net.addHost({ via: net.addTopology(name, { hairpin: false }) })
      expect(await discover(net, host)).toMatchObject({ hairpinning: false, doubts: [] })
    },
  )

  const behaviors: NatBehavior[] = [EI, AD, APD]
  const nats = behaviors.flatMap((mapping) => behaviors.map((filtering) => ({ mapping, filtering })))

  it.each(nats)('tells the nine kinds of RFC 4787 apart: $mapping mapping, $filtering filtering', async (nat) => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addNat({ ...nat, portAllocation: 'random' }) })
    const report = await discover(net, host)
    expect(report).toMatchObject(nat)
    expect(report.portPreservation).toBe(false)
  })

  it('is right on links that lose, repeat and reorder', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      for (const name of ['full-cone', 'address-restricted', 'port-restricted', 'symmetric-random'] as const) {
        const { net } = await makeNet(seed)
        const link = { delay: 30, jitter: 20, loss: 0.15, duplicate: 0.1, reorder: 0.1 }
        const host = net.addHost({ via: net.addTopology(name), link })
        expect(await discover(net, host), `${name}, seed ${seed}`).toMatchObject(EXPECTED[name])
      }
    }
  })

  it('takes some seconds only, and some packets', async () => {
    const { net, server } = await makeNet()
    const host = net.addHost({ via: net.addTopology('port-restricted'), link: { delay: 20 } })
    await discover(net, host)
    expect(net.now).toBeLessThan(5000)
    expect(server.stats.requests).toBeLessThan(40)
  })

  it('sees the firewall where there is no NAT, over IPv6 too', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const [primary, alternate] = ['2001:db8:1::1', '2001:db8:1::2']
    const serverHost = net.addHost({ address: [primary, alternate], families: [6] })
    await StunServer.listen({ network: serverHost, addresses: [primary], alternate: { address: alternate } })
    const via = net.addNat({ type: 'restricted-cone', subnets: ['192.168.1.0/24', '2001:db8:2::/64'] })
    const host = net.addHost({ via, families: [4, 6] })
    const report = await discover(net, host, { server: `[${primary}]` })
    expect(report).toMatchObject({ mapping: 'none', filtering: AD, doubts: [] })
    expect(report.mappedAddress?.family).toBe(6)
  })

  it('measures how long a mapping lives when asked', async () => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addNat({ type: 'port-restricted-cone', timeout: 70_000 }) })
    const report = await discover(net, host, { bindingLifetime: true }, 400_000)
    expect(report.bindingLifetime).toEqual({ atLeast: 58_000, below: 90_000 })
    const long = net.addHost({ via: net.addNat({ type: 'symmetric', timeout: 70_000 }) })
    const lossy = await discover(net, long, { bindingLifetime: [1000, 2000] }, 400_000)
    expect(lossy.bindingLifetime).toEqual({ atLeast: 2000, below: undefined })
  })

  it('uses the local port that it is given for the mapping', async () => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addTopology('full-cone') })
    const report = await discover(net, host, { localPort: 5000, localAddress: host.address })
    expect(report.localAddress).toEqual({ address: host.address, port: 5000, family: 4 })
    expect(report.mappedAddress?.port).toBe(5000)
  })
})

describe('with servers that have one address only', () => {
  async function plainServers(count: number): Promise<{ net: VirtualNetwork; servers: string[] }> {
    const net = new VirtualNetwork({ seed: 1 })
    const servers: string[] = []
    for (let index = 0; index < count; index++) {
      const host = net.addHost()
      await StunServer.listen({ network: host })
      servers.push(host.address)
    }
    return { net, servers }
  }

  it('says what one of them does not allow to find out', async () => {
    const { net, servers } = await plainServers(1)
    const host = net.addHost({ via: net.addTopology('port-restricted') })
    const report = await discover(net, host, { server: servers[0]!, bindingLifetime: true })
    expect(report).toMatchObject({ udp: 'open', mapping: 'unknown', filtering: 'unknown', portPreservation: true })
    expect(report.hairpinning).toBe(true)
    expect(report.mappedAddress?.port).toBe(report.localAddress?.port)
    expect(report.doubts).toEqual([
      { topic: 'mapping', reason: 'no-other-address' },
      { topic: 'filtering', reason: 'no-other-address' },
      { topic: 'bindingLifetime', reason: 'no-other-address' },
    ])
  })

  it.each([
    ['open', 'none'],
    ['full-cone', EI],
    ['port-restricted', EI],
    ['cgnat', EI],
    ['symmetric', 'endpoint-dependent'],
  ] as const)('learns the mapping of %s from two', async (name, mapping) => {
    const { net, servers } = await plainServers(2)
    const host = net.addHost({ via: net.addTopology(name) })
    const report = await discover(net, host, { server: servers })
    expect(report).toMatchObject({ mapping, filtering: 'unknown' })
    expect(report.servers.map(({ mappedAddress }) => mappedAddress !== undefined)).toEqual([true, true])
  })

  it('prefers one with a second address, wherever it stands, and minds no dead ones', async () => {
    const { net } = await makeNet()
    const plain = net.addHost()
    await StunServer.listen({ network: plain })
    const host = net.addHost({ via: net.addTopology('address-restricted') })
    const servers = ['nobody.example.org', net.addHost().address, plain.address, 'stun:stun.example.org']
    const report = await discover(net, host, { server: servers })
    expect(report).toMatchObject({ mapping: EI, filtering: AD, doubts: [] })
    expect(report.servers.map(({ otherAddress }) => otherAddress?.port)).toEqual([
      undefined,
      undefined,
      undefined,
      3479,
    ])
    expect(report.servers[0]).toEqual({ server: 'nobody.example.org', endpoint: undefined, answersTcp: undefined })
  })
})

describe('options and endings', () => {
  it.each([
    [{ server: [] }],
    [{ server: 'http://a' }],
    [{ server: 'stuns:a' }],
    [{ server: Array.from({ length: 9 }, () => 'a') }],
    [{ rto: 0 }],
    [{ timeout: -1 }],
    [{ bindingLifetime: [2, 1] }],
    [{ bindingLifetime: [Infinity] }],
  ])('refuses %j', async (options) => {
    const { net } = await makeNet()
    const host = net.addHost()
    const refused = expect.objectContaining({ code: 'ERR_STUN_OPTION' })
    await expect(discover(net, host, options)).rejects.toEqual(refused)
    expect(host.openHandles).toBe(0)
  })

  it('fails when no server has an address', async () => {
    const { net } = await makeNet()
    const host = net.addHost()
    for (const options of [{ server: ['a.example.org', 'b.example.org'] }, { family: 6 as const }]) {
      await expect(discover(net, host, options)).rejects.toMatchObject({ code: 'ERR_STUN_UNREACHABLE' })
    }
  })

  it('fails at once when the system has no way to any server, and goes on when it has one to some', async () => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addTopology('full-cone'), families: [4] })
    const before = net.now
    await expect(discover(net, host, { server: '[2001:db8::1]' })).rejects.toMatchObject({
      code: 'ERR_STUN_UNREACHABLE',
      cause: { code: 'ERR_NET_SEND' },
    })
    expect(net.now - before).toBeLessThan(100)
    host.interface().down()
    await expect(discover(net, host)).rejects.toMatchObject({ code: 'ERR_STUN_UNREACHABLE' })
    host.interface().up()
    expect(await discover(net, host, { server: ['nobody.example.org', PRIMARY] })).toMatchObject({ mapping: EI })
  })

  it.each([0, 5, 300, 1500, 5000])('stops when aborted after %i ms, and leaves nothing open', async (ms) => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addTopology('port-restricted'), link: { delay: 20 } })
    const stop = new AbortController()
    const pending = discoverNat({ network: host, server: PRIMARY, signal: stop.signal, bindingLifetime: true })
    pending.catch(() => {})
    await net.run(ms)
    stop.abort('enough')
    await expect(pending).rejects.toMatchObject({ code: 'ERR_STUN_ABORTED', cause: 'enough' })
    await net.run(10)
    expect(host.openHandles).toBe(0)
  })

  it('gives up after its timeout', async () => {
    const { net } = await makeNet()
    const host = net.addHost({ via: net.addTopology('udp-blocked') })
    await expect(discover(net, host, { timeout: 2000 })).rejects.toMatchObject({ code: 'ERR_STUN_TIMEOUT' })
    expect(net.now).toBeCloseTo(2000)
    await net.run(10)
    expect(host.openHandles).toBe(0)
  })
})

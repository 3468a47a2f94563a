import { type TopologyName, VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import { main } from '../src/bin/main.ts'
import { StunServer } from '../src/driver/index.ts'

const PRIMARY = '203.0.113.1'
const ALTERNATE = '203.0.113.2'

interface Run {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function run(net: VirtualNetwork, via: TopologyName, args: string[]): Promise<Run> {
  const host = net.addHost({ via: net.addTopology(via), link: { delay: 10 } })
  let out = ''
  let err = ''
  const io = {
    stdout: (text: string) => void (out += text),
    stderr: (text: string) => void (err += text),
    network: host,
  }
  const status = await net.runUntil(main(['--nat', ...args], io), 400_000)
  expect(host.openHandles).toBe(0)
  return { status, out, err }
}

async function makeNet(): Promise<VirtualNetwork> {
  const net = new VirtualNetwork({ seed: 1 })
  const network = net.addHost({ address: [PRIMARY, ALTERNATE] })
  net.addName('stun.example.org', PRIMARY)
  await StunServer.listen({ network, addresses: [PRIMARY], alternate: { address: ALTERNATE } })
  return net
}

/** Without line breaks. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')

describe('kaon-stun --nat', () => {
  it('says in words what the NAT does and with whom direct connections work', async () => {
    const { status, out, err } = await run(await makeNet(), 'port-restricted', ['stun.example.org'])
    expect([status, err]).toEqual([0, ''])
    const port = /mapped address: 198\.18\.0\.\d+:(\d+)\n/.exec(out)?.[1]
    expect(out.split('\n').slice(1, 7)).toEqual([
      expect.stringMatching(new RegExp(`^local address: {2}192\\.168\\.\\d+\\.\\d+:${port}$`)),
      'server:         stun.example.org (203.0.113.1:3478, also 203.0.113.2:3479)',
      'mapping:        endpoint-independent',
      'filtering:      address-and-port-dependent',
      'hairpinning:    yes',
      'ports kept:     yes',
    ])
    expect(flat(out)).toContain(
      'Your NAT gives a local port one public port, whoever you talk to (endpoint-independent mapping). ' +
        'It lets in packets only from an address and port that you have sent something to. ' +
        'Direct connections work with everybody who has no NAT or one of this kind, as most home routers are; ' +
        'not with those behind a symmetric NAT, as in many mobile and company networks: they need a relay (TURN).',
    )
    expect(out).not.toContain('Not found out')
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it.each([
    ['open', 0, 'There is no NAT and no firewall in the way: anybody reaches you.'],
    ['full-cone', 0, 'It lets in packets from anybody.'],
    ['full-cone', 0, 'and also with those behind a symmetric NAT'],
    ['address-restricted', 0, 'It lets in packets from addresses that you have sent something to.'],
    ['symmetric', 0, 'another public port for every address and port that you talk to'],
    ['symmetric', 0, 'have a relay (TURN) at hand'],
    ['symmetric', 0, 'Not found out: hairpinning; this kind of mapping does not allow the test.'],
    ['cgnat', 0, 'one public port, whoever you talk to'],
    ['udp-blocked', 1, 'UDP is blocked: the server answers over TCP, and over UDP it does not.'],
    ['tcp-443-only', 1, 'The server does not answer, neither over UDP nor over TCP'],
  ] as const)('with %s ends with status %i and says %j', async (via, status, sentence) => {
    const result = await run(await makeNet(), via, [PRIMARY])
    expect([result.status, result.err]).toEqual([status, ''])
    expect(flat(result.out)).toContain(sentence)
  })

  it('makes do with several plain servers, and says what it could not learn', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const servers = [net.addHost(), net.addHost()]
    for (const network of servers) await StunServer.listen({ network })
    const addresses = servers.map(({ address }) => address)
    const { status, out } = await run(net, 'port-restricted', addresses)
    expect(status).toBe(0)
    expect(flat(out)).toContain('one public port, whoever you talk to')
    expect(flat(out)).toContain('perhaps not: they may need a relay (TURN).')
    expect(flat(out)).toContain(
      'Not found out: the filtering; this needs a server with a second address (RFC 5780), which most public ones do not have.',
    )
    const symmetric = await run(net, 'symmetric', addresses)
    expect(flat(symmetric.out)).toContain('depending on whom you talk to (a "symmetric" NAT)')
    const one = await run(net, 'port-restricted', addresses.slice(1))
    expect(flat(one.out)).toContain('of which kind could not be found out')
    const dead = await run(net, 'port-restricted', ['198.18.9.8', '198.18.9.9'])
    expect([dead.status, flat(dead.out)]).toEqual([
      1,
      expect.stringContaining('they are down, or a firewall stops both'),
    ])
  })

  it('prints one JSON object', async () => {
    const net = await makeNet()
    const { out } = await run(net, 'address-restricted', ['--json', PRIMARY])
    expect(out.endsWith('}\n')).toBe(true)
    expect(JSON.parse(out)).toMatchObject({
      udp: 'open',
      mapping: 'endpoint-independent',
      filtering: 'address-dependent',
      hairpinning: true,
      portPreservation: true,
      bindingLifetime: null,
      mappedAddress: { family: 4 },
      servers: [{ server: PRIMARY, otherAddress: { address: ALTERNATE, port: 3479 }, answersTcp: null }],
      doubts: [],
      summary: expect.stringContaining('Direct connections work'),
    })
    const failed = await run(net, 'open', ['--json', 'nobody.example.org'])
    expect(failed.status).toBe(1)
    expect(JSON.parse(failed.out).error.code).toBe('ERR_STUN_UNREACHABLE')
    const late = await run(net, 'udp-blocked', ['--timeout', '500', PRIMARY])
    expect(late).toEqual({ status: 1, out: '', err: 'kaon-stun: no response within 500 ms\n' })
  })

  it('measures the lifetime when asked', async () => {
    const { out } = await run(await makeNet(), 'port-restricted', ['--lifetime', PRIMARY])
    expect(out).toContain('lifetime:       from 118 to 150 s without traffic\n')
    expect(flat(out)).toContain('A connection without traffic is forgotten in less than 150 s.')
  })

  it.each([
    [[], 'no server given'],
    [['--tcp', 'a'], '--tcp means nothing for --nat'],
    [['--username', 'u', '--password', 'p', 'a'], '--username means nothing for --nat'],
    [['--alternate', '1.2.3.4', 'a'], '--alternate means nothing for --nat'],
    [['stuns:a'], 'over UDP'],
    [Array.from({ length: 9 }, () => 'a'), 'at most 8 servers'],
  ])('refuses %j with status 2', async (args, problem) => {
    const wrong = await run(await makeNet(), 'open', args)
    expect(wrong.status).toBe(2)
    expect(wrong.err).toContain(problem)
  })
})

describe('kaon-stun serve --alternate', () => {
  it('serves what --nat asks for', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const network = net.addHost({ address: [PRIMARY, ALTERNATE] })
    const stop = new AbortController()
    let out = ''
    const args = ['serve', '--address', PRIMARY, '--alternate', ALTERNATE, '--alternate-port', '5000']
    const io = { stdout: (text: string) => void (out += text), stderr: () => {}, network, signal: stop.signal }
    const serving = main(args, io)
    await net.run(1)
    expect(out).toContain(`listening on udp ${ALTERNATE}:5000\n`)
    const { out: said } = await run(net, 'full-cone', [PRIMARY])
    expect(said).toContain('filtering:      endpoint-independent')
    stop.abort()
    expect(await net.runUntil(serving)).toBe(0)
    expect(network.openHandles).toBe(0)
  })

  it.each([
    [['--alternate', '1.2.3.4'], 'an alternate address goes with one other address of its family, not with none'],
    [['--alternate-port', '5'], '--alternate-port needs --alternate'],
    [['--nat'], '--nat means nothing for serve'],
    [['--alternate', 'x', '--address', PRIMARY], 'not an IP address: x'],
  ])('refuses %j with status 2', async (args, problem) => {
    let err = ''
    const io = {
      stdout: () => {},
      stderr: (text: string) => void (err += text),
      network: new VirtualNetwork().addHost(),
    }
    expect(await main(['serve', ...args], io)).toBe(2)
    expect(err).toContain(problem)
  })
})

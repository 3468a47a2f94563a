import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  LongTermAuthenticator,
  LongTermCredentials,
  MessageBuilder,
  RateLimit,
  ShortTermAuthenticator,
  ShortTermCredentials,
} from '../src/index.ts'
import {
  requestBinding,
  StunClient,
  type StunClientOptions,
  StunServer,
  type StunServerOptions,
} from '../src/driver/index.ts'

type Host = ReturnType<VirtualNetwork['addHost']>

interface Scene {
  readonly net: VirtualNetwork
  readonly host: Host
  readonly serverHost: Host
  readonly server: StunServer
}

async function scene(options: Partial<StunServerOptions> = {}, seed = 1): Promise<Scene> {
  const net = new VirtualNetwork({ seed })
  const serverHost = net.addHost({ name: 'server', families: [4, 6] })
  const host = net.addHost({ name: 'client', families: [4, 6] })
  net.addName('stun.example.org', serverHost)
  const server = await StunServer.listen({ network: serverHost, ...options })
  return { net, host, serverHost, server }
}

const binding = (net: VirtualNetwork, options: StunClientOptions, maxMs = 60_000): ReturnType<typeof requestBinding> =>
  net.runUntil(requestBinding(options), maxMs)

const code = (expected: string): unknown => expect.objectContaining({ name: 'StunError', code: expected })

describe('a Binding request over the virtual network', () => {
  it.each([4, 6] as const)('tells the own address, without NAT, over IPv%i', async (family) => {
    const { net, host, server, serverHost } = await scene({ software: 'virtual' })
    const result = await binding(net, { network: host, server: 'stun.example.org', family })
    const address = host.addresses.find((text) => text.includes(':') === (family === 6))
    expect(result.mappedAddress).toEqual({ address, port: result.local.port, family })
    expect(result.local).toEqual(result.mappedAddress)
    expect(result).toMatchObject({ software: 'virtual', transmissions: 1, server: { port: 3478, family } })
    expect(result.roundTripTime).toBeGreaterThan(0)
    server.close()
    expect(host.openHandles).toBe(0)
    expect(serverHost.openHandles).toBe(0)
  })

  it.each(['full-cone', 'restricted-cone', 'port-restricted-cone', 'symmetric'] as const)(
    'tells the address outside of a %s NAT',
    async (type) => {
      const { net } = await scene()
      const nat = net.addNat({ type })
      const inside = net.addHost({ via: nat })
      const client = new StunClient({ network: inside, server: 'stun.example.org', family: 4 })
      const first = await net.runUntil(client.binding())
      const second = await net.runUntil(client.binding())
      expect(first.mappedAddress.address).not.toBe(inside.address)
      expect(first.local.address).toBe(inside.address)
      expect(second.mappedAddress).toEqual(first.mappedAddress)
      client.close()
    },
  )

  it('retransmits through 50 % loss, duplicates and reordering', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { net, host } = await scene({}, seed)
      Object.assign(host.link.upstream.effects, { loss: 0.5, duplicate: 0.3, reorder: 0.3 })
      Object.assign(host.link.downstream.effects, { loss: 0.2, duplicate: 0.3, reorder: 0.3 })
      const result = await binding(net, { network: host, server: 'stun.example.org' })
      expect(result.mappedAddress.port).toBe(result.local.port)
      if (result.transmissions > 1) expect(result.roundTripTime).toBeUndefined()
    }
  })

  it('gives up after 39.5 s, or when told to', async () => {
    const { net, host } = await scene()
    host.link.upstream.effects.loss = 1
    await expect(binding(net, { network: host, server: 'stun.example.org' })).rejects.toEqual(code('ERR_STUN_TIMEOUT'))
    expect(net.now).toBeGreaterThanOrEqual(39_500)
    expect(net.now).toBeLessThan(39_600)
    const before = net.now
    const options = { network: host, server: 'stun.example.org', timeout: 700 }
    await expect(binding(net, options)).rejects.toEqual(code('ERR_STUN_TIMEOUT'))
    expect(net.now - before).toBeCloseTo(700)
    expect(host.openHandles).toBe(0)
  })

  it('answers many requests of one client at once', async () => {
    const { net, host, server } = await scene()
    const client = new StunClient({ network: host, server: 'stun.example.org' })
    const results = await net.runUntil(Promise.all(Array.from({ length: 50 }, () => client.binding())))
    expect(new Set(results.map(({ mappedAddress }) => mappedAddress.port)).size).toBe(1)
    expect(server.stats.requests).toBe(50)
    client.close()
    client.close()
    expect(host.openHandles).toBe(0)
  })

  it('answers one address only so often, and others all the same', async () => {
    const { net, host, server, serverHost } = await scene({ maxRequestsPerSecond: 10 })
    const request = new MessageBuilder().start('request', 1, new Uint8Array(12)).finish()
    const to = { address: serverHost.address, port: 3478, family: 4 as const }
    const flood = await host.bindUdp()
    for (let i = 0; i < 500; i++) flood.send(request.slice(), to)
    await net.run(100)
    expect([flood.stats.datagramsReceived, server.stats.droppedRate]).toEqual([10, 490])
    await binding(net, { network: net.addHost(), server: to.address })
    await net.run(1000)
    await binding(net, { network: host, server: to.address })
    // Two addresses of one /64 count as one, mapped IPv4 addresses as themselves.
    const limit = new RateLimit(1)
    const asked = [
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8:0:1::1',
      '::ffff:1.2.3.4',
      '::ffff:1.2.3.5',
      '1.2.3.5',
      '1.2.3.5',
    ]
    expect(asked.map((address) => limit.admits(address, 0))).toEqual([true, false, true, true, true, true, false])
    for (let i = 0; i < 100_000; i++) limit.admits(`host ${i}`, 1)
    expect(limit.admits('1.2.3.5', 1)).toBe(true) // forgotten in the crowd
    server.close()
  })

  it('learns the round trip, and waits longer for a far server', async () => {
    const { net, host } = await scene()
    host.link.upstream.effects.delay = 400
    const client = new StunClient({ network: host, server: 'stun.example.org', rto: 900 })
    await net.runUntil(client.binding())
    const sent = host.link.upstream.stats.sent
    host.link.upstream.effects.delay = 1100
    await net.runUntil(client.binding())
    expect(host.link.upstream.stats.sent - sent).toBe(1) // RTO 1200 after one sample of 400 ms
    client.close()
  })

  it('stops when aborted, before, during and after', async () => {
    const { net, host } = await scene()
    const client = new StunClient({ network: host, server: 'stun.example.org' })
    await expect(client.binding({ signal: AbortSignal.abort() })).rejects.toEqual(code('ERR_STUN_ABORTED'))
    const controller = new AbortController()
    const pending = client.binding({ signal: controller.signal })
    pending.catch(() => {})
    await net.run(0.5)
    controller.abort('enough')
    await expect(pending).rejects.toMatchObject({ code: 'ERR_STUN_ABORTED', cause: 'enough' })
    const fine = new AbortController()
    await net.runUntil(client.binding({ signal: fine.signal }))
    fine.abort()
    client.close()
    expect(host.openHandles).toBe(0)
  })

  it('rejects what is under way when it is closed, and everything afterwards', async () => {
    const { net, host } = await scene()
    const client = new StunClient({ network: host, server: 'stun.example.org' })
    const all = Promise.allSettled([client.binding(), client.binding()])
    await net.run(0.5)
    client.close()
    for (const result of await net.runUntil(all)) expect(result).toMatchObject({ reason: { code: 'ERR_STUN_CLOSED' } })
    await expect(client.binding()).rejects.toEqual(code('ERR_STUN_CLOSED'))
    const early = new StunClient({ network: host, server: 'stun.example.org' })
    const opening = early.binding()
    opening.catch(() => {})
    early.close()
    await expect(net.runUntil(opening)).rejects.toEqual(code('ERR_STUN_CLOSED'))
    await net.run(10)
    expect(host.openHandles).toBe(0)
  })

  it('takes the next address when the system has no route to the first', async () => {
    const { net, host, serverHost } = await scene()
    const only4 = net.addHost({ families: [4] })
    net.addName(
      'both.example.org',
      [...serverHost.addresses].sort((left) => (left.includes(':') ? -1 : 1)),
    )
    const result = await binding(net, { network: only4, server: 'both.example.org' })
    expect(result.mappedAddress.family).toBe(4)
    const only6 = { network: only4, server: 'both.example.org', family: 6 } as const
    await expect(binding(net, only6)).rejects.toEqual(code('ERR_STUN_UNREACHABLE'))
    await expect(binding(net, { network: host, server: 'nobody.example.org' })).rejects.toEqual(
      code('ERR_STUN_UNREACHABLE'),
    )
  })

  it('believes nobody but the server', async () => {
    const { net, host } = await scene()
    const liar = net.addHost({ name: 'liar' })
    const socket = await liar.bindUdp({ port: 3478 })
    const forged = new MessageBuilder()
    net.tap(({ kind, packet }) => {
      if (kind !== 'sent' || packet.destinationPort !== 3478) return
      forged.start('success', 1, packet.data.slice(8, 20))
      forged.add(attribute.xorMappedAddress, { address: '203.0.113.1', port: 6, family: 4 })
      socket.send(forged.finish(), { address: host.address, port: packet.sourcePort, family: 4 })
    })
    host.link.upstream.effects.delay = 50 // the liar is quicker
    const result = await binding(net, { network: host, server: 'stun.example.org', family: 4 })
    expect(result.mappedAddress.address).toBe(host.address)
  })
})

describe('credentials over the virtual network', () => {
  const passwords = new Map([['alice', 'secret']])
  const alice = { username: 'alice', password: 'secret' }

  it('answers the challenge and keeps the nonce', async () => {
    const authenticator = new LongTermAuthenticator({ realm: 'example.org', passwords, usernameAnonymity: true })
    const { net, host, server } = await scene({ authenticator })
    const credentials = new LongTermCredentials(alice)
    const client = new StunClient({ network: host, server: 'stun.example.org', credentials })
    await net.runUntil(client.binding())
    expect(server.stats).toMatchObject({ requests: 2, successes: 1, errors: 1 })
    await net.runUntil(client.binding())
    expect(server.stats).toMatchObject({ requests: 3, successes: 2 })
    await net.run(601_000)
    await net.runUntil(client.binding())
    expect(server.stats).toMatchObject({ requests: 5, successes: 3, errors: 2 })
    client.close()
  })

  it('says why it failed', async () => {
    const authenticator = new LongTermAuthenticator({ realm: 'example.org', passwords })
    const { net, host } = await scene({ authenticator })
    const at = { network: host, server: 'stun.example.org' }
    await expect(binding(net, at)).rejects.toMatchObject({ code: 'ERR_STUN_RESPONSE', responseCode: 401 })
    const wrong = new LongTermCredentials({ ...alice, password: 'wrong' })
    await expect(binding(net, { ...at, credentials: wrong })).rejects.toMatchObject({
      code: 'ERR_STUN_CREDENTIALS',
      responseCode: 401,
    })
  })

  it('takes a wrong short-term password for a violated integrity, after the full wait', async () => {
    const { net, host } = await scene({ authenticator: new ShortTermAuthenticator({ passwords }) })
    const at = { network: host, server: 'stun.example.org' }
    await binding(net, { ...at, credentials: new ShortTermCredentials(alice) })
    const wrong = new ShortTermCredentials({ ...alice, password: 'wrong' })
    await expect(binding(net, { ...at, credentials: wrong })).rejects.toEqual(code('ERR_STUN_INTEGRITY'))
  })
})

describe('redirection (RFC 8489 §10)', () => {
  it('goes to the other server, credentials and all', async () => {
    const net = new VirtualNetwork()
    const [host, one, two] = [net.addHost(), net.addHost(), net.addHost()]
    const passwords = new Map([['alice', 'secret']])
    const authenticator = (): LongTermAuthenticator => new LongTermAuthenticator({ realm: 'example.org', passwords })
    const alternate = { address: two.address, port: 3479, family: 4 } as const
    const first = await StunServer.listen({
      network: one,
      authenticator: authenticator(),
      alternateServer: () => alternate,
    })
    const second = await StunServer.listen({ network: two, port: 3479, authenticator: authenticator() })
    const credentials = new LongTermCredentials({ username: 'alice', password: 'secret' })
    const client = new StunClient({ network: host, server: one.address, credentials })
    const results = await net.runUntil(Promise.all([client.binding(), client.binding()]))
    for (const result of results) expect(result.server).toEqual(alternate)
    expect(second.stats.successes).toBe(2)
    expect(first.stats.successes).toBe(0)
    client.close()
    first.close()
    second.close()
    expect(host.openHandles).toBe(0)
  })

  it('does not go in circles', async () => {
    const net = new VirtualNetwork()
    const [host, one, two] = [net.addHost(), net.addHost(), net.addHost()]
    const to = (target: Host) => () => ({ address: target.address, port: 3478, family: 4 }) as const
    await StunServer.listen({ network: one, alternateServer: to(two) })
    await StunServer.listen({ network: two, alternateServer: to(one) })
    await expect(binding(net, { network: host, server: one.address })).rejects.toMatchObject({ responseCode: 300 })
    const itself = net.addHost()
    await StunServer.listen({ network: itself, alternateServer: to(itself) })
    await expect(binding(net, { network: host, server: itself.address })).rejects.toMatchObject({ responseCode: 300 })
  })
})

describe('options', () => {
  it.each(['', 'http://example.org', 'a b', '[::1', 'host:0', 'stun:'])('refuses the server %j', (server) => {
    const network = new VirtualNetwork().addHost()
    expect(() => new StunClient({ network, server })).toThrow(expect.objectContaining({ code: 'ERR_STUN_OPTION' }))
  })

  it('chooses transport and port from the URI', async () => {
    const { net, host } = await scene({ port: 5000 })
    const result = await binding(net, { network: host, server: 'stun:stun.example.org:5000' })
    expect(result.server.port).toBe(5000)
    // The virtual network has no TLS, which tells that it was asked for.
    await expect(binding(net, { network: host, server: 'stuns:stun.example.org' })).rejects.toEqual(
      code('ERR_STUN_UNREACHABLE'),
    )
  })

  it('refuses to listen on nothing, and leaves nothing open when a port is taken', async () => {
    const { serverHost } = await scene()
    const handles = serverHost.openHandles
    const refused = code('ERR_STUN_OPTION')
    await expect(StunServer.listen({ network: serverHost, udp: false, tcp: false })).rejects.toEqual(refused)
    await expect(StunServer.listen({ network: serverHost, addresses: [] })).rejects.toEqual(refused)
    await expect(StunServer.listen({ network: serverHost })).rejects.toMatchObject({ systemCode: 'EADDRINUSE' })
    expect(serverHost.openHandles).toBe(handles)
  })
})

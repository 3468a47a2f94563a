// One UDP and one TCP port for many connections.
import { type Endpoint, parseIp } from '@kaon/net'
import { type VirtualHost, VirtualNetwork } from '@kaon/net/virtual'
import { attribute, createTransactionId, MessageBuilder, methods, shortTermKey } from '@kaon/stun'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SharedPorts } from '../../src/driver/index.ts'
import { localFragmentOf } from '../../src/driver/peek.ts'
import { SharedUdp } from '../../src/driver/shared-udp.ts'
import { connect, exchange, isConnected, makePeer, type Peer, type PeerOptions, seededRandom } from './pair.ts'

async function makeServer(net: VirtualNetwork, tcp = false): Promise<{ host: VirtualHost; shared: SharedPorts }> {
  const host = net.addHost({ families: [4, 6] })
  const shared = await SharedPorts.open({ network: host, port: 3478, tcp })
  return { host, shared }
}

function request(username: string, password: string, random = createTransactionId()): Uint8Array {
  const builder = new MessageBuilder().start('request', methods.binding, random)
  builder.add(attribute.username, username).add(attribute.priority, 1).add(attribute.iceControlling, 1n)
  return builder.integrity(shortTermKey(password)).fingerprint().finish().slice()
}

function listen(peer: Peer): void {
  peer.ice.onCandidate = () => {}
}

describe('a shared UDP port', () => {
  test('five hundred peers', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const { host, shared } = await makeServer(net)
    // Fifty hosts with ten peers each, every second host behind a NAT that it shares with others.
    const nat = net.addTopology('port-restricted')
    const hosts = Array.from({ length: 50 }, (_, i) => net.addHost(i % 2 === 0 ? { link: { delay: 5 } } : { via: nat }))
    const pairs = Array.from({ length: 500 }, (_, i): [Peer, Peer] => [
      makePeer(host, { sharedPorts: shared }, 2 * i + 1),
      makePeer(hosts[i % 50]!, { role: 'controlling' }, 2 * i + 2),
    ])
    for (const [server, client] of pairs) connect(server, client)
    await net.runUntil(() => pairs.every(([server, client]) => isConnected(server, client)))
    expect(shared.endpoints.map(({ port }) => port)).toEqual([3478, 3478])
    for (const [index, [server, client]] of pairs.entries()) {
      expect(server.ice.selectedPair!.local.port).toBe(3478)
      server.ice.send(new Uint8Array([80, index >> 8, index & 255]))
      client.ice.send(new Uint8Array([81, index >> 8, index & 255]))
    }
    await net.run(100)
    for (const [index, [server, client]] of pairs.entries()) {
      expect(server.received).toEqual([new Uint8Array([81, index >> 8, index & 255])])
      expect(client.received).toEqual([new Uint8Array([80, index >> 8, index & 255])])
    }
    // One socket per address, whatever the number of connections.
    expect(shared.stats.shares).toBe(1000)
    for (const [server] of pairs) server.ice.close()
    expect(shared.stats).toMatchObject({ shares: 0, entries: 0 })
    shared.close()
    await net.run(100)
    expect(host.openHandles).toBe(0)
  })

  test('a restart brings a new fragment, and the old one goes when the restart is complete', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    const { host, shared } = await makeServer(net)
    const a = makePeer(host, { sharedPorts: shared }, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    const old = a.ice.localParameters
    const before = shared.stats.entries
    a.ice.restart()
    b.ice.setRemoteParameters(a.ice.localParameters)
    connect(a, b)
    await net.run(2000)
    await exchange(net, a, b)
    await net.run(15_000)
    expect(shared.stats.entries).toBeLessThanOrEqual(before + 2) // unanswered requests
    const unknown = shared.stats.unknownFragment
    const stranger = await net.addHost().bindUdp()
    stranger.send(request(`${old.usernameFragment}:x`, old.password), shared.endpoints[0]!)
    await net.run(100)
    expect(shared.stats.unknownFragment).toBe(unknown + 1)
    await exchange(net, a, b)
  })

  test('two processes that both share a port have one connection between them for each pair of addresses', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const left = await makeServer(net)
    const right = await makeServer(net)
    const a = makePeer(left.host, { sharedPorts: left.shared }, 1)
    const b = makePeer(right.host, { role: 'controlling', sharedPorts: right.shared }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    // Checks of further ones are told apart, the data is the latest's.
    const c = makePeer(left.host, { sharedPorts: left.shared }, 3)
    const d = makePeer(right.host, { role: 'controlling', sharedPorts: right.shared }, 4)
    connect(c, d)
    await net.runUntil(() => isConnected(c, d))
    await exchange(net, c, d)
    c.ice.close()
    d.ice.close()
    await exchange(net, a, b)
  })

  test('the same fragment twice: the first has it, the second an error', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const { host, shared } = await makeServer(net)
    const a = makePeer(host, { sharedPorts: shared }, 1)
    const b = makePeer(host, { sharedPorts: shared }, 2)
    b.ice.restart(a.ice.localParameters)
    const errors: string[] = []
    b.ice.onCandidateError = ({ errorText }) => errors.push(errorText)
    a.ice.gather()
    await net.run(10)
    b.ice.gather()
    await net.run(10)
    expect(a.ice.localCandidates).toHaveLength(2)
    expect(b.ice.localCandidates).toEqual([])
    expect(errors[0]).toContain('username fragment')
    a.ice.close()
    b.ice.restart()
    b.ice.gather()
    await net.run(10)
    expect(b.ice.localCandidates).toHaveLength(2)
  })

  test('addresses that a dual-stack socket shows as IPv4-mapped ones', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const host = net.addHost()
    // A network whose sockets see IPv4 peers as ::ffff:….
    const mapped: VirtualHost = new Proxy(host, {
      get(target, key) {
        if (key === 'bindUdp') {
          return async (options: Parameters<VirtualHost['bindUdp']>[0]) => {
            const socket = await target.bindUdp(options)
            return new Proxy(socket, {
              set(inner, name, value) {
                if (name !== 'onmessage') return Reflect.set(inner, name, value)
                inner.onmessage = (data, from) =>
                  value(data, { address: `::ffff:${from.address}`, port: from.port, family: 6 } satisfies Endpoint)
                return true
              },
              get(inner, name) {
                const member: unknown = Reflect.get(inner, name, inner)
                return typeof member === 'function' ? member.bind(inner) : member
              },
            })
          }
        }
        const member: unknown = Reflect.get(target, key, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const shared = await SharedPorts.open({ network: mapped })
    const a = makePeer(mapped, { sharedPorts: shared }, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    expect(parseIp(a.ice.selectedPair!.remote.address)?.family).toBe(4)
  })

  test('an address that comes and one that goes', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const host = net.addHost()
    const shared = await SharedPorts.open({ network: host })
    const options: PeerOptions = { sharedPorts: shared, continualGathering: true }
    const a = makePeer(host, options, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    host.addInterface()
    await net.run(2000)
    expect(shared.endpoints).toHaveLength(2)
    expect(new Set(shared.endpoints.map(({ port }) => port)).size).toBe(1)
    host.interface('eth0').remove()
    await net.run(2000)
    expect(shared.endpoints).toHaveLength(1)
    expect(isConnected(a, b)).toBe(true)
    await exchange(net, a, b)
  })
})

describe('strangers at a shared port', () => {
  test('unknown fragments, wrong passwords, spoofed addresses: nothing grows, nobody is answered', async () => {
    const net = new VirtualNetwork({ seed: 7 })
    const { host, shared } = await makeServer(net)
    const a = makePeer(host, { sharedPorts: shared }, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    const target = shared.endpoints[0]!
    const victim = net.addHost()
    const attacker = net.addHost()
    const heard: string[] = []
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (i < 10 ? victim : attacker).bindUdp({ port: 5000 + i })),
    )
    for (const socket of sockets) socket.onmessage = () => heard.push('answer')
    const { entries } = shared.stats
    const stats = a.ice.stats()
    const ours = a.ice.localParameters
    const theirs = b.ice.localParameters
    const random = seededRandom(9)
    for (let round = 0; round < 200; round++) {
      for (const socket of sockets) {
        const id = random(12)
        const attempts = [
          request(`nobody${round}:${theirs.usernameFragment}`, ours.password, id),
          request(`${ours.usernameFragment}:${theirs.usernameFragment}`, 'wrongwrongwrongwrongwrong', id),
          request(`${ours.usernameFragment}:${theirs.usernameFragment}`, ours.password, id).fill(0, 40, 44),
          new Uint8Array(random(64)),
          new Uint8Array([80, ...random(30)]),
          new Uint8Array([20, ...random(30)]),
        ]
        socket.send(attempts[round % attempts.length]!, target)
      }
      await net.run(1)
    }
    await net.run(1000)
    expect(heard).toEqual([])
    expect(shared.stats.entries).toBe(entries)
    const after = a.ice.stats()
    expect(after.pairs).toHaveLength(stats.pairs.length)
    expect(after.remoteCandidates).toHaveLength(stats.remoteCandidates.length)
    expect(after.agent.badIntegrity).toBeGreaterThan(500)
    expect(shared.stats.unknownFragment).toBeGreaterThan(500)
    expect(shared.stats.unknownAddress).toBeGreaterThan(500)
    expect(a.received).toHaveLength(1)
    await exchange(net, a, b)
  })

  test('what is nobody’s goes to the hook', async () => {
    const net = new VirtualNetwork({ seed: 8 })
    const { host, shared } = await makeServer(net)
    const a = makePeer(host, { sharedPorts: shared }, 1)
    listen(a)
    a.ice.gather()
    await net.run(10)
    const seen: string[] = []
    shared.onUnhandledDatagram = (datagram, from, local) => seen.push(`${datagram[0]} ${from.port} ${local.port}`)
    const socket = await net.addHost().bindUdp({ port: 7000 })
    const target = shared.endpoints[0]!
    socket.send(new Uint8Array([200, 1]), target)
    socket.send(request('stranger:x', 'p'.repeat(22)), target)
    await net.run(10)
    expect(seen).toEqual(['200 7000 3478', '0 7000 3478'])
  })

  test('a connection of its own has such a hook too', async () => {
    const net = new VirtualNetwork({ seed: 9 })
    const a = makePeer(net.addHost(), {}, 1)
    a.ice.gather()
    await net.run(10)
    const seen: number[] = []
    a.ice.onUnhandledDatagram = (datagram) => seen.push(datagram[0]!)
    const { address, port } = a.ice.localCandidates[0]!
    const socket = await net.addHost().bindUdp()
    socket.send(new Uint8Array([200, 1]), { address, port, family: 4 })
    await net.run(10)
    expect(seen).toEqual([200])
    expect(a.received).toEqual([])
  })

  test('an authentic peer on ever new ports: its addresses have a limit', async () => {
    const net = new VirtualNetwork({ seed: 10 })
    const { host, shared } = await makeServer(net)
    const a = makePeer(host, { sharedPorts: shared }, 1)
    const b = makePeer(net.addHost(), { role: 'controlling' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    const evil = net.addHost()
    const { usernameFragment, password } = a.ice.localParameters
    for (let i = 0; i < 600; i++) {
      const socket = await evil.bindUdp()
      socket.send(
        request(`${usernameFragment}:${b.ice.localParameters.usernameFragment}`, password),
        shared.endpoints[0]!,
      )
      await net.run(2)
      socket.close()
    }
    expect(shared.stats.entries).toBeLessThan(300)
    await exchange(net, a, b)
  })

  test('requests that nobody answers: the oldest are forgotten', async () => {
    const net = new VirtualNetwork({ seed: 12 })
    const socket = await net.addHost().bindUdp()
    const udp = new SharedUdp(socket)
    const share = udp.share()
    const random = seededRandom(3)
    const message = request('a:b', 'p'.repeat(22))
    for (let i = 0; i < 17_000; i++) {
      message.set(random(12), 8)
      share.send(message.slice(), { address: '198.18.0.99', port: 9, family: 4 })
    }
    expect(udp.entries).toBe(16_384)
    share.close()
    expect(udp.entries).toBe(0)
  })

  test('any bytes, and requests with bytes changed, at the parser', () => {
    const valid = request('local+ufrag:remote', 'p'.repeat(22))
    expect(localFragmentOf(valid)).toBe('local+ufrag')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        localFragmentOf(bytes)
      }),
      { seed: 1 },
    )
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 })
    fc.assert(
      fc.property(changes, fc.nat(valid.length), (list, length) => {
        const bytes = valid.slice(0, length)
        for (const [at, value] of list) if (at < bytes.length) bytes[at]! ^= value
        const fragment = localFragmentOf(bytes)
        expect(fragment === undefined || /^[!-9;-~]{1,256}$/.test(fragment)).toBe(true)
      }),
      { seed: 2, numRuns: 500 },
    )
  })
})

describe('opening', () => {
  test('a port in use, a bad number, and closing', async () => {
    const net = new VirtualNetwork({ seed: 11 })
    const host = net.addHost()
    const taken = await host.bindUdp({ address: host.address, port: 4000 })
    await expect(SharedPorts.open({ network: host, port: 4000 })).rejects.toMatchObject({ code: 'ERR_NET_BIND' })
    await expect(SharedPorts.open({ network: host, port: 70_000 })).rejects.toMatchObject({ code: 'ERR_ICE_OPTION' })
    taken.close()
    const shared = await SharedPorts.open({ network: host, port: 4000, tcp: true })
    expect([shared.port, shared.tcpPort]).toEqual([4000, 4000])
    shared.close()
    shared.close()
    await expect(shared.refresh()).rejects.toMatchObject({ code: 'ERR_ICE_STATE' })
    expect(host.openHandles).toBe(0)
  })
})

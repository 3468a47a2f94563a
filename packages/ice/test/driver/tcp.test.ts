// ICE-TCP (RFC 6544) on the virtual network.
import { VirtualNetwork } from '@kaon/net/virtual'
import { attribute, createTransactionId, MessageBuilder, methods, shortTermKey } from '@kaon/stun'
import { describe, expect, test } from 'vitest'
import { SharedPorts } from '../../src/driver/index.ts'
import { connect, exchange, isConnected, makePeer, seededRandom } from './pair.ts'

const UDP_BLOCKED = { type: 'port-restricted-cone', blockUdp: true } as const

function frame(packet: Uint8Array): Uint8Array {
  return new Uint8Array([packet.length >> 8, packet.length & 255, ...packet])
}

function request(username: string, password: string): Uint8Array {
  const builder = new MessageBuilder().start('request', methods.binding, createTransactionId())
  builder.add(attribute.username, username).add(attribute.priority, 1).add(attribute.iceControlling, 1n)
  return builder.integrity(shortTermKey(password)).fingerprint().finish().slice()
}

describe('TCP candidates', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    test(`active to passive where UDP is blocked (${role} is active)`, async () => {
      const net = new VirtualNetwork({ seed: 1 })
      const inside = net.addHost({ via: net.addNat(UDP_BLOCKED), link: { delay: 10 } })
      const a = makePeer(inside, { role }, 1)
      const b = makePeer(
        net.addHost(),
        { role: role === 'controlling' ? 'controlled' : 'controlling', tcp: ['passive'] },
        2,
      )
      connect(a, b)
      await net.runUntil(() => isConnected(a, b))
      await exchange(net, a, b)
      expect(b.ice.localCandidates.map(({ protocol, tcpType }) => tcpType ?? protocol)).toEqual(['udp', 'passive'])
      expect(a.ice.localCandidates.every(({ protocol }) => protocol === 'udp')).toBe(true)
      // From the inside's port through the NAT: both ends learn of it by the checks.
      expect(a.ice.selectedPair).toMatchObject({
        local: { type: 'prflx', protocol: 'tcp', tcpType: 'active' },
        remote: { type: 'host', tcpType: 'passive' },
      })
      expect(b.ice.selectedPair).toMatchObject({
        local: { type: 'host', tcpType: 'passive' },
        remote: { type: 'prflx', protocol: 'tcp', tcpType: 'active' },
      })
      for (let i = 0; i < 500; i++) a.ice.send(new Uint8Array(i).fill(100))
      await net.run(1000)
      expect(b.received.slice(1).map(({ length }) => length)).toEqual(Array.from({ length: 499 }, (_, i) => i + 1))
      await net.run(120_000)
      expect(isConnected(a, b)).toBe(true)
      a.ice.close()
      b.ice.close()
      await net.run(100)
      expect(inside.openHandles).toBe(0)
    })
  }

  test('UDP is preferred where both work', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    const a = makePeer(net.addHost({ link: { delay: 20 } }), { role: 'controlling', tcp: ['active', 'passive'] }, 1)
    const b = makePeer(net.addHost({ link: { delay: 20 } }), { tcp: ['active', 'passive'] }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.selectedPair).toMatchObject({ local: { protocol: 'udp' }, remote: { protocol: 'udp' } })
  })

  test('UDP takes over from TCP when it works later', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const a = makePeer(net.addHost({ link: { delay: 20 } }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost({ link: { delay: 20 } }), { tcp: ['passive'] }, 2)
    const later = [] as NonNullable<Parameters<typeof a.ice.addRemoteCandidate>[0]>[]
    connect(a, b)
    b.ice.onCandidate = (candidate) => {
      if (candidate?.protocol === 'udp') later.push(candidate)
      else if (candidate !== undefined) a.ice.addRemoteCandidate(candidate)
    }
    a.ice.onCandidate = () => {}
    await net.run(3000)
    expect(a.ice.selectedPair).toMatchObject({ remote: { protocol: 'tcp' } })
    for (const candidate of later) a.ice.addRemoteCandidate(candidate)
    await net.run(2000)
    expect(a.ice.selectedPair).toMatchObject({ remote: { protocol: 'udp' } })
    expect(b.ice.selectedPair).toMatchObject({ local: { protocol: 'udp' } })
    await exchange(net, a, b)
  })

  test('simultaneous open through two NATs whose mappings are known', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const hosts = [net.addHost({ link: { delay: 15 } }), net.addHost({ link: { delay: 25 } })] as const
    const options = {
      tcp: ['so'] as const,
      candidateFilter: ({ protocol }: { protocol: string }) => protocol === 'tcp',
    }
    const a = makePeer(hosts[0], { role: 'controlling', ...options }, 1)
    const b = makePeer(hosts[1], options, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(a.ice.selectedPair).toMatchObject({ local: { type: 'host', tcpType: 'so' }, remote: { tcpType: 'so' } })
    await exchange(net, a, b)
    a.ice.close()
    b.ice.close()
    await net.run(11_000)
    expect(hosts[0].openHandles + hosts[1].openHandles).toBe(0)
  })

  test('a connection that breaks ends its pair at once; it is made again', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const nat = net.addNat(UDP_BLOCKED)
    const a = makePeer(net.addHost({ via: nat, link: { delay: 10 } }), { role: 'controlling' }, 1)
    const b = makePeer(net.addHost(), { tcp: ['passive'] }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed')
    nat.setAddress() // connections of the old address are dead
    await net.run(60_000)
    expect(isConnected(a, b)).toBe(true)
    await exchange(net, a, b)
  })

  test('nobody listens: the check fails when the connection is refused', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const a = makePeer(net.addHost(), { role: 'controlling' }, 1)
    const empty = net.addHost()
    a.ice.setRemoteParameters({ usernameFragment: 'abcd', password: 'p'.repeat(22) })
    a.ice.gather()
    await net.run(10)
    a.ice.addRemoteCandidate({
      foundation: '1',
      component: 1,
      protocol: 'tcp',
      priority: 1000,
      address: empty.address,
      port: 4000,
      type: 'host',
      tcpType: 'passive',
    })
    await net.run(1000)
    expect(a.ice.stats().pairs.map(({ state }) => state)).toEqual(['failed'])
    expect(a.ice.stats().agent.checksFailed).toBe(1)
  })

  test('without the type active nothing is connected to', async () => {
    const net = new VirtualNetwork({ seed: 7 })
    const a = makePeer(net.addHost(), { role: 'controlling', tcp: [] }, 1)
    const b = makePeer(net.addHost(), { tcp: ['passive'] }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await net.run(3000)
    expect(a.ice.stats().pairs).toHaveLength(1)
  })
})

describe('an authentic peer', () => {
  test('has 32 connections and no more; those that end make room', async () => {
    const net = new VirtualNetwork({ seed: 10 })
    const host = net.addHost()
    const a = makePeer(host, { tcp: ['passive'], agent: { maxPairs: 200 } }, 1)
    a.ice.setRemoteParameters({ usernameFragment: 'peer', password: 'p'.repeat(22) })
    a.ice.gather()
    await net.run(10)
    const { usernameFragment, password } = a.ice.localParameters
    const { port } = a.ice.localCandidates.find(({ tcpType }) => tcpType === 'passive')!
    const peer = net.addHost()
    const open = []
    let closed = 0
    for (let i = 0; i < 60; i++) {
      const connection = await net.runUntil(peer.connectTcp({ host: host.address, port }))
      connection.ondata = () => {}
      connection.onend = connection.onclose = () => closed++
      connection.write(frame(request(`${usernameFragment}:peer`, password)))
      open.push(connection)
      await net.run(5)
    }
    await net.run(100)
    const kept = 60 - closed
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThanOrEqual(32)
    for (const connection of open) connection.close()
    await net.run(100)
    expect(a.ice.stats().pairs.every(({ state }) => state === 'failed')).toBe(true)
  })

  test('whose stream brings nonsense between packets only loses those', async () => {
    const net = new VirtualNetwork({ seed: 11 })
    const host = net.addHost()
    const a = makePeer(host, { tcp: ['passive'] }, 1)
    a.ice.setRemoteParameters({ usernameFragment: 'peer', password: 'p'.repeat(22) })
    a.ice.gather()
    await net.run(10)
    const { usernameFragment, password } = a.ice.localParameters
    const { port } = a.ice.localCandidates.find(({ tcpType }) => tcpType === 'passive')!
    const connection = await net.runUntil(net.addHost().connectTcp({ host: host.address, port }))
    connection.ondata = () => {}
    connection.write(frame(request(`${usernameFragment}:peer`, password)))
    const random = seededRandom(5)
    for (let i = 0; i < 200; i++) {
      const noise = random(1 + (i % 90))
      connection.write(frame(noise))
    }
    connection.write(frame(new Uint8Array([80, 1, 2])))
    await net.run(1000)
    expect(a.received.at(-1)).toEqual(new Uint8Array([80, 1, 2]))
    expect(a.ice.stats().agent.malformed).toBeGreaterThan(0)
  })
})

describe('a shared TCP port', () => {
  test('fifty peers, and UDP on the same number', async () => {
    const net = new VirtualNetwork({ seed: 8 })
    const host = net.addHost()
    const shared = await SharedPorts.open({ network: host, port: 443, tcp: true })
    const nat = net.addNat(UDP_BLOCKED)
    const pairs = Array.from(
      { length: 50 },
      (_, i) =>
        [
          makePeer(host, { sharedPorts: shared, tcp: ['passive'] }, 2 * i + 1),
          makePeer(net.addHost({ via: nat }), { role: 'controlling' }, 2 * i + 2),
        ] as const,
    )
    for (const [server, client] of pairs) connect(server, client)
    await net.runUntil(() => pairs.every(([server, client]) => isConnected(server, client)))
    for (const [index, [server, client]] of pairs.entries()) {
      client.ice.send(new Uint8Array([80, index]))
      expect(server.ice.selectedPair!.local).toMatchObject({ port: 443, tcpType: 'passive' })
    }
    await net.run(100)
    for (const [index, [server]] of pairs.entries()) expect(server.received).toEqual([new Uint8Array([80, index])])
    for (const [server, client] of pairs) {
      server.ice.close()
      client.ice.close()
    }
    expect(shared.stats).toMatchObject({ shares: 0, entries: 0, tcpWaiting: 0 })
    shared.close()
    await net.run(100)
    expect(host.openHandles).toBe(0)
  })

  test('strangers: silent ones, talkative ones, wrong fragments and passwords, too many', async () => {
    const net = new VirtualNetwork({ seed: 9 })
    const host = net.addHost()
    const shared = await SharedPorts.open({ network: host, port: 443, tcp: true })
    const a = makePeer(host, { sharedPorts: shared, tcp: ['passive'] }, 1)
    a.ice.gather()
    await net.run(10)
    const { usernameFragment, password } = a.ice.localParameters
    const evil = net.addHost()
    const connectTo = async () => net.runUntil(evil.connectTcp({ host: host.address, port: 443 }))
    const closed: string[] = []
    const say = async (name: string, ...bytes: Uint8Array[]) => {
      const connection = await connectTo()
      connection.ondata = () => closed.push(`${name} is answered`)
      connection.onclose = () => closed.push(name)
      connection.onend = () => closed.push(name)
      for (const part of bytes) connection.write(part)
      await net.run(50)
    }
    await say('noise', new Uint8Array(64).fill(0xff))
    await say('nobody', frame(request('nobody:x', password)))
    await say('wrong', frame(request(`${usernameFragment}:x`, 'wrongwrongwrongwrongwrong')))
    await say('data', frame(new Uint8Array([80, 1, 2, 3])))
    expect(closed).toEqual(['noise', 'nobody', 'wrong', 'data'])
    await say('silent')
    await say('slow', new Uint8Array([0]), new Uint8Array([100, 0]))
    expect(shared.stats.tcpWaiting).toBe(2)
    await net.run(11_000)
    expect(closed.slice(4).toSorted()).toEqual(['silent', 'slow'])
    expect(shared.stats).toMatchObject({ tcpWaiting: 0, tcpDismissed: 6 })
    for (let i = 0; i < 300; i++) await connectTo()
    await net.run(50)
    expect(shared.stats.tcpWaiting).toBe(256)
    expect(shared.stats.tcpRefused).toBe(44)
    expect(a.ice.stats().pairs).toEqual([])
    // The true peer, in pieces.
    await net.run(11_000)
    const peer = await connectTo()
    const answers: number[] = []
    peer.ondata = (data) => answers.push(data.length)
    for (const byte of frame(request(`${usernameFragment}:peer`, password))) peer.write(new Uint8Array([byte]))
    await net.run(100)
    expect(answers).toHaveLength(1)
    shared.close()
  })
})

import { describe, expect, it } from 'vitest'
import type { Endpoint, TcpConnection, UdpSocket } from '@kaon/net'
import { TOPOLOGIES, VirtualNat, VirtualNetwork } from '@kaon/net/virtual'
import type { TopologyName, VirtualHost, VirtualRouter } from '@kaon/net/virtual'

const PACKET = Uint8Array.of(1)

interface Observed {
  /** How many external endpoints one socket shows to two ports of one host and one of another. */
  mappings: number
  /** Whether, after something went to the first, the first, another port, another host may send. */
  lets: [boolean, boolean, boolean]
}

/** The tests of RFC 5780 §4, done from outside. */
async function observe(name: TopologyName): Promise<Observed> {
  const net = new VirtualNetwork({ seed: 4 })
  const inside = await net.addHost({ via: net.addTopology(name) }).bindUdp({ port: 5000 })
  const near = net.addHost()
  const far = net.addHost()
  const outside = [await near.bindUdp({ port: 1 }), await near.bindUdp({ port: 2 }), await far.bindUdp({ port: 1 })]
  const addresses = [near.address, near.address, far.address]
  const seen = new Set<string>()
  let first: Endpoint | undefined
  for (const socket of outside) {
    socket.onmessage = (_data, from) => {
      first ??= from
      seen.add(`${from.address} ${from.port}`)
    }
  }
  const send = (i: number): void =>
    inside.send(PACKET, { address: addresses[i]!, port: outside[i]!.local.port, family: 4 })
  send(0)
  await net.run(100)
  const heard = new Set<string>()
  inside.onmessage = (_data, from) => heard.add(`${from.address} ${from.port}`)
  if (first !== undefined) for (const socket of outside) socket.send(PACKET, first)
  await net.run(100)
  const lets = outside.map((socket, i) => heard.has(`${addresses[i]} ${socket.local.port}`)) as Observed['lets']
  send(1)
  send(2)
  await net.run(100)
  return { mappings: seen.size, lets }
}

/** Which of two ports of a server a TCP client reaches. */
async function reaches(name: TopologyName): Promise<number[]> {
  const net = new VirtualNetwork()
  const client = net.addHost({ via: net.addTopology(name) })
  const server = net.addHost()
  const ports: number[] = []
  for (const port of [443, 3478]) {
    await server.listenTcp({ port })
    const signal = new AbortController()
    const attempt = client.connectTcp({ host: server.address, port, signal: signal.signal }).then(
      () => ports.push(port),
      () => {},
    )
    await net.run(5000)
    signal.abort()
    await attempt
  }
  return ports
}

describe('addTopology', () => {
  it.each([
    ['open', 1, [true, true, true], [443, 3478]],
    ['full-cone', 1, [true, true, true], [443, 3478]],
    ['address-restricted', 1, [true, true, false], [443, 3478]],
    ['port-restricted', 1, [true, false, false], [443, 3478]],
    ['symmetric', 3, [true, false, false], [443, 3478]],
    ['symmetric-random', 3, [true, false, false], [443, 3478]],
    ['cgnat', 1, [true, false, false], [443, 3478]],
    ['udp-blocked', 0, [false, false, false], [443, 3478]],
    ['tcp-443-only', 0, [false, false, false], [443]],
  ] as const)('%s: %i mappings, lets in %o, TCP to %o', async (name, mappings, lets, ports) => {
    expect(await observe(name)).toEqual({ mappings, lets })
    expect(await reaches(name)).toEqual(ports)
  })

  it('knows all names, and hangs where it is told', async () => {
    expect(TOPOLOGIES.length).toBe(9)
    const net = new VirtualNetwork()
    const carrier = net.addTopology('port-restricted', { name: 'carrier', link: { delay: 30 } })
    for (const name of TOPOLOGIES) {
      const router: VirtualRouter = net.addTopology(name, { via: carrier, hairpin: false })
      const top = name === 'cgnat' ? router.parent! : router
      expect(top.parent).toBe(carrier)
      if (name !== 'open') expect(router).toMatchObject({ hairpin: false })
    }
  })

  it('cgnat translates twice, with the shared address space in between', async () => {
    const net = new VirtualNetwork()
    const home = net.addTopology('cgnat', { name: 'home' })
    const carrier = home.parent as VirtualNat
    const server = net.addHost()
    const listener = await server.listenTcp({ port: 1 })
    await net.runUntil(net.addHost({ via: home }).connectTcp({ host: server.address, port: listener.local.port }))
    expect(home.mappings[0]).toMatchObject({ protocol: 'tcp', inside: { address: '192.168.2.2' } })
    expect(home.mappings[0]!.outside).toEqual(carrier.mappings[0]!.inside)
    expect(home.address).toBe('100.64.0.2')
    expect(carrier.mappings[0]!.outside.port).not.toBe(home.mappings[0]!.outside.port)
  })

  it('tcp-443-only lets in no TCP from outside, and can be relaxed', async () => {
    const net = new VirtualNetwork()
    const wall = net.addRouter({ tcpPorts: [443], blockUdp: true, filtering: 'address-and-port-dependent' })
    const inside = net.addHost({ via: wall })
    const outside = net.addHost()
    await inside.listenTcp({ port: 443 })
    const knock = (localPort: number): void =>
      void outside.connectTcp({ host: inside.address, port: 443, localPort }).catch(() => {})
    knock(443)
    knock(444)
    await net.run(500)
    expect(net.dropped).toMatchObject({ 'nat-filtering': 1, 'tcp-blocked': 1 })
    await outside.listenTcp({ port: 3478 })
    const connect = inside.connectTcp({ host: outside.address, port: 3478 })
    await net.run(500)
    wall.tcpPorts = undefined
    await net.runUntil(connect)
  })
})

describe('TCP through a NAT', () => {
  async function pairs(name: TopologyName): Promise<{
    net: VirtualNetwork
    nat: VirtualNat
    client: VirtualHost
    server: VirtualHost
    accepted: TcpConnection[]
  }> {
    const net = new VirtualNetwork({ seed: 2 })
    const nat = net.addTopology(name) as VirtualNat
    const client = net.addHost({ via: nat })
    const server = net.addHost()
    const accepted: TcpConnection[] = []
    for (const port of [1, 2]) {
      const listener = await server.listenTcp({ port })
      listener.onconnection = (connection) => accepted.push(connection)
    }
    return { net, nat, client, server, accepted }
  }

  it.each([
    ['port-restricted', true],
    ['symmetric', false],
  ] as const)('%s: two connections from one port show one external port: %s', async (name, isSame) => {
    const { net, client, server, accepted } = await pairs(name)
    for (const port of [1, 2]) await net.runUntil(client.connectTcp({ host: server.address, port, localPort: 5000 }))
    await net.run(10)
    expect(accepted[0]!.remote.address).not.toBe(client.address)
    expect(accepted[0]!.remote.port === accepted[1]!.remote.port).toBe(isSame)
  })

  it('a connection outlives two idle hours, and its row not its end (RFC 5382 REQ-5)', async () => {
    const { net, nat, client, server, accepted } = await pairs('port-restricted')
    const connection = await net.runUntil(client.connectTcp({ host: server.address, port: 1 }))
    connection.ondata = () => {}
    await net.run(7_200_000)
    let heard = 0
    accepted[0]!.ondata = (data) => {
      heard += data.length
    }
    accepted[0]!.write(PACKET)
    connection.write(PACKET)
    await net.run(100)
    expect(heard).toBe(1)
    connection.end()
    await net.run(230_000)
    expect(nat.mappings.length).toBe(1)
    await net.run(20_000)
    expect(nat.mappings).toEqual([])
  })

  it('keeps UDP and TCP apart', async () => {
    const { net, nat, client, server } = await pairs('full-cone')
    const socket: UdpSocket = await client.bindUdp({ port: 5000 })
    socket.send(PACKET, { address: server.address, port: 9, family: 4 })
    await net.run(10)
    await client.listenTcp({ port: 5000 })
    const { address } = nat
    const attempt = server.connectTcp({ host: address, port: 5000 }).catch((error: unknown) => error)
    await net.run(130_000)
    expect(await attempt).toMatchObject({ systemCode: 'ETIMEDOUT' })
    nat.forward(5000, { address: client.address, port: 5000, family: 4 }, 'tcp')
    expect((await net.runUntil(server.connectTcp({ host: address, port: 5000 }))).remote.address).toBe(address)
  })

  it('punches holes from both sides at once, where mappings can be foretold', async () => {
    const net = new VirtualNetwork()
    const nats = [net.addTopology('port-restricted'), net.addTopology('port-restricted')] as const
    const [a, b] = nats.map((via) => net.addHost({ via })) as [VirtualHost, VirtualHost]
    const both = Promise.all([
      a.connectTcp({ host: nats[1].address, port: 2000, localPort: 1000 + 1000 }),
      b.connectTcp({ host: nats[0].address, port: 2000, localPort: 2000 }),
    ])
    const [x, y] = await net.runUntil(both)
    expect(x.remote.address).toBe(nats[1].address)
    x.write(PACKET)
    const heard = new Promise((resolve) => {
      y.ondata = resolve
    })
    expect(await net.runUntil(heard)).toEqual(PACKET)
  })

  it('hairpins like UDP', async () => {
    const { net, nat, client } = await pairs('full-cone')
    const neighbour = net.addHost({ via: nat })
    const listener = await neighbour.listenTcp({ port: 80 })
    let from: Endpoint | undefined
    listener.onconnection = ({ remote }) => {
      from = remote
    }
    nat.forward(8080, { address: neighbour.address, port: 80, family: 4 })
    await net.runUntil(client.connectTcp({ host: nat.address, port: 8080 }))
    await net.run(10)
    expect(from?.address).toBe(nat.address)
  })

  it('a rebooted NAT breaks connections when they next speak', async () => {
    const { net, nat, client, server } = await pairs('symmetric-random')
    const connection = await net.runUntil(client.connectTcp({ host: server.address, port: 1 }))
    let error: unknown
    connection.onclose = (reason) => {
      error = reason
    }
    nat.reset()
    connection.write(PACKET)
    await net.run(100)
    expect(error).toMatchObject({ systemCode: 'ECONNRESET' })
  })
})

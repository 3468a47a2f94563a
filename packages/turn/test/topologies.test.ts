// Ways out of networks that let less and less through, on the virtual network.
import { TOPOLOGIES, VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import { allocateFirst, TurnClient, TurnServer } from '../src/driver/index.ts'
import { addEcho, authenticator, decode, encode, user } from './scene.ts'

const transports = ['udp', 'tcp', 'tls'] as const

async function world(topology: (typeof TOPOLOGIES)[number]) {
  const net = new VirtualNetwork({ seed: 5 })
  const serverHost = net.addHost({ name: 'server', families: [4, 6] })
  net.addName('turn.example.org', serverHost)
  const tls = { ...net.issueCertificate('turn.example.org'), port: 443 }
  const server = await TurnServer.listen({
    network: serverHost,
    authenticator: authenticator(),
    permitPeer: () => true,
    tls,
    tcpRelay: true,
  })
  const host = net.addHost({ via: net.addTopology(topology) })
  const client = (transport: (typeof transports)[number]): TurnClient =>
    new TurnClient({
      network: host,
      server: transport === 'tls' ? 'turns:turn.example.org:443' : `turn:turn.example.org?transport=${transport}`,
      tls: { authorities: [net.authority] },
      family: 4,
      timeout: 3000,
      ...user,
    })
  return { net, server, serverHost, host, client }
}

/** Whether this transport gets out of there. */
function isOpen(topology: (typeof TOPOLOGIES)[number], transport: (typeof transports)[number]): boolean {
  if (topology === 'tcp-443-only') return transport === 'tls'
  return topology !== 'udp-blocked' || transport !== 'udp'
}

describe.each(TOPOLOGIES)('out of %s', (topology) => {
  it.each(transports)('over %s', async (transport) => {
    const { net, client, host, server } = await world(topology)
    const allocation = net.runUntil(client(transport).allocate())
    if (!isOpen(topology, transport)) {
      await expect(allocation).rejects.toMatchObject({ name: 'TurnError' })
      return
    }
    const relay = await allocation
    expect(relay.transport).toBe(transport)
    const peer = await addEcho(net)
    const back: string[] = []
    relay.onmessage = (data) => back.push(decode(data))
    for (let count = 0; count < 30; count++) {
      relay.send(encode(`${count}`), peer.at)
      await net.run(20)
    }
    await net.run(500)
    expect(back).toEqual(Array.from({ length: 30 }, (_, index) => `${index}`))
    relay.close()
    await net.run(3000)
    expect(server.stats.allocations).toBe(0)
    expect(host.openHandles).toBe(0)
  })

  it('by whatever gets through first', async () => {
    const { net, client, host } = await world(topology)
    const relay = await net.runUntil(allocateFirst(transports.map(client), { network: host }))
    expect(relay.transport).toBe(transports.find((transport) => isOpen(topology, transport)))
    relay.close()
    await net.run(6000)
    expect(host.openHandles).toBe(0)
  })
})

describe('over TLS on the virtual network', () => {
  it('checks the certificate', async () => {
    const { net, host } = await world('open')
    const ask = (options: object): Promise<unknown> =>
      net.runUntil(
        new TurnClient({
          network: host,
          server: 'turns:turn.example.org:443',
          family: 4,
          ...user,
          ...options,
        }).allocate(),
      )
    await expect(ask({ tls: { serverName: 'other.example.org' } })).rejects.toMatchObject({
      code: 'ERR_TURN_UNREACHABLE',
    })
    await expect(ask({ tls: { authorities: [] } })).rejects.toMatchObject({ code: 'ERR_TURN_UNREACHABLE' })
    await ask({ tls: { insecure: true, authorities: [] } })
  })

  it('notices a server that crashes, and comes back to a new one', async () => {
    const { net, serverHost, client } = await world('open')
    const relay = await net.runUntil(client('tls').allocate({ keepaliveInterval: 5000 }))
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    serverHost.crash()
    await net.runUntil(() => lost !== undefined, 120_000)
    expect(lost).toMatchObject({ name: 'TurnError' })
  })

  it('connects peers (RFC 6062) through loss, half-closed at either end', async () => {
    const { net, client, host } = await world('cgnat')
    const relay = await net.runUntil(client('tls').allocateTcp())
    host.link.upstream.effects.loss = 0.05
    host.link.downstream.effects.loss = 0.05
    const peerHost = net.addHost()
    const listener = await peerHost.listenTcp({ port: 7 })
    listener.onconnection = (connection) => {
      connection.ondata = (data) => connection.write(data)
      connection.onend = () => connection.end()
    }
    const connection = await net.runUntil(relay.connect({ address: peerHost.address, port: 7, family: 4 }))
    let received = 0
    let ended = false
    connection.ondata = (data) => (received += data.length)
    connection.onend = () => (ended = true)
    for (let count = 0; count < 20; count++) connection.write(new Uint8Array(5000))
    connection.end()
    await net.runUntil(() => ended, 120_000)
    expect(received).toBe(100_000)
  })
})

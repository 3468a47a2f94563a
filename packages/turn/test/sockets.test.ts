import { connect as rawConnect, type Socket } from 'node:net'
import { createNetwork, type Network, type TcpConnection } from '@kaon/net'
import { MessageBuilder } from '@kaon/stun'
import { afterEach, describe, expect, it } from 'vitest'
import { TurnClient, type TurnClientOptions, TurnServer, type TurnServerOptions } from '../src/driver/index.ts'
import { makeIdentity } from './coturn.ts'
import { authenticator, decode, encode, user } from './scene.ts'

const network: Network = createNetwork()
const identity = makeIdentity()
const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listen(options: Partial<TurnServerOptions> = {}): Promise<TurnServer> {
  const server = await TurnServer.listen({
    network,
    addresses: ['127.0.0.1', '::1'],
    port: 0,
    authenticator: authenticator(),
    permitPeer: () => true,
    tls: { ...identity, port: 0 },
    tcpRelay: true,
    ...options,
  })
  open.push(server)
  return server
}

function client(
  server: TurnServer,
  transport: 'udp' | 'tcp' | 'tls',
  options: Partial<TurnClientOptions> = {},
): TurnClient {
  const port = transport === 'tls' ? server.tlsPort : server.port
  const tls = { authorities: [identity.certificate], serverName: 'turn.test' }
  return new TurnClient({ network, server: `127.0.0.1:${port}`, transport, tls, ...user, ...options })
}

const said = (connection: TcpConnection, length: number): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    connection.ondata = (data) => {
      text += decode(data)
      if (text.length >= length) resolve(text)
    }
  })

describe('real sockets', () => {
  it.each(['udp', 'tcp', 'tls'] as const)('relay over %s, both ways, thousands', async (transport) => {
    const server = await listen()
    const [left, right] = [await client(server, transport).allocate(), await client(server, 'udp').allocate()]
    open.push(left, right)
    right.permit('127.0.0.1')
    right.onmessage = (data, from) => right.send(data, from)
    let back = 0
    left.onmessage = () => back++
    left.send(encode('first'), right.local)
    await expect.poll(() => back, { interval: 5 }).toBeGreaterThan(0)
    for (let burst = 0; burst < 40; burst++) {
      const before = back
      for (let count = 0; count < 50; count++) left.send(new Uint8Array(200 + count), right.local)
      await expect.poll(() => back, { interval: 1 }).toBe(before + 50)
    }
    expect(server.stats.droppedMalformed + server.stats.droppedUnpermitted).toBe(0)
    expect(left.turnStats.channelDataSent).toBeGreaterThan(1900)
    left.close()
    await expect.poll(() => server.stats.allocations).toBe(1)
  })

  it('end an allocation with its connection', async () => {
    const server = await listen()
    const relay = await client(server, 'tcp').allocate()
    open.push(relay)
    const lost = new Promise<{ code: string }>((resolve) => {
      relay.onclose = resolve
    })
    expect(server.stats).toMatchObject({ allocations: 1, clientConnections: 1 })
    server.close()
    expect((await lost).code).toBe('ERR_TURN_UNREACHABLE')
  })

  it('go on with a new certificate', async () => {
    const server = await listen()
    const relay = await client(server, 'tls').allocate()
    open.push(relay)
    const other = makeIdentity('other.test')
    const port = server.tlsPort
    await expect(server.renewTls({ certificate: 'x', privateKey: 'y' })).rejects.toThrow()
    await server.renewTls(other)
    expect(server.tlsPort).toBe(port)
    const tls = { authorities: [other.certificate], serverName: 'other.test' }
    open.push(await client(server, 'tls', { tls }).allocate())
    expect(server.stats.allocations).toBe(2)
    await expect(client(server, 'tls').allocate()).rejects.toMatchObject({ code: 'ERR_TURN_UNREACHABLE' })
  })

  it('say when nobody listens', async () => {
    const server = await listen()
    const { port } = server
    server.close()
    const nobody = new TurnClient({ network, server: `turn:127.0.0.1:${port}?transport=tcp`, ...user })
    await expect(nobody.allocate()).rejects.toMatchObject({ code: 'ERR_TURN_UNREACHABLE' })
    await expect(TurnServer.listen({ network, authenticator: 'open', addresses: [] })).rejects.toMatchObject({
      code: 'ERR_TURN_OPTION',
    })
    const taken = await listen()
    await expect(listen({ port: taken.port })).rejects.toMatchObject({ code: 'ERR_NET_BIND' })
  })
})

describe('TCP relay (RFC 6062)', () => {
  async function echoServer(): Promise<{ address: string; port: number; family: 4 | 6 }> {
    const listener = await network.listenTcp({ address: '127.0.0.1' })
    open.push(listener)
    listener.onconnection = (connection) => {
      connection.ondata = (data) => {
        if (!connection.write(data)) connection.pause()
      }
      connection.ondrain = () => connection.resume()
      connection.onend = () => connection.end()
    }
    return listener.local
  }

  it.each(['tcp', 'tls'] as const)('connects to peers over %s, and carries a megabyte both ways', async (transport) => {
    const server = await listen()
    const relay = await client(server, transport).allocateTcp()
    open.push(relay)
    const peer = await echoServer()
    const connection = await relay.connect(peer)
    open.push(connection)
    expect(connection.remote).toEqual(peer)
    expect(connection.local).toEqual(relay.local)
    let received = 0
    let ended = false
    connection.ondata = (data) => (received += data.length)
    connection.onend = () => (ended = true)
    for (let count = 0; count < 16; count++) connection.write(new Uint8Array(65_536))
    connection.end()
    await expect.poll(() => received, { interval: 5 }).toBe(1_048_576)
    await expect.poll(() => ended).toBe(true)
    await expect.poll(() => server.stats.connections).toBe(0)
  })

  it('lets permitted peers connect, and no others', async () => {
    const server = await listen()
    const relay = await client(server, 'tcp').allocateTcp()
    open.push(relay)
    const stranger = await network.connectTcp({ host: '127.0.0.1', port: relay.local.port })
    open.push(stranger)
    await new Promise<void>((resolve) => {
      stranger.onclose = () => resolve()
      stranger.onend = () => resolve()
      stranger.ondata = () => {}
    })
    expect(server.stats.droppedUninvited).toBe(1)
    relay.permit('127.0.0.1')
    await expect.poll(() => server.stats.permissions).toBe(1)
    const arrived = new Promise<TcpConnection>((resolve) => {
      relay.onconnection = resolve
    })
    const peer = await network.connectTcp({ host: '127.0.0.1', port: relay.local.port })
    open.push(peer)
    peer.write(encode('early words'))
    const connection = await arrived
    open.push(connection)
    expect(connection.remote).toEqual(peer.local)
    // Nothing is lost when the listener comes late.
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await said(connection, 11)).toBe('early words')
    connection.write(encode('answer'))
    expect(await said(peer, 6)).toBe('answer')
    // The server ends what belongs to an allocation with it.
    const over = new Promise<void>((resolve) => {
      peer.onclose = () => resolve()
      peer.onend = () => resolve()
    })
    relay.close()
    await over
  })

  it('tells of peers that do not answer, that are refused, and that are connected already', async () => {
    const server = await listen({ maxConnections: 2, permitPeer: (peer) => peer.port !== 81 })
    const relay = await client(server, 'tcp').allocateTcp()
    open.push(relay)
    const dead = await network.listenTcp({ address: '127.0.0.1' })
    const { port } = dead.local
    dead.close()
    const to = (at: number): { address: string; port: number; family: 4 } => ({
      address: '127.0.0.1',
      port: at,
      family: 4,
    })
    const codeOf = (promise: Promise<TcpConnection>): Promise<number> =>
      promise.then(
        (connection) => (open.push(connection), 0),
        (error: { responseCode: number }) => error.responseCode,
      )
    expect(await codeOf(relay.connect(to(port)))).toBe(447)
    expect(await codeOf(relay.connect(to(81)))).toBe(403)
    const one = await echoServer()
    expect(await codeOf(relay.connect(one))).toBe(0)
    expect(await codeOf(relay.connect({ ...one }))).toBe(446)
    expect(await codeOf(relay.connect(await echoServer()))).toBe(0)
    expect(await codeOf(relay.connect(await echoServer()))).toBe(508)
    await expect(client(server, 'udp').allocateTcp()).rejects.toMatchObject({ code: 'ERR_TURN_OPTION' })
    const without = await listen({ tcpRelay: false })
    await expect(client(without, 'tcp').allocateTcp()).rejects.toMatchObject({ responseCode: 442 })
    relay.close()
    await expect(relay.connect(one)).rejects.toMatchObject({ code: 'ERR_TURN_CLOSED' })
  })
})

it('relays between clients behind a NAT that maps one to one', async () => {
  const server = await listen({ relayAddresses: [{ address: '127.0.0.1', publicAddress: '198.51.100.7' }] })
  const [left, right] = [await client(server, 'udp').allocate(), await client(server, 'tcp').allocate()]
  open.push(left, right)
  expect(left.local.address).toBe('198.51.100.7')
  const heard: string[] = []
  right.permit('198.51.100.7')
  right.onmessage = (data, from) => {
    expect(from).toEqual(left.local)
    right.send(data, from)
  }
  left.onmessage = (data, from) => {
    expect(from).toEqual(right.local)
    heard.push(decode(data))
  }
  await expect.poll(() => (left.send(encode('over and back'), right.local), heard.length)).toBeGreaterThan(2)
  expect(heard[0]).toBe('over and back')
})

describe('a hostile stream', () => {
  function dial(port: number): Promise<{ socket: Socket; closed: Promise<void>; received: () => number }> {
    return new Promise((resolve, reject) => {
      const socket = rawConnect(port, '127.0.0.1')
      let received = 0
      open.push({ close: () => socket.destroy() })
      socket.on('error', reject)
      socket.on('data', (data) => (received += data.length))
      const closed = new Promise<void>((done) => socket.on('close', () => done()))
      socket.on('connect', () => resolve({ socket, closed, received: () => received }))
    })
  }

  it('is cut off: other protocols, channel data of strangers, messages too long for them', async () => {
    const server = await listen()
    for (const text of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001\u0001\u0000\u0001\u0000\u0000\u00fc']) {
      const { socket, closed } = await dial(server.port)
      socket.write(Uint8Array.from(text, (letter) => letter.charCodeAt(0)))
      await closed
    }
    const channel = await dial(server.port)
    channel.socket.write(Uint8Array.of(0x40, 0, 0, 0))
    await channel.closed
    const long = await dial(server.port)
    long.socket.write(Uint8Array.of(0, 1, 0x20, 0))
    await long.closed
    expect(server.stats.connectionsMalformed).toBe(3)
    expect(server.stats.clientConnections).toBe(0)
  })

  it('is closed when it is silent, or one too many', async () => {
    const server = await listen({ idleTimeout: 60, maxClientConnections: 2 })
    const [one, two] = [await dial(server.port), await dial(server.port)]
    const three = await dial(server.port)
    await three.closed
    await one.closed
    await two.closed
    expect(server.stats).toMatchObject({ connectionsRefused: 1, connectionsTimedOut: 2, clientConnections: 0 })
    const relay = await client(server, 'tcp').allocate()
    open.push(relay)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(server.stats.clientConnections).toBe(1)
  })

  it('that asks without reading is not listened to for ever', async () => {
    const server = await listen()
    const { socket, received } = await dial(server.port)
    socket.pause()
    const request = new MessageBuilder().start('request', 1, new Uint8Array(12)).finish()
    const many = Buffer.concat(Array.from({ length: 2000 }, () => request))
    for (let count = 0; count < 120; count++) socket.write(many)
    await expect.poll(() => server.stats.requests > 0 && socket.writableLength > 0).toBe(true)
    const before = await settled(() => server.stats.requests)
    expect(before).toBeLessThan(240_000)
    socket.resume()
    await expect.poll(received, { timeout: 20_000 }).toBe(240_000 * 32)
  })

  /** The value once it has stopped changing. */
  async function settled(value: () => number): Promise<number> {
    for (let last = -1; ;) {
      const now = value()
      if (now === last) return now
      last = now
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
})

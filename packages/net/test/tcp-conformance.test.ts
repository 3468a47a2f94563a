import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork, NetError } from '@kaon/net'
import type { Network, TcpConnection, TcpListener, TcpListenOptions, TlsOptions, TlsServerOptions } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'

// What TCP and TLS of every `Network` have in common: the same tests for the sockets of this machine and for the virtual network.

interface Ground {
  readonly client: Network
  readonly server: Network
  readonly address: string
  /** For `kaon.test`. */
  readonly identity: TlsServerOptions
  readonly authority: string
  /** Lets time pass until the promise is settled. */
  wait<T>(promise: Promise<T>): Promise<T>
}

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')

const GROUNDS: Record<string, () => Ground> = {
  'the sockets of this machine': () => {
    const network = createNetwork()
    const certificate = fixture('localhost.cert.pem')
    return {
      client: network,
      server: network,
      address: '127.0.0.1',
      identity: { certificate, privateKey: fixture('localhost.key.pem') },
      authority: certificate,
      wait: (promise) => promise,
    }
  },
  'a virtual network': () => onVirtualNetwork({}),
  'a virtual network that loses and reorders': () => onVirtualNetwork({ loss: 0.1, reorder: 0.1, duplicate: 0.05 }),
}

function onVirtualNetwork(link: { loss?: number; reorder?: number; duplicate?: number }): Ground {
  const net = new VirtualNetwork({ seed: 3 })
  const server = net.addHost({ link: { delay: 10, ...link } })
  const client = net.addHost({ link: { delay: 5, ...link } })
  return {
    client,
    server,
    address: server.address,
    identity: net.issueCertificate('kaon.test'),
    authority: net.authority,
    wait: (promise) => net.runUntil(promise, 600_000),
  }
}

const open: { close(): void }[] = []

afterEach(() => {
  while (open.length > 0) open.pop()!.close()
})

describe.each(Object.keys(GROUNDS))('TCP on %s', (name) => {
  const ground = (): Ground => GROUNDS[name]!()

  async function listen({ server, address, wait }: Ground, options: TcpListenOptions = {}): Promise<TcpListener> {
    const listener = await wait(server.listenTcp({ address, ...options }))
    open.push(listener)
    return listener
  }

  async function pair(on: Ground, tls?: TlsOptions): Promise<[TcpConnection, TcpConnection]> {
    const listener = await listen(on, tls === undefined ? {} : { tls: on.identity })
    const accepted = new Promise<TcpConnection>((resolve) => {
      listener.onconnection = resolve
    })
    const options = { host: on.address, port: listener.local.port, ...(tls && { tls }) }
    const [client, server] = await on.wait(Promise.all([on.client.connectTcp(options), accepted]))
    open.push(client, server)
    return [client, server]
  }

  /** The two kinds of connection, which behave alike. */
  const kinds: [string, (on: Ground) => TlsOptions | undefined][] = [
    ['plain', () => undefined],
    ['TLS', ({ authority }) => ({ authorities: [authority], serverName: 'kaon.test' })],
  ]

  describe.each(kinds)('a %s connection', (_kind, tls) => {
    it('carries bytes both ways', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      expect(client.remote).toEqual(server.local)
      expect(server.remote).toEqual(client.local)
      client.write(Uint8Array.of(1, 2, 3))
      expect([...(await on.wait(read(server, 3)))]).toEqual([1, 2, 3])
      server.write(Uint8Array.of(4))
      expect([...(await on.wait(read(client, 1)))]).toEqual([4])
    })

    it('reads nothing before ondata is set', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      client.write(Uint8Array.of(1))
      await on.wait(new Promise<void>((resolve) => on.client.setTimer(on.client.now() + 20, resolve)))
      expect([...(await on.wait(read(server, 1)))]).toEqual([1])
    })

    it('keeps the bytes in order, and tells when to wait and when to go on', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      const size = 6 * 1024 * 1024
      server.pause()
      const received = read(server, size)
      const drained = new Promise<void>((resolve) => {
        client.ondrain = resolve
      })
      let mayGoOn = true
      for (let at = 0; at < size; at += 65_536) mayGoOn = client.write(pattern(at, 65_536))
      expect(mayGoOn).toBe(false)
      expect(client.bufferedAmount).toBeGreaterThan(0)
      server.resume()
      await on.wait(drained)
      expect(client.bufferedAmount).toBe(0)
      expect(Buffer.compare(await on.wait(received), pattern(0, size))).toBe(0)
    })

    it('stays open in the other direction after an end', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      const ended = new Promise<void>((resolve) => {
        server.onend = resolve
      })
      server.ondata = () => {}
      client.write(Uint8Array.of(7))
      client.end()
      expect(client.write(Uint8Array.of(9))).toBe(false)
      await on.wait(ended)
      const closed = new Promise<Error | undefined>((resolve) => {
        client.onclose = resolve
      })
      server.write(Uint8Array.of(5))
      expect([...(await on.wait(read(client, 1)))]).toEqual([5])
      server.end()
      expect(await on.wait(closed)).toBeUndefined()
    })

    it('ends with the other side when nobody listens for that', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      server.ondata = () => {}
      client.ondata = () => {}
      const closed = Promise.all(
        [client, server].map(
          (connection) =>
            new Promise((resolve) => {
              connection.onclose = resolve
            }),
        ),
      )
      client.end()
      expect(await on.wait(closed)).toEqual([undefined, undefined])
    })

    it('is silent after an own close, and tells the other side', async () => {
      const on = ground()
      const [client, server] = await pair(on, tls(on))
      const closed = new Promise<void>((resolve) => {
        server.onclose = () => resolve()
      })
      server.ondata = () => {}
      client.onclose = () => expect.unreachable()
      client.close()
      client.close()
      client.write(Uint8Array.of(1))
      client.end()
      await on.wait(closed)
    })
  })

  it('is refused where nobody listens, and where somebody listened', async () => {
    const on = ground()
    const listener = await listen(on)
    const { port } = listener.local
    await expect(on.wait(on.server.listenTcp({ address: on.address, port }))).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'EADDRINUSE',
    })
    listener.close()
    listener.close()
    const error = await on.wait(on.client.connectTcp({ host: on.address, port }).catch((caught: unknown) => caught))
    expect(error).toBeInstanceOf(NetError)
    expect(error).toMatchObject({ code: 'ERR_NET_CONNECT', systemCode: 'ECONNREFUSED', remote: { port } })
  })

  it('rejects what makes no sense', async () => {
    const on = ground()
    const { address, client, wait } = on
    await expect(wait(client.connectTcp({ host: address, port: 70_000 }))).rejects.toMatchObject({
      code: 'ERR_NET_ARGUMENT',
    })
    await expect(wait(client.connectTcp({ host: 'nobody.invalid', port: 1 }))).rejects.toMatchObject({
      code: 'ERR_NET_CONNECT',
    })
    await expect(wait(client.connectTcp({ host: address, port: 1, localAddress: '192.0.2.1' }))).rejects.toMatchObject({
      code: 'ERR_NET_CONNECT',
      systemCode: 'EADDRNOTAVAIL',
    })
    await expect(wait(client.listenTcp({ address: 'x' }))).rejects.toMatchObject({ code: 'ERR_NET_ARGUMENT' })
    await expect(wait(client.listenTcp({ address: '192.0.2.1' }))).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'EADDRNOTAVAIL',
    })
    await expect(wait(client.listenTcp({ tls: { certificate: 'none', privateKey: 'none' } }))).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
    })
  })

  it('connects from the local port that was asked for', async () => {
    const on = ground()
    const listener = await listen(on)
    const free = await on.wait(on.client.listenTcp({}))
    const localPort = free.local.port
    free.close()
    const connection = await on.wait(on.client.connectTcp({ host: on.address, port: listener.local.port, localPort }))
    open.push(connection)
    expect(connection.local.port).toBe(localPort)
  })

  it('gives up with the reason of its signal', async () => {
    const on = ground()
    const { port } = (await listen(on)).local
    const options = { host: on.address, port }
    await expect(on.client.connectTcp({ ...options, signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const controller = new AbortController()
    const pending = on.client.connectTcp({ ...options, signal: controller.signal })
    const listening = on.server.listenTcp({ address: on.address, signal: controller.signal })
    controller.abort('later')
    await expect(pending).rejects.toBe('later')
    await expect(listening).rejects.toBe('later')
  })

  it('closes what nobody takes', async () => {
    const on = ground()
    const { port } = (await listen(on)).local
    const client = await on.wait(on.client.connectTcp({ host: on.address, port }))
    open.push(client)
    client.ondata = () => {}
    await on.wait(
      new Promise<void>((resolve) => {
        client.onclose = () => resolve()
      }),
    )
  })

  it('fails when TLS meets something else, either way', async () => {
    const on = ground()
    const plain = await listen(on)
    plain.onconnection = (connection) => {
      open.push(connection)
      connection.ondata = () => connection.write(new TextEncoder().encode('HTTP/1.1 400\r\n\r\n'))
    }
    const tls = { insecure: true }
    await expect(
      on.wait(on.client.connectTcp({ host: on.address, port: plain.local.port, tls })),
    ).rejects.toMatchObject({ code: 'ERR_NET_CONNECT' })
    const secure = await listen(on, { tls: on.identity })
    secure.onconnection = () => expect.unreachable()
    const client = await on.wait(on.client.connectTcp({ host: on.address, port: secure.local.port }))
    open.push(client)
    client.ondata = () => {}
    client.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))
    await on.wait(
      new Promise<void>((resolve) => {
        client.onclose = () => resolve()
      }),
    )
  })

  it('looks at the certificate of a TLS server, unless told not to', async () => {
    const on = ground()
    const { port } = (await listen(on, { tls: { ...on.identity, alpnProtocols: ['stun.turn'] } })).local
    const connect = (tls: TlsOptions): Promise<TcpConnection> =>
      on.wait(on.client.connectTcp({ host: on.address, port, tls }))
    const trusted = { authorities: [on.authority], serverName: 'kaon.test' }
    open.push(await connect(trusted))
    open.push(await connect({ ...trusted, alpnProtocols: ['x', 'stun.turn'] }))
    open.push(await connect({ insecure: true }))
    await expect(connect({ ...trusted, serverName: 'other.test' })).rejects.toMatchObject({
      code: 'ERR_NET_CONNECT',
      systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    await expect(connect({ ...trusted, alpnProtocols: ['x'] })).rejects.toMatchObject({ code: 'ERR_NET_CONNECT' })
    await expect(connect({ serverName: 'kaon.test', authorities: [] })).rejects.toMatchObject({
      code: 'ERR_NET_CONNECT',
    })
  })
})

/** Bytes that differ wherever they stand. */
function pattern(start: number, length: number): Uint8Array {
  const data = new Uint8Array(length)
  for (let i = 0; i < length; i++) data[i] = ((start + i) * 2654435761) >>> 24
  return data
}

function read(connection: TcpConnection, length: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const parts: Uint8Array[] = []
    let total = 0
    connection.ondata = (data) => {
      parts.push(data)
      total += data.length
      if (total >= length) resolve(Buffer.concat(parts))
    }
  })
}

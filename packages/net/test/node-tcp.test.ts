import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork, NetError } from '@kaon/net'
import type { TcpConnection, TcpListener, TlsOptions } from '@kaon/net'

const network = createNetwork()
const open: { close(): void }[] = []

async function listen(address = '127.0.0.1'): Promise<TcpListener> {
  const listener = await network.listenTcp({ address })
  open.push(listener)
  return listener
}

async function pair(address = '127.0.0.1'): Promise<[TcpConnection, TcpConnection]> {
  const listener = await listen(address)
  const accepted = new Promise<TcpConnection>((resolve) => {
    listener.onconnection = resolve
  })
  const client = await network.connectTcp({ host: address, port: listener.local.port })
  const server = await accepted
  open.push(client, server)
  return [client, server]
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

afterEach(() => {
  while (open.length > 0) open.pop()!.close()
})

describe.each(['127.0.0.1', '::1'])('TCP on %s', (address) => {
  it('carries bytes both ways', async () => {
    const [client, server] = await pair(address)
    expect(client.remote).toEqual(server.local)
    expect(server.remote).toEqual(client.local)
    expect(client.local).toMatchObject({ address, family: address === '::1' ? 6 : 4 })
    client.write(Uint8Array.of(1, 2, 3))
    expect([...(await read(server, 3))]).toEqual([1, 2, 3])
    server.write(Uint8Array.of(4))
    expect([...(await read(client, 1))]).toEqual([4])
  })
})

describe('a connection', () => {
  it('reads nothing before ondata is set', async () => {
    const [client, server] = await pair()
    client.write(Uint8Array.of(1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([...(await read(server, 1))]).toEqual([1])
  })

  it('stays open in the other direction after an end', async () => {
    const [client, server] = await pair()
    const ended = new Promise<void>((resolve) => {
      server.onend = resolve
    })
    server.ondata = () => {}
    client.end()
    expect(client.write(Uint8Array.of(9))).toBe(false)
    await ended
    const closed = new Promise<Error | undefined>((resolve) => {
      client.onclose = resolve
    })
    server.write(Uint8Array.of(5))
    expect([...(await read(client, 1))]).toEqual([5])
    server.end()
    expect(await closed).toBeUndefined()
  })

  it('tells when to wait and when to go on', async () => {
    const [client, server] = await pair()
    server.pause()
    const received = read(server, 8 * 1024 * 1024)
    const drained = new Promise<void>((resolve) => {
      client.ondrain = resolve
    })
    expect(client.write(new Uint8Array(8 * 1024 * 1024).fill(7))).toBe(false)
    expect(client.bufferedAmount).toBeGreaterThan(0)
    server.resume()
    await drained
    expect(client.bufferedAmount).toBe(0)
    expect((await received).every((byte) => byte === 7)).toBe(true)
  })

  it('is silent after an own close, and tells the other side', async () => {
    const [client, server] = await pair()
    const closed = new Promise<void>((resolve) => {
      server.onclose = () => resolve()
    })
    server.ondata = () => {}
    client.onclose = () => expect.unreachable()
    client.close()
    client.close()
    client.write(Uint8Array.of(1))
    await closed
  })
})

describe('connectTcp and listenTcp', () => {
  it('say what went wrong', async () => {
    const listener = await listen()
    const { port } = listener.local
    await expect(network.listenTcp({ address: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'EADDRINUSE',
    })
    listener.close()
    listener.close()
    const error = await network.connectTcp({ host: '127.0.0.1', port }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(NetError)
    expect(error).toMatchObject({ code: 'ERR_NET_CONNECT', systemCode: 'ECONNREFUSED', remote: { port } })
    await expect(network.connectTcp({ host: '127.0.0.1', port: 70_000 })).rejects.toMatchObject({
      code: 'ERR_NET_ARGUMENT',
    })
  })

  it('give up with the reason of their signal', async () => {
    const { port } = (await listen()).local
    const options = { host: '127.0.0.1', port }
    await expect(network.connectTcp({ ...options, signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const controller = new AbortController()
    const pending = network.connectTcp({ ...options, signal: controller.signal })
    const listening = network.listenTcp({ address: '127.0.0.1', signal: controller.signal })
    controller.abort('later')
    await expect(pending).rejects.toBe('later')
    await expect(listening).rejects.toBe('later')
  })

  it('fail when TLS meets something else', async () => {
    const listener = await listen()
    listener.onconnection = (connection) => {
      open.push(connection)
      connection.ondata = () => connection.write(new TextEncoder().encode('HTTP/1.1 400\r\n\r\n'))
    }
    await expect(
      network.connectTcp({ host: '127.0.0.1', port: listener.local.port, tls: { insecure: true } }),
    ).rejects.toMatchObject({ code: 'ERR_NET_CONNECT' })
  })
})

describe('TLS', () => {
  const read = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
  const certificate = read('localhost.cert.pem')

  async function serve(): Promise<number> {
    const server = createServer({ key: read('localhost.key.pem'), cert: certificate, ALPNProtocols: ['stun.turn'] })
    server.on('secureConnection', (socket) => socket.on('error', () => {}).pipe(socket))
    server.on('tlsClientError', () => {})
    open.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    return (server.address() as AddressInfo).port
  }

  it('carries bytes to a server whose name and certificate fit', async () => {
    const port = await serve()
    const tls = { authorities: [certificate], serverName: 'kaon.test', alpnProtocols: ['stun.turn'] }
    const connection = await network.connectTcp({ host: '127.0.0.1', port, tls })
    open.push(connection)
    const echoed = new Promise<Uint8Array>((resolve) => {
      connection.ondata = resolve
    })
    connection.write(Uint8Array.of(1, 2))
    expect([...(await echoed)]).toEqual([1, 2])
    expect(connection.remote).toEqual({ address: '127.0.0.1', port, family: 4 })
  })

  it('refuses an unknown authority and a wrong name, unless told not to look', async () => {
    const port = await serve()
    const connect = (tls: TlsOptions | true): Promise<TcpConnection> =>
      network.connectTcp({ host: '127.0.0.1', port, tls })
    await expect(connect(true)).rejects.toMatchObject({ code: 'ERR_NET_CONNECT' })
    await expect(connect({ authorities: [certificate], serverName: 'other.test' })).rejects.toMatchObject({
      code: 'ERR_NET_CONNECT',
      systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    open.push(await connect({ insecure: true }))
  })
})

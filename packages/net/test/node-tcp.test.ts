import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork } from '@kaon/net'
import type { TcpConnection, TcpListener, TlsOptions } from '@kaon/net'

// What TCP and TLS of every network have in common is in tcp-conformance.test.ts.

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

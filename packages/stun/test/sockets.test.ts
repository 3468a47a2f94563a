import { connect } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { createSelfSignedCertificate, defaultProvider, derToPem } from '@kaon/crypto'
import { createNetwork, type Network } from '@kaon/net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  attribute,
  BindingServer,
  LongTermAuthenticator,
  LongTermCredentials,
  MessageBuilder,
  StunFramer,
} from '../src/index.ts'
import { requestBinding, StunClient, StunServer, type StunServerOptions } from '../src/driver/index.ts'

const network: Network = createNetwork()
const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listen(options: Partial<StunServerOptions> = {}): Promise<StunServer> {
  const server = await StunServer.listen({ network, port: 0, addresses: ['127.0.0.1', '::1'], ...options })
  open.push(server)
  return server
}

/** A raw TCP connection that collects what comes back. */
function dial(
  port: number,
): Promise<{ write(bytes: Uint8Array): void; received: () => number; closed: Promise<void>; end(): void }> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    const socket = connect(port, '127.0.0.1')
    open.push({ close: () => socket.destroy() })
    socket.on('error', reject)
    socket.on('data', (chunk) => (bytes += chunk.length))
    const closed = new Promise<void>((done) => socket.on('close', () => done()))
    socket.on('connect', () =>
      resolve({ write: (data) => socket.write(data), received: () => bytes, closed, end: () => socket.end() }),
    )
  })
}

const request = (): Uint8Array => new MessageBuilder().start('request', 1, new Uint8Array(12)).finish()

describe('real sockets', () => {
  it.each([
    ['127.0.0.1', 'udp', 4],
    ['[::1]', 'udp', 6],
    ['127.0.0.1', 'tcp', 4],
    ['[::1]', 'tcp', 6],
  ] as const)('asks %s over %s', async (host, transport, family) => {
    const server = await listen({ software: 'real' })
    const result = await requestBinding({ network, server: `${host}:${server.port}`, transport, timeout: 5000 })
    expect(result.mappedAddress).toEqual({ address: host.replace(/[[\]]/g, ''), port: result.local.port, family })
    expect(result.local).toEqual(result.mappedAddress)
    expect(result.software).toBe('real')
    expect(result.roundTripTime).toBeGreaterThan(0)
  })

  it('listens on all addresses with one port when told nothing', async () => {
    const server = await listen({ addresses: undefined as never })
    expect(new Set(server.endpoints.map(({ local }) => local.port)).size).toBe(1)
    expect(server.endpoints.map(({ transport }) => transport)).toContain('tcp')
    const result = await requestBinding({ network, server: `127.0.0.1:${server.port}`, timeout: 5000 })
    expect(result.mappedAddress.address).toBe('127.0.0.1')
  })

  it('uses one TCP connection for all requests, and a new one when the server closed it', async () => {
    const server = await listen()
    const client = new StunClient({ network, server: `127.0.0.1:${server.port}`, transport: 'tcp', timeout: 5000 })
    open.push(client)
    const [one, two] = await Promise.all([client.binding(), client.binding()])
    expect(one.local.port).toBe(two.local.port)
    expect(server.stats.connections).toBe(1)
    const { port } = server
    server.close()
    await expect
      .poll(() => client.binding().catch((error: { code: string }) => error.code))
      .toBe('ERR_STUN_UNREACHABLE')
    await listen({ port })
    expect((await client.binding()).mappedAddress.address).toBe('127.0.0.1')
  })

  it('answers a challenge over TCP', async () => {
    const authenticator = new LongTermAuthenticator({ realm: 'r', passwords: new Map([['u', 'p']]) })
    const server = await listen({ authenticator })
    const at = { network, server: `127.0.0.1:${server.port}`, transport: 'tcp', timeout: 5000 } as const
    await requestBinding({ ...at, credentials: new LongTermCredentials({ username: 'u', password: 'p' }) })
    const wrong = new LongTermCredentials({ username: 'u', password: 'x' })
    await expect(requestBinding({ ...at, credentials: wrong })).rejects.toMatchObject({ code: 'ERR_STUN_CREDENTIALS' })
  })

  it('says when nobody listens', async () => {
    const server = await listen()
    const { port } = server
    server.close()
    const at = { network, server: `127.0.0.1:${port}` }
    await expect(requestBinding({ ...at, transport: 'tcp' })).rejects.toMatchObject({ code: 'ERR_STUN_UNREACHABLE' })
    await expect(requestBinding({ ...at, timeout: 50 })).rejects.toMatchObject({ code: 'ERR_STUN_TIMEOUT' })
  })

  it('asks over TLS and checks the certificate', async () => {
    const { host, authorities } = await tlsServer()
    const at = { network, server: `stuns:${host}`, timeout: 5000 }
    const result = await requestBinding({ ...at, tls: { authorities: [authorities], serverName: 'stun.test' } })
    expect(result.mappedAddress).toEqual({ address: '192.0.2.55', port: 55, family: 4 })
    await requestBinding({ ...at, tls: { insecure: true } })
    await expect(requestBinding(at)).rejects.toMatchObject({ code: 'ERR_STUN_UNREACHABLE' })
  })
})

describe('a hostile TCP client', () => {
  it('is cut off when it speaks something else', async () => {
    const server = await listen()
    const socket = await dial(server.port)
    socket.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n and more than twenty bytes'))
    await socket.closed
    expect(server.stats.connectionsMalformed).toBe(1)
  })

  it('is cut off when it announces a request that is too long', async () => {
    const server = await listen()
    const socket = await dial(server.port)
    const header = request()
    header[2] = 0x20
    socket.write(header)
    await socket.closed
    expect(server.stats.connectionsMalformed).toBe(1)
  })

  it('is cut off when it says nothing', async () => {
    const server = await listen({ idleTimeout: 30 })
    const socket = await dial(server.port)
    socket.write(request().subarray(0, 10))
    await socket.closed
    expect(server.stats.connectionsTimedOut).toBe(1)
  })

  it('finds the door closed when there are too many', async () => {
    const server = await listen({ maxConnections: 2 })
    await dial(server.port)
    await dial(server.port)
    await expect.poll(() => server.stats.connections).toBe(2)
    const third = await dial(server.port)
    await third.closed
    expect(server.stats.connectionsRefused).toBe(1)
  })

  it('gets the answers to pipelined requests, also after it has finished sending', async () => {
    const server = await listen()
    const socket = await dial(server.port)
    const one = request()
    const many = new Uint8Array(one.length * 500)
    for (let index = 0; index < 500; index++) many.set(one, index * one.length)
    socket.write(many)
    socket.end()
    await socket.closed
    expect(socket.received()).toBe(500 * 32)
  })
})

/** A STUN server behind TLS, made of the platform's TLS server: it always answers with the same address. */
async function tlsServer(): Promise<{ host: string; authorities: string }> {
  const key = defaultProvider.generateSigningKey('ecdsa-p256')
  const now = Date.now()
  const certificate = createSelfSignedCertificate({
    key,
    commonName: 'stun.test',
    notBefore: now - 1000,
    notAfter: now + 3.6e6,
  })
  const authorities = derToPem(certificate, 'CERTIFICATE')
  const binding = new BindingServer()
  const server: Server = createServer({ cert: authorities, key: derToPem(key.toPkcs8(), 'PRIVATE KEY') }, (socket) => {
    const framer = new StunFramer()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      framer.push(new Uint8Array(chunk))
      for (let message = framer.pop(); message; message = framer.pop()) {
        socket.write(binding.respond(message, { address: '192.0.2.55', port: 55, family: 4 }, 0)!)
      }
    })
  })
  server.on('tlsClientError', () => {})
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { host: `127.0.0.1:${(server.address() as { port: number }).port}`, authorities }
}

it('has attributes for what RFC 5780 servers add', async () => {
  // Their place: a plain server must not send them.
  const server = await listen()
  const { message } = await requestBinding({ network, server: `127.0.0.1:${server.port}`, timeout: 5000 })
  expect(message.has(attribute.otherAddress)).toBe(false)
  expect(message.has(attribute.responseOrigin)).toBe(false)
})

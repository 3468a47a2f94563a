import { createNetwork, type Endpoint, type UdpSocket } from '@kaon/net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { allocateFirst, TurnClient, type TurnClientOptions } from '../src/driver/index.ts'
import { createRestCredentials } from '../src/index.ts'
import { type Coturn, freePort, startCoturn } from './coturn.ts'

const network = createNetwork()
const user = { username: 'alice', password: 'secret' }
const open: { close(): void }[] = []
let coturn: Coturn

beforeAll(async () => {
  coturn = await startCoturn(['--lt-cred-mech', '--user', 'alice:secret'])
})
afterAll(() => coturn.kill())
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

const client = (options: Partial<TurnClientOptions> = {}): TurnClient =>
  new TurnClient({ network, server: `turn:127.0.0.1:${coturn.port}`, ...user, ...options })

interface Echo {
  readonly socket: UdpSocket
  readonly heard: { from: Endpoint; data: Uint8Array }[]
}

/** A peer that sends everything back. */
async function echo(address = '127.0.0.1'): Promise<Echo> {
  const socket = await network.bindUdp({ address })
  open.push(socket)
  const heard: Echo['heard'] = []
  socket.onmessage = (data, from) => {
    heard.push({ from, data })
    socket.send(data.slice(), from)
  }
  return { socket, heard }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  )

describe('Kaon’s client and coturn', () => {
  it.each([
    ['udp', '127.0.0.1'],
    ['udp', '[::1]'],
    ['tcp', '127.0.0.1'],
    ['tcp', '[::1]'],
    ['tls', '127.0.0.1'],
  ] as const)('relays over %s, server %s', async (transport, host) => {
    const server =
      transport === 'tls' ? `turns:${host}:${coturn.tlsPort}` : `turn:${host}:${coturn.port}?transport=${transport}`
    const tls = { authorities: [coturn.certificate], serverName: 'turn.test' }
    const relay = await client({ server, tls }).allocate(host === '[::1]' ? { families: [6] } : {})
    open.push(relay)
    const peer = await echo(host.replace(/[[\]]/g, ''))
    const received: string[] = []
    relay.onmessage = (data, from) => {
      expect(from).toEqual(peer.socket.local)
      received.push(new TextDecoder().decode(data))
    }
    for (let count = 0; count < 200; count++) {
      // Lengths that need every padding.
      relay.send(new TextEncoder().encode(`${'x'.repeat(count % 7)}${count}`), peer.socket.local)
      if (count % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await expect.poll(() => received.length, { interval: 2 }).toBe(count + 1)
    }
    expect(peer.heard[0]!.from).toEqual(relay.local)
    expect(relay.turnStats.channelDataSent).toBeGreaterThan(150)
    expect(relay.turnStats.droppedUnexpected + relay.turnStats.droppedMalformed).toBe(0)
  })

  it('takes one relayed address where it wanted two', async () => {
    // coturn 4.6 knows ADDITIONAL-ADDRESS-FAMILY under the number of a draft, and has to ignore the real one.
    const relay = await client().allocate({ families: [4, 6] })
    open.push(relay)
    expect(relay.relayed.map(({ family }) => family)).toContain(4)
  })

  it('gets an even port and the next one', async () => {
    const first = await client().allocate({ evenPort: 'pair' })
    open.push(first)
    expect(first.local.port % 2).toBe(0)
    const second = await client().allocate({ reservationToken: first.reservationToken! })
    open.push(second)
    expect(second.local.port).toBe(first.local.port + 1)
  })

  it('is told of a wrong password', async () => {
    expect(await codeOf(client({ password: 'wrong' }).allocate())).toBe('ERR_TURN_CREDENTIALS')
    expect(await codeOf(client({ username: 'nobody' }).allocate())).toBe('ERR_TURN_CREDENTIALS')
  })

  it('checks the certificate', async () => {
    const server = `turns:127.0.0.1:${coturn.tlsPort}`
    expect(await codeOf(client({ server }).allocate())).toBe('ERR_TURN_UNREACHABLE')
  })

  it('connects peers over TCP (RFC 6062)', async () => {
    const relay = await client({ server: `turn:127.0.0.1:${coturn.port}?transport=tcp` }).allocateTcp()
    open.push(relay)
    const listener = await network.listenTcp({ address: '127.0.0.1' })
    open.push(listener)
    listener.onconnection = (connection) => {
      connection.ondata = (data) => connection.write(data)
    }
    const connection = await relay.connect(listener.local)
    open.push(connection)
    let received = 0
    connection.ondata = (data) => (received += data.length)
    connection.write(new Uint8Array(100_000))
    await expect.poll(() => received).toBe(100_000)

    relay.permit('127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const incoming = new Promise<string>((resolve) => {
      relay.onconnection = (one) => {
        open.push(one)
        one.ondata = (data) => resolve(new TextDecoder().decode(data))
      }
    })
    const outside = await network.connectTcp({ host: '127.0.0.1', port: relay.local.port })
    open.push(outside)
    outside.write(new TextEncoder().encode('hello'))
    expect(await incoming).toBe('hello')
  })
})

describe('coturn with settings of its own', () => {
  it('takes REST credentials, and refuses those whose time is over', async () => {
    const server = await startCoturn(['--use-auth-secret', '--static-auth-secret', 'shared'])
    open.push({ close: () => void server.kill() })
    const at = { network, server: `127.0.0.1:${server.port}` }
    const wallClock = (): number => Date.now()
    const relay = await new TurnClient({
      ...at,
      ...createRestCredentials('shared', 'bob', 60_000, { wallClock }),
    }).allocate()
    open.push(relay)
    const past = createRestCredentials('shared', 'bob', 60_000, { wallClock: () => Date.now() - 120_000 })
    expect(await codeOf(new TurnClient({ ...at, ...past }).allocate())).toBe('ERR_TURN_CREDENTIALS')
    const forged = createRestCredentials('other', 'bob', 60_000, { wallClock })
    expect(await codeOf(new TurnClient({ ...at, ...forged }).allocate())).toBe('ERR_TURN_CREDENTIALS')
  })

  it('renews nonces: a call goes on', async () => {
    const server = await startCoturn(['--lt-cred-mech', '--user', 'alice:secret', '--stale-nonce=1'])
    open.push({ close: () => void server.kill() })
    const relay = await new TurnClient({ network, server: `127.0.0.1:${server.port}`, ...user }).allocate({
      keepaliveInterval: 300,
    })
    open.push(relay)
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    await expect.poll(() => server.output().match(/Stale nonce/gi)?.length ?? 0, { timeout: 15_000 }).toBeGreaterThan(1)
    const peer = await echo()
    const answer = new Promise((resolve) => {
      relay.onmessage = resolve
    })
    relay.send(Uint8Array.of(1), peer.socket.local)
    await answer
    expect(lost).toBe(undefined)
  })

  it.each(['udp', 'tcp'] as const)(
    'notices that the server was killed and started again, over %s',
    async (transport) => {
      const args = ['--lt-cred-mech', '--user', 'alice:secret']
      const port = await freePort()
      const first = await startCoturn(args, { port })
      const own = new TurnClient({ network, server: `turn:127.0.0.1:${port}?transport=${transport}`, ...user })
      const relay = await own.allocate({ keepaliveInterval: 500 })
      open.push(relay)
      const lost = new Promise<{ code: string }>((resolve) => {
        relay.onclose = resolve
      })
      await first.kill()
      const second = await startCoturn(args, { port })
      open.push({ close: () => void second.kill() })
      expect((await lost).code).toBe(transport === 'udp' ? 'ERR_TURN_LOST' : 'ERR_TURN_UNREACHABLE')
      open.push(await own.allocate())
    },
  )

  it('follows ALTERNATE-SERVER', async () => {
    const front = await startCoturn([
      '--lt-cred-mech',
      '--user',
      'alice:secret',
      '--alternate-server',
      `127.0.0.1:${coturn.port}`,
    ])
    open.push({ close: () => void front.kill() })
    const relay = await new TurnClient({ network, server: `127.0.0.1:${front.port}`, ...user }).allocate()
    open.push(relay)
    expect(relay.server.port).toBe(coturn.port)
  })

  it('is raced with a silent one and one that refuses', async () => {
    const silent = await network.bindUdp({ address: '127.0.0.1' })
    open.push(silent)
    const clients = [`127.0.0.1:${silent.local.port}`, `127.0.0.1:${coturn.port}`, `127.0.0.1:${coturn.port}`].map(
      (server, index) => new TurnClient({ network, server, ...user, ...(index === 1 && { password: 'wrong' }) }),
    )
    const relay = await allocateFirst(clients, { network, stagger: 50 })
    open.push(relay)
    expect(relay.server.port).toBe(coturn.port)
  })
})

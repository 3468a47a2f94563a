import { describe, expect, it } from 'vitest'
import type { NetError, TcpConnection, TcpListener } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import type { LinkOptions, PacketEvent, VirtualHost } from '@kaon/net/virtual'

const SERVER = '203.0.113.1'

interface Scene {
  net: VirtualNetwork
  client: VirtualHost
  server: VirtualHost
  listener: TcpListener
  /** What the listener accepted. */
  accepted: TcpConnection[]
}

/** A round trip of 60 ms unless told otherwise. */
async function scene(link: LinkOptions = { delay: 20 }, serverLink: LinkOptions = { delay: 10 }): Promise<Scene> {
  const net = new VirtualNetwork({ seed: 9 })
  const client = net.addHost({ name: 'client', link })
  const server = net.addHost({ name: 'server', address: SERVER, link: serverLink })
  const listener = await server.listenTcp({ address: SERVER, port: 80 })
  const accepted: TcpConnection[] = []
  listener.onconnection = (connection) => accepted.push(connection)
  return { net, client, server, listener, accepted }
}

async function connected(on: Scene): Promise<[TcpConnection, TcpConnection]> {
  const connection = await on.net.runUntil(on.client.connectTcp({ host: SERVER, port: 80 }), 300_000)
  await on.net.runUntil(() => on.accepted.length > 0, 300_000)
  return [connection, on.accepted[0]!]
}

function failure(promise: Promise<unknown>): Promise<NetError> {
  return promise.then(
    () => expect.unreachable('it connected'),
    (error: NetError) => error,
  )
}

function count(connection: TcpConnection): { bytes: number; ended: boolean } {
  const seen = { bytes: 0, ended: false }
  connection.ondata = (data) => {
    seen.bytes += data.length
  }
  connection.onend = () => {
    seen.ended = true
  }
  return seen
}

describe('set-up', () => {
  it('takes a round trip, and the server half of one more', async () => {
    const on = await scene()
    await on.net.runUntil(on.client.connectTcp({ host: SERVER, port: 80 }))
    expect([on.net.now, on.accepted.length]).toEqual([60, 0])
    await on.net.run(30)
    expect(on.accepted.length).toBe(1)
    expect(on.accepted[0]!.remote.address).toBe(on.client.address)
  })

  it('repeats what is lost, after 1, 2, 4 … s, and gives up after 127', async () => {
    const on = await scene()
    on.client.link.down()
    const sent: number[] = []
    on.net.tap(({ kind, time }) => kind === 'sent' && sent.push(time))
    const error = await on.net.runUntil(failure(on.client.connectTcp({ host: SERVER, port: 80 })), 200_000)
    expect(error).toMatchObject({ code: 'ERR_NET_CONNECT', systemCode: 'ETIMEDOUT', remote: { port: 80 } })
    expect(sent).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 63_000])
    expect([on.net.now, on.client.openHandles, on.net.pending]).toEqual([127_000, 0, 0])
  })

  it('says that nobody has the address, also through NATs, and that there is no way out', async () => {
    const on = await scene()
    const behind = on.net.addHost({ via: on.net.addTopology('cgnat') })
    for (const host of [on.client, behind]) {
      const error = await on.net.runUntil(failure(host.connectTcp({ host: '203.0.113.99', port: 80 })))
      expect(error).toMatchObject({ code: 'ERR_NET_CONNECT', systemCode: 'EHOSTUNREACH' })
    }
    expect(on.net.now).toBeLessThan(200)
    on.client.interface().down()
    expect(await failure(on.client.connectTcp({ host: SERVER, port: 80 }))).toMatchObject({ systemCode: 'ENETUNREACH' })
    expect(on.client.openHandles).toBe(0)
  })

  it('tries the addresses of a name in turn', async () => {
    const on = await scene()
    on.net.addName('server.test', ['2001:db8::99', '203.0.113.77', SERVER])
    on.net.addHost({ address: '203.0.113.77', link: { loss: 1 } })
    const connection = await on.net.runUntil(on.client.connectTcp({ host: 'server.test', port: 80 }))
    expect(connection.remote.address).toBe(SERVER)
    expect(on.net.now).toBe(250 + 60)
  })

  it('opens from both sides at once (RFC 9293 §3.5)', async () => {
    const net = new VirtualNetwork()
    const [a, b] = [net.addHost(), net.addHost()]
    const both = Promise.all([
      a.connectTcp({ host: b.address, port: 2000, localPort: 1000 }),
      b.connectTcp({ host: a.address, port: 1000, localPort: 2000 }),
    ])
    const [x, y] = await net.runUntil(both)
    const seen = count(y)
    x.write(new Uint8Array(5000))
    x.end()
    await net.runUntil(() => seen.ended)
    expect(seen.bytes).toBe(5000)
  })

  it('works on the host itself, over IPv6 and link-local addresses', async () => {
    const net = new VirtualNetwork()
    const lan = net.addRouter()
    const a = net.addHost({ via: lan, address: ['fe80::a', '2001:db8:5::a', '10.1.0.5'] })
    const b = net.addHost({ via: lan, address: ['fe80::b', '2001:db8:5::b', '10.1.0.6'] })
    for (const [host, bound, wanted] of [
      [a, '127.0.0.1', '127.0.0.1'],
      [b, '::', '::1'],
      [b, '::', '2001:db8:5::b'],
      [b, 'fe80::b%eth0', 'fe80::b%eth0'],
    ] as const) {
      const listener = await host.listenTcp({ address: bound })
      const accepted = new Promise<TcpConnection>((resolve) => {
        listener.onconnection = resolve
      })
      const client = wanted === '127.0.0.1' || wanted === '::1' ? host : a
      const options = { host: wanted, port: listener.local.port }
      const [connection, other] = await net.runUntil(Promise.all([client.connectTcp(options), accepted]))
      expect(other.local).toEqual(connection.remote)
      const seen = count(other)
      connection.write(new Uint8Array(100_000))
      await net.runUntil(() => seen.bytes === 100_000)
      for (const one of [connection, other, listener]) one.close()
    }
    await net.run(120_000)
    expect([a.openHandles, b.openHandles, net.pending]).toEqual([0, 0, 0])
  })
})

describe('data', () => {
  const MEGABYTE = 1_000_000

  it.each([
    ['loss', { loss: 0.05 }],
    ['bursts of loss', { burstLoss: { enter: 0.01, leave: 0.2 } }],
    ['reordering', { reorder: 0.2 }],
    ['duplicates', { duplicate: 0.2 }],
    ['jitter', { jitter: 15 }],
    ['all of it', { loss: 0.02, reorder: 0.05, duplicate: 0.05, jitter: 10, rate: 5e6, queue: 50 }],
  ])('comes in order and whole through %s', async (_name, effects) => {
    const on = await scene({ delay: 10, ...effects }, { delay: 5 })
    const [client, server] = await connected(on)
    const sent = new Uint8Array(MEGABYTE).map((_, i) => (i * 2654435761) >>> 24)
    const got = new Uint8Array(MEGABYTE)
    let at = 0
    server.ondata = (data) => {
      got.set(data, at)
      at += data.length
    }
    for (let from = 0; from < sent.length; from += 10_007) client.write(sent.slice(from, from + 10_007))
    client.end()
    await on.net.runUntil(() => at === MEGABYTE, 600_000)
    expect(Buffer.compare(got, sent)).toBe(0)
    await on.net.runUntilIdle()
  })

  it('fills a link, and shares it with UDP', async () => {
    const on = await scene({ delay: 20 }, { delay: 10, downstream: { rate: 10e6, queue: 100 } })
    const [client, server] = await connected(on)
    const seen = count(server)
    const start = on.net.now
    client.write(new Uint8Array(5 * MEGABYTE))
    await on.net.runUntil(() => seen.bytes === 5 * MEGABYTE)
    const alone = on.net.now - start
    expect((seen.bytes * 8) / alone / 1000).toBeGreaterThan(8) // Mbit/s
    // Half of the rate as datagrams that heed nothing.
    const udp = await on.client.bindUdp()
    const flood = (): void => {
      udp.send(new Uint8Array(1222), { address: SERVER, port: 9, family: 4 })
      on.client.setTimer(on.client.now() + 2, flood)
    }
    flood()
    const before = on.net.now
    client.write(new Uint8Array(MEGABYTE))
    await on.net.runUntil(() => seen.bytes === 6 * MEGABYTE)
    expect(on.net.now - before).toBeGreaterThan((1.5 * alone) / 5)
    expect(on.server.link.downstream.stats.queueDropped).toBeGreaterThan(0)
  })

  it('is not held up by its own window on a long way', async () => {
    const on = await scene({ delay: 40 }, { delay: 10, rate: 50e6 })
    const [client, server] = await connected(on)
    const seen = count(server)
    const start = on.net.now
    client.write(new Uint8Array(20 * MEGABYTE))
    await on.net.runUntil(() => seen.bytes === 20 * MEGABYTE)
    expect((seen.bytes * 8) / (on.net.now - start) / 1000).toBeGreaterThan(35) // Mbit/s
  })

  it('has segments that fit the narrowest link of the way', async () => {
    const on = await scene({ delay: 10, mtu: 1400 }, { delay: 10, mtu: 1300 })
    const [client, server] = await connected(on)
    const [up, down] = [count(server), count(client)]
    let largest = 0
    on.net.tap(({ packet }) => {
      largest = Math.max(largest, packet.data.length)
    })
    client.write(new Uint8Array(50_000))
    server.write(new Uint8Array(50_000))
    await on.net.runUntil(() => up.bytes === 50_000 && down.bytes === 50_000)
    expect([largest, on.net.dropped.mtu]).toEqual([1260, 0])
  })

  it('waits for a reader, and goes on when a window update is lost', async () => {
    const on = await scene()
    const [client, server] = await connected(on)
    client.write(new Uint8Array(3 * MEGABYTE))
    await on.net.run(60_000)
    expect(client.bufferedAmount).toBeGreaterThan(0)
    const stalled = client.bufferedAmount
    await on.net.run(600_000) // the window stays shut, and nobody gives up
    expect(client.bufferedAmount).toBe(stalled)
    on.server.link.down()
    const seen = count(server)
    await on.net.run(10)
    on.server.link.up()
    await on.net.runUntil(() => seen.bytes === 3 * MEGABYTE, 120_000)
    expect(client.bufferedAmount).toBe(0)
  })

  it('waits while paused', async () => {
    const on = await scene()
    const [client, server] = await connected(on)
    const seen = count(server)
    client.write(new Uint8Array(10))
    server.pause()
    client.end()
    await on.net.run(1000)
    expect(seen).toEqual({ bytes: 0, ended: false })
    server.resume()
    await on.net.run(0)
    expect(seen).toEqual({ bytes: 10, ended: true })
  })

  it('survives a cable that was pulled for a minute, not one for an hour', async () => {
    const on = await scene()
    const [client, server] = await connected(on)
    const seen = count(server)
    on.client.link.down()
    client.write(new Uint8Array(5000))
    await on.net.run(60_000)
    on.client.link.up()
    await on.net.runUntil(() => seen.bytes === 5000, 60_000)
    on.client.link.down()
    let error: Error | undefined
    client.onclose = (reason) => {
      error = reason
    }
    client.write(new Uint8Array(1))
    await on.net.run(3_600_000)
    expect(error).toMatchObject({ code: 'ERR_NET_SOCKET', systemCode: 'ETIMEDOUT' })
    expect(on.net.pending).toBe(0)
  })
})

describe('the end', () => {
  it('leaves nothing behind on either side', async () => {
    const on = await scene({ delay: 20, loss: 0.2 })
    for (let i = 0; i < 20; i++) {
      const [client, server] = await connected(on)
      on.accepted.length = 0
      const seen = count(server)
      client.ondata = () => {}
      client.write(new Uint8Array(3000))
      client.end()
      await on.net.runUntil(() => seen.ended, 120_000)
      expect(seen.bytes).toBe(3000)
      server.end()
    }
    on.listener.close()
    await on.net.run(2_000_000)
    expect([on.client.openHandles, on.server.openHandles, on.net.pending]).toEqual([0, 0, 0])
  })

  it('is a reset when something was not read', async () => {
    const on = await scene()
    const [client, server] = await connected(on)
    let error: Error | undefined
    client.ondata = () => {}
    client.onclose = (reason) => {
      error = reason
    }
    client.write(new Uint8Array(10))
    await on.net.run(100)
    server.close()
    await on.net.run(100)
    expect(error).toMatchObject({ code: 'ERR_NET_SOCKET', systemCode: 'ECONNRESET' })
  })

  it('what the system has taken still goes out after close, the rest does not', async () => {
    const on = await scene()
    const [client, server] = await connected(on)
    const seen = count(server)
    client.write(new Uint8Array(3 * 1024 * 1024))
    client.close()
    await on.net.runUntil(() => seen.ended)
    expect(seen.bytes).toBe(1024 * 1024)
  })

  it('is noticed at the next segment when the other host was restarted', async () => {
    const on = await scene()
    const [client] = await connected(on)
    on.server.crash()
    let error: Error | undefined
    client.onclose = (reason) => {
      error = reason
    }
    on.net.addHost({ name: 'reborn', address: SERVER })
    client.write(new Uint8Array(1))
    await on.net.run(100)
    expect(error).toMatchObject({ systemCode: 'ECONNRESET' })
    expect([on.client.openHandles, on.server.openHandles]).toEqual([0, 0])
  })

  it('an old connection gives way to a new one between the same ports', async () => {
    const on = await scene()
    const options = { host: SERVER, port: 80, localPort: 5000 }
    for (let round = 1; round <= 3; round++) {
      const client = await on.net.runUntil(on.client.connectTcp(options))
      await on.net.runUntil(() => on.accepted.length === round)
      await expect(on.client.connectTcp(options)).rejects.toMatchObject({ systemCode: 'EADDRINUSE' })
      on.accepted.at(-1)!.ondata = () => {}
      client.ondata = () => {}
      client.close()
      await on.net.run(200) // the client's end is in TIME-WAIT now
    }
  })

  it.each([0, 1000])('a host that was restarted comes again from the same port, after %i ms', async (pause) => {
    const on = await scene()
    const options = { host: SERVER, port: 80, localPort: 5000 }
    await on.net.runUntil(on.client.connectTcp(options))
    await on.net.run(pause)
    // The server has an open connection then, or one whose handshake was never finished.
    expect(on.accepted.length).toBe(pause === 0 ? 0 : 1)
    const { address } = on.client
    on.client.crash()
    const reborn = on.net.addHost({ address, link: { delay: 20 } })
    await on.net.runUntil(reborn.connectTcp(options))
    await on.net.run(100)
    expect(on.accepted.length).toBe(pause === 0 ? 1 : 2)
  })
})

describe('limits', () => {
  it('511 half-open connections to a listener, and room again when they time out', async () => {
    const on = await scene({ delay: 1 })
    on.server.link.set({ upstream: { filter: ({ segment }) => segment!.flags !== 0x12 } }) // SYN and ACK never arrive
    for (let i = 0; i < 600; i++) on.client.connectTcp({ host: SERVER, port: 80 }).catch(() => {})
    await on.net.run(100)
    expect(on.net.dropped.port).toBe(600 - 511)
    await on.net.run(400_000)
    on.server.link.set({ upstream: { filter: undefined } })
    expect(on.client.openHandles).toBe(0)
    expect((await connected(on)).length).toBe(2)
  })
})

describe('TLS', () => {
  it('costs a round trip more, and bytes', async () => {
    const on = await scene()
    on.net.addName('turn.test', SERVER)
    const identity = on.net.issueCertificate(['turn.test', '*.example.org', SERVER])
    const listener = await on.server.listenTcp({ port: 443, tls: identity })
    let server: TcpConnection | undefined
    listener.onconnection = (connection) => {
      server = connection
    }
    const connection = await on.net.runUntil(on.client.connectTcp({ host: 'turn.test', port: 443, tls: true }))
    expect(on.net.now).toBe(120)
    await on.net.runUntil(() => server !== undefined)
    const seen = count(server!)
    const before = on.client.link.upstream.stats.bytes
    connection.write(new Uint8Array(100))
    await on.net.runUntil(() => seen.bytes === 100)
    expect(on.client.link.upstream.stats.bytes - before).toBe(100 + 22 + 40)
    for (const tls of [true, { serverName: 'a.example.org' }] as const) {
      await on.net.runUntil(on.client.connectTcp({ host: SERVER, port: 443, tls }))
    }
  })

  it('names what is wrong with a certificate as OpenSSL and Node do', async () => {
    const on = await scene()
    const self = on.net.issueCertificate('turn.test', { selfSigned: true })
    const wallClock = on.client.wallClock()
    const old = on.net.issueCertificate('turn.test', { notAfter: wallClock - 1 })
    const good = on.net.issueCertificate('*.turn.test')
    let port = 5000
    const connect = async (
      identity: { certificate: string; privateKey: string },
      tls: object,
    ): Promise<string | undefined> => {
      const listener = await on.server.listenTcp({ port: ++port, tls: identity })
      listener.onconnection = () => {}
      const attempt = on.client.connectTcp({ host: SERVER, port, tls }).then(
        () => undefined,
        (error: NetError) => error.systemCode,
      )
      return on.net.runUntil(attempt)
    }
    expect(await connect(self, { serverName: 'turn.test' })).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(await connect(self, { serverName: 'turn.test', authorities: [self.certificate] })).toBeUndefined()
    expect(await connect(old, { serverName: 'turn.test' })).toBe('CERT_HAS_EXPIRED')
    expect(await connect(old, { insecure: true })).toBeUndefined()
    expect(await connect(good, { serverName: 'turn.test' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await connect(good, { serverName: 'A.turn.test' })).toBeUndefined()
    expect(await connect(good, { serverName: 'a.b.turn.test' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await connect(good, { serverName: 'a.turn.test', authorities: [self.certificate] })).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    )
    const mixed = { certificate: good.certificate, privateKey: self.privateKey }
    await expect(on.server.listenTcp({ tls: mixed })).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    })
  })

  it('does not wait for ever for a client, and stops when told', async () => {
    const on = await scene()
    const listener = await on.server.listenTcp({ port: 443, tls: on.net.issueCertificate(SERVER) })
    listener.onconnection = () => expect.unreachable()
    const silent = await on.net.runUntil(on.client.connectTcp({ host: SERVER, port: 443 }))
    const seen = count(silent)
    await on.net.run(10_200)
    expect(seen.ended).toBe(true)
    const controller = new AbortController()
    const { signal } = controller
    const pending = failure(on.client.connectTcp({ host: SERVER, port: 443, tls: true, signal }))
    await on.net.run(90) // between the two handshakes
    controller.abort('enough')
    expect(await on.net.runUntil(pending)).toBe('enough')
    silent.close()
    await on.net.run(1000)
    expect(on.client.openHandles).toBe(0)
  })
})

it('the same seed gives the same run, segment for segment', async () => {
  const run = async (): Promise<string[]> => {
    const on = await scene({ delay: 10, jitter: 5, loss: 0.1 })
    const log: string[] = []
    const write = ({ time, kind, where, packet: { segment, data } }: PacketEvent): unknown =>
      log.push(`${time} ${kind} ${where} ${segment!.flags} ${segment!.sequence}+${data.length}`)
    on.net.tap(write)
    const [client, server] = await connected(on)
    const seen = count(server)
    client.write(new Uint8Array(100_000))
    await on.net.runUntil(() => seen.bytes === 100_000, 60_000)
    return log
  }
  const first = await run()
  expect(first.length).toBeGreaterThan(200)
  expect(await run()).toEqual(first)
})

import { createNetwork } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import type { DtlsError } from '@kaon/dtls'
import { type DtlsConnectOptions, type DtlsListenOptions, DtlsServer, DtlsSocket } from '@kaon/dtls/driver'
import { bytes, identity, sha256Of, text } from './pair.ts'

type World = Awaited<ReturnType<typeof world>>

/** A server and a client host 20 ms apart; what the server hears. */
async function world(options: Partial<DtlsListenOptions> = {}) {
  const net = new VirtualNetwork({ seed: 5 })
  const serverHost = net.addHost({ name: 'server', link: { delay: 10 }, families: [4, 6] })
  const clientHost = net.addHost({ name: 'client', link: { delay: 10 }, families: [4, 6] })
  const server = await DtlsServer.listen({
    network: serverHost,
    port: 4433,
    certificate: identity('ecdsa-p256', 'server'),
    requireClientCertificate: false,
    ...options,
  })
  const sockets: DtlsSocket[] = []
  const errors: Error[] = []
  const heard: string[] = []
  server.onconnection = (socket) => {
    sockets.push(socket)
    socket.onmessage = (data) => {
      heard.push(text(data))
      socket.send(bytes(`echo ${text(data)}`))
    }
  }
  server.onerror = (error) => errors.push(error)
  return { net, serverHost, clientHost, server, sockets, errors, heard }
}

function start({ clientHost, serverHost }: World, options: Partial<DtlsConnectOptions> = {}): Promise<DtlsSocket> {
  return DtlsSocket.connect({
    host: serverHost.address,
    port: 4433,
    network: clientHost,
    remoteFingerprints: [sha256Of(identity('ecdsa-p256', 'server'))],
    ...options,
  })
}

function connect(all: World, options: Partial<DtlsConnectOptions> = {}): Promise<DtlsSocket> {
  return all.net.runUntil(start(all, options), 120_000)
}

describe('client and server over a network', () => {
  it('connect after a cookie exchange, talk, and close', async () => {
    const all = await world()
    const socket = await connect(all)
    expect(all.net.now).toBeCloseTo(120, -1) // three round trips of 40 ms: one for the cookie
    expect(socket.remote).toMatchObject({ address: all.serverHost.address, port: 4433 })
    expect(socket.selected?.cipherSuite).toBe('TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256')
    const got: string[] = []
    socket.onmessage = (data) => got.push(text(data))
    for (const word of ['one', 'two', 'three']) socket.send(bytes(word))
    await all.net.run(100)
    expect(all.heard).toEqual(['one', 'two', 'three'])
    expect(got).toEqual(['echo one', 'echo two', 'echo three'])
    expect(all.sockets[0]!.exportKeyingMaterial('EXPORTER-x', 9)).toEqual(socket.exportKeyingMaterial('EXPORTER-x', 9))
    let closed: unknown = 'not yet'
    all.sockets[0]!.onclose = (error) => (closed = error)
    socket.close()
    socket.close()
    await all.net.run(100)
    expect(closed).toBeUndefined()
    expect(all.server.connections).toBe(0)
    expect(() => socket.send(bytes('too late'))).toThrow(expect.objectContaining({ code: 'ERR_DTLS_STATE' }))
    all.server.close()
    await all.net.runUntilIdle()
    expect(all.errors).toEqual([])
  })

  it('connect through loss', async () => {
    const all = await world({ retransmissionTimeout: 100 })
    all.clientHost.link.upstream.set({ loss: 0.3 })
    all.clientHost.link.downstream.set({ loss: 0.3 })
    const socket = await connect(all, { retransmissionTimeout: 100 })
    expect(socket.state).toBe('connected')
  })

  it('hold what comes before onmessage is set', async () => {
    const all = await world()
    all.server.onconnection = (socket) => socket.send(bytes('welcome'))
    const socket = await connect(all)
    await all.net.run(100)
    const got: string[] = []
    socket.onmessage = (data) => got.push(text(data))
    expect(got).toEqual(['welcome'])
  })

  it('serve many at once, each its own', async () => {
    const all = await world()
    const sockets = await all.net.runUntil(Promise.all(Array.from({ length: 20 }, () => start(all))))
    const got: string[] = []
    sockets.forEach((socket, i) => {
      socket.onmessage = (data) => got.push(`${i} ${text(data)}`)
      socket.send(bytes(`client ${i}`))
    })
    await all.net.run(100)
    expect(got).toEqual(sockets.map((_, i) => `${i} echo client ${i}`))
    expect(all.server.connections).toBe(20)
    all.server.close()
    await all.net.run(100)
    expect(sockets.map(({ state }) => state)).toEqual(sockets.map(() => 'closed'))
  })

  it('keep nothing about a client before its cookie has come back', async () => {
    const all = await world()
    const spoofer = await all.clientHost.bindUdp()
    const { DtlsConnection } = await import('@kaon/dtls')
    for (let i = 0; i < 50; i++) {
      const client = new DtlsConnection({ role: 'client', now: 0 })
      client.start(0)
      spoofer.send(client.pollTransmit(0)!, { address: all.serverHost.address, port: 4433, family: 4 })
    }
    spoofer.send(Uint8Array.of(22, 1, 2), { address: all.serverHost.address, port: 4433, family: 4 })
    await all.net.run(100)
    expect(all.server.connections).toBe(0)
    expect(spoofer.stats.datagramsReceived).toBe(50)
    expect(spoofer.stats.bytesReceived).toBeLessThan(spoofer.stats.bytesSent)
  })

  it('bound associations and handshakes', async () => {
    const all = await world({ maxConnections: 2, maxHandshakes: 1 })
    await connect(all)
    await connect(all)
    await expect(connect(all, { handshakeTimeout: 3000 })).rejects.toMatchObject({ code: 'ERR_DTLS_TIMEOUT' })
    expect(all.server.connections).toBe(2)
  })

  it('let a client that lost its state begin anew from the same port, only once it has proved to be there', async () => {
    const all = await world()
    const first = await connect(all, { localPort: 5555 })
    const ended: unknown[] = []
    all.sockets[0]!.onclose = (error) => ended.push(error)
    // Its goodbye never arrives.
    all.clientHost.link.upstream.set({ filter: () => false })
    first.close()
    await all.net.run(100)
    all.clientHost.link.upstream.set({ filter: undefined })
    expect(all.sockets[0]!.state).toBe('connected')
    const second = await connect(all, { localPort: 5555 })
    second.send(bytes('me again'))
    await all.net.run(100)
    expect(ended).toEqual([undefined])
    expect(all.heard).toEqual(['me again'])
    expect(all.sockets).toHaveLength(2)
    expect(all.server.connections).toBe(1)
  })

  it('let a client begin anew in the middle of its handshake', async () => {
    const all = await world({ maxHandshakes: 1 })
    // The first attempt ends silently, when the server has sent its flight.
    const controller = new AbortController()
    const first = start(all, { localPort: 5555, signal: controller.signal })
    first.catch(() => {})
    await all.net.run(70)
    expect([all.server.connections, all.sockets.length]).toEqual([1, 0])
    all.clientHost.link.upstream.set({ filter: () => false })
    controller.abort()
    await all.net.run(10)
    all.clientHost.link.upstream.set({ filter: undefined })
    const before = all.net.now
    const second = await connect(all, { localPort: 5555 })
    expect(all.net.now - before).toBeLessThan(200)
    second.send(bytes('me again'))
    await all.net.run(100)
    expect(all.heard).toEqual(['me again'])
    expect([all.server.connections, all.errors]).toEqual([1, []])
  })

  it('let go of hellos that never become whole', async () => {
    for (const cookie of [true, false]) {
      const all = await world({ cookie, maxHandshakes: 5, handshakeTimeout: 3000 })
      const to = { address: all.serverHost.address, port: 4433, family: 4 as const }
      const { DtlsConnection } = await import('@kaon/dtls')
      for (let i = 0; i < 5; i++) {
        const client = new DtlsConnection({ role: 'client', now: 0, mtu: 128 })
        const socket = await all.clientHost.bindUdp()
        socket.onmessage = (data) => {
          client.receive(data, all.net.now)
          const reply = client.pollTransmit(all.net.now)
          if (reply !== undefined) socket.send(reply, to)
        }
        client.start(0)
        socket.send(client.pollTransmit(0)!, to)
        while (client.pollTransmit(0) !== undefined); // its other parts are never sent
      }
      await all.net.run(1000)
      expect(all.server.connections).toBe(5)
      await all.net.run(3000)
      expect(all.server.connections).toBe(0)
      expect(all.errors).toHaveLength(5)
      await connect(all)
    }
  })

  it('without cookies send nothing twice to who does not answer', async () => {
    const all = await world({ cookie: false })
    const { DtlsConnection } = await import('@kaon/dtls')
    const client = new DtlsConnection({ role: 'client', now: 0 })
    client.start(0)
    const spoofer = await all.clientHost.bindUdp()
    spoofer.send(client.pollTransmit(0)!, { address: all.serverHost.address, port: 4433, family: 4 })
    await all.net.run(50_000)
    expect(spoofer.stats.bytesReceived).toBeLessThan(8 * spoofer.stats.bytesSent)
  })

  it('go on when a callback throws', async () => {
    const all = await world()
    const socket = await connect(all)
    all.sockets[0]!.onmessage = () => {
      throw new Error('of the application')
    }
    socket.send(bytes('one'))
    await expect(all.net.run(100)).rejects.toThrow('of the application')
    all.sockets[0]!.onmessage = (data) => all.heard.push(text(data))
    socket.send(bytes('two'))
    await all.net.run(100)
    expect(all.heard).toEqual(['two'])
  })

  it('work over IPv6 and by name', async () => {
    const all = await world()
    const six = await DtlsServer.listen({
      network: all.serverHost,
      family: 6,
      port: 4434,
      certificate: identity('ecdsa-p256', 'server'),
      requireClientCertificate: false,
    })
    six.onconnection = (socket) => socket.send(bytes('six'))
    all.net.addName(
      'dtls.example',
      all.serverHost.addresses.filter((address) => address.includes(':')),
    )
    const socket = await connect(all, { host: 'dtls.example', port: 4434 })
    expect(socket.remote.family).toBe(6)
  })
})

describe('failing', () => {
  it('rejects with what went wrong, and leaves nothing open', async () => {
    const all = await world()
    const wrong = [sha256Of(identity('ecdsa-p256', 'somebody else'))]
    await expect(connect(all, { remoteFingerprints: wrong })).rejects.toMatchObject({ code: 'ERR_DTLS_FINGERPRINT' })
    await all.net.run(2000)
    expect((all.errors as DtlsError[]).map(({ code, alert }) => [code, alert])).toEqual([
      ['ERR_DTLS_ALERT', 'bad_certificate'],
    ])
    expect(all.server.connections).toBe(0)
    all.server.close()
    await all.net.runUntilIdle()
  })

  it('rejects when nobody is there', async () => {
    const all = await world()
    await expect(connect(all, { port: 9, handshakeTimeout: 5000 })).rejects.toMatchObject({ code: 'ERR_DTLS_TIMEOUT' })
  })

  it('rejects with the reason of the signal', async () => {
    const all = await world()
    const early = new AbortController()
    early.abort(new Error('never mind'))
    await expect(connect(all, { signal: early.signal })).rejects.toThrow('never mind')
    const late = new AbortController()
    const promise = connect(all, { port: 9, signal: late.signal })
    const timer = all.clientHost.setTimer(all.net.now + 500, () => late.abort(new Error('took too long')))
    await expect(promise).rejects.toThrow('took too long')
    timer.cancel()
    all.server.close()
    await all.net.runUntilIdle()
  })

  it('says at once what cannot work', async () => {
    const all = await world()
    const options = { code: 'ERR_DTLS_OPTIONS' }
    await expect(connect(all, { remoteFingerprints: undefined as never })).rejects.toMatchObject(options)
    await expect(connect(all, { mtu: 1 })).rejects.toMatchObject(options)
    await expect(world({ mtu: 1 })).rejects.toMatchObject(options)
    await expect(world({ requireClientCertificate: true })).rejects.toMatchObject(options)
    await expect(world({ requestClientCertificate: true })).rejects.toMatchObject(options)
    ;(await world({ requestClientCertificate: true, verifyPeer: () => true })).server.close()
  })
})

describe('on this machine', () => {
  it('works over real sockets, from the default network', async () => {
    const server = await DtlsServer.listen({
      address: '127.0.0.1',
      certificate: identity('ecdsa-p256', 'server'),
      requireClientCertificate: false,
      network: createNetwork(),
    })
    server.onconnection = (socket) => {
      socket.onmessage = (data) => socket.send(data)
    }
    const socket = await DtlsSocket.connect({
      host: '127.0.0.1',
      port: server.local.port,
      remoteFingerprints: [sha256Of(identity('ecdsa-p256', 'server'))],
    })
    const answer = new Promise<Uint8Array>((resolve) => {
      socket.onmessage = resolve
    })
    socket.send(bytes('real'))
    expect(text(await answer)).toBe('real')
    socket.close()
    server.close()
  })
})

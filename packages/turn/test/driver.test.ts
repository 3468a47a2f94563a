import { describe, expect, it } from 'vitest'
import type { RelaySocket } from '../src/driver/index.ts'
import { addEcho, decode, type Echo, encode, makeScene, type Scene, user } from './scene.ts'
import { allocateFirst, TurnClient } from '../src/driver/index.ts'
import { LongTermAuthenticator } from '@kaon/stun'

const code = (expected: string, responseCode?: number): unknown =>
  expect.objectContaining({ name: 'TurnError', code: expected, ...(responseCode && { responseCode }) })

/** Sends texts to a peer and waits for all of them to come back. */
async function chat({ net }: Scene, relay: RelaySocket, peer: Echo, texts: string[]): Promise<string[]> {
  const back: string[] = []
  relay.onmessage = (data, from) => {
    expect(from).toEqual(peer.at)
    back.push(decode(data))
  }
  for (const text of texts) {
    relay.send(encode(text), peer.at)
    await net.run(50)
  }
  return back
}

describe('client and server on the virtual network', () => {
  it.each([4, 6] as const)('relay datagrams over IPv%i', async (family) => {
    const scene = await makeScene()
    const { net, server, serverHost, host } = scene
    const relay = await net.runUntil(scene.client({ family }).allocate({ families: [family] }))
    expect(relay.local).toMatchObject({
      address: serverHost.addresses.find((one) => one.includes(':') === (family === 6)),
      family,
    })
    expect(relay.local.port).toBeGreaterThanOrEqual(49_152)
    expect(relay.mapped.port).toBe(relay.base.port)
    const peer = await addEcho(net, family)
    expect(await chat(scene, relay, peer, ['one', 'two', 'three', ''])).toEqual(['one', 'two', 'three', ''])
    expect(peer.heard.map(({ from }) => from)).toEqual(Array.from({ length: 4 }, () => relay.local))
    expect(relay.turnStats).toMatchObject({ datagramsSent: 4, datagramsReceived: 4, channelDataSent: 3 })
    expect(relay.stats).toMatchObject({ bytesSent: 11, bytesReceived: 11, sendErrors: 0 })
    expect(server.stats).toMatchObject({
      allocations: 1,
      permissions: 1,
      channels: 1,
      datagramsToPeers: 4,
      bytesToClients: 11,
    })
    relay.close()
    await net.run(1000)
    expect(server.stats).toMatchObject({ allocations: 0, permissions: 0, channels: 0 })
    expect(host.openHandles).toBe(0)
    server.close()
    expect(serverHost.openHandles).toBe(0)
  })

  it('have one address of each family, and one client reaches the other through two relays', async () => {
    const scene = await makeScene()
    const { net, serverHost } = scene
    const left = await net.runUntil(scene.client().allocate({ families: [4, 6] }))
    expect(left.relayed.map(({ family }) => family)).toEqual([4, 6])
    expect(left.relayed.map(({ address }) => address)).toEqual(serverHost.addresses)
    const right = await net.runUntil(scene.client({ username: 'bob', password: 'hidden' }).allocate({ families: [6] }))
    const heard: string[] = []
    right.permit(left.relayed[1]!.address)
    right.onmessage = (data, from) => {
      heard.push(decode(data))
      right.send(encode('pong'), from)
    }
    left.onmessage = (data) => heard.push(decode(data))
    await net.run(100)
    left.send(encode('ping'), right.local)
    await net.run(300)
    expect(heard).toEqual(['ping', 'pong'])
  })

  it.each(['full-cone', 'restricted-cone', 'port-restricted-cone', 'symmetric'] as const)(
    'reach out of a %s NAT',
    async (type) => {
      const scene = await makeScene()
      const nat = scene.net.addNat({ type })
      const inside = scene.net.addHost({ via: nat })
      const relay = await scene.net.runUntil(scene.client({ network: inside }).allocate())
      expect(relay.mapped.address).not.toBe(inside.address)
      const peer = await addEcho(scene.net)
      expect(await chat(scene, relay, peer, ['a', 'b'])).toEqual(['a', 'b'])
    },
  )

  it('bear loss, duplicates and reordering of everything', async () => {
    for (let seed = 2; seed <= 9; seed++) {
      const scene = await makeScene({}, seed)
      const { net, host } = scene
      Object.assign(host.link.upstream.effects, { loss: 0.3, duplicate: 0.3, reorder: 0.3 })
      Object.assign(host.link.downstream.effects, { loss: 0.3, duplicate: 0.3, reorder: 0.3 })
      const relay = await net.runUntil(scene.client({ timeout: 60_000 }).allocate({ families: [4, 6] }), 60_000)
      const peer = await addEcho(net)
      const back = await chat(
        scene,
        relay,
        peer,
        Array.from({ length: 200 }, (_, index) => `${index}`),
      )
      expect(back.length).toBeGreaterThan(50)
      expect(scene.server.stats.allocations).toBe(1)
      relay.close()
      await net.run(3000)
      expect(host.openHandles).toBe(0)
    }
  })

  it('keep allocation, permissions and channels for hours, through nonces that grow old', async () => {
    const scene = await makeScene()
    const { net, server } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const [busy, silent] = [await addEcho(net), await addEcho(net)]
    relay.permit(silent.at.address)
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    const back: string[] = []
    relay.onmessage = (data) => back.push(decode(data))
    for (let minute = 0; minute < 180; minute++) {
      relay.send(encode(`${minute}`), busy.at)
      await net.run(60_000)
    }
    expect(lost).toBeUndefined()
    expect(back).toHaveLength(180)
    silent.socket.send(encode('still here?'), relay.local)
    await net.run(100)
    expect(back.at(-1)).toBe('still here?')
    expect(server.stats.errorCodes[438]).toBeGreaterThan(5)
    expect(server.stats).toMatchObject({ allocations: 1, permissions: 2, channels: 1 })
    relay.close()
  })

  it('let permissions of peers end that nobody talks to', async () => {
    const scene = await makeScene()
    const { net } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const peer = await addEcho(net)
    expect(await chat(scene, relay, peer, ['x'])).toEqual(['x'])
    await net.run(21 * 60_000)
    peer.socket.send(encode('late'), relay.local)
    await net.run(100)
    expect(scene.server.stats.droppedUninvited).toBe(1)
    // And a new word opens the door again.
    expect(await chat(scene, relay, peer, ['y', 'z'])).toEqual(['y', 'z'])
    relay.close()
  })

  it('notice a server that has forgotten, within the keepalive interval', async () => {
    const scene = await makeScene()
    const { net, serverHost } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const errors: unknown[] = []
    relay.onclose = (error) => errors.push(error)
    scene.server.close()
    await net.run(1000)
    const second = await makeServerAgain(scene)
    const before = net.now
    await net.runUntil(() => errors.length > 0, 60_000)
    expect(net.now - before).toBeLessThan(27_000)
    expect(errors).toEqual([code('ERR_TURN_LOST', 437)])
    relay.permit('198.18.0.98')
    relay.send(encode('ignored'), { address: '198.18.0.99', port: 9, family: 4 })
    second.close()
    expect(serverHost.openHandles).toBe(0)
    expect(scene.host.openHandles).toBe(0)
  })

  it('notice a server that is gone', async () => {
    const scene = await makeScene()
    const relay = await scene.net.runUntil(scene.client().allocate())
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    scene.server.close()
    await scene.net.runUntil(() => lost !== undefined, 80_000)
    expect(lost).toEqual(code('ERR_TURN_TIMEOUT'))
    expect(scene.host.openHandles).toBe(0)
  })

  it('tell of wrong passwords, quotas, full ranges and refused peers', async () => {
    const scene = await makeScene({
      maxAllocationsPerUser: 2,
      portRange: [50_000, 50_002],
      permitPeer: (peer) => !peer.address.endsWith('.99'),
    })
    const { net } = scene
    const allocate = (options = {}): Promise<RelaySocket> => net.runUntil(scene.client(options).allocate())
    await expect(allocate({ password: 'wrong' })).rejects.toEqual(code('ERR_TURN_CREDENTIALS', 401))
    const first = await allocate()
    await allocate()
    await expect(allocate()).rejects.toEqual(code('ERR_TURN_RESPONSE', 486))
    const bob = { username: 'bob', password: 'hidden' }
    await allocate(bob)
    await expect(allocate(bob)).rejects.toEqual(code('ERR_TURN_RESPONSE', 508))
    first.close()
    await net.run(500)
    const again = await allocate(bob)
    const errors: unknown[] = []
    again.onerror = (error) => errors.push(error)
    again.send(encode('x'), { address: '198.18.0.99', port: 9, family: 4 })
    const peer = await addEcho(net)
    again.permit(peer.at.address)
    await net.run(200)
    expect(errors).toEqual([code('ERR_TURN_RESPONSE', 403)])
    expect(await chat(scene, again, peer, ['works'])).toEqual(['works'])
    again.send(encode('not asked again so soon'), { address: '198.18.0.99', port: 9, family: 4 })
    expect(again.turnStats.droppedOutgoing).toBe(2)
    // A family that this relay has not.
    again.send(encode('x'), { address: '2001:db8::99', port: 9, family: 6 })
    await net.run(200)
    expect(errors.at(-1)).toEqual(code('ERR_TURN_RESPONSE', 443))
  })

  it('reserve the next port (EVEN-PORT)', async () => {
    const scene = await makeScene({ portRange: [50_000, 50_003] })
    const { net, server } = scene
    const first = await net.runUntil(scene.client().allocate({ evenPort: 'pair' }))
    expect(first.local.port % 2).toBe(0)
    expect(server.stats.reservations).toBe(1)
    const { reservationToken } = first
    const second = await net.runUntil(scene.client().allocate({ reservationToken: reservationToken! }))
    expect(second.local.port).toBe(first.local.port + 1)
    await expect(net.runUntil(scene.client().allocate({ reservationToken: reservationToken! }))).rejects.toEqual(
      code('ERR_TURN_RESPONSE', 508),
    )
    const third = await net.runUntil(scene.client().allocate({ evenPort: 'pair' }))
    await net.run(31_000)
    expect(server.stats.reservations).toBe(0)
    for (const one of [first, second, third]) one.close()
    await net.run(1000)
    const even = await net.runUntil(scene.client().allocate({ evenPort: 'even' }))
    expect(even.local.port % 2).toBe(0)
    expect(even.reservationToken).toBeUndefined()
  })

  it('send clients elsewhere, and not in circles', async () => {
    const scene = await makeScene()
    const { net } = scene
    const frontHost = net.addHost({ name: 'front' })
    const address = { address: scene.serverHost.address, port: 3478, family: 4 } as const
    const front = await makeServerAgain({ ...scene, serverHost: frontHost }, { alternateServer: () => address })
    const relay = await net.runUntil(scene.client({ server: frontHost.address }).allocate())
    expect(relay.server).toEqual(address)
    front.close()
    const back = { address: frontHost.address, port: 3478, family: 4 } as const
    await makeServerAgain({ ...scene, serverHost: frontHost }, { alternateServer: () => back })
    await expect(net.runUntil(scene.client({ server: frontHost.address }).allocate())).rejects.toEqual(
      code('ERR_TURN_RESPONSE', 300),
    )
  })

  it('race: the first server that gives is taken, others give back', async () => {
    const scene = await makeScene()
    const { net, host } = scene
    const slowHost = net.addHost({ name: 'slow' })
    slowHost.link.upstream.effects.delay = 200
    const slow = await makeServerAgain({ ...scene, serverHost: slowHost })
    const clients = [scene.client({ server: slowHost.address }), scene.client({ password: 'wrong' }), scene.client()]
    const relay = await net.runUntil(allocateFirst(clients, { network: host }))
    expect(relay.server.address).toBe(scene.serverHost.address)
    await net.run(10_000)
    expect(slow.stats.allocations).toBe(0)
    relay.close()
    await net.run(3000)
    expect(host.openHandles).toBe(0)
    await expect(net.runUntil(allocateFirst(clients.slice(1, 2), { network: host }))).rejects.toEqual(
      code('ERR_TURN_CREDENTIALS'),
    )
    await expect(net.runUntil(allocateFirst([], { network: host }))).rejects.toEqual(code('ERR_TURN_OPTION'))
  })

  it('end when told to: aborted, out of time, closed twice', async () => {
    const scene = await makeScene()
    const { net, host } = scene
    host.link.upstream.effects.loss = 1
    const stop = new AbortController()
    const aborted = scene.client().allocate({ signal: stop.signal })
    await net.run(700)
    stop.abort()
    await expect(aborted).rejects.toEqual(code('ERR_TURN_ABORTED'))
    await expect(scene.client().allocate({ signal: stop.signal })).rejects.toEqual(code('ERR_TURN_ABORTED'))
    const before = net.now
    await expect(net.runUntil(scene.client({ timeout: 3000 }).allocate())).rejects.toEqual(code('ERR_TURN_TIMEOUT'))
    expect(net.now - before).toBeCloseTo(3000)
    await expect(net.runUntil(scene.client({ server: 'turn:nobody.example.org' }).allocate())).rejects.toEqual(
      code('ERR_TURN_UNREACHABLE'),
    )
    host.link.upstream.effects.loss = 0
    const relay = await net.runUntil(scene.client().allocate())
    const errors: unknown[] = []
    relay.onerror = (error) => errors.push(error)
    relay.send(encode('x'), { address: 'example.org', port: 1, family: 4 })
    relay.send(new Uint8Array(66_000), { address: '198.18.0.9', port: 1, family: 4 })
    await net.run(1)
    expect(errors).toMatchObject([{ code: 'ERR_STUN_ADDRESS' }, { code: 'ERR_TURN_TOO_LARGE' }])
    relay.onmessage = relay.onerror = relay.onclose = () => expect.unreachable()
    relay.close()
    relay.close()
    relay.send(encode('x'), { address: '198.18.0.9', port: 1, family: 4 })
    await net.run(3000)
    expect(host.openHandles).toBe(0)
    expect(() => new TurnClient({ network: host, server: 'http://x', ...user })).toThrow()
    expect(() => new TurnClient({ network: host, server: 'turn:x' })).toThrow()
  })

  it('go on when a listener throws', async () => {
    const scene = await makeScene()
    const { net } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const peer = await addEcho(net)
    let count = 0
    relay.onmessage = () => {
      count++
      throw new Error('mine')
    }
    relay.send(encode('x'), peer.at)
    await expect(net.run(500)).rejects.toThrow('mine')
    await net.run(500)
    relay.onmessage = () => count++
    relay.send(encode('x'), peer.at)
    await net.run(500)
    expect(count).toBe(2)
  })

  it('let a client go on whose time-limited credentials are over', async () => {
    let isOver = false
    const passwords = (): string | undefined => (isOver ? undefined : 'secret')
    const scene = await makeScene({ authenticator: new LongTermAuthenticator({ realm: 'r', passwords }) })
    const { net } = scene
    const relay = await net.runUntil(scene.client().allocate())
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    isOver = true
    await net.run(3_600_000)
    expect(lost).toBeUndefined()
    expect(scene.server.stats.allocations).toBe(1)
    await expect(net.runUntil(scene.client().allocate())).rejects.toEqual(code('ERR_TURN_CREDENTIALS'))
  })

  it('relay no more bytes per second than allowed', async () => {
    const scene = await makeScene({ maxBytesPerSecond: 10_000 })
    const { net, server } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const peer = await addEcho(net)
    await chat(scene, relay, peer, ['a', 'b'])
    await net.run(2000)
    for (let count = 0; count < 50; count++) relay.send(new Uint8Array(1000), peer.at)
    await net.run(100)
    expect(peer.heard.length - 2).toBe(10)
    expect(server.stats.droppedBandwidth).toBe(40)
  })

  it('answer strangers only so often, and clients always', async () => {
    const scene = await makeScene({ maxRequestsPerSecond: 10 })
    const { net, host, server } = scene
    const relay = await net.runUntil(scene.client().allocate())
    const flood = await host.bindUdp()
    const request = Uint8Array.of(0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12))
    for (let count = 0; count < 100; count++) flood.send(request.slice(), relay.server)
    await net.run(100)
    expect(flood.stats.datagramsReceived).toBeLessThan(11)
    expect(server.stats.droppedRate).toBeGreaterThan(89)
    const peer = await addEcho(net)
    expect(await chat(scene, relay, peer, ['a', 'b'])).toEqual(['a', 'b'])
  })
})

async function makeServerAgain(scene: Pick<Scene, 'serverHost'>, options = {}): Promise<Scene['server']> {
  const { TurnServer } = await import('../src/driver/index.ts')
  const { authenticator } = await import('./scene.ts')
  return TurnServer.listen({
    network: scene.serverHost,
    authenticator: authenticator(),
    permitPeer: () => true,
    tcp: false,
    ...options,
  })
}

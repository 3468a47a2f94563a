import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork, NetError } from '@kaon/net'
import type { Endpoint, UdpSocket } from '@kaon/net'

const network = createNetwork()
const open: { close(): void }[] = []

async function bind(address: string, options: object = {}): Promise<UdpSocket> {
  const socket = await network.bindUdp({ address, ...options })
  open.push(socket)
  return socket
}

function nextMessage(socket: UdpSocket): Promise<{ data: Uint8Array; from: Endpoint }> {
  return new Promise((resolve) => {
    socket.onmessage = (data, from) => resolve({ data, from })
  })
}

function nextError(socket: UdpSocket): Promise<NetError> {
  return new Promise((resolve) => {
    socket.onerror = (error) => resolve(error as NetError)
  })
}

afterEach(() => {
  while (open.length > 0) open.pop()!.close()
})

describe.each(['127.0.0.1', '::1'])('UDP on %s', (address) => {
  it('carries datagrams both ways and tells who sent them', async () => {
    const a = await bind(address)
    const b = await bind(address)
    expect(a.local.address).toBe(address)
    expect(a.local.port).toBeGreaterThan(0)
    expect(a.local.family).toBe(address === '::1' ? 6 : 4)
    const atB = nextMessage(b)
    a.send(new Uint8Array([1, 2, 3]), b.local)
    const { data, from } = await atB
    expect([...data]).toEqual([1, 2, 3])
    expect(from).toEqual(a.local)
    const atA = nextMessage(a)
    b.send(new Uint8Array(0), from)
    expect((await atA).data.length).toBe(0)
    expect(a.stats).toEqual({
      datagramsSent: 1,
      bytesSent: 3,
      datagramsReceived: 1,
      bytesReceived: 0,
      sendErrors: 0,
    })
  })

  it('hands out the same endpoint object for one remote, also when several take turns', async () => {
    const receiver = await bind(address)
    const senders = [await bind(address), await bind(address), await bind(address)]
    const seen = new Map<number, Set<Endpoint>>()
    const all = new Promise<void>((resolve) => {
      let count = 0
      receiver.onmessage = (_data, from) => {
        seen.set(from.port, (seen.get(from.port) ?? new Set()).add(from))
        if (++count === 12) resolve()
      }
    })
    for (let round = 0; round < 4; round++) for (const s of senders) s.send(new Uint8Array(1), receiver.local)
    await all
    expect(seen.size).toBe(3)
    for (const objects of seen.values()) expect(objects.size).toBe(1)
  })

  it('forgets endpoints in the end: the cache does not grow with the number of remotes', async () => {
    const receiver = await bind(address)
    const first = await bind(address)
    const once = async (socket: UdpSocket): Promise<Endpoint> => {
      const message = nextMessage(receiver)
      socket.send(new Uint8Array(1), receiver.local)
      return (await message).from
    }
    const before = await once(first)
    for (let i = 0; i < 8; i++) await once(await bind(address))
    const after = await once(first)
    expect(after).toEqual(before)
    expect(after).not.toBe(before)
  })

  it('counts what the system refuses, tells onerror, and goes on', async () => {
    const socket = await bind(address)
    const tooLarge = nextError(socket)
    socket.send(new Uint8Array(70_000), socket.local)
    const error = await tooLarge
    expect(error).toBeInstanceOf(NetError)
    expect(error.code).toBe('ERR_NET_SEND')
    expect(error.systemCode).toBe('EMSGSIZE')
    expect(error.remote).toEqual(socket.local)
    for (const to of [
      { address, port: 0 },
      { address, port: 70_000 },
      { address, port: Number.NaN },
      { address: '', port: 9 },
      { address: 'example.org', port: 9 },
      { address: address === '::1' ? '127.0.0.1' : '::1', port: 9 },
    ]) {
      const refused = nextError(socket)
      socket.send(new Uint8Array(1), { ...to, family: socket.local.family })
      expect((await refused).code).toBe('ERR_NET_SEND')
    }
    expect(socket.stats).toMatchObject({ datagramsSent: 0, sendErrors: 7 })
    const message = nextMessage(socket)
    socket.send(new Uint8Array([7]), socket.local)
    expect([...(await message).data]).toEqual([7])
  })

  it('does not notice that nobody listens', async () => {
    const gone = await bind(address)
    const to = gone.local
    gone.close()
    const socket = await bind(address)
    socket.onerror = (error) => expect.unreachable(error.message)
    for (let i = 0; i < 5; i++) socket.send(new Uint8Array(1), to)
    const message = nextMessage(socket)
    socket.send(new Uint8Array(1), socket.local)
    await message
    expect(socket.stats.sendErrors).toBe(0)
  })

  it('is silent after close, however often it is called', async () => {
    const a = await bind(address)
    const b = await bind(address)
    let calls = 0
    b.onmessage = () => calls++
    a.onerror = () => calls++
    a.send(new Uint8Array(70_000), b.local)
    a.send(new Uint8Array(1), b.local)
    a.close()
    b.close()
    a.close()
    a.send(new Uint8Array(1), b.local)
    a.unref()
    a.ref()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls).toBe(0)
  })

  it('closes from within a callback', async () => {
    const a = await bind(address)
    const b = await bind(address)
    let received = 0
    const first = new Promise<void>((resolve) => {
      b.onmessage = () => {
        received++
        b.close()
        resolve()
      }
    })
    for (let i = 0; i < 10; i++) a.send(new Uint8Array(1), b.local)
    await first
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(received).toBe(1)
  })
})

describe('bindUdp', () => {
  it('takes the wildcards, and IPv6 only for IPv6', async () => {
    const four = await bind('0.0.0.0')
    expect(four.local).toMatchObject({ address: '0.0.0.0', family: 4 })
    // The same port is still free for IPv6: an IPv6 socket that took mapped IPv4 would collide.
    const six = await bind('::', { port: four.local.port })
    expect(six.local).toEqual({ address: '::', port: four.local.port, family: 6 })
    const chosen = await network.bindUdp({ family: 6 })
    open.push(chosen)
    expect(chosen.local.address).toBe('::')
  })

  it('normalises a mapped IPv4 address', async () => {
    expect((await bind('::ffff:127.0.0.1')).local).toMatchObject({ address: '127.0.0.1', family: 4 })
  })

  it('says why a port cannot be had', async () => {
    const { local } = await bind('127.0.0.1')
    const error = await network.bindUdp({ address: '127.0.0.1', port: local.port }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(NetError)
    expect(error).toMatchObject({ code: 'ERR_NET_BIND', systemCode: 'EADDRINUSE' })
    // An address of nobody (RFC 5737).
    await expect(network.bindUdp({ address: '203.0.113.1' })).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'EADDRNOTAVAIL',
    })
  })

  it('shares a port when both ask for it', async () => {
    const first = await bind('127.0.0.1', { reuseAddress: true })
    const second = await bind('127.0.0.1', { reuseAddress: true, port: first.local.port })
    expect(second.local).toEqual(first.local)
  })

  it('finds the free port of a range, and gives up when there is none', async () => {
    // Find three neighbouring free ports first.
    const holders = await neighbours(3)
    const [min, middle, max] = holders.map((socket) => socket.local.port) as [number, number, number]
    holders[1]!.close()
    const found = await bind('127.0.0.1', { portRange: [min, max] })
    expect(found.local.port).toBe(middle)
    await expect(network.bindUdp({ address: '127.0.0.1', portRange: [min, max] })).rejects.toMatchObject({
      systemCode: 'EADDRINUSE',
    })
  })

  it.each([
    { address: 'localhost' },
    { address: '127.0.0.1:80' },
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { portRange: [10, 9] as [number, number] },
    { portRange: [10, 70_000] as [number, number] },
  ])('refuses %o', async (options) => {
    await expect(network.bindUdp(options)).rejects.toMatchObject({ code: 'ERR_NET_ARGUMENT' })
  })

  it('gives up with the reason of its signal, before and while it binds', async () => {
    const aborted = AbortSignal.abort('before')
    await expect(network.bindUdp({ address: '127.0.0.1', signal: aborted })).rejects.toBe('before')
    const controller = new AbortController()
    const pending = network.bindUdp({ address: '127.0.0.1', signal: controller.signal })
    controller.abort('while')
    await expect(pending).rejects.toBe('while')
  })

  it('lives with buffer sizes that no system grants', async () => {
    const socket = await bind('127.0.0.1', { receiveBufferSize: 2 ** 31 - 1, sendBufferSize: 2 ** 40 })
    const message = nextMessage(socket)
    socket.send(new Uint8Array(1), socket.local)
    await message
  })

  it('takes a burst of 1000 full datagrams without loss', async () => {
    const a = await bind('127.0.0.1')
    const b = await bind('127.0.0.1')
    const all = new Promise<void>((resolve) => {
      b.onmessage = () => {
        if (b.stats.datagramsReceived === 1000) resolve()
      }
    })
    const data = new Uint8Array(1200)
    for (let i = 0; i < 1000; i++) a.send(data, b.local)
    await all
    expect(a.stats.datagramsSent).toBe(1000)
  })
})

/** Sockets on `count` consecutive ports. */
async function neighbours(count: number): Promise<UdpSocket[]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = await bind('127.0.0.1')
    const found = [first]
    try {
      while (found.length < count) found.push(await bind('127.0.0.1', { port: first.local.port + found.length }))
      return found
    } catch {
      for (const socket of found) socket.close()
    }
  }
  throw new Error('no neighbouring ports are free')
}

it('keeps the bytes of a received datagram to the receiver', async () => {
  const socket = await bind('127.0.0.1')
  const raw = createSocket('udp4')
  open.push(raw)
  const messages: Uint8Array[] = []
  const two = new Promise<void>((resolve) => {
    socket.onmessage = (data) => {
      messages.push(data)
      if (messages.length === 2) resolve()
    }
  })
  raw.send(Uint8Array.of(1, 1), socket.local.port, '127.0.0.1')
  raw.send(Uint8Array.of(2, 2), socket.local.port, '127.0.0.1')
  await two
  messages[1]!.fill(9)
  expect([...messages[0]!]).toEqual([1, 1])
})

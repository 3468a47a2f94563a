import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork, NetError } from '@kaon/net'
import type { Mdns } from '@kaon/net'

// On the loopback interface and ports of their own: nothing of this leaves the machine or meets its other mDNS programs.
const GROUP = '224.0.0.251'
let port = 20_000 + (process.pid % 10_000) // below those that systems hand out
const open: { close(): void }[] = []

function mdns(timeout = 2000): Mdns {
  return createNetwork({
    mdns: { port, timeout, interfaces: (entry) => entry.internal && entry.family === 4 },
  }).mdns
}

function publish(on: Mdns, name: string, address: string): void {
  open.push(on.publish(name, address))
}

/** A foreign participant. */
async function rawSocket(localPort: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  open.push(socket)
  await new Promise<void>((resolve) => socket.bind(localPort, () => resolve()))
  socket.addMembership(GROUP, '127.0.0.1')
  socket.setMulticastInterface('127.0.0.1')
  return socket
}

function encodeName(name: string): number[] {
  return [...name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0]
}

/** A response with one A record, as RFC 1035 §4 lays it out. */
function response(name: string, address: number[]): Uint8Array {
  // prettier-ignore
  return Uint8Array.from([
    0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    ...encodeName(name),
    0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4,
    ...address,
  ])
}

/** The next datagrams of a socket, those that `wanted` takes. */
function heard(
  socket: Socket,
  count: number,
  wanted: (data: Buffer) => boolean = () => true,
): Promise<{ data: Buffer; from: RemoteInfo }[]> {
  return new Promise((resolve) => {
    const list: { data: Buffer; from: RemoteInfo }[] = []
    socket.on('message', (data, from) => {
      if (wanted(data) && list.push({ data, from }) === count) resolve(list)
    })
  })
}

function query(id: number, name: string, type: number): Uint8Array {
  return Uint8Array.from([id >> 8, id & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...encodeName(name), 0, type, 0, 1])
}

afterEach(() => {
  while (open.length > 0) open.pop()!.close()
  port++
})

describe('mDNS on loopback', () => {
  it('resolves what another one publishes, whatever the case, and several at once', async () => {
    const publisher = mdns()
    publish(publisher, 'a1b2.local', '192.0.2.17')
    publish(publisher, 'c3d4.local', '2001:db8::17')
    const resolver = mdns()
    expect(
      await Promise.all([
        resolver.resolve('A1b2.local'),
        resolver.resolve('a1b2.local'),
        resolver.resolve('c3d4.local'),
      ]),
    ).toEqual(['192.0.2.17', '192.0.2.17', '2001:db8::17'])
  })

  it('resolves a name that appears only while it asks', async () => {
    const pending = mdns().resolve('late.local')
    await new Promise((resolve) => setTimeout(resolve, 50))
    publish(mdns(), 'late.local', '192.0.2.18')
    expect(await pending).toBe('192.0.2.18')
  })

  it('knows its own names without asking', async () => {
    const own = mdns()
    publish(own, 'me.local', '192.0.2.19')
    expect(await own.resolve('me.local')).toBe('192.0.2.19')
  })

  it('gives undefined when nobody answers, or the name is none', async () => {
    const resolver = mdns(30)
    expect(await resolver.resolve('nobody.local')).toBeUndefined()
    for (const name of ['example.org', 'local', '.local', 'a..local', `${'x'.repeat(64)}.local`]) {
      expect(await resolver.resolve(name)).toBeUndefined()
    }
  })

  it('does not answer any more after close', async () => {
    const publisher = mdns()
    const registration = publisher.publish('gone.local', '192.0.2.20')
    expect(await mdns().resolve('gone.local')).toBe('192.0.2.20')
    registration.close()
    registration.close()
    expect(await mdns(100).resolve('gone.local')).toBeUndefined()
  })

  it('gives up with the reason of the signal; others that wait for the name go on', async () => {
    const resolver = mdns()
    const controller = new AbortController()
    const aborted = resolver.resolve('x.local', { signal: controller.signal })
    const other = resolver.resolve('x.local')
    controller.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    publish(mdns(), 'x.local', '192.0.2.21')
    expect(await other).toBe('192.0.2.21')
    await expect(resolver.resolve('x.local', { signal: AbortSignal.abort('no') })).rejects.toBe('no')
  })

  it('asks for 256 names at a time, no more', async () => {
    const resolver = mdns(200)
    let waiting = 0
    const many = Array.from({ length: 256 }, (_, index) => {
      waiting++
      return resolver.resolve(`n${index}.local`).then(() => waiting--)
    })
    expect(await resolver.resolve('one-too-many.local')).toBeUndefined()
    expect(waiting).toBe(256)
    await Promise.all(many)
    publish(mdns(), 'again.local', '192.0.2.24')
    expect(await mdns().resolve('again.local')).toBe('192.0.2.24')
  })

  it('refuses to publish what is no name or address', () => {
    expect(() => mdns().publish('a.local', 'b')).toThrow(NetError)
    expect(() => mdns().publish('example.org', '192.0.2.1')).toThrow(NetError)
  })

  it('believes only answers from the mDNS port, and survives garbage', async () => {
    const forger = await rawSocket(0)
    const honest = await rawSocket(port)
    const resolver = mdns()
    const asked = new Promise<void>((resolve) => honest.once('message', () => resolve()))
    const pending = resolver.resolve('z.local')
    await asked
    for (let length = 0; length < 40; length++) honest.send(new Uint8Array(length).fill(0xc0), port, GROUP)
    forger.send(response('z.local', [192, 0, 2, 66]), port, GROUP)
    honest.send(response('other.local', [192, 0, 2, 67]), port, GROUP)
    await new Promise((resolve) => setTimeout(resolve, 20))
    honest.send(response('z.local', [192, 0, 2, 22]), port, GROUP)
    expect(await pending).toBe('192.0.2.22')
  })

  it('answers an ordinary resolver directly, with its id and question', async () => {
    const publisher = mdns()
    publish(publisher, 'plain.local', '192.0.2.23')
    expect(await mdns().resolve('plain.local')).toBe('192.0.2.23')
    const client = createSocket('udp4')
    open.push(client)
    await new Promise<void>((resolve) => client.bind(0, () => resolve()))
    client.setMulticastInterface('127.0.0.1')
    const noneHeard = heard(client, 1, (data) => data[1] === 0x34)
    const addressHeard = heard(client, 1, (data) => data[1] === 0x35)
    client.send(query(0x1234, 'plain.local', 28), port, GROUP) // AAAA: there is none
    client.send(query(0x1235, 'plain.local', 1), port, GROUP)
    const name = encodeName('plain.local')
    const [none] = await noneHeard
    const [address] = await addressHeard
    // prettier-ignore
    expect([...none!.data]).toEqual([
      0x12, 0x34, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...name, 0, 28, 0, 1,
      ...name, 0, 47, 0, 1, 0, 0, 0, 10, 0, name.length + 3, ...name, 0, 1, 0x40,
    ])
    expect([...address!.data.subarray(0, 12)]).toEqual([0x12, 0x35, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 1])
    expect([...address!.data.subarray(12 + name.length + 4)].slice(0, name.length + 14)).toEqual(
      // prettier-ignore
      [...name, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 192, 0, 2, 23],
    )
  })

  it('tells who asks for an IPv6 address that there is only an IPv4 one', async () => {
    const publisher = mdns()
    publish(publisher, 'four.local', '192.0.2.25')
    expect(await mdns().resolve('four.local')).toBe('192.0.2.25')
    const browser = await rawSocket(port)
    const name = encodeName('four.local')
    const answers = heard(browser, 1, (data) => data[2] === 0x84)
    browser.send(query(0, 'four.local', 28), port, GROUP)
    // prettier-ignore
    expect([...(await answers)[0]!.data]).toEqual([
      0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 1,
      ...name, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 25,
      ...name, 0, 47, 0x80, 1, 0, 0, 0, 120, 0, name.length + 3, ...name, 0, 1, 0x40,
    ])
  })

  it('asks as Chromium can read it: one question per message, for the group to hear', async () => {
    const browser = await rawSocket(port)
    const questions = heard(browser, 2)
    const pending = mdns(100).resolve('both.local')
    const name = encodeName('both.local')
    expect((await questions).map(({ data, from }) => [from.port, ...data])).toEqual([
      [port, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1],
      [port, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 28, 0, 1],
    ])
    expect(await pending).toBeUndefined()
  })

  it('remembers what was announced before it was asked for', async () => {
    const resolver = mdns()
    publish(resolver, 'open.local', '192.0.2.26') // so it listens
    expect(await mdns().resolve('open.local')).toBe('192.0.2.26')
    const browser = await rawSocket(port)
    const questions: Buffer[] = []
    browser.on('message', (data) => {
      if (data[2] === 0 && data.includes('early')) questions.push(data)
    })
    browser.send(response('early.local', [192, 0, 2, 27]), port, GROUP)
    // What follows on the same socket has been heard after it.
    browser.send(response('marker.local', [192, 0, 2, 28]), port, GROUP)
    expect(await resolver.resolve('marker.local')).toBe('192.0.2.28')
    expect(await resolver.resolve('early.local.')).toBe('192.0.2.27')
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(questions).toEqual([])
  })

  it('settles a question of its own for a name that it publishes itself', async () => {
    const own = mdns()
    const pending = own.resolve('self.local')
    const registration = own.publish('self.local', '192.0.2.29')
    expect(await pending).toBe('192.0.2.29')
    registration.close()
  })
})

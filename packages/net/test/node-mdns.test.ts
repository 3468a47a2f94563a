import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
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
    const answer = new Promise<Buffer>((resolve) => client.once('message', resolve))
    client.send(query(0x1234, 'plain.local', 28), port, GROUP) // AAAA: there is none
    client.send(query(0x1235, 'plain.local', 1), port, GROUP)
    const message = await answer
    expect(message.readUInt16BE(0)).toBe(0x1235)
    expect([message.readUInt16BE(4), message.readUInt16BE(6)]).toEqual([1, 1])
    expect([...message.subarray(-4)]).toEqual([192, 0, 2, 23])
    expect(message.readUInt32BE(message.length - 10)).toBeLessThanOrEqual(10)
  })
})

import { describe, expect, it } from 'vitest'
import { VirtualHost, VirtualNetwork, VirtualNetworkError } from '@kaon/net/virtual'
import { NetError } from '@kaon/net'
import type { Endpoint, UdpSocket } from '@kaon/net'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

function collect(socket: UdpSocket): { data: string; from: Endpoint }[] {
  const list: { data: string; from: Endpoint }[] = []
  socket.onmessage = (data, from) => list.push({ data: text(data), from })
  return list
}

async function timesOut(pending: Promise<unknown>): Promise<void> {
  await expect(pending).rejects.toMatchObject({ name: 'VirtualNetworkError', code: 'ERR_VIRTUAL_TIMEOUT' })
}

describe('hosts', () => {
  it('carry a datagram in the delay of both links', async () => {
    const net = new VirtualNetwork()
    const alice = net.addHost({ name: 'alice', link: { delay: 10 } })
    const bob = net.addHost({ name: 'bob', address: '203.0.113.7', link: { delay: 5 } })
    const a = await alice.bindUdp()
    const b = await bob.bindUdp({ port: 3478 })
    const atBob = collect(b)
    b.send(bytes('lost: nobody there'), { address: '203.0.113.99', port: 1, family: 4 })
    a.send(bytes('ping'), { address: '203.0.113.7', port: 3478, family: 4 })
    await net.run(14.9)
    expect(atBob).toEqual([])
    await net.run(0.1)
    expect(net.now).toBe(15)
    expect(atBob).toEqual([{ data: 'ping', from: { address: alice.address, port: a.local.port, family: 4 } }])
    expect(net.dropped.route).toBe(1)
  })

  it('keep the bytes apart: sender and receiver may write into theirs', async () => {
    const net = new VirtualNetwork()
    const a = await net.addHost().bindUdp()
    const target = net.addHost()
    const b = await target.bindUdp({ address: target.address })
    const received: number[][] = []
    b.onmessage = (data) => {
      received.push([...data])
      data.fill(9)
    }
    const data = Uint8Array.of(1, 2)
    a.send(data, b.local)
    data.fill(5)
    await net.run(10)
    expect(received).toEqual([[1, 2]])
    expect([...data]).toEqual([5, 5])
  })

  it('talk over IPv6, link-local with zones', async () => {
    const net = new VirtualNetwork()
    const lan = net.addRouter({ name: 'lan' })
    const a = net.addHost({ via: lan, address: ['fe80::a', '2001:db8:5::a'] })
    const b = net.addHost({ via: lan, address: ['fe80::b', '2001:db8:5::b'], interface: 'wlan0' })
    expect(b.interfaces().filter((entry) => !entry.internal)).toEqual([
      { name: 'wlan0', address: 'fe80::b%wlan0', family: 6, internal: false, prefixLength: 64 },
      { name: 'wlan0', address: '2001:db8:5::b', family: 6, internal: false, prefixLength: 64 },
    ])
    const onA = await a.bindUdp({ family: 6, port: 1 })
    const onB = await b.bindUdp({ address: 'fe80::b%wlan0', port: 2 })
    const [atA, atB] = [collect(onA), collect(onB)]
    onA.send(bytes('hi'), { address: 'fe80::b%eth0', port: 2, family: 6 })
    await net.run(10)
    expect(atB).toEqual([{ data: 'hi', from: { address: 'fe80::a%wlan0', port: 1, family: 6 } }])
    onB.send(bytes('ho'), atB[0]!.from)
    await net.run(10)
    expect(atA).toEqual([{ data: 'ho', from: { address: 'fe80::b%eth0', port: 2, family: 6 } }])
    // Link-local addresses end at the router.
    const far = await net.addHost({ address: '2001:db8::99' }).bindUdp({ family: 6 })
    const atFar = collect(far)
    onA.send(bytes('far'), { address: '2001:db8::99', port: far.local.port, family: 6 })
    await net.run(10)
    expect(atFar[0]!.from.address).toBe('2001:db8:5::a')
  })

  it('reach themselves by loopback and by own addresses', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const a = await host.bindUdp({ address: '127.0.0.1' })
    const b = await host.bindUdp()
    const [atA, atB] = [collect(a), collect(b)]
    a.send(bytes('1'), { address: '127.0.0.1', port: b.local.port, family: 4 })
    b.send(bytes('2'), a.local)
    b.send(bytes('3'), { address: host.address, port: b.local.port, family: 4 })
    await net.run(1)
    expect(atA).toEqual([{ data: '2', from: { address: '127.0.0.1', port: b.local.port, family: 4 } }])
    expect(atB.map(({ data, from }) => [data, from.address])).toEqual([
      ['1', '127.0.0.1'],
      ['3', host.address],
    ])
  })

  it('get addresses of both families when asked', () => {
    const net = new VirtualNetwork()
    expect(net.addHost({ families: [4, 6] }).addresses).toEqual(['198.18.0.2', '2001:db8::2'])
    expect(net.addHost().addresses).toEqual(['198.18.0.3'])
    const lan = net.addRouter({ subnets: ['10.0.0.0/30'] })
    expect(net.addHost({ via: lan }).address).toBe('10.0.0.2')
    expect(() => net.addHost({ via: lan })).toThrow(VirtualNetworkError)
    expect(() => net.addHost({ via: lan, families: [6] })).toThrow(VirtualNetworkError)
    expect(() => net.addHost({ address: '198.18.0.2' })).toThrow(VirtualNetworkError)
    expect(() => net.addHost({ address: 'fe80::1%eth0' })).toThrow(VirtualNetworkError)
  })

  it('tell the sender what its own system refuses', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const socket = await host.bindUdp()
    const errors: (string | undefined)[] = []
    socket.onerror = (error) => errors.push((error as NetError).systemCode)
    socket.send(bytes('x'), { address: '2001:db8::1', port: 1, family: 6 })
    socket.send(bytes('x'), { address: 'example.org', port: 1, family: 4 })
    socket.send(bytes('x'), { address: '203.0.113.1', port: 0, family: 4 })
    socket.send(new Uint8Array(70_000), { address: '203.0.113.1', port: 1, family: 4 })
    expect(errors).toEqual([])
    host.interface().remove()
    socket.send(bytes('x'), { address: '203.0.113.1', port: 1, family: 4 })
    await net.run(1)
    expect(errors).toEqual(['EAFNOSUPPORT', 'EINVAL', 'EINVAL', 'EMSGSIZE', 'ENETUNREACH'])
    expect(socket.stats).toMatchObject({ datagramsSent: 0, sendErrors: 5 })
  })

  it('bind as a system does', async () => {
    const host = new VirtualNetwork().addHost({ address: '203.0.113.1' })
    const first = await host.bindUdp({ port: 5000 })
    expect(first.local).toEqual({ address: '0.0.0.0', port: 5000, family: 4 })
    await expect(host.bindUdp({ address: '203.0.113.1', port: 5000 })).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      systemCode: 'EADDRINUSE',
    })
    expect((await host.bindUdp({ family: 6, port: 5000 })).local.family).toBe(6)
    await expect(host.bindUdp({ address: '203.0.113.2' })).rejects.toMatchObject({ systemCode: 'EADDRNOTAVAIL' })
    await expect(host.bindUdp({ address: 'x' })).rejects.toMatchObject({ code: 'ERR_NET_ARGUMENT' })
    await expect(host.bindUdp({ port: 70_000 })).rejects.toBeInstanceOf(NetError)
    await expect(host.bindUdp({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect((await host.bindUdp({ portRange: [4999, 5001] })).local.port).toBe(4999)
    expect((await host.bindUdp({ portRange: [4999, 5001] })).local.port).toBe(5001)
    await expect(host.bindUdp({ portRange: [4999, 5001] })).rejects.toMatchObject({ systemCode: 'EADDRINUSE' })
    first.close()
    expect((await host.bindUdp({ portRange: [4999, 5001] })).local.port).toBe(5000)
    const any = [await host.bindUdp(), await host.bindUdp()]
    expect(any[0]!.local.port).not.toBe(any[1]!.local.port)
    expect(host.openHandles).toBe(6)
  })

  it('crash without a word', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost({ name: 'victim' })
    const socket = await host.bindUdp({ address: host.address, port: 1 })
    const peer = await net.addHost().bindUdp()
    let calls = 0
    socket.onmessage = () => calls++
    host.setTimer(50, () => calls++)
    host.defer(() => calls++)
    host.mdns.publish('victim.local', host.address)
    peer.send(bytes('x'), { address: host.address, port: 1, family: 4 })
    const address = host.address
    host.crash()
    peer.send(bytes('x'), { address, port: 1, family: 4 })
    await net.run(100)
    expect([calls, host.openHandles, net.pending]).toEqual([0, 0, 0])
    await expect(host.bindUdp()).rejects.toMatchObject({ code: 'ERR_NET_BIND' })
  })
})

describe('interfaces', () => {
  it('appear and disappear, and sockets follow', async () => {
    const net = new VirtualNetwork()
    const phone = net.addHost({ name: 'phone', interface: 'wlan0', address: '203.0.113.1', link: { delay: 10 } })
    const server = net.addHost({ address: '203.0.113.100', link: { delay: 0 } })
    const s = await server.bindUdp({ address: server.address, port: 1 })
    const atServer = collect(s)
    const wildcard = await phone.bindUdp()
    const bound = await phone.bindUdp({ address: '203.0.113.1' })
    const errors: (string | undefined)[] = []
    bound.onerror = (error) => errors.push((error as NetError).systemCode)
    wildcard.send(bytes('wlan'), s.local)
    await net.run(20)
    const mobile = phone.addInterface({ interface: 'rmnet0', address: '203.0.113.2', link: { delay: 60 } })
    expect(phone.interfaces().map((entry) => entry.name)).toEqual(['lo', 'lo', 'wlan0', 'rmnet0'])
    phone.interface('wlan0').remove()
    phone.interfaces()
    wildcard.send(bytes('mobile'), s.local)
    bound.send(bytes('nowhere'), s.local)
    await net.run(100)
    expect(atServer.map(({ data, from }) => [data, from.address])).toEqual([
      ['wlan', '203.0.113.1'],
      ['mobile', '203.0.113.2'],
    ])
    expect(errors).toEqual(['ENETUNREACH'])
    expect(() => phone.interface('wlan0')).toThrow(VirtualNetworkError)
    expect(() => phone.addInterface({ interface: 'rmnet0' })).toThrow(VirtualNetworkError)
    mobile.removeAddress('203.0.113.2')
    mobile.addAddress('203.0.113.3')
    wildcard.send(bytes('renumbered'), s.local)
    await net.run(100)
    expect(atServer[2]!.from.address).toBe('203.0.113.3')
    mobile.remove()
    mobile.remove()
    expect(phone.interfaces().every((entry) => entry.internal)).toBe(true)
  })

  it('prefer the network of the destination', async () => {
    const net = new VirtualNetwork()
    const lan = net.addNat({ address: '203.0.113.1' })
    const printer = net.addHost({ via: lan })
    const laptop = net.addHost({ name: 'laptop' })
    const onLan = laptop.addInterface({ via: lan })
    const p = await printer.bindUdp({ address: printer.address, port: 631 })
    const atPrinter = collect(p)
    const socket = await laptop.bindUdp()
    socket.send(bytes('page'), p.local)
    await net.run(10)
    expect(atPrinter[0]!.from.address).toBe(onLan.addresses[0])
  })
})

describe('routers', () => {
  it('form a tree, and may be networks of their own', async () => {
    const net = new VirtualNetwork()
    const upper = net.addRouter({ name: 'upper', link: { delay: 100 } })
    const lower = net.addRouter({ name: 'lower', via: upper, link: { delay: 10 } })
    const inner = net.addHost({ via: lower, link: { delay: 1 } })
    const outer = net.addHost({ link: { delay: 0 } })
    const island = net.addRouter({ via: null })
    const stranded = net.addHost({ via: island })
    const a = await inner.bindUdp({ address: inner.address, port: 1 })
    const b = await outer.bindUdp({ address: outer.address, port: 2 })
    const s = await stranded.bindUdp()
    const [atA, atB] = [collect(a), collect(b)]
    a.send(bytes('out'), b.local)
    b.send(bytes('in'), a.local)
    s.send(bytes('?'), b.local)
    await net.run(110.9)
    expect([atA.length, atB.length]).toEqual([0, 0])
    await net.run(0.1)
    expect([atA.length, atB.length]).toEqual([1, 1])
    expect(net.dropped.route).toBe(1)
  })

  it('are firewalls when asked', async () => {
    const net = new VirtualNetwork()
    const wall = net.addRouter({ filtering: 'address-and-port-dependent', timeout: 1000 })
    const inner = net.addHost({ via: wall })
    const outer = net.addHost()
    const a = await inner.bindUdp({ address: inner.address, port: 1 })
    const b = await outer.bindUdp({ address: outer.address, port: 2 })
    const atA = collect(a)
    b.send(bytes('knock'), a.local)
    await net.run(10)
    a.send(bytes('out'), b.local)
    await net.run(10)
    b.send(bytes('reply'), a.local)
    await net.run(2000)
    b.send(bytes('late'), a.local)
    await net.run(10)
    expect(atA.map(({ data }) => data)).toEqual(['reply'])
    expect(net.dropped['nat-filtering']).toBe(2)
  })
})

describe('names', () => {
  it('are known to all hosts, with a delay if asked', async () => {
    const net = new VirtualNetwork()
    const server = net.addHost({ address: ['203.0.113.1', '2001:db8::1'] })
    const host = net.addHost()
    net.addName('Stun.example.org', server)
    net.addName('slow.example.org', '203.0.113.9', { delay: 40 })
    expect(await host.lookup('stun.example.org')).toEqual(['203.0.113.1', '2001:db8::1'])
    expect(await host.lookup('STUN.example.org', { family: 6 })).toEqual(['2001:db8::1'])
    expect(await host.lookup('::ffff:192.0.2.1')).toEqual(['192.0.2.1'])
    expect(await host.lookup('localhost')).toEqual(['127.0.0.1', '::1'])
    expect(await net.runUntil(host.lookup('slow.example.org'))).toEqual(['203.0.113.9'])
    expect(net.now).toBe(40)
    const controller = new AbortController()
    const abandoned = host.lookup('slow.example.org', { signal: controller.signal })
    controller.abort('enough')
    await expect(abandoned).rejects.toBe('enough')
    expect(host.openHandles).toBe(0)
    net.removeName('stun.example.org')
    await expect(host.lookup('stun.example.org')).rejects.toMatchObject({
      code: 'ERR_NET_LOOKUP',
      systemCode: 'ENOTFOUND',
    })
    await expect(host.lookup('slow.example.org', { signal: AbortSignal.abort('no') })).rejects.toBe('no')
  })
})

describe('mDNS', () => {
  it('resolves within a network, not beyond', async () => {
    const net = new VirtualNetwork()
    const home = net.addNat()
    const a = net.addHost({ via: home, link: { delay: 10 } })
    const b = net.addHost({ via: home, link: { delay: 20 } })
    const stranger = net.addHost()
    const registration = b.mdns.publish('1f4e.local', b.address)
    expect(await net.runUntil(a.mdns.resolve('1F4E.local'))).toBe(b.address)
    expect(net.now).toBe(60)
    expect(await net.runUntil(stranger.mdns.resolve('1f4e.local'))).toBeUndefined()
    registration.close()
    expect(await net.runUntil(a.mdns.resolve('1f4e.local'))).toBeUndefined()
    expect(() => b.mdns.publish('x.local', 'y')).toThrow(NetError)
  })

  it('asks again when the question is lost, and can be given up', async () => {
    const net = new VirtualNetwork()
    const a = net.addHost()
    const b = net.addHost()
    b.mdns.publish('b.local', b.address)
    a.link.down()
    const pending = a.mdns.resolve('b.local')
    await net.run(500)
    a.link.up()
    expect(await net.runUntil(pending)).toBe(b.address)
    expect(net.now).toBeGreaterThan(1000)
    const controller = new AbortController()
    const abandoned = a.mdns.resolve('c.local', { signal: controller.signal })
    controller.abort('enough')
    await expect(abandoned).rejects.toBe('enough')
    expect(a.openHandles).toBe(0)
    expect(await b.mdns.resolve('b.local')).toBe(b.address)
  })
})

describe('virtual time', () => {
  it('starts where asked, and drives both clocks', async () => {
    const net = new VirtualNetwork({ start: 1000, epoch: Date.UTC(2030, 0, 1) })
    const host = net.addHost()
    expect([net.now, host.now(), host.wallClock()]).toEqual([1000, 1000, Date.UTC(2030, 0, 1) + 1000])
    await net.run(500)
    expect([net.now, host.now(), host.wallClock()]).toEqual([1500, 1500, Date.UTC(2030, 0, 1) + 1500])
    expect(new Date(new VirtualNetwork().addHost().wallClock()).toISOString()).toBe('2025-01-01T00:00:00.000Z')
  })

  it('runs timers in order, at their time, and defers to the end of the instant', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const log: string[] = []
    host.setTimer(20, () => log.push(`c ${net.now}`))
    host.setTimer(10, () => {
      host.defer(() => log.push(`deferred ${net.now}`))
      log.push(`a ${net.now}`)
      host.setTimer(5, () => log.push(`past ${net.now}`))
    })
    host.setTimer(10, () => log.push(`b ${net.now}`))
    host.setTimer(11, () => log.push('never')).cancel()
    host.setTimer(Infinity, () => log.push('never'))
    expect(() => host.setTimer(Number.NaN, () => {})).toThrow(NetError)
    await net.run(15)
    expect(log).toEqual(['a 10', 'b 10', 'past 10', 'deferred 10'])
    expect(host.openHandles).toBe(1)
    await net.run(15)
    expect(log.at(-1)).toBe('c 20')
    expect(net.pending).toBe(0)
  })

  it('lets promises settle between events, however long their chains', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const log: string[] = []
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => host.setTimer(host.now() + ms, resolve))
    const deep = async (depth: number): Promise<void> => (depth === 0 ? undefined : deep(depth - 1))
    const work = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sleep(10)
        await deep(50)
        log.push(`${name}${net.now}`)
      }
    }
    const both = Promise.all([work('a'), work('b')])
    await net.runUntil(both)
    expect(log).toEqual(['a10', 'b10', 'a20', 'b20', 'a30', 'b30'])
  })

  it('cancels thousands of timers without keeping them', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    let fired = 0
    let timer = host.setTimer(1e9, () => fired++)
    for (let i = 0; i < 10_000; i++) {
      timer.cancel()
      timer = host.setTimer(1e9 - i, () => fired++)
    }
    expect(net.pending).toBe(1)
    await net.runUntilIdle(1e9)
    expect([fired, net.now]).toEqual([1, 1e9 - 9999])
  })

  it('orders any mix of timers and cancellations as a sorted list would', async () => {
    const net = new VirtualNetwork({ seed: 11 })
    const random = net.createRandom('timers')
    const host = net.addHost()
    const fired: number[] = []
    const expected: number[] = []
    for (let i = 0; i < 2000; i++) {
      const at = Math.floor(random() * 500)
      const timer = host.setTimer(at, () => fired.push(at * 10_000 + i))
      if (random() < 0.6) timer.cancel()
      else expected.push(at * 10_000 + i)
    }
    await net.run(500)
    expect(fired).toEqual(expected.toSorted((a, b) => a - b))
  })

  it('runUntil stops at once, tells time-outs, and hands on values and errors', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    let done = false
    host.setTimer(100, () => {
      done = true
    })
    await net.runUntil(() => done)
    expect(net.now).toBe(100)
    await net.runUntil(() => done)
    expect(net.now).toBe(100)
    await timesOut(net.runUntil(() => false, 50))
    expect(net.now).toBe(150)
    await timesOut(net.runUntil(new Promise(() => {}), 50))
    expect(await net.runUntil(Promise.resolve(7))).toBe(7)
    await expect(net.runUntil(Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('runUntilIdle waits for all but background timers', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const peer = await net.addHost({ link: { delay: 30 } }).bindUdp()
    host.setTimer(1e6, () => {}, { unref: true })
    host.setTimer(20, () => {})
    peer.send(bytes('x'), { address: host.address, port: 1, family: 4 })
    await net.runUntilIdle()
    expect([net.now, net.pending, net.dropped.port]).toEqual([31, 0, 1])
    const again = (): void => void host.setTimer(host.now() + 10, again)
    again()
    await timesOut(net.runUntilIdle(1000))
  })

  it('rejects when a callback throws, and can go on', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    let later = false
    host.setTimer(10, () => {
      throw new Error('on purpose')
    })
    host.setTimer(20, () => {
      later = true
    })
    await expect(net.run(100)).rejects.toThrow('on purpose')
    await net.run(100)
    expect(later).toBe(true)
  })

  it('notices when time cannot go on', async () => {
    const net = new VirtualNetwork()
    const [a, b] = [net.addHost({ link: { delay: 0 } }), net.addHost({ link: { delay: 0 } })]
    const x = await a.bindUdp({ address: a.address })
    const y = await b.bindUdp({ address: b.address })
    x.onmessage = (data, from) => x.send(data, from)
    y.onmessage = (data, from) => y.send(data, from)
    x.send(bytes('ping pong'), y.local)
    await expect(net.run(1)).rejects.toMatchObject({ code: 'ERR_VIRTUAL_STALLED' })
  })

  it('refuses to run twice at once, and backwards', async () => {
    const net = new VirtualNetwork()
    const first = net.run(10)
    await expect(net.run(10)).rejects.toMatchObject({ code: 'ERR_VIRTUAL_BUSY' })
    await first
    await expect(net.run(-1)).rejects.toMatchObject({ code: 'ERR_VIRTUAL_ARGUMENT' })
    await expect(net.run(Number.NaN)).rejects.toMatchObject({ code: 'ERR_VIRTUAL_ARGUMENT' })
  })
})

describe('tap', () => {
  it('tells what happens to each datagram, until it is removed', async () => {
    const net = new VirtualNetwork()
    const home = net.addNat({ name: 'home', address: '203.0.113.1' })
    const alice = net.addHost({ name: 'alice', via: home })
    const bob = net.addHost({ name: 'bob', address: '203.0.113.2' })
    const a = await alice.bindUdp({ port: 5000 })
    await bob.bindUdp({ port: 1 })
    const log: string[] = []
    const stop = net.tap(({ time, kind, where, reason, packet }) => {
      const { source, sourcePort, destination } = packet
      log.push(`${time} ${kind} ${where} ${reason ?? ''} ${source}:${sourcePort} ${destination}`)
    })
    a.send(bytes('x'), { address: '203.0.113.2', port: 1, family: 4 })
    a.send(bytes('x'), { address: '203.0.113.2', port: 2, family: 4 })
    await net.run(10)
    expect(log).toEqual([
      '0 sent alice  192.168.1.2:5000 203.0.113.2',
      '0 sent alice  192.168.1.2:5000 203.0.113.2',
      '3 delivered bob  203.0.113.1:5000 203.0.113.2',
      '3 dropped bob port 203.0.113.1:5000 203.0.113.2',
    ])
    stop()
    a.send(bytes('x'), { address: '203.0.113.2', port: 1, family: 4 })
    await net.run(10)
    expect(log.length).toBe(4)
  })
})

it('hosts are Networks: code for real sockets runs unchanged', async () => {
  const net = new VirtualNetwork()
  const host = net.addHost()
  expect(host).toBeInstanceOf(VirtualHost)
  expect(host.interfaces()[0]).toEqual({ name: 'lo', address: '127.0.0.1', family: 4, internal: true, prefixLength: 8 })
})

import { describe, expect, it } from 'vitest'
import { VirtualNetwork, VirtualNetworkError } from '@kaon/net/virtual'
import type { Link, LinkDirection, LinkOptions } from '@kaon/net/virtual'
import type { Endpoint, UdpSocket } from '@kaon/net'

interface Rig {
  net: VirtualNetwork
  link: Link
  up: LinkDirection
  sender: UdpSocket
  receiver: UdpSocket
  to: Endpoint
  /** Number and time of arrival of each datagram. */
  arrivals: { number: number; time: number }[]
  send: (count: number, gap?: number, size?: number) => Promise<void>
}

/** A sender behind the link under test, a receiver behind a perfect one. */
async function setUp(link: LinkOptions, seed = 3): Promise<Rig> {
  const net = new VirtualNetwork({ seed })
  const from = net.addHost({ name: 'from', link: { delay: 0, ...link } })
  const target = net.addHost({ name: 'to', link: { delay: 0, mtu: 100_000 } })
  const sender = await from.bindUdp()
  const receiver = await target.bindUdp({ address: target.address, port: 9 })
  const arrivals: Rig['arrivals'] = []
  receiver.onmessage = (data) => arrivals.push({ number: (data[0]! << 8) | data[1]!, time: net.now })
  let number = 0
  const send = async (count: number, gap = 1, size = 100): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const data = new Uint8Array(size)
      data[0] = number >> 8
      data[1] = number++ & 255
      sender.send(data, receiver.local)
      if (gap > 0) await net.run(gap)
    }
    await net.run(1000)
  }
  return { net, link: from.link, up: from.link.upstream, sender, receiver, to: receiver.local, arrivals, send }
}

const inOrder = (arrivals: Rig['arrivals']): boolean =>
  arrivals.every((entry, index) => index === 0 || arrivals[index - 1]!.number < entry.number)

describe('delay and jitter', () => {
  it('delays exactly', async () => {
    const { arrivals, send } = await setUp({ delay: 33 })
    await send(3, 10)
    expect(arrivals.map(({ time }) => time)).toEqual([33, 43, 53])
  })

  it('jitters within its bounds, and in order', async () => {
    const { arrivals, send } = await setUp({ delay: 10, jitter: 30 })
    await send(500, 20)
    const delays = arrivals.map(({ number, time }) => time - number * 20)
    expect(arrivals.length).toBe(500)
    expect(inOrder(arrivals)).toBe(true)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...delays)).toBeLessThanOrEqual(40)
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
    expect(mean).toBeGreaterThan(23)
    expect(mean).toBeLessThan(28)
  })

  it('differs by direction', async () => {
    const net = new VirtualNetwork()
    const a = net.addHost({ name: 'a', link: { upstream: { delay: 7 }, downstream: { delay: 70 } } })
    const b = net.addHost({ name: 'b', link: { delay: 0 } })
    const socketA = await a.bindUdp()
    const socketB = await b.bindUdp({ address: b.address })
    const times: number[] = []
    socketB.onmessage = (data, from) => {
      times.push(net.now)
      socketB.send(data, from)
    }
    socketA.onmessage = () => times.push(net.now)
    socketA.send(new Uint8Array(1), socketB.local)
    await net.run(100)
    expect(times).toEqual([7, 77])
    expect(a.link.upstream.name).toBe('a>internet')
    expect(a.link.downstream.name).toBe('internet>a')
  })
})

describe('loss', () => {
  it.each([0.01, 0.1, 0.3])('loses the share %d', async (loss) => {
    const { arrivals, up, send, net } = await setUp({ loss })
    await send(10_000, 0)
    expect(up.stats.sent).toBe(10_000)
    expect(up.stats.lost + arrivals.length).toBe(10_000)
    expect(net.dropped.loss).toBe(up.stats.lost)
    // Four standard deviations of the binomial distribution.
    const tolerance = 4 * Math.sqrt(10_000 * loss * (1 - loss))
    expect(Math.abs(up.stats.lost - 10_000 * loss)).toBeLessThan(tolerance)
  })

  it('all and nothing are exact', async () => {
    const all = await setUp({ loss: 1 })
    await all.send(100)
    expect(all.arrivals).toEqual([])
    const none = await setUp({})
    await none.send(100)
    expect(none.arrivals.length).toBe(100)
  })

  it('loses in bursts of the asked length', async () => {
    const { arrivals, up, send } = await setUp({ burstLoss: { enter: 0.01, leave: 0.2 } })
    await send(20_000, 0)
    let bursts = 0
    for (let i = 1; i < arrivals.length; i++) if (arrivals[i]!.number !== arrivals[i - 1]!.number + 1) bursts++
    // The stationary share of the bad state is enter / (enter + leave) = 4.8 %, the mean burst 1 / leave = 5.
    expect(up.stats.lost / 20_000).toBeGreaterThan(0.035)
    expect(up.stats.lost / 20_000).toBeLessThan(0.06)
    expect(up.stats.lost / bursts).toBeGreaterThan(4)
    expect(up.stats.lost / bursts).toBeLessThan(6)
  })

  it('is partial inside and outside of bursts when asked', async () => {
    const { up, send } = await setUp({ burstLoss: { enter: 0.5, leave: 0.5, lossInBurst: 0.4, lossOutside: 0.2 } })
    await send(10_000, 0)
    expect(up.stats.lost).toBeGreaterThan(2800)
    expect(up.stats.lost).toBeLessThan(3200)
  })
})

describe('reordering and duplication', () => {
  it('holds some back so that others overtake', async () => {
    const { arrivals, up, send } = await setUp({ delay: 5, reorder: 0.1, reorderDelay: 3.5 })
    await send(1000)
    expect(arrivals.length).toBe(1000)
    expect(inOrder(arrivals)).toBe(false)
    const late = arrivals.filter(({ number, time }) => time - number === 8.5)
    const punctual = arrivals.filter(({ number, time }) => time - number === 5)
    expect(late.length).toBe(up.stats.reordered)
    expect(late.length + punctual.length).toBe(1000)
    expect(up.stats.reordered).toBeGreaterThan(60)
    expect(up.stats.reordered).toBeLessThan(140)
  })

  it('delivers some twice, each with bytes of its own', async () => {
    const { arrivals, up, receiver, send } = await setUp({ duplicate: 0.5 })
    const buffers = new Set<ArrayBufferLike>()
    const count = receiver.onmessage!
    receiver.onmessage = (data, from) => {
      buffers.add(data.buffer)
      count(data, from)
    }
    await send(1000)
    expect(arrivals.length).toBe(1000 + up.stats.duplicated)
    expect(up.stats.delivered).toBe(arrivals.length)
    expect(buffers.size).toBe(arrivals.length)
    expect(up.stats.duplicated).toBeGreaterThan(430)
    expect(up.stats.duplicated).toBeLessThan(570)
  })
})

describe('rate and queue', () => {
  it('sends one after the other at its rate', async () => {
    // 972 + 28 bytes of headers: 1000 bytes at 1 Mbit/s are 8 ms.
    const { arrivals, up, send } = await setUp({ rate: 1_000_000 })
    await send(4, 0, 972)
    expect(arrivals.map(({ time }) => time)).toEqual([8, 16, 24, 32])
    expect(up.stats.bytes).toBe(4000)
  })

  it('drops what would wait too long', async () => {
    const { arrivals, up, net, sender, to } = await setUp({ rate: 1_000_000, queue: 80 })
    for (let i = 0; i < 30; i++) sender.send(new Uint8Array(972), to)
    expect(up.queueDelay).toBe(88)
    await net.run(1000)
    // One on the wire and ten (80 ms) in the queue.
    expect(arrivals.length).toBe(11)
    expect(up.stats.queueDropped).toBe(19)
    expect(net.dropped.queue).toBe(19)
    expect(up.queueDelay).toBe(0)
  })

  it('lets a steady stream of its rate pass', async () => {
    const { arrivals, send } = await setUp({ rate: 1_000_000, queue: 10 })
    await send(200, 8, 972)
    expect(arrivals.length).toBe(200)
  })
})

describe('MTU', () => {
  it('tells the sender on the first link, nobody on the others', async () => {
    const { arrivals, up, net, sender, send, to } = await setUp({ mtu: 1280 })
    const errors: unknown[] = []
    sender.onerror = (error) => errors.push(error)
    await send(1, 1, 1252)
    expect(arrivals.length).toBe(1)
    await send(1, 1, 1253)
    expect(arrivals.length).toBe(1)
    expect(errors).toMatchObject([{ code: 'ERR_NET_SEND', systemCode: 'EMSGSIZE', remote: to }])
    expect([up.stats.mtuDropped, net.dropped.mtu, sender.stats.sendErrors]).toEqual([1, 1, 1])
    expect(sender.stats.datagramsSent).toBe(1)
  })
})

describe('down and up', () => {
  it('loses what is sent and what is on its way, and tells nobody', async () => {
    const { arrivals, link, net, sender, send, to } = await setUp({ delay: 50 })
    sender.onerror = () => expect.unreachable()
    sender.send(new Uint8Array(100), to)
    await net.run(20)
    link.down()
    expect(link.isUp).toBe(false)
    await send(3)
    link.up()
    expect(arrivals).toEqual([])
    expect(link.upstream.stats.downDropped).toBe(4)
    await send(1)
    expect(arrivals.length).toBe(1)
  })

  it('loses what was on its way when it is up again before the arrival', async () => {
    const { arrivals, link, net, sender, to } = await setUp({ delay: 50 })
    sender.send(new Uint8Array(100), to)
    link.down()
    link.up()
    await net.run(100)
    expect(arrivals).toEqual([])
  })
})

describe('options', () => {
  it('change while the network runs', async () => {
    const { arrivals, link, net, send } = await setUp({ delay: 10 })
    await send(1)
    link.set({ delay: 20, downstream: { delay: 5 } })
    expect([link.upstream.effects.delay, link.downstream.effects.delay]).toEqual([20, 5])
    const start = net.now
    await send(1)
    expect(arrivals.map(({ time }) => time)).toEqual([10, start + 20])
  })

  it('can pick single datagrams', async () => {
    const { arrivals, up, send, link } = await setUp({ filter: (packet) => packet.data[1] !== 2 })
    await send(4)
    expect(arrivals.map(({ number }) => number)).toEqual([0, 1, 3])
    expect(up.stats.filtered).toBe(1)
    link.set({ filter: undefined })
    await send(1)
    expect(arrivals.length).toBe(4)
  })

  it.each<LinkOptions>([
    { loss: 1.1 },
    { loss: -1 },
    { duplicate: Number.NaN },
    { delay: -1 },
    { rate: -1 },
    { upstream: { reorder: 2 } },
    { burstLoss: { enter: 2, leave: 0 } },
  ])('refuse %o', (link) => {
    expect(() => new VirtualNetwork().addHost({ link })).toThrow(VirtualNetworkError)
  })
})

describe('seeds', () => {
  const effects: LinkOptions = {
    delay: 5,
    jitter: 5,
    loss: 0.1,
    burstLoss: { enter: 0.02, leave: 0.3 },
    reorder: 0.1,
    duplicate: 0.1,
    rate: 2_000_000,
    queue: 30,
  }

  async function trace(seed: number, addBystander = false): Promise<string> {
    const { net, arrivals, send } = await setUp(effects, seed)
    const lines: string[] = []
    const stop = net.tap(({ time, kind, where, reason, packet }) =>
      lines.push(`${time} ${kind} ${where} ${reason ?? ''} ${packet.id} ${packet.data.length}`),
    )
    if (addBystander) net.addHost({ link: effects })
    await send(500)
    stop()
    await send(10)
    expect(arrivals.length).toBeGreaterThan(200)
    expect(lines.length).toBeGreaterThan(1000)
    return lines.join('\n')
  }

  it('the same gives the same run, datagram for datagram; another another', async () => {
    const first = await trace(1)
    expect(await trace(1)).toBe(first)
    expect(await trace(2)).not.toBe(first)
  })

  it('one more host changes nothing for the others', async () => {
    expect(await trace(1, true)).toBe(await trace(1))
  })
})

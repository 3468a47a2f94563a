import { describe, expect, it } from 'vitest'
import { createNetwork, NetError, normalizeAddress } from '@kaon/net'

const network = createNetwork()

describe('time', () => {
  it('counts monotonic ms, and ms since the epoch', () => {
    const first = network.now()
    expect(network.now()).toBeGreaterThanOrEqual(first)
    expect(Math.abs(network.wallClock() - Date.now())).toBeLessThan(1000)
  })

  it('runs a timer once, at its time or later, never inside setTimer', async () => {
    const fired: number[] = []
    const at = network.now() + 50.4
    await new Promise<void>((resolve) => {
      network.setTimer(at, () => {
        fired.push(network.now())
        setTimeout(resolve, 5)
      })
      network.setTimer(network.now() - 100, () => fired.push(-1))
      expect(fired).toEqual([])
    })
    expect(fired.length).toBe(2)
    expect(fired[0]).toBe(-1)
    expect(fired[1]).toBeGreaterThanOrEqual(at)
  })

  it('never runs a cancelled timer, nor one at Infinity, nor overflows', async () => {
    let fired = 0
    const timers = [
      network.setTimer(network.now(), () => fired++),
      network.setTimer(Infinity, () => fired++),
      network.setTimer(network.now() + 2 ** 40, () => fired++),
    ]
    timers[0]!.cancel()
    timers[0]!.cancel()
    await new Promise((resolve) => setTimeout(resolve, 10))
    for (const timer of timers) timer.cancel()
    expect(fired).toBe(0)
    expect(() => network.setTimer(Number.NaN, () => {})).toThrow(NetError)
  })
})

describe('defer', () => {
  it('lets promises settle between two callbacks', async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      network.defer(() => {
        order.push('a')
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => order.push('settled'))
      })
      network.defer(() => {
        order.push('b')
        resolve()
      })
    })
    expect(order).toEqual(['a', 'settled', 'b'])
  })

  it('runs all callbacks in order, also when one throws, and later ones later', async () => {
    const order: string[] = []
    const uncaught = new Promise<unknown>((resolve) => {
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', (error) => {
        for (const listener of others) process.on('uncaughtException', listener)
        resolve(error)
      })
    })
    await new Promise<void>((resolve) => {
      network.defer(() => {
        order.push('a')
        network.defer(() => {
          order.push('d')
          resolve()
        })
      })
      network.defer(() => {
        order.push('b')
        throw new Error('on purpose')
      })
      network.defer(() => order.push('c'))
      order.push('now')
    })
    expect(order).toEqual(['now', 'a', 'b', 'c', 'd'])
    expect(await uncaught).toMatchObject({ message: 'on purpose' })
  })
})

describe('interfaces', () => {
  it('lists the loopback address with its prefix, and every address in its own spelling', () => {
    const list = network.interfaces()
    expect(list).toContainEqual(
      expect.objectContaining({ address: '127.0.0.1', family: 4, internal: true, prefixLength: 8 }),
    )
    for (const entry of list) {
      expect(normalizeAddress(entry.address)).toBe(entry.address)
      expect(entry.address.startsWith('fe80:')).toBe(entry.address.includes('%'))
      expect(entry.family).toBe(entry.address.includes(':') ? 6 : 4)
    }
  })

  it('can bind to each of them, zones included', async () => {
    for (const { address } of network.interfaces()) {
      const socket = await network.bindUdp({ address })
      expect(socket.local.address).toBe(address)
      socket.close()
    }
  })
})

describe('lookup', () => {
  it('answers IP literals by themselves, normalised', async () => {
    expect(await network.lookup('127.0.0.1')).toEqual(['127.0.0.1'])
    expect(await network.lookup('2001:DB8:0::1')).toEqual(['2001:db8::1'])
    expect(await network.lookup('::ffff:192.0.2.1')).toEqual(['192.0.2.1'])
  })

  it('knows localhost', async () => {
    expect(await network.lookup('localhost', { family: 4 })).toEqual(['127.0.0.1'])
  })

  it('rejects with what the system said', async () => {
    // RFC 6761 §6.4: a name that never exists.
    await expect(network.lookup('nobody.invalid')).rejects.toMatchObject({ code: 'ERR_NET_LOOKUP' })
  })

  it('rejects with the reason of its signal', async () => {
    await expect(network.lookup('localhost', { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const controller = new AbortController()
    const pending = network.lookup('localhost', { signal: controller.signal })
    controller.abort('later')
    await expect(pending).rejects.toBe('later')
  })
})

import { describe, expect, it } from 'vitest'
import { createNetwork } from '@kaon/net'
import type { NetworkInterface } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { InterfacePoll } from '../src/node/watch.ts'

const outward = (list: readonly NetworkInterface[]): string[] =>
  list.filter(({ internal }) => !internal).map(({ name, address }) => `${name} ${address}`)

describe('watchInterfaces of a virtual host', () => {
  it('tells of every change at once, and of the changes of an instant together', async () => {
    const net = new VirtualNetwork()
    const phone = net.addHost({ interface: 'wlan0', address: '203.0.113.1' })
    const log: string[][] = []
    const watch = phone.watchInterfaces((list) => log.push(outward(list)))
    await net.run(10)
    expect(log).toEqual([])
    const wifi = phone.interface()
    // From Wi-Fi to mobile.
    wifi.remove()
    const mobile = phone.addInterface({ interface: 'rmnet0', address: '203.0.113.2' })
    expect(log).toEqual([]) // never inside the call
    await net.run(0)
    expect(log).toEqual([['rmnet0 203.0.113.2']])
    mobile.addAddress('2001:db8::2')
    await net.run(10)
    mobile.removeAddress('2001:db8::2')
    mobile.addAddress('2001:db8::2')
    await net.run(10)
    expect(log.length).toBe(2) // nothing changed in the end
    mobile.down()
    mobile.down()
    await net.run(10)
    mobile.up()
    await net.run(10)
    expect(log.slice(1)).toEqual([
      ['rmnet0 203.0.113.2', 'rmnet0 2001:db8::2'],
      [],
      ['rmnet0 203.0.113.2', 'rmnet0 2001:db8::2'],
    ])
    mobile.link.down() // a cable that was pulled: nobody is told
    await net.run(10)
    expect(log.length).toBe(4)
    expect(phone.openHandles).toBe(1)
    mobile.remove()
    watch.close()
    watch.close()
    await net.run(10)
    expect([log.length, phone.openHandles]).toEqual([4, 0])
  })

  it('survives watchers that come and go in a callback, and a crash', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    let calls = 0
    const second = { close: (): void => {} }
    host.watchInterfaces(() => {
      calls++
      second.close()
      host.watchInterfaces(() => calls++)
    })
    Object.assign(
      second,
      host.watchInterfaces(() => expect.unreachable()),
    )
    host.addInterface()
    await net.run(10)
    expect(calls).toBe(1)
    host.crash()
    await net.run(10)
    expect([calls, host.openHandles]).toEqual([1, 0])
  })

  it('an interface that is down carries nothing, and its sockets work again when it is up', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost({ address: '203.0.113.1', name: 'host' })
    const peer = net.addHost({ address: '203.0.113.2' })
    const socket = await host.bindUdp({ address: '203.0.113.1', port: 1 })
    const other = await peer.bindUdp({ address: '203.0.113.2', port: 2 })
    const heard: number[] = []
    socket.onmessage = (data) => heard.push(data[0]!)
    const errors: unknown[] = []
    socket.onerror = (error) => errors.push(error)
    other.send(Uint8Array.of(1), socket.local)
    await net.run(1.5)
    host.interface().down()
    expect([host.interfaces().length, host.interface().isUp, host.addresses]).toEqual([2, false, ['203.0.113.1']])
    other.send(Uint8Array.of(2), socket.local)
    socket.send(Uint8Array.of(3), other.local)
    await expect(host.bindUdp({ address: '203.0.113.1' })).rejects.toMatchObject({ systemCode: 'EADDRNOTAVAIL' })
    await net.run(10)
    expect(errors).toMatchObject([{ systemCode: 'ENETUNREACH' }])
    host.interface().up()
    other.send(Uint8Array.of(4), socket.local)
    await net.run(10)
    expect(heard).toEqual([4])
    host.interface().down()
    host.interface().remove()
    await net.run(10)
    expect(net.pending).toBe(0)
  })
})

describe('watchInterfaces of this machine', () => {
  const entry = (address: string): NetworkInterface => ({
    name: 'eth0',
    address,
    family: 4,
    internal: false,
    prefixLength: 24,
  })

  it('asks again and again, and tells of differences only', async () => {
    let list = [entry('192.0.2.1'), entry('192.0.2.2')]
    let asked = 0
    const poll = new InterfacePoll(() => {
      asked++
      return list
    }, 1)
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const log: string[][] = []
    const watch = poll.add((interfaces) => log.push(outward(interfaces)))
    await until(() => asked > 3)
    list = [entry('192.0.2.2'), entry('192.0.2.1')] // only the order
    await until(() => asked > 6)
    expect(log).toEqual([])
    list = [entry('192.0.2.2')]
    await until(() => log.length > 0)
    expect(log).toEqual([['eth0 192.0.2.2']])
    watch.close()
    watch.close()
    const before = asked
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(asked).toBe(before)
  })

  it('is there on the network of this machine', () => {
    const watch = createNetwork({ interfacePollInterval: 10 }).watchInterfaces(() => {})
    watch.close()
  })
})

import { describe, expect, it } from 'vitest'
import { VirtualNetwork } from '@kaon/net/virtual'
import type { Endpoint, UdpSocket } from '@kaon/net'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

function collect(socket: UdpSocket): { data: string; from: Endpoint }[] {
  const list: { data: string; from: Endpoint }[] = []
  socket.onmessage = (data, from) => list.push({ data: text(data), from })
  return list
}

describe('hosts', () => {
  it('carries a datagram there and back in the delay of both links', async () => {
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
})

// The same over the sockets of this machine.
import { createNetwork } from '@kaon/net'
import { expect, test } from 'vitest'
import { SharedPorts } from '../../src/driver/index.ts'
import { connect, isConnected, makePeer, type Peer } from './pair.ts'

const only4 = { includeLoopback: true, addressFilter: (address: string) => address === '127.0.0.1' }

/** Both connected, and a hundred datagrams of different lengths each way. */
async function talk(a: Peer, b: Peer): Promise<void> {
  await expect.poll(() => isConnected(a, b), { interval: 2 }).toBe(true)
  for (let i = 1; i <= 100; i++) {
    a.ice.send(new Uint8Array(i * 10).fill(80))
    b.ice.send(new Uint8Array(i * 10).fill(81))
    await expect.poll(() => Math.min(a.received.length, b.received.length), { interval: 1 }).toBe(i)
  }
  for (const { received } of [a, b])
    expect(received.map(({ length }) => length / 10)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
}

test('two connections over 127.0.0.1 of this machine', async () => {
  const network = createNetwork()
  const options = { includeLoopback: true, addressFilter: (address: string) => address === '127.0.0.1' }
  const a = makePeer(network, { ...options, role: 'controlling' }, 1)
  const b = makePeer(network, options, 2)
  const bursts: number[] = []
  const done = new Promise<void>((resolve) => {
    b.ice.onBurstEnd = () => {
      bursts.push(b.received.length)
      if (b.received.length >= 100) resolve()
    }
  })
  const connected = new Promise<void>((resolve) => {
    a.ice.onStateChange = b.ice.onStateChange = () => {
      if (isConnected(a, b)) resolve()
    }
  })
  connect(a, b)
  await connected
  for (let i = 0; i < 100; i++) expect(a.ice.send(new Uint8Array([80, i]))).toBe(true)
  await done
  expect(b.received.map((bytes) => bytes[1])).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(b.ice.stats()).toMatchObject({ packetsReceived: 100, bytesReceived: 200 })
  a.ice.close()
  b.ice.close()
})

test('TCP, active and passive, over 127.0.0.1', async () => {
  const network = createNetwork()
  const candidateFilter = ({ protocol }: { protocol: string }): boolean => protocol === 'tcp'
  const a = makePeer(network, { ...only4, role: 'controlling', candidateFilter }, 1)
  const b = makePeer(network, { ...only4, tcp: ['passive'], candidateFilter }, 2)
  connect(a, b)
  await talk(a, b)
  expect(a.ice.selectedPair).toMatchObject({ local: { tcpType: 'active' }, remote: { tcpType: 'passive' } })
  // One end goes: the other knows at once, since the connection ends.
  b.ice.close()
  await expect.poll(() => a.states.includes('failed') || a.states.includes('disconnected')).toBe(true)
  a.ice.close()
})

test('a shared UDP and TCP port of this machine', async () => {
  const network = createNetwork()
  const sharedPorts = await SharedPorts.open({ network, ...only4, tcp: true })
  const pairs = Array.from({ length: 6 }, (_, i): [Peer, Peer] => {
    const isTcp = i % 2 === 1
    const candidateFilter = ({ protocol }: { protocol: string }): boolean => (protocol === 'tcp') === isTcp
    const server = makePeer(network, { ...only4, sharedPorts, tcp: ['passive'], candidateFilter }, 10 + i)
    return [server, makePeer(network, { ...only4, role: 'controlling', candidateFilter }, 20 + i)]
  })
  for (const [server, client] of pairs) connect(server, client)
  for (const [server, client] of pairs) await talk(server, client)
  for (const [i, [server, client]] of pairs.entries()) {
    const { local } = server.ice.selectedPair!
    expect(local.port).toBe(i % 2 === 1 ? sharedPorts.tcpPort : sharedPorts.port)
    server.ice.close()
    client.ice.close()
  }
  expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
  sharedPorts.close()
})

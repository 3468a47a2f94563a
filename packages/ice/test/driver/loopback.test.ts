// The same over the sockets of this machine.
import { createNetwork } from '@kaon/net'
import { expect, test } from 'vitest'
import { connect, isConnected, makePeer } from './pair.ts'

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

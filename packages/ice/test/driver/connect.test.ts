import { VirtualNetwork } from '@kaon/net/virtual'
import { expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

test('two hosts connect and exchange data', async () => {
  const net = new VirtualNetwork({ seed: 1 })
  const a = makePeer(net.addHost(), { role: 'controlling' }, 1)
  const b = makePeer(net.addHost(), { role: 'controlled' }, 2)
  connect(a, b)
  await net.runUntil(() => isConnected(a, b))
  await exchange(net, a, b)
  await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
  expect(a.states).toEqual(['checking', 'connected', 'completed'])
  await net.run(60_000)
  a.ice.close()
  b.ice.close()
  await net.runUntilIdle()
})

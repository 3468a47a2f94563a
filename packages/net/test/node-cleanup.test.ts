import { expect, it } from 'vitest'
import { createNetwork } from '@kaon/net'

/** What keeps the process alive, by kind. */
function alive(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /UDP|TCP|Timeout|Immediate/.test(kind))
}

it('leaves nothing that keeps the process alive', async () => {
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))
  await settled()
  const before = alive()
  const network = createNetwork({
    mdns: { port: 15_353, timeout: 20, interfaces: (entry) => entry.internal && entry.family === 4 },
  })
  const one = await network.bindUdp({ address: '127.0.0.1' })
  const listener = await network.listenTcp({ address: '127.0.0.1' })
  const connection = await network.connectTcp({ host: '127.0.0.1', port: listener.local.port })
  const timers = [network.setTimer(network.now() + 60_000, () => {}), network.setTimer(1e15, () => {})]
  expect(alive().length).toBeGreaterThan(before.length)
  one.close()
  listener.close()
  connection.close()
  for (const timer of timers) timer.cancel()
  // Neither of these keeps the process alive, though they are open.
  const unreferenced = await network.bindUdp({ address: '127.0.0.1' })
  unreferenced.unref()
  network.setTimer(network.now() + 60_000, () => {}, { unref: true })
  const registration = network.mdns.publish('cleanup.local', '192.0.2.1')
  expect(await network.mdns.resolve('nobody.local')).toBeUndefined()
  await settled()
  expect(alive().filter((kind) => kind !== 'Timeout')).toEqual([])
  // The test runner has a time-out of its own at times.
  expect(alive().length).toBeLessThanOrEqual(Math.max(before.length, 1))
  unreferenced.close()
  registration.close()
})

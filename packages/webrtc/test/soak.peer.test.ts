import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { closeAll, connect } from './support/peers.ts'
import { expectNoLeak, resources } from './support/resources.ts'

/** The collector, which is out of reach unless a flag shows it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

describe('a thousand connections', () => {
  it('opened and closed leave no timers, no sockets and no growing heap', { timeout: 180_000 }, async () => {
    const gc = collector()
    const heap = async (): Promise<number> => {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        gc()
      }
      return process.memoryUsage().heapUsed
    }
    const some = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const { a, b, channel } = await connect()
        channel.send('x')
        a.close()
        b.close()
        closeAll()
      }
    }
    await some(100)
    const before = resources()
    const heapBefore = await heap()
    await some(900)
    await expectNoLeak(before)
    const growth = (await heap()) - heapBefore
    // 3 MB over 900 pairs would be 1.7 KB for each connection that ever was.
    expect(growth).toBeLessThan(3e6)
  })
})

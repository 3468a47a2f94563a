// Goodput over a simulated path on virtual time: 200 Mbit/s, a queue of 200 ms, 30 MB in messages of 16 KB.
import { cubic, newReno } from '../src/index.ts'
import type { CongestionControllerFactory } from '../src/index.ts'
import { Pair } from '../test/pair.ts'
import type { LinkOptions } from '../test/pair.ts'

const RATE = 25_000
const PATHS: [string, LinkOptions][] = [
  ['0.2 ms round trip', { delay: 0.1, rate: RATE, queue: 200 }],
  ['50 ms', { delay: 25, rate: RATE, queue: 200 }],
  ['100 ms', { delay: 50, rate: RATE, queue: 200 }],
  ['300 ms', { delay: 150, rate: RATE, queue: 200 }],
  ['100 ms, queue of 20 ms', { delay: 50, rate: RATE, queue: 20 }],
  ['100 ms, queue of 3 ms', { delay: 50, rate: RATE, queue: 3 }],
  ['100 ms, 0.1 % loss', { delay: 50, rate: RATE, queue: 200, loss: 0.001 }],
  ['100 ms, 1 % loss', { delay: 50, rate: RATE, queue: 200, loss: 0.01 }],
  ['100 ms, 2 % loss', { delay: 50, rate: RATE, queue: 200, loss: 0.02 }],
  ['100 ms, 5 % loss', { delay: 50, rate: RATE, queue: 200, loss: 0.05 }],
  ['100 ms, jitter 30 ms (reordering)', { delay: 50, jitter: 30, rate: RATE, queue: 200 }],
  ['20 ms, 10 % loss', { delay: 10, rate: RATE, queue: 200, loss: 0.1 }],
]
const CONTROLLERS: [string, CongestionControllerFactory][] = [
  ['cubic', cubic()],
  ['cubic, no tolerance', cubic({ lossTolerance: 0 })],
  ['newreno', newReno],
]

function goodput(link: LinkOptions, congestionController: CongestionControllerFactory, total: number): string {
  const pair = new Pair({ seed: 5, ...link }, { congestionController, zeroChecksum: true }).connect()
  const start = pair.now
  const data = new Uint8Array(16_384)
  let received = 0
  let sent = 0
  pair.onEvent = (event) => {
    if (event.type === 'message') received += event.data.length
    return false
  }
  pair.onStep = () => {
    while (sent < total && pair.a.totalBufferedAmount < 200_000) {
      pair.a.send({ streamId: 1, ppid: 53, data }, pair.now)
      sent += data.length
    }
  }
  pair.runUntil(() => received >= total, 300_000)
  const seconds = (pair.now - start) / 1000
  const { stats } = pair.a
  return (
    `${((received * 8) / seconds / 1e6).toFixed(1).padStart(7)} Mbit/s (${seconds.toFixed(1)} s, ` +
    `${stats.retransmittedChunks} retransmitted, ${stats.retransmissionTimeouts} timeouts, ${pair.drops.queue} dropped by the queue)`
  )
}

for (const [path, link] of PATHS) {
  console.log(path)
  for (const [name, controller] of CONTROLLERS) {
    const slow = (link.loss ?? 0) >= 0.01 && name !== 'cubic'
    console.log(`  ${name.padEnd(20)} ${goodput(link, controller, slow ? 3e6 : 30e6)}`)
  }
}

// Measurements inside one process: `node single.mjs <stack> <what> [amount]` prints one line of JSON.
import { connectPair, drain, pump } from './work.mjs'

const [name, what, amount] = process.argv.slice(2)
const importing = performance.now()
const stack = (await import(`./stacks/${name}.mjs`)).default
const importMs = performance.now() - importing

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const resident = async () => {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await pause(50)
  }
  return process.memoryUsage().rss
}

/** @type {Record<string, () => Promise<object>>} */
const measurements = {
  /** Import, then the first channel of a cold process and the median of the next. */
  async setup() {
    const times = []
    for (let i = 0; i < Number(amount ?? 11); i++) {
      const started = performance.now()
      const [a, b] = await connectPair(stack)
      times.push(performance.now() - started)
      a.close()
      b.close()
      await pause(20)
    }
    const [first, ...rest] = times
    rest.sort((x, y) => x - y)
    return { importMs, first, median: rest[Math.floor(rest.length / 2)] }
  },
  async throughput() {
    const bytes = Number(amount) * 1e6
    const [a, b] = await connectPair(stack)
    const cpu = cpuMs()
    const started = performance.now()
    await Promise.all([drain(b, bytes), pump(a, bytes, 16_384)])
    const elapsed = performance.now() - started
    return { mbits: (bytes * 8) / 1000 / elapsed, cpu: (cpuMs() - cpu) / 1000 }
  },
  /** Many idle connected pairs: memory and processor time for each peer. */
  async idle() {
    const pairs = Number(amount)
    const warm = await connectPair(stack)
    await pause(200)
    const before = await resident()
    const cpuBefore = cpuMs()
    const open = [warm]
    for (let i = 0; i < pairs; i++) open.push(await connectPair(stack))
    const connecting = (cpuMs() - cpuBefore) / pairs
    await pause(500)
    const after = await resident()
    const idleFrom = cpuMs()
    await pause(5000)
    const idle = (cpuMs() - idleFrom) / 5000
    for (const pair of open) for (const peer of pair) peer.close()
    return { kilobytes: (after - before) / 1024 / pairs / 2, connectMs: connecting, idlePercent: idle * 100 }
  },
}

const result = await measurements[what]()
process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0))

import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { createNetlab } from '../../../tools/netlab/netlab.mjs'

// A phone of its own: interfaces of a real kernel that come and go while the built package watches them.

const lab = createNetlab({ name: `kaon-watch-${process.pid}`, left: 'open' })
const { namespace, prefix } = lab.left.host

afterAll(() => lab.remove())

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', ['-n', namespace, ...args], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}

it('watchInterfaces tells of addresses that come and go, and keeps no process alive', async () => {
  const program = `
    import { createNetwork } from '@kaon/net'
    const network = createNetwork({ interfacePollInterval: 20 })
    const tell = (list) => console.log(list.filter((one) => one.family === 4 && !one.internal).map((one) => one.address).join())
    network.watchInterfaces(tell)
    tell(network.interfaces())
    process.stdin.on('data', () => process.stdin.unref()) // the watch alone remains
  `
  const [command, ...rest] = [...prefix, process.execPath, '--input-type=module', '--eval', program]
  const child = spawn(command!, rest, { cwd: fileURLToPath(new URL('..', import.meta.url)) })
  child.stderr.pipe(process.stderr)
  const exited = new Promise((resolve) => child.on('exit', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** Link-local IPv6 addresses come a moment later: what is told twice is passed over. */
  const next = async (previous: string): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) return 'the program has ended'
      if (value !== previous) return value
    }
  }
  let told = await next('')
  expect(told).toBe('192.168.1.2')
  ip('addr', 'add', '192.168.1.77/24', 'dev', 'eth0')
  expect((told = await next(told))).toBe('192.168.1.2,192.168.1.77')
  ip('addr', 'del', '192.168.1.77/24', 'dev', 'eth0')
  expect((told = await next(told))).toBe('192.168.1.2')
  ip('link', 'set', 'eth0', 'down')
  expect((told = await next(told))).toBe('')
  ip('link', 'set', 'eth0', 'up')
  expect((told = await next(told))).toBe('192.168.1.2')
  child.stdin.write('enough')
  expect(await exited).toBe(0)
})

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

// The command as it is published: the built file, in a process of its own (`npm run build` first).
const command = fileURLToPath(new URL('../dist/bin/turn.js', import.meta.url))
const children: ChildProcessWithoutNullStreams[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Finished {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

function start(args: string[]): {
  child: ChildProcessWithoutNullStreams
  line: Promise<string>
  done: Promise<Finished>
} {
  const child = spawn(process.execPath, [command, ...args])
  children.push(child)
  let out = ''
  let err = ''
  child.stderr.on('data', (chunk) => (err += chunk))
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk) => {
      out += chunk
      if (out.includes('\n')) resolve(out.split('\n')[0]!)
    })
  })
  const done = new Promise<Finished>((resolve) => child.on('close', (status) => resolve({ status, out, err })))
  return { child, line, done }
}

describe('kaon-turn as a process', () => {
  it('serves, checks and ends by itself', async () => {
    const args = ['--user', 'u:p', '--port', '0', '--address', '127.0.0.1', '--allow-peer', '127.0.0.1', '--json']
    const server = start(args)
    const { port } = JSON.parse(await server.line).listening
    const check = await start(['check', '--json', '--username', 'u', '--password', 'p', `turn:127.0.0.1:${port}`]).done
    expect(check).toMatchObject({ status: 0, err: '' })
    expect(JSON.parse(check.out)).toMatchObject({ relayedAddress: { address: '127.0.0.1', family: 4 } })
    if (process.platform !== 'win32') {
      server.child.kill('SIGHUP')
      server.child.kill('SIGINT')
      const { status, out } = await server.done
      expect(status).toBe(0)
      expect(JSON.parse(out.trim().split('\n').at(-1)!).stats.allocationsCreated).toBe(2)
    }
  })

  it('has the exit status of its help text', async () => {
    expect((await start(['--help']).done).status).toBe(0)
    expect((await start([]).done).status).toBe(2)
  })
})

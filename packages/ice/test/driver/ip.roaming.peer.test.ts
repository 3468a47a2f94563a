// A call between two network namespaces with two cables between them, one of which is pulled out (`npm run build` first).
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { report } from './report.ts'

const program = fileURLToPath(new URL('roaming-peer.mjs', import.meta.url))
const names = ['a', 'b'].map((side) => `kaon-roam-${process.pid}-${side}`) as [string, string]
const children: ChildProcessWithoutNullStreams[] = []

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

/** The n-th cable, 10.n.0.1 at the first end and 10.n.0.2 at the second. */
function plugIn(n: number): void {
  const [a, b] = names
  ip('-n', a, 'link', 'add', `c${n}`, 'type', 'veth', 'peer', 'name', `c${n}`, 'netns', b)
  for (const [i, name] of names.entries()) {
    ip('-n', name, 'addr', 'add', `10.${n}.0.${i + 1}/24`, 'dev', `c${n}`)
    ip('-n', name, 'link', 'set', `c${n}`, 'up')
  }
}

class Peer {
  readonly states: string[] = []
  readonly candidates: unknown[] = []
  parameters: unknown
  other: Peer | undefined
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: ((message: Record<string, unknown>) => void)[] = []

  constructor(name: string, role: string, mode: string) {
    this.#child = spawn('ip', ['netns', 'exec', name, process.execPath, program, role, mode])
    children.push(this.#child)
    this.#child.stderr.pipe(process.stderr)
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Record<string, unknown>
      if ('parameters' in message) this.parameters = message['parameters']
      else if ('candidate' in message) this.other!.say(message)
      else if ('state' in message) this.states.push(String(message['state']))
      else this.#waiting.shift()?.(message)
    })
  }

  say(message: object): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  ask(what: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.say({ ask: what })
    })
  }

  get isUp(): boolean {
    return ['connected', 'completed'].includes(this.states.at(-1) ?? '')
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function call(mode: string, roles: readonly [string, string]): Promise<[Peer, Peer]> {
  for (const name of names) {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  plugIn(1)
  plugIn(2)
  const peers: [Peer, Peer] = [new Peer(names[0], roles[0], mode), new Peer(names[1], roles[1], mode)]
  for (const [i, peer] of peers.entries()) peer.other = peers[1 - i]!
  await expect.poll(() => peers.every(({ parameters }) => parameters !== undefined), { timeout: 10_000 }).toBe(true)
  for (const peer of peers) peer.say({ parameters: peer.other!.parameters })
  await expect.poll(() => peers.every(({ isUp }) => isUp), { timeout: 10_000 }).toBe(true)
  await pause(7000) // pairs in reserve are checked every 5 s
  return peers
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const name of names) spawnSync('ip', ['netns', 'del', name])
})

describe('an interface of the kernel that goes during a call', () => {
  it.each([
    ['controlling', 'controlled'],
    ['controlled', 'controlling'],
  ] as const)('of the %s side: the other one takes over', async (role, other) => {
    const peers = await call('continual', [role, other])
    const [{ marked }] = await Promise.all(peers.map((peer) => peer.ask('mark')))
    const used = /^10\.(\d)\./.exec(String(marked))![1]!
    // The address goes, the cable stays: only this side can know.
    ip('-n', names[0], 'addr', 'del', `10.${used}.0.1/24`, 'dev', `c${used}`)
    await pause(3000)
    const gaps = await Promise.all(peers.map(async (peer) => Number((await peer.ask('gap'))['gap'])))
    report(`      gap when an address goes, ${role} side: ${gaps.map((gap) => Math.round(gap)).join(' and ')} ms`)
    expect(Math.max(...gaps)).toBeLessThan(1500)
    for (const { states } of peers) expect(states).not.toContain('failed')
    const [after] = await Promise.all(peers.map((peer) => peer.ask('mark')))
    expect(String(after!['marked'])).toMatch(used === '1' ? /^10\.2\./ : /^10\.1\./)
    // And back again: a new cable while the other one goes.
    plugIn(3)
    await pause(9000)
    const left = used === '1' ? '2' : '1'
    ip('-n', names[0], 'link', 'del', `c${left}`)
    await pause(3000)
    const again = await Promise.all(peers.map(async (peer) => Number((await peer.ask('gap'))['gap'])))
    report(`      gap when a cable goes, ${role} side: ${again.map((gap) => Math.round(gap)).join(' and ')} ms`)
    expect(Math.max(...again)).toBeLessThan(1500)
    for (const peer of peers) expect(peer.isUp).toBe(true)
  })
})

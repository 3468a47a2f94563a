import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main, type Surroundings } from '../src/bin/main.ts'
import { type Identity, makeIdentity } from './coturn.ts'

interface Run {
  status: Promise<number>
  out: string
  err: string
}

function run(args: string[], surroundings: Partial<Surroundings> = {}): Run {
  const result: Run = { status: Promise.resolve(0), out: '', err: '' }
  result.status = main(args, {
    stdout: (text) => (result.out += text),
    stderr: (text) => (result.err += text),
    env: {},
    ...surroundings,
  })
  return result
}

const folder = mkdtempSync(join(tmpdir(), 'kaon-turn-'))
const file = (name: string): string => join(folder, name)
const identity = makeIdentity()
const write = ({ certificate, privateKey }: Identity): void => {
  writeFileSync(file('cert.pem'), certificate)
  writeFileSync(file('key.pem'), privateKey)
}
beforeAll(() => {
  write(identity)
  writeFileSync(file('secret'), 'shared\n')
  writeFileSync(file('empty'), '\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A server on loopback, and where it listens. */
async function served(
  args: string[],
  surroundings: Partial<Surroundings> = {},
): Promise<{ serving: Run; ports: Map<string, number>; stop: () => Promise<number> }> {
  const stop = new AbortController()
  const base = ['--port', '0', '--address', '127.0.0.1', '--allow-peer', '127.0.0.0/8', '--json']
  const serving = run([...base, ...args], { signal: stop.signal, ...surroundings })
  const ports = new Map<string, number>()
  await expect
    .poll(() => {
      for (const line of serving.out.split('\n').slice(0, -1)) {
        const { listening } = JSON.parse(line)
        if (listening) ports.set(listening.transport, listening.port)
      }
      return (
        ports.has('tcp') &&
        (!args.includes('--cert') || ports.has('tls')) &&
        (!args.includes('--metrics') || ports.has('metrics'))
      )
    })
    .toBe(true)
  return {
    serving,
    ports,
    stop: () => {
      stop.abort()
      return serving.status
    },
  }
}

function fetchText(url: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode, text }))
    }).on('error', reject)
  })
}

describe('kaon-turn', () => {
  it('explains itself', async () => {
    const help = run(['--help'])
    expect(await help.status).toBe(0)
    expect(help.out).toMatch(/^Usage: kaon-turn/)
    const version = run(['-V'])
    expect(await version.status).toBe(0)
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each([
    [[], 'nobody may use this server'],
    [['nonsense'], 'unexpected argument: nonsense'],
    [['serve', 'x'], 'unexpected argument: x'],
    [['--nonsense'], '--nonsense'],
    [['--user', 'alice'], '--user is name:value'],
    [['--port', '70000'], '--port is a number'],
    [['--cert', 'x'], 'belong together'],
    [['--tls-port', '1'], '--tls-port needs'],
    [['--no-tcp', '--no-udp'], 'leave nothing'],
    [['--relay-ports', '9'], 'min-max'],
    [['--relay-ports', '9-8'], '--relay-ports is a number from 9'],
    [['--metrics', 'x:y'], '--metrics is'],
    [['--token-key', 'kid:AAAA'], '16 or 32 bytes'],
    [['--user', 'a:b', '--deny-peer', 'x'], 'neither an address nor a prefix'],
    [['--ttl', '5'], '--ttl means nothing for serve'],
    [['credentials'], 'no user given'],
    [['credentials', 'bob'], 'no secret'],
    [['credentials', 'bob', 'x'], 'unexpected argument: x'],
    [['credentials', '--port', '1', 'bob'], '--port means nothing for credentials'],
    [['check'], 'no server given'],
    [['check', 'turn:x'], '--username and --password'],
    [['check', '--secret', 's', 'turn:x'], '--secret means nothing for check'],
    [['check', '--username', 'u', '--password', 'p', 'http://x'], 'not a TURN server'],
  ])('refuses %j with status 2', async (args, problem) => {
    const wrong = run(args)
    expect(await wrong.status).toBe(2)
    expect(wrong.err).toContain(problem)
    expect(wrong.out).toBe('')
  })

  it('serves, is checked over every transport, and tells what it did', async () => {
    const tls = ['--cert', file('cert.pem'), '--key', file('key.pem'), '--tls-port', '0']
    const { serving, ports, stop } = await served(['--user', 'alice:se:cret', '--metrics', '0', ...tls, '--log'])
    const credential = ['--username', 'alice', '--password', 'se:cret']
    for (const [transport, server] of [
      ['udp', `turn:127.0.0.1:${ports.get('udp')}`],
      ['tcp', `turn:127.0.0.1:${ports.get('tcp')}?transport=tcp`],
      ['tls', `turns:127.0.0.1:${ports.get('tls')}`],
    ]) {
      const check = run(['check', '--tls-insecure', ...credential, server!])
      expect(await check.status).toBe(0)
      expect(check.out).toMatch(
        new RegExp(
          `^server: +${transport} 127\\.0\\.0\\.1:\\d+\nmapped address: +127\\.0\\.0\\.1:\\d+\nrelayed address: +127\\.0\\.0\\.1:\\d+\nallocated in: +[\\d.]+ ms\nrelay to relay: +[\\d.]+ ms and back\n$`,
        ),
      )
    }
    const metrics = await fetchText(`http://127.0.0.1:${ports.get('metrics')}/metrics`)
    expect(metrics.status).toBe(200)
    expect(metrics.text).toContain('kaon_turn_allocations_created_total 6\n')
    expect((await fetchText(`http://127.0.0.1:${ports.get('metrics')}/`)).status).toBe(404)

    const wrong = run([
      'check',
      '--json',
      '--username',
      'alice',
      '--password',
      'x',
      `turn:127.0.0.1:${ports.get('udp')}`,
    ])
    expect(await wrong.status).toBe(1)
    expect(wrong.err).toBe('kaon-turn: the server refuses the credentials\n')
    expect(await stop()).toBe(0)
    const lines = serving.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.at(-1).stats).toMatchObject({ allocationsCreated: 6 })
    expect(lines.filter(({ log }) => log?.name === 'allocated')).toHaveLength(6)
  })

  it('takes time-limited credentials that it makes itself', async () => {
    for (const [args, env] of [
      [['--secret', 'shared'], {}],
      [['--secret-file', file('secret')], {}],
      [[], { KAON_TURN_SECRET: 'shared' }],
    ] as const) {
      const { ports, stop } = await served([...args], { env })
      const made = run(['credentials', ...args, '--ttl', '60', '--json', 'bob'], { env })
      expect(await made.status).toBe(0)
      const { username, password, ttl } = JSON.parse(made.out)
      expect(username).toMatch(/^\d{10}:bob$/)
      expect(ttl).toBe(60)
      const server = `127.0.0.1:${ports.get('udp')}`
      const check = run(['check', '--json', '--username', username, '--password', password, server])
      expect(await check.status).toBe(0)
      expect(JSON.parse(check.out)).toMatchObject({ server: { port: ports.get('udp') }, relayedAddress: { family: 4 } })
      expect(await stop()).toBe(0)
    }
    const plain = run(['credentials', '--secret', 's', 'bob'])
    expect(await plain.status).toBe(0)
    expect(plain.out).toMatch(/^username: \d{10}:bob\npassword: [A-Za-z0-9+/]{27}=\n$/)
  })

  it('reads its certificate again when told to', async () => {
    let reload = (): void => {}
    const tls = ['--cert', file('cert.pem'), '--key', file('key.pem'), '--tls-port', '0']
    const { serving, ports, stop } = await served(['--user', 'a:b', ...tls], {
      onreload: (callback) => (reload = callback),
    })
    const other = makeIdentity('127.0.0.1')
    writeFileSync(file('other.pem'), other.certificate)
    write(other)
    reload()
    await expect.poll(() => serving.err).toContain('read again')
    writeFileSync(file('cert.pem'), 'nonsense')
    reload()
    await expect.poll(() => serving.err).toContain('stays as it is')
    write(identity)
    const args = [
      'check',
      '--tls-insecure',
      '--username',
      'a',
      '--password',
      'b',
      `turns:127.0.0.1:${ports.get('tls')}`,
    ]
    expect(await run(args).status).toBe(0)
    expect(await stop()).toBe(0)
  })

  it('says what went wrong with status 1', async () => {
    const { ports, stop } = await served(['--user', 'a:b', '--deny-peer', '127.0.0.1'])
    const server = `turn:127.0.0.1:${ports.get('udp')}`
    const denied = run(['check', '--username', 'a', '--password', 'b', server])
    expect(await denied.status).toBe(1)
    expect(denied.out).toContain('nothing came through')
    const taken = run(['--user', 'a:b', '--address', '127.0.0.1', '--port', `${ports.get('udp')}`])
    expect(await taken.status).toBe(1)
    expect(taken.err).toContain('EADDRINUSE')
    expect(await stop()).toBe(0)
    const silent = run(['check', '--timeout', '100', '--username', 'a', '--password', 'b', server])
    expect(await silent.status).toBe(1)
    expect(silent.err).toContain('in time')
    for (const args of [
      ['--secret-file', file('none')],
      ['--secret-file', file('empty')],
    ]) {
      expect(await run(args).status).toBe(1)
    }
  })
})

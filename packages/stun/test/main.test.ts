import { createNetwork } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, it } from 'vitest'
import { main } from '../src/bin/main.ts'
import { StunServer } from '../src/driver/index.ts'

interface Run {
  status: Promise<number>
  out: string
  err: string
}

function run(
  args: string[],
  surroundings: { signal?: AbortSignal; network?: ReturnType<typeof createNetwork> } = {},
): Run {
  const result: Run = { status: Promise.resolve(0), out: '', err: '' }
  result.status = main(args, {
    stdout: (text) => (result.out += text),
    stderr: (text) => (result.err += text),
    ...surroundings,
  })
  return result
}

describe('kaon-stun', () => {
  it('explains itself', async () => {
    const help = run(['--help'])
    expect(await help.status).toBe(0)
    expect(help.out).toMatch(/^Usage: kaon-stun/)
    const version = run(['-V'])
    expect(await version.status).toBe(0)
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each([
    [[], 'no server given'],
    [['a', 'b'], 'unexpected argument: b'],
    [['--nonsense', 'a'], '--nonsense'],
    [['--family', '5', 'a'], '--family is 4 or 6'],
    [['--timeout', 'soon', 'a'], '--timeout is a number'],
    [['--timeout', '0', 'a'], '--timeout is a number'],
    [['--tcp', '--tls', 'a'], 'exclude each other'],
    [['--username', 'u', 'a'], 'belong together'],
    [['--port', '1', 'a'], '--port means nothing for a query'],
    [['http://a'], 'not a STUN server'],
    [['serve', 'x'], 'unexpected argument: x'],
    [['serve', '--port', '70000'], '--port is a number'],
    [['serve', '--realm', 'r'], '--realm needs'],
    [['serve', '--timeout', '5'], '--timeout means nothing for serve'],
  ])('refuses %j with status 2', async (args, problem) => {
    const wrong = run(args)
    expect(await wrong.status).toBe(2)
    expect(wrong.err).toContain(problem)
    expect(wrong.out).toBe('')
  })

  it('serves until it is told to stop, and asks', async () => {
    const stop = new AbortController()
    const args = ['serve', '--port', '0', '--address', '127.0.0.1', '--address', '::1', '--json']
    const credential = ['--username', 'u', '--password', 'p']
    const serving = run([...args, ...credential, '--realm', 'example.org'], { signal: stop.signal })
    await expect.poll(() => serving.out.split('\n').length).toBe(5)
    const { port } = JSON.parse(serving.out.split('\n')[0]!).listening

    const query = run([`127.0.0.1:${port}`, ...credential])
    expect(await query.status).toBe(0)
    expect(query.out).toMatch(
      /^mapped address: 127\.0\.0\.1:(\d+)\nlocal address: {2}127\.0\.0\.1:\1\nserver: {9}127\.0\.0\.1:\d+\nround trip: {5}[\d.]+ ms\nsoftware: {7}kaon-stun [\d.]+\n$/,
    )

    const json = run(['--tcp', '--json', `[::1]:${port}`, ...credential])
    expect(await json.status).toBe(0)
    const parsed = JSON.parse(json.out)
    expect(parsed).toMatchObject({ mappedAddress: { address: '::1', family: 6 }, transmissions: 1, server: { port } })
    expect(parsed.localAddress).toEqual(parsed.mappedAddress)

    const bare = run([`127.0.0.1:${port}`])
    expect(await bare.status).toBe(1)
    expect(bare.err).toBe('kaon-stun: the server wants a username and a password\n')

    const wrong = run(['--json', `127.0.0.1:${port}`, '--username', 'u', '--password', 'x'])
    expect(await wrong.status).toBe(1)
    expect(JSON.parse(wrong.out).error).toMatchObject({ code: 'ERR_STUN_CREDENTIALS', responseCode: 401 })

    stop.abort()
    expect(await serving.status).toBe(0)
    expect(JSON.parse(serving.out.trim().split('\n').at(-1)!).stats).toMatchObject({
      requests: 7,
      successes: 2,
      errors: 5,
    })
  })

  it('says what went wrong with status 1', async () => {
    const net = new VirtualNetwork()
    const host = net.addHost()
    const silent = run(['--timeout', '300', '198.18.9.9'], { network: host })
    expect(await net.runUntil(silent.status)).toBe(1)
    expect(silent.err).toBe('kaon-stun: no response within 300 ms\n')
    const unknown = run(['--json', 'nobody.example.org'], { network: host })
    expect(await net.runUntil(unknown.status)).toBe(1)
    expect(JSON.parse(unknown.out).error.code).toBe('ERR_STUN_UNREACHABLE')
    const taken = await StunServer.listen({ network: host, port: 77 })
    const second = run(['serve', '--port', '77'], { network: host })
    expect(await net.runUntil(second.status)).toBe(1)
    expect(second.err).toContain('No free port 77')
    taken.close()
  })

  it('does not let a server steer the terminal', async () => {
    const net = new VirtualNetwork()
    const [host, serverHost] = [net.addHost(), net.addHost()]
    await StunServer.listen({ network: serverHost, software: '\u001b[31mred\u0007' })
    const query = run([serverHost.address], { network: host })
    expect(await net.runUntil(query.status)).toBe(0)
    expect(query.out).toContain('\ufffd[31mred\ufffd\n')
  })
})

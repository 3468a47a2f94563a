// NAT behaviour discovery with coturn: its server asked by Kaon, its client asking Kaon's.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetwork } from '@kaon/net'
import { afterAll, describe, expect, it } from 'vitest'
import { discoverNat, requestBinding, StunServer } from '../src/driver/index.ts'

const network = createNetwork()
const folder = mkdtempSync(join(tmpdir(), 'kaon-coturn-'))
const children: ChildProcess[] = []

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** With two addresses it is a server of RFC 5780 by itself. */
async function startCoturn(...addresses: string[]): Promise<number> {
  const socket = await network.bindUdp({ address: '127.0.0.1' })
  const { port } = socket.local
  socket.close()
  const listen = addresses.flatMap((address) => ['-L', address])
  const files = ['--pidfile', join(folder, `pid${port}`), '--userdb', join(folder, `db${port}`)]
  const quiet = ['--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout', '--simple-log']
  const args = ['-n', ...listen, '-p', `${port}`, '--alt-listening-port', `${port - 1}`, ...quiet, ...files]
  children.push(spawn('turnserver', args, { cwd: folder, stdio: 'ignore' }))
  await expect
    .poll(() => requestBinding({ network, server: `127.0.0.1:${port}`, timeout: 200 }).catch(() => undefined), {
      timeout: 10_000,
    })
    .toBeDefined()
  return port
}

describe('discoverNat asks coturn', () => {
  it('which has two addresses: everything is found out', async () => {
    const port = await startCoturn('127.0.0.1', '127.0.0.2')
    const report = await discoverNat({ network, server: `127.0.0.1:${port}`, bindingLifetime: [100, 300] })
    expect(report).toMatchObject({
      udp: 'open',
      mapping: 'none',
      filtering: 'endpoint-independent',
      rewritesPayload: false,
      bindingLifetime: { atLeast: 300, below: undefined },
      doubts: [],
    })
    expect(report.servers[0]?.otherAddress).toEqual({ address: '127.0.0.2', port: port - 1, family: 4 })
  })

  it('which has one address: what needs a second one stays unknown', async () => {
    const port = await startCoturn('127.0.0.1')
    const report = await discoverNat({ network, server: `127.0.0.1:${port}` })
    expect(report).toMatchObject({ mapping: 'none', filtering: 'unknown' })
    expect(report.doubts).toEqual([{ topic: 'filtering', reason: 'no-other-address' }])
  })
})

describe('turnutils_natdiscovery asks Kaon', () => {
  async function ask(...args: string[]): Promise<string> {
    const server = await StunServer.listen({
      network,
      addresses: ['127.0.0.1'],
      alternate: { address: '127.0.0.2' },
      port: 0,
    })
    try {
      const child = spawn('turnutils_natdiscovery', [...args, '-p', `${server.port}`, '127.0.0.1'])
      children.push(child)
      let output = ''
      child.stdout.on('data', (chunk) => (output += chunk))
      child.stderr.on('data', (chunk) => (output += chunk))
      await new Promise((resolve) => child.on('close', resolve))
      return output
    } finally {
      server.close()
    }
  }

  it('for mapping, filtering and hairpinning', async () => {
    const output = await ask('-m', '-f', '-H')
    expect(output).toContain('No ALG: Mapped == XOR-Mapped')
    expect(output).toContain('Endpoint Independent Mapping!')
    expect(output).toContain('Endpoint Independent Filtering!')
    expect(output).toMatch(/Other addr: : 127\.0\.0\.2:\d+/)
    expect(output).not.toMatch(/error|timeout/i)
  })

  it('for the lifetime of a mapping, with RESPONSE-PORT', async () => {
    const output = await ask('-t', '-T', '1')
    expect(output.match(/RFC 5780 response/g)?.length).toBeGreaterThanOrEqual(2)
    expect(output).not.toMatch(/error|420/i)
  })

  it('with padding', async () => {
    const output = await ask('-f', '-P')
    expect(output).toContain('Endpoint Independent Filtering!')
  })
})

// coturn's own client, turnutils_uclient, against Kaon's server.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetwork } from '@kaon/net'
import { IntegrityKey, LongTermAuthenticator } from '@kaon/stun'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TurnServer, type TurnServerOptions } from '../src/driver/index.ts'
import { openAccessToken, restPasswords } from '../src/index.ts'
import { type Identity, makeIdentity } from './coturn.ts'

const network = createNetwork()
const identity: Identity = makeIdentity()
const folder = mkdtempSync(join(tmpdir(), 'kaon-uclient-'))
let peerPort = 0

beforeAll(async () => {
  writeFileSync(join(folder, 'ca.pem'), identity.certificate)
  // Send back what they hear, as turnutils_peer does; the second port is for RTCP.
  for (const [address, offset] of [['127.0.0.1', 0] as const, ['127.0.0.1', 1] as const, ['::1', 0] as const]) {
    const peer = await network.bindUdp({ address, ...(peerPort > 0 && { port: peerPort + offset }) })
    peerPort ||= peer.local.port
    peer.onmessage = (data, from) => peer.send(data, from)
    closers.push(peer)
  }
})
const closers: { close(): void }[] = []
afterAll(() => {
  for (const one of closers) one.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A server of its own for each test: they run side by side, for uclient mostly waits. */
async function serve(options: Partial<TurnServerOptions>, use: (server: TurnServer) => Promise<void>): Promise<void> {
  const server = await TurnServer.listen({
    network,
    addresses: ['127.0.0.1', '::1'],
    port: 0,
    authenticator: new LongTermAuthenticator({ realm: 'kaon.test', passwords: new Map([['u', 'p']]) }),
    permitPeer: () => true,
    tls: { ...identity, port: 0 },
    tcpRelay: true,
    software: 'Kaon',
    ...options,
  })
  await use(server).finally(() => server.close())
}

interface Run {
  readonly status: number | null
  readonly output: string
  readonly lost: number
  readonly received: number
}

function uclient(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn('turnutils_uclient', args)
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    const watchdog = setTimeout(() => child.kill('SIGKILL'), 40_000)
    child.on('close', (status) => {
      clearTimeout(watchdog)
      const counts = [...output.matchAll(/tot_recv_msgs=(\d+)/g)]
      const lost = /Total lost packets (\d+)/.exec(output)
      resolve({
        status,
        output: output.slice(-3000),
        received: Number(counts.at(-1)?.[1] ?? -1),
        lost: Number(lost?.[1] ?? -1),
      })
    })
  })
}

const credential = ['-u', 'u', '-w', 'p']
const traffic = (): string[] => ['-e', '127.0.0.1', '-r', `${peerPort}`, '-n', '10', '-z', '5']

describe.concurrent('turnutils_uclient and Kaon’s server', () => {
  it.each([
    ['UDP, channels, RTP and RTCP ports', [], []],
    ['UDP, Send indications', ['-s'], []],
    ['UDP, four clients', ['-m', '4', '-c'], []],
    ['UDP, padded channel data', ['-D', '-c'], []],
    ['UDP, more requests', ['-G', '-c'], []],
    ['UDP, client to client', ['-y'], []],
    ['TCP', ['-t'], []],
    ['TCP, Send indications', ['-t', '-s'], []],
    ['TLS', ['-t', '-S'], []],
    ['IPv6 relay', ['-x', '-c'], ['::1']],
  ] as const)('%s', async (_name, flags, [peer]) => {
    await serve({}, async (server) => {
      const isTls = (flags as readonly string[]).includes('-S')
      const at = ['-p', `${isTls ? server.tlsPort : server.port}`]
      const where = peer === undefined ? traffic() : traffic().map((word) => (word === '127.0.0.1' ? peer : word))
      const run = await uclient(...flags, ...credential, ...where, ...at, '127.0.0.1')
      expect(run.output).toContain('Total lost packets')
      expect(run).toMatchObject({ status: 0, lost: 0 })
      expect(server.stats.datagramsToPeers).toBeGreaterThanOrEqual(10)
      expect(server.stats.droppedMalformed).toBe(0)
    })
  })

  it('TCP relay (RFC 6062), client to client', async () => {
    await serve({}, async (server) => {
      const run = await uclient('-T', ...credential, '-n', '10', '-z', '5', '-p', `${server.port}`, '127.0.0.1')
      expect(run.output).toContain('Total lost packets')
      expect(run).toMatchObject({ status: 0, lost: 0 })
    })
  })

  it('REST credentials', async () => {
    const passwords = restPasswords('shared', { wallClock: () => Date.now() })
    await serve({ authenticator: new LongTermAuthenticator({ realm: 'kaon.test', passwords }) }, async (server) => {
      const run = await uclient('-u', 'bob', '-W', 'shared', '-c', ...traffic(), '-p', `${server.port}`, '127.0.0.1')
      expect(run).toMatchObject({ status: 0, lost: 0 })
    })
  })

  it('a wrong password', async () => {
    await serve({}, async (server) => {
      const run = await uclient('-u', 'u', '-w', 'wrong', '-c', ...traffic(), '-p', `${server.port}`, '127.0.0.1')
      expect(run.status).not.toBe(0)
      expect(server.stats.allocationsCreated).toBe(0)
    })
  })

  it('access tokens (RFC 7635)', async () => {
    // The keys that are built into uclient, which takes one of them at random.
    const keys = new Map([
      ['north', Buffer.from('MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK', 'base64').subarray(0, 32)],
      ['union', Buffer.from('MTIzNDU2Nzg5MDEyMzQ1Ngo=', 'base64').subarray(0, 16)],
      ['oldempire', Buffer.from('MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIK', 'base64').subarray(0, 32)],
    ])
    const serverName = 'turn.test'
    const tokens = {
      serverName,
      open: (keyId: string, token: Uint8Array) => {
        const opened = openAccessToken(token, { key: keys.get(keyId)!, serverName, wallClock: () => Date.now() })
        // coturn signs with the first 16 of the key's 20 bytes, as if it were an MD5 hash; RFC 7635 means all of them.
        return opened && { ...opened, key: new IntegrityKey(opened.macKey.subarray(0, 16)) }
      },
    }
    const authenticator = new LongTermAuthenticator({ realm: 'kaon.test', passwords: new Map(), tokens })
    await serve({ authenticator }, async (server) => {
      for (let turn = 0; turn < 2; turn++) {
        const run = await uclient('-J', '-c', ...traffic(), '-p', `${server.port}`, '127.0.0.1')
        expect(run).toMatchObject({ status: 0, lost: 0 })
      }
    })
  })

  it('nonces that last a moment', async () => {
    const passwords = new Map([['u', 'p']])
    const authenticator = new LongTermAuthenticator({ realm: 'kaon.test', passwords, nonceLifetime: 20 })
    await serve({ authenticator }, async (server) => {
      const run = await uclient('-G', '-c', ...credential, ...traffic(), '-p', `${server.port}`, '127.0.0.1')
      expect(run).toMatchObject({ status: 0, lost: 0 })
      expect(server.stats.errorCodes[438]).toBeGreaterThan(0)
    })
  })
})

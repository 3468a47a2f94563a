// Chromium's TURN client against Kaon's server: two of its connections that may use nothing but relayed addresses.
import { createNetwork } from '@kaon/net'
import { LongTermAuthenticator } from '@kaon/stun'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Chromium, launchChromium } from '../../../tools/peers/chromium.ts'
import { TurnServer } from '../src/driver/index.ts'
import { createRestCredentials, restPasswords } from '../src/index.ts'
import { makeIdentity } from './coturn.ts'

const network = createNetwork()
const wallClock = (): number => network.wallClock()
/** An address that Chromium uses by itself; else loopback, which it has to be told of. */
const outside = network.interfaces().find(({ family, internal }) => family === 4 && !internal)?.address
const address = outside ?? '127.0.0.1'
let chromium: Chromium
let server: TurnServer

beforeAll(async () => {
  server = await TurnServer.listen({
    network,
    addresses: [address],
    port: 0,
    authenticator: new LongTermAuthenticator({
      realm: 'kaon.test',
      passwords: restPasswords('shared', { wallClock }),
      nonceLifetime: 2000,
    }),
    permitPeer: () => true,
    tls: { ...makeIdentity(address), port: 0 },
  })
  chromium = await launchChromium({ loopback: outside === undefined, args: ['--ignore-certificate-errors'] })
})
afterAll(async () => {
  await chromium?.close()
  server?.close()
})

/** Runs in the page: connects two peers by relays alone, and has messages go there and back. */
async function connect(setup: { iceServers: RTCIceServer[]; count: number; size: number }): Promise<{
  received: number
  types: string[]
  protocols: string[]
}> {
  const { iceServers, count, size } = setup
  const [left, right] = [0, 1].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' })) as [
    RTCPeerConnection,
    RTCPeerConnection,
  ]
  left.onicecandidate = ({ candidate }) => void right.addIceCandidate(candidate ?? undefined)
  right.onicecandidate = ({ candidate }) => void left.addIceCandidate(candidate ?? undefined)
  const channel = left.createDataChannel('x')
  right.ondatachannel = ({ channel: other }) => {
    other.onmessage = ({ data }) => other.send(data as string)
  }
  await left.setLocalDescription()
  await right.setRemoteDescription(left.localDescription!)
  await right.setLocalDescription()
  await left.setRemoteDescription(right.localDescription!)
  let received = 0
  await new Promise<void>((resolve, reject) => {
    setTimeout(() => reject(new Error(`ICE ${left.iceConnectionState}, ${received} messages`)), 25_000)
    channel.onopen = () => {
      for (let index = 0; index < count; index++) channel.send('x'.repeat(size))
    }
    channel.onmessage = () => {
      if (++received === count) resolve()
    }
  })
  // Long enough for a nonce to grow old.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const local = [...(await left.getStats()).values()].filter(({ type }) => type === 'local-candidate')
  left.close()
  right.close()
  return {
    received,
    types: [...new Set(local.map(({ candidateType }) => String(candidateType)))],
    protocols: [...new Set(local.map(({ relayProtocol }) => String(relayProtocol)))],
  }
}

describe('Chromium', () => {
  it.each(['udp', 'tcp', 'tls'] as const)('relays over %s', async (transport) => {
    const port = transport === 'tls' ? server.tlsPort : server.port
    const urls = `${transport === 'tls' ? 'turns' : 'turn'}:${address}:${port}?transport=${transport === 'udp' ? 'udp' : 'tcp'}`
    const { username, password } = createRestCredentials('shared', 'alice', 60_000, { wallClock })
    const iceServers = [{ urls, username, credential: password }]
    const page = await chromium.newPage()
    const before = server.stats
    const result = await page.evaluate(connect, { iceServers, count: 500, size: 1000 })
    expect(result).toEqual({ received: 500, types: ['relay'], protocols: [transport] })
    const { stats } = server
    expect(stats.bytesToPeers - before.bytesToPeers).toBeGreaterThan(1_000_000)
    expect(stats.droppedMalformed).toBe(0)
    await page.close()
    // Over UDP its last word has a nonce that is too old by then, and it does not wait for the answer.
    const left = transport === 'udp' ? 2 : 0
    await expect.poll(() => server.stats.allocations - before.allocations, { timeout: 5000 }).toBe(left)
  })
})

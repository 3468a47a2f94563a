// Relayed candidates on a real server, over the system's sockets.
import { createNetwork } from '@kaon/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Coturn, startCoturn } from '../../../turn/test/coturn.ts'
import { connect, makePeer, type Peer, type PeerOptions } from './pair.ts'

const network = createNetwork()
const account = { username: 'alice', credential: 'secret' }
let coturn: Coturn

beforeAll(async () => {
  coturn = await startCoturn(['--lt-cred-mech', '--user', 'alice:secret'])
})
afterAll(() => coturn.kill())

function urlOf(transport: 'udp' | 'tcp' | 'tls'): string {
  if (transport === 'tls') return `turns:127.0.0.1:${coturn.tlsPort}`
  return `turn:127.0.0.1:${coturn.port}?transport=${transport}`
}

function options(transport: 'udp' | 'tcp' | 'tls'): PeerOptions {
  return {
    includeLoopback: true,
    addressFilter: (address) => address === '127.0.0.1',
    iceServers: [{ urls: urlOf(transport), ...account }],
    tls: { authorities: [coturn.certificate], serverName: 'turn.test' },
  }
}

const isUp = ({ ice }: Peer): boolean => ice.state === 'connected' || ice.state === 'completed'

describe('candidates relayed by coturn', () => {
  it.each([
    ['udp', 'udp'],
    ['tcp', 'udp'],
    ['tls', 'tls'],
  ] as const)('%s and %s: relay only, both ways', async (left, right) => {
    const a = makePeer(network, { role: 'controlling', iceTransportPolicy: 'relay', ...options(left) }, 1)
    const b = makePeer(network, { iceTransportPolicy: 'relay', ...options(right) }, 2)
    connect(a, b)
    await expect.poll(() => isUp(a) && isUp(b), { timeout: 10_000 }).toBe(true)
    expect(a.ice.selectedPair!.local).toMatchObject({ type: 'relay', relayProtocol: left, url: urlOf(left) })
    expect(b.ice.selectedPair!.local).toMatchObject({ type: 'relay', relayProtocol: right })
    for (let count = 1; count <= 100; count++) {
      a.ice.send(new Uint8Array(1000).fill(100))
      b.ice.send(new Uint8Array(1000).fill(100))
      await expect.poll(() => Math.min(a.received.length, b.received.length), { interval: 2 }).toBe(count)
    }
    a.ice.close()
    b.ice.close()
  })

  it('a wrong password is a 401, nobody there a 701', async () => {
    const { ice } = makePeer(network, {
      ...options('udp'),
      iceServers: [
        { urls: urlOf('udp'), username: 'alice', credential: 'wrong' },
        { urls: 'turn:127.0.0.1:9?transport=tcp', ...account },
      ],
    })
    const errors: string[] = []
    ice.onCandidateError = ({ errorCode, url }) => errors.push(`${errorCode} ${url}`)
    ice.gather()
    await expect.poll(() => errors.toSorted()).toEqual([`401 ${urlOf('udp')}`, '701 turn:127.0.0.1:9?transport=tcp'])
    ice.close()
  })
})

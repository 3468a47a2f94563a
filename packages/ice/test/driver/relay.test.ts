// Relayed candidates: TURN by UDP, TCP and TLS on the virtual network.
import { describe, expect, test } from 'vitest'
import type { CandidateError } from '../../src/driver/index.ts'
import { connect, exchange, isConnected, makePeer, type PeerOptions } from './pair.ts'
import { account, makeTurnScene, SERVER, turnServers, type TurnScene, turnUrls } from './turn-scene.ts'

function tls(scene: TurnScene): Pick<PeerOptions, 'tls'> {
  return { tls: { authorities: [scene.authority] } }
}

describe('a relayed candidate', () => {
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    test(`carries data for symmetric NATs over ${transport}`, async () => {
      const scene = await makeTurnScene()
      const { net, server } = scene
      const iceServers = turnServers(transport)
      const options = { iceServers, ...tls(scene) }
      const home = () => net.addHost({ via: net.addTopology('symmetric-random'), link: { delay: 10 } })
      const a = makePeer(home(), { role: 'controlling', ...options }, 1)
      const b = makePeer(home(), options, 2)
      connect(a, b)
      await net.runUntil(() => isConnected(a, b))
      await exchange(net, a, b)
      const relays = [...a.ice.localCandidates, ...b.ice.localCandidates].filter(({ type }) => type === 'relay')
      expect(relays).toHaveLength(2)
      for (const relay of relays) {
        expect(relay).toMatchObject({
          address: SERVER,
          protocol: 'udp',
          relayProtocol: transport,
          url: turnUrls[transport],
        })
        expect(relay.relatedPort).toBeGreaterThan(0)
      }
      const pair = a.ice.selectedPair!
      expect([pair.local.type, pair.remote.type]).toContain('relay')
      // Fifteen minutes: permissions, channels and allocations are refreshed.
      await net.run(900_000)
      expect(isConnected(a, b)).toBe(true)
      await exchange(net, a, b)
      a.ice.close()
      b.ice.close()
      await net.run(5000)
      expect(server.stats.allocations).toBe(0)
      await net.runUntilIdle()
    })
  }

  test('has the mapped address as its related one, and none where the own address must not be told', async () => {
    const { net } = await makeTurnScene()
    const nat = net.addTopology('port-restricted')
    const open = makePeer(net.addHost({ via: nat }), { iceServers: turnServers('udp') }, 1)
    const closed = makePeer(
      net.addHost({ via: nat }),
      { iceServers: turnServers('udp'), iceTransportPolicy: 'relay' },
      2,
    )
    const hidden = makePeer(net.addHost({ via: nat }), { iceServers: turnServers('udp'), mdns: 'hide' }, 3)
    for (const { ice } of [open, closed, hidden]) ice.gather()
    await net.run(1000)
    const relayOf = ({ ice }: typeof open) => ice.localCandidates.find(({ type }) => type === 'relay')
    expect(relayOf(open)).toMatchObject({ relatedAddress: nat.address })
    expect(relayOf(closed)).toMatchObject({ relatedAddress: '0.0.0.0', relatedPort: 9 })
    expect(relayOf(hidden)).toMatchObject({ relatedAddress: '0.0.0.0', relatedPort: 9 })
    expect(closed.ice.localCandidates).toHaveLength(1)
    // The TURN server has answered as a STUN server too.
    expect(open.ice.localCandidates.map(({ type }) => type).toSorted()).toEqual(['host', 'relay', 'srflx'])
  })

  test('is the only way with the policy relay, on both sides or on one', async () => {
    for (const [policyA, policyB] of [
      ['relay', 'relay'],
      ['relay', 'all'],
      ['all', 'relay'],
    ] as const) {
      const { net } = await makeTurnScene()
      const iceServers = turnServers('udp')
      const a = makePeer(net.addHost(), { role: 'controlling', iceServers, iceTransportPolicy: policyA }, 1)
      const b = makePeer(net.addHost(), { iceServers, iceTransportPolicy: policyB }, 2)
      const seen = new Set<string>()
      net.tap(({ packet }) => {
        if (packet.source !== SERVER && packet.destination !== SERVER) seen.add(packet.source)
      })
      connect(a, b)
      await net.runUntil(() => isConnected(a, b))
      await exchange(net, a, b)
      const { local, remote } = a.ice.selectedPair!
      expect([local.type, remote.type]).toContain('relay')
      if (policyA === 'relay') expect(a.ice.localCandidates.every(({ type }) => type === 'relay')).toBe(true)
      // Whoever is relay-only sends nothing past the server.
      if (policyA === 'relay' && policyB === 'relay') expect(seen).toEqual(new Set())
    }
  })

  test('comes after everything direct: UDP, TCP and TLS in this order', async () => {
    const scene = await makeTurnScene()
    const { ice } = makePeer(scene.net.addHost(), { iceServers: turnServers('tls', 'tcp', 'udp'), ...tls(scene) })
    ice.gather()
    await scene.net.run(2000)
    const sorted = ice.localCandidates.toSorted((a, b) => b.priority - a.priority)
    expect(sorted.map(({ type, relayProtocol }) => relayProtocol ?? type)).toEqual(['host', 'udp', 'tcp', 'tls'])
    expect(new Set(ice.localCandidates.map(({ foundation }) => foundation)).size).toBe(4)
    expect(ice.gatheringState).toBe('complete')
  })

  test('gives way to a direct path that is found later', async () => {
    const { net } = await makeTurnScene()
    const iceServers = turnServers('udp')
    const a = makePeer(net.addHost({ link: { delay: 10 } }), { role: 'controlling', iceServers }, 1)
    const b = makePeer(net.addHost({ link: { delay: 10 } }), { iceServers }, 2)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.ice.onCandidate = (candidate) => {
        if (candidate?.type === 'relay') to.ice.addRemoteCandidate(candidate)
      }
    }
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    a.ice.gather()
    b.ice.gather()
    await net.run(2000)
    expect(a.ice.selectedPair).toMatchObject({ remote: { type: 'relay' } })
    expect(a.ice.stats().pairs.some(({ nominated }) => nominated)).toBe(true)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const candidate of from.ice.localCandidates) to.ice.addRemoteCandidate(candidate)
      to.ice.addRemoteCandidate(undefined)
    }
    await net.run(5000)
    expect(a.ice.selectedPair).toMatchObject({ local: { type: 'host' }, remote: { type: 'host' } })
    await exchange(net, a, b)
  })

  test('is given back by close, and taken over by a restart', async () => {
    const { net, server } = await makeTurnScene()
    const options: PeerOptions = { iceServers: turnServers('udp'), iceTransportPolicy: 'relay' }
    const a = makePeer(net.addHost(), { role: 'controlling', ...options }, 1)
    const b = makePeer(net.addHost(), options, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(server.stats.allocations).toBe(2)
    const port = a.ice.localCandidates[0]!.port
    a.ice.restart()
    b.ice.setRemoteParameters(a.ice.localParameters)
    connect(a, b)
    await net.run(3000)
    expect(a.ice.selectedPair!.local.usernameFragment).toBe(a.ice.localParameters.usernameFragment)
    expect(server.stats.allocations).toBe(2)
    expect(a.ice.localCandidates.map((one) => one.port)).toEqual([port])
    await exchange(net, a, b)
    a.ice.close()
    a.ice.close()
    await net.run(3000)
    expect(server.stats.allocations).toBe(1)
  })

  test('that the server has forgotten ends its pairs at once, and another takes over', async () => {
    const { net, server } = await makeTurnScene()
    const second = await makeSecond(net)
    const servers = [...turnServers('udp'), { urls: 'turn:198.18.0.11', ...account }]
    const options: PeerOptions = { iceServers: servers, iceTransportPolicy: 'relay' }
    const a = makePeer(net.addHost(), { role: 'controlling', ...options }, 1)
    const b = makePeer(net.addHost(), options, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    const errors: CandidateError[] = []
    a.ice.onCandidateError = (error) => errors.push(error)
    server.close()
    await net.run(60_000)
    expect(isConnected(a, b)).toBe(true)
    await exchange(net, a, b)
    expect(second.stats.allocations).toBe(2)
    await net.run(60_000)
    expect(errors.map(({ errorCode, url }) => `${errorCode} ${url}`)).toEqual([`701 ${turnUrls.udp}`])
  })
})

async function makeSecond(net: TurnScene['net']): Promise<TurnScene['server']> {
  const { LongTermAuthenticator } = await import('@kaon/stun')
  const { TurnServer } = await import('@kaon/turn/driver')
  const passwords = new Map([[account.username, account.credential]])
  return TurnServer.listen({
    network: net.addHost({ address: '198.18.0.11' }),
    authenticator: new LongTermAuthenticator({ realm: 'other.example', passwords }),
    permitPeer: () => true,
    tcp: false,
  })
}

describe('what goes wrong', () => {
  async function errorsWith(options: (scene: TurnScene) => PeerOptions): Promise<string[]> {
    const scene = await makeTurnScene()
    const { ice } = makePeer(scene.net.addHost(), options(scene))
    const errors: string[] = []
    ice.onCandidateError = ({ errorCode, url, address }) => errors.push(`${errorCode} ${url} ${address === null}`)
    ice.gather()
    await scene.net.runUntil(() => ice.gatheringState === 'complete', 20_000)
    await scene.net.run(0)
    expect(ice.localCandidates.filter(({ type }) => type === 'relay')).toEqual([])
    ice.close()
    return errors
  }

  test('a wrong password is a 401', async () => {
    const wrong = [{ urls: turnUrls.udp, username: 'alice', credential: 'wrong' }]
    expect(await errorsWith(() => ({ iceServers: wrong }))).toEqual([`401 ${turnUrls.udp} false`])
    expect(await errorsWith(() => ({ iceServers: wrong, iceTransportPolicy: 'relay' }))).toEqual([
      `401 ${turnUrls.udp} true`,
    ])
  })

  test('a server that is not there is a 701 of each of its URLs', async () => {
    const urls = ['turn:198.18.0.77', 'turn:198.18.0.77?transport=tcp', 'turn:no.such.name', 'turns:198.18.0.77']
    const errors = await errorsWith(() => ({ iceServers: [{ urls, ...account }] }))
    expect(errors.toSorted()).toEqual(urls.map((url) => `701 ${url} ${url === 'turn:no.such.name'}`).toSorted())
  })

  test('a certificate that nobody vouches for is a 701', async () => {
    expect(await errorsWith(() => ({ iceServers: turnServers('tls'), tls: { authorities: [] } }))).toEqual([
      `701 ${turnUrls.tls} false`,
    ])
  })

  test('a TURN server without credentials, and TURN over DTLS', async () => {
    const { net } = await makeTurnScene()
    expect(() => makePeer(net.addHost(), { iceServers: [{ urls: turnUrls.udp }] })).toThrow(
      expect.objectContaining({ code: 'ERR_ICE_SERVER_URL' }),
    )
    const url = 'turns:turn.example.org?transport=udp'
    expect(await errorsWith(() => ({ iceServers: [{ urls: url, ...account }] }))).toEqual([`701 ${url} false`])
  })

  test('twenty servers and two addresses: sixteen allocations at most', async () => {
    const { net, server } = await makeTurnScene()
    const host = net.addHost()
    host.addInterface()
    const urls = Array.from({ length: 20 }, (_, i) => `turn:turn.example.org?transport=${i % 2 === 0 ? 'udp' : 'tcp'}`)
    const { ice } = makePeer(host, { iceServers: urls.map((url) => ({ urls: url, ...account })) })
    ice.gather()
    await net.run(5000)
    expect(ice.gatheringState).toBe('complete')
    expect(server.stats.allocations).toBeLessThanOrEqual(16)
    expect(server.stats.allocations).toBeGreaterThan(0)
    ice.close()
    await net.run(5000)
    expect(server.stats.allocations).toBe(0)
  })

  test('closing while allocations are under way leaves nothing behind', async () => {
    const scene = await makeTurnScene()
    const host = scene.net.addHost({ link: { delay: 50 } })
    for (const wait of [0, 60, 110, 160, 210, 260, 310]) {
      const { ice } = makePeer(host, { iceServers: turnServers('udp', 'tcp', 'tls'), ...tls(scene) })
      ice.gather()
      await scene.net.run(wait)
      ice.close()
      await scene.net.run(5000)
      expect(host.openHandles).toBe(0)
    }
    // What was granted while nobody waited for it any more, the server forgets by itself.
    await scene.net.run(700_000)
    expect(scene.server.stats.allocations).toBe(0)
  })
})

import { SharedPorts } from '@kaon/ice/driver'
import { VirtualNetwork, type VirtualHost } from '@kaon/net/virtual'
import { LongTermAuthenticator } from '@kaon/stun'
import { TurnServer } from '@kaon/turn/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection } from '../src/index.ts'
import { closeAll, once } from './support/peers.ts'
import { signal, virtualPeer } from './support/virtual.ts'

// What the ICE layer can do beyond host and server-reflexive candidates, through the W3C interface, in virtual time.

afterEach(closeAll)

const account = { username: 'alice', credential: 'secret' }

async function turnServer(net: VirtualNetwork): Promise<TurnServer> {
  return TurnServer.listen({
    network: net.addHost({ address: '198.18.0.10' }),
    authenticator: new LongTermAuthenticator({
      realm: 'example.org',
      passwords: new Map([[account.username, account.credential]]),
    }),
    permitPeer: () => true,
  })
}

interface Call {
  peers: [RTCPeerConnection, RTCPeerConnection]
  channel: RTCDataChannel
  /** What the second peer has received. */
  received: string[]
}

async function call(
  net: VirtualNetwork,
  hosts: [VirtualHost, VirtualHost],
  seed: number,
  configurations: [RTCConfiguration, RTCConfiguration],
): Promise<Call> {
  const peers: Call['peers'] = [
    virtualPeer(hosts[0], seed, configurations[0]),
    virtualPeer(hosts[1], seed + 1, configurations[1]),
  ]
  signal(net, [peers[0], hosts[0]], [peers[1], hosts[1]])
  const incoming = once<Event & RTCDataChannelEvent>(peers[1], 'datachannel')
  const channel = peers[0].createDataChannel('data')
  await net.runUntil(Promise.all([once(channel, 'open'), incoming]), 60_000)
  const received: string[] = []
  ;(await incoming).channel.onmessage = ({ data }) => received.push(String(data))
  return { peers, channel, received }
}

async function statsOf(net: VirtualNetwork, pc: RTCPeerConnection, type: string): Promise<Record<string, unknown>[]> {
  const report = await net.runUntil(pc.getStats())
  return [...report.values()].filter((one) => one.type === type) as unknown as Record<string, unknown>[]
}

describe('relayed candidates', () => {
  it('are all there is with iceTransportPolicy relay, and show how their server is reached', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const server = await turnServer(net)
    const iceServers = [{ urls: 'turn:198.18.0.10?transport=tcp', ...account }]
    const relay: RTCConfiguration = { iceServers, iceTransportPolicy: 'relay' }
    const link = { delay: 10 }
    const { peers, channel, received } = await call(net, [net.addHost({ link }), net.addHost({ link })], 1, [
      relay,
      relay,
    ])
    channel.send('hello')
    await net.runUntil(() => received.length === 1)
    expect(peers[0].localDescription!.sdp).toMatch(/typ relay raddr 0\.0\.0\.0 rport 9/)
    expect(peers[0].localDescription!.sdp).not.toMatch(/typ (host|srflx)/)
    const pair = peers[0].sctp!.transport.iceTransport.getSelectedCandidatePair()!
    expect(pair.local).toMatchObject({
      type: 'relay',
      relayProtocol: 'tcp',
      url: 'turn:198.18.0.10?transport=tcp',
      protocol: 'udp',
    })
    const [local] = await statsOf(net, peers[0], 'local-candidate')
    expect(local).toMatchObject({ candidateType: 'relay', relayProtocol: 'tcp' })
    for (const pc of peers) pc.close()
    await net.run(5000)
    expect(server.stats.allocations).toBe(0)
  })

  it('that a server refuses are candidate errors with its code', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    await turnServer(net)
    const host = net.addHost()
    const pc = virtualPeer(host, 1, {
      iceServers: [{ urls: 'turn:198.18.0.10', username: 'alice', credential: 'wrong' }],
    })
    const errors: [number, string][] = []
    pc.onicecandidateerror = ({ errorCode, url }) => errors.push([errorCode, url])
    pc.createDataChannel('x')
    await net.runUntil(pc.setLocalDescription())
    await net.runUntil(() => pc.iceGatheringState === 'complete')
    await net.run(10)
    expect(errors).toEqual([[401, 'turn:198.18.0.10']])
  })
})

describe('ports that connections share', () => {
  it('twenty peer connections behind one UDP and TCP port', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const server = net.addHost()
    const sharedPorts = await SharedPorts.open({ network: server, port: 443, tcp: true })
    const calls: Call[] = []
    for (let i = 0; i < 20; i++) {
      const via = net.addTopology(i % 4 === 0 ? 'udp-blocked' : 'symmetric')
      const ice = { sharedPorts, tcp: ['passive' as const] }
      calls.push(await call(net, [net.addHost({ via }), server], 10 + 2 * i, [{}, { ice }]))
    }
    for (const [i, { channel }] of calls.entries()) channel.send(`${i}`)
    await net.run(500)
    expect(calls.map(({ received }) => received)).toEqual(calls.map((_, i) => [`${i}`]))
    for (const [i, { peers }] of calls.entries()) {
      const { local } = peers[1].sctp!.transport.iceTransport.getSelectedCandidatePair()!
      expect(local).toMatchObject({ port: 443, protocol: i % 4 === 0 ? 'tcp' : 'udp' })
    }
    for (const { peers } of calls) for (const pc of peers) pc.close()
    expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
    sharedPorts.close()
    await net.run(100)
    expect(server.openHandles).toBe(0)
  })
})

describe('an ICE-lite peer connection', () => {
  it.each(['offers', 'answers'])('%s', async (which) => {
    const net = new VirtualNetwork({ seed: 4 })
    const lite: RTCConfiguration = { ice: { lite: true } }
    const isOfferer = which === 'offers'
    const hosts: [VirtualHost, VirtualHost] = [net.addHost(), net.addHost()]
    const { peers, channel, received } = await call(net, hosts, 50, isOfferer ? [lite, {}] : [{}, lite])
    const [liteOne, full] = isOfferer ? peers : [peers[1], peers[0]]
    expect(liteOne.localDescription!.sdp).toMatch(/^a=ice-lite\r$/m)
    expect(full.localDescription!.sdp).not.toContain('ice-lite')
    expect(liteOne.sctp!.transport.iceTransport.role).toBe('controlled')
    expect(full.sctp!.transport.iceTransport.role).toBe('controlling')
    channel.send('hello')
    await net.runUntil(() => received.length === 1)
    await net.run(60_000)
    expect(liteOne.connectionState).toBe('connected')
    full.close()
    await net.run(60_000)
    expect(['disconnected', 'failed', 'closed']).toContain(liteOne.iceConnectionState)
  })
})

describe('continual gathering', () => {
  it('carries a channel from one interface to another without a restart', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const link = { delay: 20 }
    const host = net.addHost({ link })
    const continual: RTCConfiguration = { ice: { continualGathering: true } }
    const { peers, channel, received } = await call(net, [host, net.addHost({ link })], 70, [continual, continual])
    let offers = 0
    peers[0].onnegotiationneeded = () => offers++
    const states: string[] = []
    peers[0].oniceconnectionstatechange = () => states.push(peers[0].iceConnectionState)
    const ufrag = /a=ice-ufrag:(\S+)/.exec(peers[0].localDescription!.sdp)![1]
    host.addInterface({ link })
    await net.run(2000)
    expect(peers[0].iceGatheringState).toBe('complete')
    expect(peers[0].localDescription!.sdp.match(/a=candidate:/g)).toHaveLength(2)
    let sent = 0
    let gap = 0
    let last = net.now
    const run = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 20) {
        const before = received.length
        channel.send(`${sent++}`)
        await net.run(20)
        if (received.length > before) {
          gap = Math.max(gap, net.now - last)
          last = net.now
        }
      }
    }
    await run(2000)
    gap = 0
    host.interface('eth0').remove()
    await run(5000)
    await net.run(1000)
    expect(received).toHaveLength(sent)
    expect(gap).toBeLessThan(1000)
    expect(offers).toBe(0)
    expect(/a=ice-ufrag:(\S+)/.exec(peers[0].localDescription!.sdp)![1]).toBe(ufrag)
    expect(states).not.toContain('failed')
  })
})

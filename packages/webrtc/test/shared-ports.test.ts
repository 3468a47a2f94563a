import { SharedPorts } from '@kaon/ice/driver'
import { VirtualNetwork } from '@kaon/net/virtual'
import { attribute, createTransactionId, MessageBuilder, methods, shortTermKey } from '@kaon/stun'
import { afterEach, describe, expect, it } from 'vitest'
import { RTCPeerConnection, type RTCDataChannelEvent } from '../src/index.ts'
import { closeAll, once } from './support/peers.ts'
import { seededRandom, signal, virtualPeer } from './support/virtual.ts'

// Many peer connections behind one UDP port, and strangers at it.

afterEach(closeAll)

function check(username: string, password: string): Uint8Array {
  const builder = new MessageBuilder().start('request', methods.binding, createTransactionId())
  builder.add(attribute.username, username).add(attribute.priority, 1).add(attribute.iceControlling, 1n)
  return builder.integrity(shortTermKey(password)).fingerprint().finish().slice()
}

async function server(seed: number, count: number) {
  const net = new VirtualNetwork({ seed })
  const host = net.addHost({ families: [4, 6] })
  const sharedPorts = await SharedPorts.open({ network: host, port: 3478 })
  const certificates = [await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })]
  const nat = net.addTopology('port-restricted')
  const peers = Array.from({ length: count }, (_, i) => {
    const home = net.addHost(i % 2 === 0 ? { via: nat } : { families: [4, 6] })
    const client = virtualPeer(home, 2 * i, { certificates })
    const ours = virtualPeer(host, 2 * i + 1, { certificates, ice: { sharedPorts } })
    const errors = signal(net, [client, home], [ours, host])
    const channel = client.createDataChannel('data')
    const received: string[] = []
    channel.onmessage = ({ data }) => received.push(String(data))
    const incoming = once<Event & RTCDataChannelEvent>(ours, 'datachannel')
    ours.addEventListener('datachannel', (event) => {
      const { channel: echo } = event as unknown as RTCDataChannelEvent
      echo.onmessage = ({ data }) => echo.send(data as string)
    })
    return { client, ours, channel, received, errors, open: Promise.all([once(channel, 'open'), incoming]) }
  })
  await net.runUntil(Promise.all(peers.map(({ open }) => open)), 60_000)
  return { net, host, sharedPorts, peers }
}

describe('sixty peer connections behind one port', () => {
  it('each have their channel, and leave nothing behind', async () => {
    const { net, host, sharedPorts, peers } = await server(1, 60)
    for (const [i, { channel }] of peers.entries()) channel.send(`${i}`)
    await net.run(500)
    expect(peers.map(({ received }) => received)).toEqual(peers.map((_, i) => [`${i}`]))
    for (const { ours } of peers) {
      expect(ours.sctp!.transport.iceTransport.getSelectedCandidatePair()!.local.port).toBe(3478)
    }
    expect(sharedPorts.stats.shares).toBe(2 * peers.length)
    // Some restart, and some come to an end: the others go on.
    for (const { client } of peers.slice(0, 20)) client.restartIce()
    for (const { ours } of peers.slice(40)) ours.close()
    await net.run(15_000)
    expect(sharedPorts.stats.shares).toBe(2 * 40)
    for (const { channel } of peers.slice(0, 40)) channel.send('again')
    await net.run(500)
    for (const { received } of peers.slice(0, 40)) expect(received.at(-1)).toBe('again')
    for (const { channel } of peers.slice(40)) expect(channel.readyState).toBe('closed')
    expect(peers.flatMap(({ errors }) => errors)).toEqual([])
    closeAll()
    expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
    sharedPorts.close()
    await net.run(1000)
    expect(host.openHandles).toBe(0)
  })
})

describe('strangers at a shared port', () => {
  it('who know nobody’s fragment, or the wrong password, or come under false addresses: nobody notices', async () => {
    const { net, sharedPorts, peers } = await server(2, 8)
    await net.run(2000)
    const unhandled: number[] = []
    sharedPorts.onUnhandledDatagram = (datagram) => unhandled.push(datagram[0]!)
    const { entries } = sharedPorts.stats
    const before = peers.map(({ ours }) => ours.sctp!.transport.iceTransport)
    const names = before.map((transport) => transport.getLocalParameters()!.usernameFragment)
    const attacker = net.addHost()
    let answers = 0
    const sockets = await Promise.all(Array.from({ length: 10 }, () => attacker.bindUdp()))
    for (const socket of sockets) socket.onmessage = () => answers++
    const random = seededRandom(3)
    const [target] = sharedPorts.endpoints
    const states: string[] = []
    for (const { ours } of peers) ours.onconnectionstatechange = () => states.push(ours.connectionState)
    for (let i = 0; i < 2000; i++) {
      const kinds = [
        () => check(`nobody${i}:x`, 'p'.repeat(22)),
        () => check(`${names[i % names.length]}:x`, 'wrong'.repeat(5)),
        () => new Uint8Array([22, 254, 253, ...random(60)]), // a DTLS record
        () => new Uint8Array([128, 96, ...random(60)]), // an RTP packet
        () => random(100),
      ]
      sockets[i % sockets.length]!.send(kinds[i % kinds.length]!(), target!)
      if (i % 20 === 0) await net.run(1)
    }
    for (const [i, { channel }] of peers.entries()) channel.send(`${i}`)
    await net.run(1000)
    expect(answers).toBe(0)
    expect(states).toEqual([])
    expect(sharedPorts.stats.entries).toBe(entries)
    expect(sharedPorts.stats.unknownFragment).toBeGreaterThan(300)
    expect(sharedPorts.stats.unknownAddress).toBeGreaterThan(700)
    expect(unhandled.length).toBeGreaterThan(1000)
    expect(peers.map(({ received }) => received)).toEqual(peers.map((_, i) => [`${i}`]))
    for (const [i, { ours }] of peers.entries()) {
      const stats = [...(await net.runUntil(ours.getStats())).values()]
      expect(stats.filter(({ type }) => type === 'remote-candidate').length).toBeLessThan(5)
      expect(before[i]!.state).toMatch(/^(connected|completed)$/)
    }
  })

  it('at a port of one’s own come to a hook too, which may throw and may close', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const host = net.addHost()
    const seen: string[] = []
    const pc = virtualPeer(host, 1, {
      ice: {
        onUnhandledDatagram: (datagram, from) => {
          seen.push(`${datagram[0]} ${from.address}`)
          if (datagram[0] === 201) pc.close()
        },
      },
    })
    pc.createDataChannel('x')
    await net.runUntil(pc.setLocalDescription())
    await net.runUntil(() => pc.iceGatheringState === 'complete')
    const [, address, port] = / (\S+) (\d+) typ host/.exec(pc.localDescription!.sdp)!
    const stranger = net.addHost()
    const socket = await stranger.bindUdp()
    for (const first of [200, 201, 202]) {
      socket.send(new Uint8Array([first, 1, 2]), { address: address!, port: Number(port), family: 4 })
      await net.run(10)
    }
    expect(seen).toEqual([`200 ${stranger.address}`, `201 ${stranger.address}`])
    expect(pc.connectionState).toBe('closed')
    expect(host.openHandles).toBe(0)
  })
})

describe('statistics of a pair', () => {
  it('have every member that there is something to tell of', async () => {
    const { net, peers } = await server(4, 1)
    const [{ client, channel }] = peers as [(typeof peers)[number]]
    channel.send('x')
    await net.run(12_000)
    const report = await net.runUntil(client.getStats())
    const pair = [...report.values()].find(
      (one) => one.type === 'candidate-pair' && one.nominated,
    ) as unknown as Record<string, number>
    const now = report.get(pair.transportId as unknown as string)!.timestamp
    for (const name of [
      'packetsSent',
      'packetsReceived',
      'bytesSent',
      'bytesReceived',
      'totalRoundTripTime',
      'currentRoundTripTime',
      'requestsSent',
      'requestsReceived',
      'responsesSent',
      'responsesReceived',
      'consentRequestsSent',
    ]) {
      expect(pair[name], name).toBeGreaterThan(0)
    }
    for (const name of ['lastPacketSentTimestamp', 'lastPacketReceivedTimestamp']) {
      expect(pair[name], name).toBeLessThanOrEqual(now)
      expect(pair[name], name).toBeGreaterThan(now - 12_500)
    }
    expect(pair).toMatchObject({ state: 'succeeded' })
  })
})

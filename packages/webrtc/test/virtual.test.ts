import { VirtualNetwork, type LinkOptions, type VirtualHost } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration, RTCDataChannel, RTCPeerConnection } from '../src/index.ts'
import { closeAll, once } from './support/peers.ts'
import { signal, virtualPeer } from './support/virtual.ts'

afterEach(closeAll)

interface Pair {
  net: VirtualNetwork
  hostA: VirtualHost
  hostB: VirtualHost
  a: RTCPeerConnection
  b: RTCPeerConnection
  errors: unknown[]
}

function pair(seed: number, link: LinkOptions = { delay: 10 }, configuration: RTCConfiguration = {}): Pair {
  const net = new VirtualNetwork({ seed })
  const hostA = net.addHost({ link })
  const hostB = net.addHost({ link })
  const a = virtualPeer(hostA, seed, configuration)
  const b = virtualPeer(hostB, seed + 1, configuration)
  return { net, hostA, hostB, a, b, errors: signal(net, [a, hostA], [b, hostB]) }
}

/** Everything that comes in on the channels the peer opens, by label. */
function collect(pc: RTCPeerConnection): Map<string, (string | ArrayBuffer)[]> {
  const inbox = new Map<string, (string | ArrayBuffer)[]>()
  pc.addEventListener('datachannel', (event) => {
    const { channel } = event as unknown as { channel: RTCDataChannel }
    const list: (string | ArrayBuffer)[] = []
    inbox.set(channel.label, list)
    channel.onmessage = ({ data }) => list.push(data as string | ArrayBuffer)
  })
  return inbox
}

describe('two peers on the virtual network', () => {
  it('connect without a STUN server, talk to nobody else, and tell each other when they close', async () => {
    const { net, hostA, hostB, a, b, errors } = pair(1)
    const addresses = new Set([hostA.address, hostB.address])
    const strangers: string[] = []
    net.tap(({ packet }) => {
      for (const address of [packet.source, packet.destination]) if (!addresses.has(address)) strangers.push(address)
    })
    const inbox = collect(b)
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 5000)
    channel.send('hello')
    await net.runUntil(() => inbox.get('x')?.length === 1, 1000)
    expect(inbox.get('x')).toEqual(['hello'])
    const closed = once(b.sctp!, 'statechange')
    a.close()
    await net.runUntil(closed, 1000)
    b.close()
    expect(errors).toEqual([])
    expect(strangers).toEqual([])
    await net.run(60_000)
    expect(net.pending).toBe(0)
  })

  it('connect through two NATs with a STUN server', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const server = net.addHost({ address: '203.0.113.1' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const url = 'stun:203.0.113.1:3478'
    const behindNat = (): VirtualHost =>
      net.addHost({ via: net.addNat({ type: 'port-restricted-cone' }), link: { delay: 10 } })
    const [hostA, hostB] = [behindNat(), behindNat()]
    const a = virtualPeer(hostA, 1, { iceServers: [{ urls: url }] })
    const b = virtualPeer(hostB, 2, { iceServers: [{ urls: url }] })
    const errors = signal(net, [a, hostA], [b, hostB])
    const reflexive: (string | null)[] = []
    a.addEventListener('icecandidate', (event) => {
      const { candidate, url: source } = event as unknown as { candidate: RTCIceCandidate | null; url: string | null }
      if (candidate?.type === 'srflx') reflexive.push(source)
    })
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 10_000)
    expect(reflexive).toEqual([url])
    const { local } = a.sctp!.transport.iceTransport.getSelectedCandidatePair()!
    expect(['srflx', 'prflx']).toContain(local.type)
    const report = [...(await a.getStats()).values()]
    expect(report.some((entry) => entry.type === 'local-candidate' && entry.url === url)).toBe(true)
    expect(errors).toEqual([])
    stun.close()
  })

  it('tell a transport that was gathered into the pool of servers that come later', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const server = net.addHost({ address: '203.0.113.1' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const host = net.addHost({ via: net.addNat({ type: 'port-restricted-cone' }), link: { delay: 10 } })
    const pc = virtualPeer(host, 1, { iceCandidatePoolSize: 1 })
    await net.run(1000)
    pc.setConfiguration({ iceCandidatePoolSize: 1, iceServers: [{ urls: 'stun:203.0.113.1:3478' }] })
    pc.createDataChannel('x')
    await net.runUntil(pc.setLocalDescription(), 1000)
    pc.restartIce()
    await net.runUntil(pc.setLocalDescription(), 1000)
    await net.run(5000)
    expect(pc.localDescription!.sdp).toContain('typ srflx')
    stun.close()
  })

  it.each([1, 2, 3, 4])(
    'seed %i: deliver everything in order at a tenth of loss, with reordering and duplication',
    async (seed) => {
      const link = { delay: 15, jitter: 10, loss: 0.05, reorder: 0.1, duplicate: 0.05 }
      const { net, a, b, errors } = pair(seed, link)
      const inbox = collect(b)
      const channel = a.createDataChannel('x')
      const back = b.createDataChannel('y')
      const atA = collect(a)
      await net.runUntil(Promise.all([once(channel, 'open'), once(back, 'open')]), 20_000)
      const count = 200
      for (let i = 0; i < count; i++) {
        channel.send(`${i} ${'x'.repeat((i * 97) % 3000)}`)
        back.send(new Uint8Array(i))
      }
      await net.runUntil(() => inbox.get('x')?.length === count && atA.get('y')?.length === count, 60_000)
      const numbers = inbox.get('x')!.map((text) => Number((text as string).split(' ')[0]))
      expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i))
      expect(atA.get('y')!.map((data) => (data as ArrayBuffer).byteLength)).toEqual(numbers)
      expect(channel.bufferedAmount).toBe(0)
      expect(errors).toEqual([])
    },
  )

  it('lose messages of an unreliable channel, and only there', async () => {
    const { net, a, b } = pair(7, { delay: 10, loss: 0.1 })
    const inbox = collect(b)
    const lossy = a.createDataChannel('lossy', { ordered: false, maxRetransmits: 0 })
    const safe = a.createDataChannel('safe')
    await net.runUntil(Promise.all([once(lossy, 'open'), once(safe, 'open')]), 20_000)
    for (let i = 0; i < 300; i++) {
      lossy.send(String(i))
      safe.send(String(i))
      await net.run(5)
    }
    await net.runUntil(() => inbox.get('safe')?.length === 300, 30_000)
    await net.run(5000)
    const got = inbox.get('lossy')!.length
    expect(got).toBeGreaterThan(150)
    expect(got).toBeLessThan(300)
    expect(new Set(inbox.get('lossy')).size).toBe(got)
  })

  it('survive a cable that is pulled for 20 s', async () => {
    const { net, hostA, a, b } = pair(3)
    const inbox = collect(b)
    const states: string[] = []
    a.onconnectionstatechange = () => states.push(a.connectionState)
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 5000)
    hostA.link.down()
    channel.send('through the gap')
    await net.run(20_000)
    expect(a.connectionState).toBe('disconnected')
    expect(a.iceConnectionState).toBe('disconnected')
    hostA.link.up()
    await net.runUntil(() => inbox.get('x')?.length === 1, 15_000)
    await net.runUntil(() => a.connectionState === 'connected', 15_000)
    expect(states).toEqual(['connecting', 'connected', 'disconnected', 'connected'])
  })

  it('fail when consent is gone, and an ICE restart brings the channel back', async () => {
    const { net, hostA, a, b, errors } = pair(5)
    const inbox = collect(b)
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 5000)
    hostA.link.down()
    await net.runUntil(() => a.connectionState === 'failed', 60_000)
    hostA.link.up()
    channel.send('after the restart')
    a.restartIce()
    await net.runUntil(() => a.connectionState === 'connected' && b.connectionState === 'connected', 30_000)
    await net.runUntil(() => inbox.get('x')?.length === 1, 60_000)
    expect(channel.readyState).toBe('open')
    expect(errors).toEqual([])
  })

  it('a forged fingerprint ends in failed, with an error that says so', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const [a, b] = [virtualPeer(net.addHost(), 1), virtualPeer(net.addHost(), 2)]
    const forge = ({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit => ({
      type,
      sdp: sdp!.replace(/(fingerprint:sha-256 )../, '$1FF').replace(/(fingerprint:sha-256 FF:)../, '$1EE'),
    })
    const done = (async () => {
      a.createDataChannel('x')
      await a.setLocalDescription()
      while (a.iceGatheringState !== 'complete') await once(a, 'icegatheringstatechange')
      await b.setRemoteDescription(forge(a.localDescription!))
      await b.setLocalDescription()
      while (b.iceGatheringState !== 'complete') await once(b, 'icegatheringstatechange')
      const error = once<Event & { error: unknown }>(b.sctp!.transport, 'error')
      await a.setRemoteDescription(b.localDescription!)
      expect((await error).error).toMatchObject({ name: 'OperationError', errorDetail: 'fingerprint-failure' })
      expect(b.connectionState).toBe('failed')
      while (a.connectionState !== 'failed') await once(a, 'connectionstatechange')
      expect(a.sctp!.transport.state).toBe('failed')
      expect(a.sctp!.state).not.toBe('connected')
    })()
    await net.runUntil(done, 60_000)
  })

  it('move to another peer with an ICE restart: new fingerprint, new association, old channels closed', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    const [a, b, c] = [1, 2, 3].map((seed) => virtualPeer(net.addHost(), seed)) as [
      RTCPeerConnection,
      RTCPeerConnection,
      RTCPeerConnection,
    ]
    const complete = async (pc: RTCPeerConnection): Promise<RTCSessionDescriptionInit> => {
      while (pc.iceGatheringState !== 'complete') await once(pc, 'icegatheringstatechange')
      return pc.localDescription!
    }
    const call = async (other: RTCPeerConnection, iceRestart: boolean): Promise<void> => {
      await a.setLocalDescription(await a.createOffer({ iceRestart }))
      while (!a.localDescription!.sdp.includes('a=end-of-candidates')) await once(a, 'icecandidate')
      await other.setRemoteDescription(a.localDescription!)
      await other.setLocalDescription()
      await a.setRemoteDescription(await complete(other))
    }
    const done = (async () => {
      const first = a.createDataChannel('first')
      await call(b, false)
      await once(first, 'open')
      const closed = once(first, 'close')
      await call(c, true)
      await closed
      const incoming = once<Event & { channel: RTCDataChannel }>(c, 'datachannel')
      const second = a.createDataChannel('second')
      await once(second, 'open')
      const message = once<MessageEvent>((await incoming).channel, 'message')
      second.send('to c')
      expect((await message).data).toBe('to c')
      expect(a.connectionState).toBe('connected')
      expect(a.sctp!.state).toBe('connected')
    })()
    await net.runUntil(done, 30_000)
  })

  it('hold DTLS that comes before the answer', async () => {
    const { net, hostA, hostB, a, b } = pair(9, { delay: 5 })
    // Signalling in one direction is much slower than the network.
    const errors = signal(net, [a, hostA], [b, hostB], () => 1000)
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 10_000)
    expect(errors).toEqual([])
    expect(net.now).toBeLessThan(3000)
  })
})

describe('perfect negotiation', () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'settles when both sides offer at once, seed %i',
    async (seed) => {
      const net = new VirtualNetwork({ seed })
      const random = net.createRandom('signalling')
      const [hostA, hostB] = [net.addHost({ link: { delay: 5 } }), net.addHost({ link: { delay: 5 } })]
      const [a, b] = [virtualPeer(hostA, seed), virtualPeer(hostB, seed + 1)]
      const errors = signal(net, [a, hostA], [b, hostB], () => random() * 50)
      const channels = [a.createDataChannel('from a'), b.createDataChannel('from b')]
      await net.runUntil(Promise.all(channels.map((channel) => once(channel, 'open'))), 20_000)
      // Restarts that cross, again and again.
      for (let round = 0; round < 5; round++) {
        a.restartIce()
        if (random() < 0.7) b.restartIce()
        await net.run(random() * 100)
      }
      await net.run(5000)
      expect(errors).toEqual([])
      for (const pc of [a, b]) {
        expect(pc.signalingState).toBe('stable')
        expect(pc.connectionState).toBe('connected')
      }
      const ufrag = (sdp: string): string => /ice-ufrag:(\S+)/.exec(sdp)![1]!
      expect(ufrag(a.localDescription!.sdp)).toBe(ufrag(b.remoteDescription!.sdp))
      expect(ufrag(b.localDescription!.sdp)).toBe(ufrag(a.remoteDescription!.sdp))
      const iceA = a.sctp!.transport.iceTransport
      expect(iceA.getLocalParameters()!.usernameFragment).toBe(ufrag(a.localDescription!.sdp))
      const inbox = collect(b)
      const late = a.createDataChannel('late')
      await net.runUntil(once(late, 'open'), 5000)
      late.send('x')
      await net.runUntil(() => inbox.get('late')?.length === 1, 5000)
    },
  )
})

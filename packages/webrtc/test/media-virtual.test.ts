import { VirtualNetwork, type LinkOptions, type VirtualHost } from '@kaon/net/virtual'
import { afterEach, describe, expect, it } from 'vitest'
import { MediaStreamTrack, type RTCConfiguration, type RTCPeerConnection, type RTCRtpSender } from '../src/index.ts'
import { camera, watch, type Camera, type Seen } from './support/media.ts'
import { closeAll, trickle } from './support/peers.ts'
import { seededRandom, signal, virtualPeer } from './support/virtual.ts'

const cameras: Camera[] = []
afterEach(() => {
  closeAll()
  for (const one of cameras.splice(0)) one.stop()
})

interface Side {
  pc: RTCPeerConnection
  host: VirtualHost
  seen: Seen[]
}

function pair(seed: number, link: LinkOptions = { delay: 10 }, configuration: RTCConfiguration = {}) {
  const net = new VirtualNetwork({ seed })
  const side = (number: number): Side => {
    const host = net.addHost({ link })
    const pc = virtualPeer(host, seed + number, configuration)
    return { pc, host, seen: watch(pc) }
  }
  const [a, b] = [side(0), side(1)]
  return { net, a, b, errors: signal(net, [a.pc, a.host], [b.pc, b.host]) }
}

function shoot(side: Side, options: { interval?: number; size?: number } = {}): Camera {
  const made = camera(side.host, options)
  cameras.push(made)
  return made
}

describe('media between two peers', () => {
  it('flows both ways, in order, without a frame lost', async () => {
    const { net, a, b, errors } = pair(1)
    const [one, two] = [shoot(a), shoot(b)]
    a.pc.addTrack(one.track)
    b.pc.addTrack(two.track)
    await net.runUntil(() => (b.seen[0]?.frames.length ?? 0) > 50 && (a.seen[0]?.frames.length ?? 0) > 50, 10_000)
    for (const { seen } of [a, b]) {
      const { frames, discontinuities, track } = seen[0]!
      expect(frames).toEqual(frames.map((_, i) => frames[0]! + i))
      expect(discontinuities).toBe(0)
      expect(track.muted).toBe(false)
    }
    expect(errors).toEqual([])
  })

  it.each([1, 2, 3])('seed %i: survives a tenth of loss with reordering, by retransmission', async (seed) => {
    const link = { delay: 15, jitter: 5, loss: 0.05, reorder: 0.05, duplicate: 0.02 }
    const { net, a, b, errors } = pair(seed, link)
    const source = shoot(a, { size: 5000 })
    a.pc.addTrack(source.track)
    await net.runUntil(() => (b.seen[0]?.frames.length ?? 0) > 0, 20_000)
    await net.run(20_000)
    const { frames } = b.seen[0]!
    expect(frames.length).toBeGreaterThan(450)
    expect(frames.every((number, i) => i === 0 || number > frames[i - 1]!)).toBe(true)
    const all = frames.at(-1)! - frames[0]! + 1
    expect(frames.length / all).toBeGreaterThan(0.95)
    const inbound = [...(await b.pc.getStats()).values()].find(({ type }) => type === 'inbound-rtp')!
    expect(inbound.nackCount).toBeGreaterThan(0)
    expect(inbound.retransmittedPacketsReceived).toBeGreaterThan(0)
    expect(errors).toEqual([])
  })

  it('is told by both sides’ statistics', async () => {
    const { net, a, b } = pair(4, { delay: 25 })
    a.pc.addTrack(shoot(a).track)
    b.pc.addTrack(shoot(b).track)
    await net.runUntil(() => (b.seen[0]?.frames.length ?? 0) > 100, 20_000)
    const report = await a.pc.getStats()
    const entries = [...report.values()]
    const byType = (type: string): Record<string, unknown> => entries.find((entry) => entry.type === type)!
    const outbound = byType('outbound-rtp')
    const remoteInbound = byType('remote-inbound-rtp')
    const remoteOutbound = byType('remote-outbound-rtp')
    const inbound = byType('inbound-rtp')
    expect(outbound).toMatchObject({ kind: 'video', active: true, remoteId: remoteInbound.id })
    expect(remoteInbound).toMatchObject({ localId: outbound.id, packetsLost: 0 })
    expect(remoteInbound.roundTripTime).toBeGreaterThan(0.099)
    expect(remoteInbound.roundTripTime).toBeLessThan(0.15)
    for (const entry of [inbound, outbound]) {
      expect(entry).toMatchObject({ frameWidth: 320, frameHeight: 240 })
      expect(entry.framesPerSecond).toBeGreaterThan(24)
      expect(entry.framesPerSecond).toBeLessThan(27)
    }
    expect(inbound).toMatchObject({ remoteId: remoteOutbound.id, packetsLost: 0, trackIdentifier: a.seen[0]!.track.id })
    expect(remoteOutbound.roundTripTime).toBeGreaterThan(0.099)
    expect(report.get(outbound.codecId as string)).toMatchObject({ type: 'codec', mimeType: 'video/VP8' })
    expect(report.get(outbound.transportId as string)).toMatchObject({ type: 'transport' })
    const ofSender = [...(await a.pc.getSenders()[0]!.getStats()).values()].map(({ type }) => type)
    expect(ofSender).toContain('outbound-rtp')
    expect(ofSender).toContain('candidate-pair')
    expect(ofSender).not.toContain('inbound-rtp')
    expect([...(await a.pc.getStats(a.seen[0]!.track)).values()].map(({ type }) => type)).toContain('inbound-rtp')
  })

  it('goes on when a track is replaced, and stops with removeTrack', async () => {
    const { net, a, b, errors } = pair(5)
    const [one, two] = [shoot(a), shoot(a)]
    const sender = a.pc.addTrack(one.track)
    await net.runUntil(() => (b.seen[0]?.frames.length ?? 0) > 20, 10_000)
    await net.runUntil(sender.replaceTrack(two.track), 1000)
    const before = b.seen[0]!.frames.length
    await net.runUntil(() => b.seen[0]!.frames.length > before + 20, 10_000)
    expect(two.keyFramesAsked).toBeGreaterThan(0)
    a.pc.removeTrack(sender)
    await net.run(2000)
    const after = b.seen[0]!.frames.length
    await net.run(2000)
    expect(b.seen[0]!.frames.length).toBe(after)
    expect(b.seen[0]!.track.muted).toBe(true)
    expect(errors).toEqual([])
  })

  it('has its sections on transports of their own where a peer does not bundle', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const [hostA, hostB] = [net.addHost({ link: { delay: 5 } }), net.addHost({ link: { delay: 5 } })]
    const a = virtualPeer(hostA, 6, { bundlePolicy: 'max-compat' })
    const b = virtualPeer(hostB, 7)
    const seen = watch(b)
    const sources = [camera(hostA), camera(hostA)]
    cameras.push(...sources)
    for (const { track } of sources) a.addTrack(track)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined).catch(() => {})
    }
    const negotiated = (async () => {
      await a.setLocalDescription()
      await b.setRemoteDescription({ type: 'offer', sdp: a.localDescription!.sdp.replace(/a=group.*\r\n/, '') })
      await b.setLocalDescription()
      await a.setRemoteDescription(b.localDescription!)
    })()
    await net.runUntil(negotiated, 1000)
    await net.runUntil(() => seen.length === 2 && seen.every(({ frames }) => frames.length > 10), 10_000)
    expect(new Set(b.getReceivers().map(({ transport }) => transport)).size).toBe(2)
    expect(b.connectionState).toBe('connected')
  })

  it('is taken in every codec of the offer, even one that the answer left out', async () => {
    const net = new VirtualNetwork({ seed: 9 })
    const [hostA, hostB] = [net.addHost({ link: { delay: 5 } }), net.addHost({ link: { delay: 5 } })]
    const [a, b] = [virtualPeer(hostA, 9), virtualPeer(hostB, 10)]
    const seen = watch(a)
    const source = camera(hostB)
    cameras.push(source)
    trickle(a, b)
    a.addTransceiver('video', { direction: 'recvonly' })
    const negotiated = (async () => {
      await a.setLocalDescription()
      await b.setRemoteDescription(a.localDescription!)
      b.addTrack(source.track)
      await b.setLocalDescription()
      const { sdp } = b.localDescription!
      const vp8 = /a=rtpmap:(\d+) VP8/.exec(sdp)![1]!
      const without = sdp
        .replace(new RegExp(`^(m=video.*?) ${vp8}\\b`, 'm'), '$1')
        .replaceAll(new RegExp(`^a=(rtpmap|rtcp-fb|fmtp):${vp8} .*\\r\\n`, 'gm'), '')
      expect(without).not.toContain('VP8')
      await a.setRemoteDescription({ type: 'answer', sdp: without })
    })()
    await net.runUntil(negotiated, 1000)
    await net.runUntil(() => (seen[0]?.frames.length ?? 0) > 10, 10_000)
    expect(
      a
        .getReceivers()[0]!
        .getParameters()
        .codecs.map(({ mimeType }) => mimeType),
    ).not.toContain('video/VP8')
  })
})

describe('forwarding', () => {
  it('gives one track to three peers, who come and go', async () => {
    const { net, a, b } = pair(8)
    a.pc.addTrack(shoot(a).track)
    await net.runUntil(() => b.seen.length === 1, 5000)
    const viewers = [0, 1, 2].map((i) => {
      const host = net.addHost({ link: { delay: 20 } })
      const hub = virtualPeer(b.host, 20 + i)
      const pc = virtualPeer(host, 30 + i)
      const seen = watch(pc)
      const sender = hub.addTrack(b.seen[0]!.track)
      return { hub, pc, seen, sender, errors: signal(net, [hub, b.host], [pc, host]) }
    })
    await net.runUntil(() => viewers.every(({ seen }) => (seen[0]?.frames.length ?? 0) > 50), 20_000)
    viewers[0]!.hub.removeTrack(viewers[0]!.sender)
    const counts = viewers.map(({ seen }) => seen[0]!.frames.length)
    await net.run(2000)
    viewers[0]!.hub.addTrack(b.seen[0]!.track)
    const again = (): number => viewers[0]!.seen.reduce((sum, { frames }) => sum + frames.length, 0)
    const before = again()
    await net.runUntil(() => again() > before + 20, 10_000)
    for (const [i, { seen, errors }] of viewers.entries()) {
      expect(errors).toEqual([])
      if (i === 0) continue
      const { frames, discontinuities } = seen[0]!
      expect(frames.length).toBeGreaterThan(counts[i]! + 40)
      expect(frames).toEqual(frames.map((_, k) => frames[0]! + k))
      expect(discontinuities).toBe(0)
    }
  })
})

describe('a storm of renegotiations', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: ends stable, with media flowing both ways', async (seed) => {
    const { net, a, b, errors } = pair(seed * 100, { delay: 20, jitter: 15, loss: 0.01 })
    const random = seededRandom(seed)
    const pick = (count: number): number => random(4).reduce((sum, byte) => sum * 256 + byte, 0) % count
    for (let step = 0; step < 60; step++) {
      const side = pick(2) === 0 ? a : b
      const senders = side.pc.getSenders().filter(({ track }) => track !== null)
      const transceivers = side.pc.getTransceivers().filter(({ direction }) => direction !== 'stopped')
      switch (pick(7)) {
        case 0:
        case 1:
          if (senders.length < 4) side.pc.addTrack(shoot(side).track)
          break
        case 2:
          if (senders.length > 0) side.pc.removeTrack(senders[pick(senders.length)] as RTCRtpSender)
          break
        case 3:
          if (transceivers.length > 0) {
            const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const
            transceivers[pick(transceivers.length)]!.direction = directions[pick(4)]!
          }
          break
        case 4:
          if (transceivers.length > 2) transceivers[pick(transceivers.length)]!.stop()
          break
        case 5:
          side.pc.restartIce()
          break
        default:
          side.pc.addTransceiver(new MediaStreamTrack({ kind: 'audio' }))
      }
      await net.run(pick(150))
    }
    await net.run(5000)
    const last = [shoot(a), shoot(b)]
    // addTrack may use a transceiver that the peer does not let send.
    a.pc.addTransceiver(last[0]!.track)
    b.pc.addTransceiver(last[1]!.track)
    const moving = (side: Side): number => side.seen.reduce((sum, { frames }) => sum + frames.length, 0)
    const before = [moving(a), moving(b)]
    await net.run(10_000)
    expect(errors).toEqual([])
    for (const { pc } of [a, b]) {
      expect(pc.signalingState).toBe('stable')
      expect(pc.connectionState).toBe('connected')
    }
    expect(moving(a)).toBeGreaterThan(before[0]! + 20)
    expect(moving(b)).toBeGreaterThan(before[1]! + 20)
    // Both sides mean the same sections.
    const shape = (pc: RTCPeerConnection): unknown[] =>
      pc
        .getTransceivers()
        .filter(({ mid }) => mid !== null)
        .map(({ mid, currentDirection }) => [mid, currentDirection])
        .toSorted()
    const mirrored = shape(b.pc).map((entry) => {
      const [mid, direction] = entry as [string, string]
      return [mid, direction === 'sendonly' ? 'recvonly' : direction === 'recvonly' ? 'sendonly' : direction]
    })
    expect(shape(a.pc)).toEqual(mirrored)
  })
})

describe('sources', () => {
  it('are listed while they are heard, with their level', async () => {
    const { net, a, b } = pair(9)
    const track = new MediaStreamTrack({ kind: 'audio', codec: 'audio/opus' })
    a.pc.addTrack(track)
    await net.runUntil(() => b.seen.length === 1, 5000)
    await net.run(2000)
    for (let i = 0; i < 5; i++) {
      track.writeFrame({ payload: new Uint8Array(20), timestamp: i * 20_000, keyFrame: true })
      await net.run(20)
    }
    await net.run(200)
    const [receiver] = b.pc.getReceivers()
    const [heard, ...others] = receiver!.getSynchronizationSources()
    expect(others).toEqual([])
    const outbound = [...(await a.pc.getStats()).values()].find(({ type }) => type === 'outbound-rtp')!
    expect(heard!.source).toBe(outbound.ssrc)
    expect(heard!.timestamp).toBeGreaterThan(0)
    expect(receiver!.getContributingSources()).toEqual([])
    await net.run(11_000)
    expect(receiver!.getSynchronizationSources()).toEqual([])
  })
})

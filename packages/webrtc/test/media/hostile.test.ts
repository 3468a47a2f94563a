import { writeRtcp, writeRtp, RtpPacket, type RtcpPacket } from '@kaon/rtp'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_SSRCS } from '../../src/media/demultiplexer.ts'
import { MAX_STREAMS } from '../../src/media/media-receiver.ts'
import { madeUp } from './support/frames.ts'
import { RawPeer } from './support/raw-peer.ts'
import { local, receive } from './support/receive.ts'
import { codec, connect, OPUS, receiving, sending, VP8, World, type Node } from './support/world.ts'

const seed = 20_260_101

function setUp(): { world: World; node: Node; peer: RawPeer } {
  const world = new World()
  const [a, node] = world.pair()
  connect(a, node)
  const video = [
    VP8,
    codec(98, 'video/H264'),
    codec(100, 'video/VP9'),
    codec(102, 'video/AV1'),
    codec(104, 'video/H265'),
  ]
  receive(node, video, { rids: ['q', 'h'] }, 'v')
  receive(node, video, { sources: [{ ssrc: 1, rtxSsrc: 2 }] }, 'w')
  receive(node, [OPUS], {}, 'a')
  const sender = node.transport.addSender('s', sending([VP8]))
  const track = local('video/VP8')
  sender.setTrack(track)
  for (let i = 0; i < 5; i++) track.writeFrame(madeUp('video/VP8', i))
  world.run(100)
  return { world, node, peer: new RawPeer(world, node) }
}

function expectSane({ transport }: Node, world: World): void {
  world.run(2000)
  expect(transport.deadline).toBeGreaterThan(world.time)
  expect(transport.demultiplexer.ssrcs).toBeLessThanOrEqual(MAX_SSRCS)
  for (const { streams } of transport.demultiplexer.receivers) expect(streams.length).toBeLessThanOrEqual(MAX_STREAMS)
}

it('arbitrary datagrams, with and without keys', () => {
  const { world, node } = setUp()
  const keyless = new World().pair()[0]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 128, max: 191 }), (bytes, first) => {
      const datagram = Uint8Array.of(first, ...bytes)
      node.transport.receive(datagram.slice(), world.time)
      keyless.transport.receive(datagram, world.time)
      node.isPending = true
      world.run(1)
    }),
    { seed, numRuns: 600 },
  )
  expect(node.transport.stats.dropped.srtp).toBe(600)
  expect(keyless.transport.stats.held).toBe(256)
  expectSane(node, world)
})

const header = fc.record({
  ssrc: fc.constantFrom(1, 2, 3, 4, 1000, 1001),
  payloadType: fc.constantFrom(96, 97, 98, 100, 102, 104, 111, 120),
  sequenceNumber: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 65_535 })),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 0xffff_ffff })),
  marker: fc.boolean(),
  payload: fc.uint8Array({ maxLength: 60 }),
  extensions: fc.array(
    fc.record({
      id: fc.integer({ min: 1, max: 14 }),
      data: fc.oneof(
        fc.constantFrom('q', 'h', 'v', 'w', 'a', 'zz').map((text) => new TextEncoder().encode(text)),
        fc.uint8Array({ minLength: 1, maxLength: 16 }),
      ),
    }),
    { maxLength: 4 },
  ),
})

it('authentic packets of any content', () => {
  const { world, node, peer } = setUp()
  fc.assert(
    fc.property(fc.array(header, { maxLength: 12 }), fc.nat(50), (packets, pause) => {
      for (const init of packets) peer.plain(writeRtp(new RtpPacket(init)))
      world.run(pause)
    }),
    { seed, numRuns: 200 },
  )
  expect(node.transport.stats.packetsReceived).toBeGreaterThan(300)
  expectSane(node, world)
})

it('authentic packets that are cut and damaged inside', () => {
  const { world, node, peer } = setUp()
  fc.assert(
    fc.property(header, fc.nat(80), fc.nat(80), fc.nat(255), (init, cut, at, value) => {
      const bytes = writeRtp(new RtpPacket(init))
      if (at < bytes.length && at !== 1) bytes[at] = value
      bytes[0] = (bytes[0]! & 0x3f) | 0x80
      peer.plain(bytes.subarray(0, bytes.length - (cut % 8)))
      world.run(1)
    }),
    { seed, numRuns: 400 },
  )
  expectSane(node, world)
})

const ssrc = fc.constantFrom(1, 2, 1000, 1001, 7)
const word = fc.nat(0xffff_ffff)
const block = fc.record({
  ssrc,
  fractionLost: fc.nat(255),
  packetsLost: fc.integer({ min: -100, max: 100 }),
  extendedHighestSequenceNumber: word,
  jitter: word,
  lastSenderReport: word,
  delaySinceLastSenderReport: word,
})
const rtcp: fc.Arbitrary<RtcpPacket> = fc.oneof(
  fc.record({
    type: fc.constant('SR' as const),
    ssrc,
    ntpTimestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    rtpTimestamp: word,
    packetCount: word,
    octetCount: word,
    reports: fc.array(block, { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('RR' as const), ssrc, reports: fc.array(block, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('BYE' as const), ssrcs: fc.array(ssrc, { maxLength: 3 }) }),
  fc.record({
    type: fc.constant('NACK' as const),
    senderSsrc: ssrc,
    mediaSsrc: ssrc,
    sequenceNumbers: fc.array(fc.nat(65_535), { minLength: 1, maxLength: 20 }),
  }),
  fc.record({ type: fc.constant('PLI' as const), senderSsrc: ssrc, mediaSsrc: ssrc }),
  fc.record({
    type: fc.constant('FIR' as const),
    senderSsrc: ssrc,
    entries: fc.array(fc.record({ ssrc, sequenceNumber: fc.nat(255) }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('REMB' as const),
    senderSsrc: ssrc,
    bitrate: word,
    ssrcs: fc.array(ssrc, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('XR' as const),
    ssrc,
    blocks: fc.array(
      fc.record({ type: fc.constant('RRTR' as const), ntpTimestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      { maxLength: 2 },
    ),
  }),
)

it('authentic RTCP of any content, whole and damaged', () => {
  const { world, node, peer } = setUp()
  fc.assert(
    fc.property(
      fc.array(rtcp, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.nat(100),
      fc.nat(255),
      (packets, isDamaged, at, value) => {
        const bytes = writeRtcp(packets)
        if (isDamaged && at > 1 && at < bytes.length) bytes[at] = value
        peer.plainRtcp(bytes)
        world.run(5)
      },
    ),
    { seed, numRuns: 300 },
  )
  expect(node.transport.stats.rtcpPacketsReceived).toBeGreaterThan(250)
  expectSane(node, world)
})

it('a peer that asks for everything again gets each packet once a round trip', () => {
  const { node, peer, world } = setUp()
  const before = node.sent.length
  for (let i = 0; i < 100; i++) {
    peer.rtcp([
      { type: 'NACK', senderSsrc: 9, mediaSsrc: 1000, sequenceNumbers: Array.from({ length: 300 }, (_, k) => k * 200) },
    ])
    peer.rtcp([{ type: 'PLI', senderSsrc: 9, mediaSsrc: 1000 }])
  }
  world.run(10)
  expect(node.sent.length - before).toBeLessThan(40)
})

it('what is held does not survive what is known now', () => {
  const { world, node, peer } = setUp()
  for (let i = 0; i < 10; i++) peer.send({ ssrc: 50 + i, sequenceNumber: 1, mid: 'later' })
  receive(node, [VP8], {}, 'later')
  world.run(10)
  expect(node.transport.receiver('later')!.streams).toHaveLength(10)
  node.transport.receiver('later')!.update(receiving([OPUS]))
  world.run(10)
  expectSane(node, world)
})

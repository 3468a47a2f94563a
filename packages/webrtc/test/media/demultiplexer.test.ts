import { describe, expect, it } from 'vitest'
import { MAX_STREAMS } from '../../src/media/media-receiver.ts'
import type { MediaCodec } from '../../src/media/parameters.ts'
import { RawPeer, rtxPayload } from './support/raw-peer.ts'
import { receive, type Sink } from './support/receive.ts'
import { codec, connect, OPUS, receiving, VP8, World, type Node } from './support/world.ts'

const OTHER: MediaCodec = codec(120, 'video/VP8', { rtx: 121 })

function setUp(): { world: World; node: Node; peer: RawPeer } {
  const world = new World()
  const [a, node] = world.pair()
  connect(a, node)
  return { world, node, peer: new RawPeer(world, node) }
}

const ssrcs = ({ receiver }: Sink): number[] => receiver.stats().map(({ ssrc }) => ssrc)

describe('a packet goes to the section', () => {
  it('that its MID names, and so do the next ones of its SSRC', () => {
    const { world, node, peer } = setUp()
    const [a, b] = [receive(node, [VP8], {}, 'a'), receive(node, [VP8], {}, 'b')]
    peer.send({ ssrc: 1, sequenceNumber: 1, mid: 'b' })
    peer.send({ ssrc: 2, sequenceNumber: 1, mid: 'a' })
    peer.send({ ssrc: 1, sequenceNumber: 2 })
    world.run(10)
    expect([a.frames.length, b.frames.length]).toEqual([1, 2])
    expect([ssrcs(a), ssrcs(b)]).toEqual([[2], [1]])
  })

  it('that its MID names when its SSRC was of another', () => {
    const { world, node, peer } = setUp()
    const [a, b] = [receive(node, [VP8], {}, 'a'), receive(node, [VP8], {}, 'b')]
    peer.send({ ssrc: 1, sequenceNumber: 1, mid: 'a' })
    peer.send({ ssrc: 1, sequenceNumber: 2, mid: 'b' })
    peer.send({ ssrc: 1, sequenceNumber: 3 })
    world.run(10)
    expect([a.frames.length, b.frames.length]).toEqual([1, 2])
  })

  it('that declared its SSRC', () => {
    const { world, node, peer } = setUp()
    const a = receive(node, [VP8], { sources: [{ ssrc: 7 }] }, 'a')
    const b = receive(node, [VP8], { sources: [{ ssrc: 8, rtxSsrc: 9 }] }, 'b')
    peer.send({ ssrc: 8, sequenceNumber: 1 })
    peer.send({ ssrc: 7, sequenceNumber: 1 })
    world.run(10)
    expect([a.frames.length, b.frames.length]).toEqual([1, 1])
    expect(b.receiver.stats()[0]!.rtxSsrc).toBe(9)
  })

  it('that alone has its payload type', () => {
    const { world, node, peer } = setUp()
    const [a, b] = [receive(node, [VP8], {}, 'a'), receive(node, [OTHER], {}, 'b')]
    peer.send({ ssrc: 1, sequenceNumber: 1, payloadType: 120 })
    world.run(10)
    expect([a.frames.length, b.frames.length]).toEqual([0, 1])
  })

  it('that a later description names: of a MID, of an SSRC, of a payload type', () => {
    const { world, node, peer } = setUp()
    const [a, b] = [receive(node, [VP8], {}, 'a'), receive(node, [VP8], {}, 'b')]
    peer.send({ ssrc: 1, sequenceNumber: 1, mid: 'c' })
    peer.send({ ssrc: 2, sequenceNumber: 1 })
    peer.send({ ssrc: 3, sequenceNumber: 1, payloadType: 120 })
    world.run(10)
    expect(node.transport.stats.held).toBe(3)
    const c = receive(node, [VP8], {}, 'c')
    const d = receive(node, [OTHER], {}, 'd')
    a.receiver.update(receiving([VP8], { sources: [{ ssrc: 2 }] }))
    world.run(10)
    expect([a, b, c, d].map(ssrcs)).toEqual([[2], [], [1], [3]])
    expect([a, b, c, d].map(({ frames }) => frames.length)).toEqual([1, 0, 1, 1])
    expect(node.transport.stats.held).toBe(3)
  })

  it('that is the only one, whose other payload types are dropped', () => {
    const { world, node, peer } = setUp()
    const a = receive(node, [VP8], {}, 'a')
    peer.send({ ssrc: 1, sequenceNumber: 1, mid: 'a', payloadType: 100 })
    world.run(10)
    expect(a.frames).toHaveLength(0)
    expect(node.transport.stats.dropped.payloadType).toBe(1)
  })
})

describe('retransmissions belong to the stream', () => {
  const lost = (peer: RawPeer, world: World, more: { mid?: string } = {}): void => {
    peer.send({ ssrc: 1, sequenceNumber: 1, ...more })
    peer.send({ ssrc: 1, sequenceNumber: 3, ...more })
    world.run(5)
  }

  it('that declared them', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8], { sources: [{ ssrc: 1, rtxSsrc: 2 }] })
    lost(peer, world)
    peer.send({ ssrc: 2, sequenceNumber: 50, payloadType: 97, timestamp: 6000, payload: rtxPayload(2) })
    world.run(50)
    expect(sink.frames).toHaveLength(3)
  })

  it('that is the only one without any', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8])
    lost(peer, world)
    peer.send({ ssrc: 2, sequenceNumber: 50, payloadType: 97, timestamp: 6000, payload: rtxPayload(2) })
    world.run(50)
    expect(sink.frames).toHaveLength(3)
    expect(sink.receiver.stats()[0]!.rtxSsrc).toBe(2)
  })

  it('that has not fallen silent', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8])
    peer.send({ ssrc: 9, sequenceNumber: 1 })
    world.run(3000)
    lost(peer, world)
    peer.send({ ssrc: 2, sequenceNumber: 50, payloadType: 97, timestamp: 6000, payload: rtxPayload(2) })
    world.run(50)
    expect(sink.receiver.stats().map(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc])).toEqual([
      [9, undefined],
      [1, 2],
    ])
  })

  it('that comes after them', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8])
    peer.send({ ssrc: 2, sequenceNumber: 50, payloadType: 97, timestamp: 6000, payload: rtxPayload(2) })
    world.run(5)
    expect(node.transport.stats.held).toBe(1)
    lost(peer, world)
    world.run(50)
    expect(sink.receiver.stats()[0]!.rtxSsrc).toBe(2)
    expect(sink.receiver.stats()[0]!.stats.retransmittedPacketsReceived).toBe(1)
  })

  it('of their repaired rid, whose SSRC may change', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8], { rids: ['q', 'h'] })
    peer.send({ ssrc: 2, sequenceNumber: 50, payloadType: 97, repairedRid: 'h', payload: rtxPayload(2) })
    peer.send({ ssrc: 1, sequenceNumber: 1, rid: 'q' })
    peer.send({ ssrc: 3, sequenceNumber: 1, rid: 'h' })
    world.run(10)
    const layers = (): [string | undefined, number, number | undefined][] =>
      sink.receiver.stats().map(({ rid, ssrc, rtxSsrc }) => [rid, ssrc, rtxSsrc])
    expect(layers()).toEqual([
      ['q', 1, undefined],
      ['h', 3, 2],
    ])
    for (let ssrc = 100; ssrc < 200; ssrc++) {
      peer.send({ ssrc, sequenceNumber: 1, payloadType: 97, repairedRid: 'h', payload: rtxPayload(2) })
    }
    expect(layers()[1]).toEqual(['h', 3, 199])
    expect(node.transport.demultiplexer.ssrcs).toBe(3)
  })
})

describe('simulcast layers', () => {
  it('are told by their rid, then by their SSRC', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8], { rids: ['q', 'h'] })
    const seen: [number, string | undefined][] = []
    sink.receiver.onSsrc = (ssrc, rid) => void seen.push([ssrc, rid])
    peer.send({ ssrc: 3, sequenceNumber: 1 })
    peer.send({ ssrc: 1, sequenceNumber: 1, rid: 'h' })
    peer.send({ ssrc: 1, sequenceNumber: 2 })
    peer.send({ ssrc: 2, sequenceNumber: 1, rid: 'x' })
    peer.send({ ssrc: 3, sequenceNumber: 2, rid: 'q' })
    world.run(10)
    expect(seen).toEqual([
      [1, 'h'],
      [3, 'q'],
    ])
    expect(sink.frames.map(({ rid }) => rid)).toEqual(['h', 'h', 'q', 'q'])
    expect(node.transport.stats.dropped.rid).toBe(1)
  })

  it('begin anew with another SSRC', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8], { rids: ['q', 'h'] })
    peer.send({ ssrc: 1, sequenceNumber: 1, rid: 'h' })
    peer.send({ ssrc: 2, sequenceNumber: 1, rid: 'h' })
    world.run(10)
    expect(ssrcs(sink)).toEqual([2])
    expect(node.transport.demultiplexer.ssrcs).toBe(1)
    sink.receiver.update(receiving([VP8], { rids: ['q'] }))
    expect(ssrcs(sink)).toEqual([])
  })
})

describe('limits', () => {
  it('of streams in a section: the longest silent one makes room', () => {
    const { world, node, peer } = setUp()
    const sink = receive(node, [VP8])
    for (let ssrc = 1; ssrc <= 2000; ssrc++) {
      peer.send({ ssrc, sequenceNumber: 1, mid: '0' })
      if (ssrc % 100 === 0) peer.send({ ssrc: 1, sequenceNumber: ssrc, mid: '0' })
      world.run(1)
    }
    expect(ssrcs(sink)).toHaveLength(MAX_STREAMS)
    expect(ssrcs(sink)).toContain(2000)
    expect(node.transport.demultiplexer.ssrcs).toBe(MAX_STREAMS)
    // SRTP has let the old ones go too: the newest were received.
    expect(node.transport.stats.dropped.srtp).toBe(0)
    expect(sink.frames.length).toBeGreaterThanOrEqual(2000)
  })

  it('of packets that nobody knows', () => {
    const { world, node, peer } = setUp()
    receive(node, [VP8], {}, 'a')
    for (let ssrc = 1; ssrc <= 20; ssrc++) {
      for (let sequenceNumber = 0; sequenceNumber < 170; sequenceNumber++) {
        peer.send({ ssrc, sequenceNumber, mid: 'unknown' })
      }
    }
    world.run(10)
    const { held, dropped } = node.transport.stats
    expect(held).toBe(3400)
    expect(dropped.unknown).toBe(20 * 10 + 4 * 160)
  })

  it('of SSRCs in all sections', () => {
    const { node, peer } = setUp()
    for (let mid = 0; mid < 66; mid++) receive(node, [VP8], {}, String(mid))
    let ssrc = 1
    for (let mid = 0; mid < 66; mid++) {
      for (let i = 0; i < MAX_STREAMS; i++) peer.send({ ssrc: ssrc++, sequenceNumber: 1, mid: String(mid) })
    }
    expect(node.transport.demultiplexer.ssrcs).toBeLessThanOrEqual(1024)
    expect(node.transport.stats.dropped.srtp + node.transport.stats.dropped.ssrcs).toBe(66 * MAX_STREAMS - 1024)
  })
})

it('what a BYE overtook is no new beginning', () => {
  const { world, node, peer } = setUp()
  const sink = receive(node, [VP8])
  peer.send({ ssrc: 1, sequenceNumber: 1 })
  peer.send({ ssrc: 1, sequenceNumber: 3 })
  world.run(5)
  peer.rtcp([{ type: 'BYE', ssrcs: [1] }])
  world.run(5)
  expect(sink.track.muted).toBe(true)
  expect(ssrcs(sink)).toEqual([])
  peer.send({ ssrc: 1, sequenceNumber: 2 })
  world.run(5)
  expect(sink.track.muted).toBe(true)
  expect(node.transport.stats.dropped.late).toBe(1)
  peer.send({ ssrc: 1, sequenceNumber: 4 })
  world.run(5)
  expect(sink.track.muted).toBe(false)
  expect(ssrcs(sink)).toEqual([1])
})

it('audio beside video is told by its payload type', () => {
  const { world, node, peer } = setUp()
  const [a, v] = [receive(node, [OPUS], {}, 'a'), receive(node, [VP8], {}, 'v')]
  peer.send({ ssrc: 1, sequenceNumber: 1, payloadType: 111, payload: new Uint8Array([1, 2]) })
  peer.send({ ssrc: 2, sequenceNumber: 1 })
  world.run(10)
  expect([a.frames.length, v.frames.length]).toEqual([1, 1])
  a.receiver.remove()
  peer.send({ ssrc: 1, sequenceNumber: 2, payloadType: 111 })
  world.run(10)
  expect(node.transport.stats.held).toBe(1)
})

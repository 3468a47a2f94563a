import { expect, test } from 'vitest'
import type { EncodedFrame } from '../../src/formats/index.ts'
import { opusFrame, seeded, StreamPair, vp8Frame, type LinkOptions } from './pair.ts'

const INTERVAL = 33

/** Sends video of that many frames; the encoder makes a key frame at the beginning and whenever it is asked. */
function video(pair: StreamPair, count: number, size = 3000): EncodedFrame[] {
  const random = seeded(77)
  const sent: EncodedFrame[] = []
  let answered = 0
  pair.lossless = true
  for (let i = 0; i < count; i++) {
    // Nobody can tell that the last packets are missing, nor the first ones: these come through.
    if (i === 1) pair.lossless = false
    if (i === count - 1) pair.lossless = true
    const keyFrame = i === 0 || pair.keyFrameRequests > answered
    answered = pair.keyFrameRequests
    const frame = vp8Frame(i, 20 + Math.floor(random() * size * (keyFrame ? 4 : 1)), keyFrame, i * INTERVAL * 1000)
    sent.push(frame)
    pair.write(frame)
    pair.run(INTERVAL)
  }
  pair.run(2000)
  return sent
}

/** Every received frame is one that was sent, byte for byte, in order; after a gap comes a key frame. Returns how many are missing. */
function check(sent: EncodedFrame[], pair: StreamPair): number {
  const byTimestamp = new Map(sent.map((frame, index) => [Math.round(frame.timestamp / 1000 / INTERVAL), index]))
  let previous = -1
  const base = pair.frames[0]!
  for (const frame of pair.frames) {
    const at = Math.round((frame.timestamp - base.timestamp) / 1000 / INTERVAL)
    const index = byTimestamp.get(at)!
    expect(index).toBeGreaterThan(previous)
    expect(Buffer.compare(frame.payload, sent[index]!.payload)).toBe(0)
    expect(frame.keyFrame).toBe(sent[index]!.keyFrame)
    if (index !== previous + 1) {
      expect(frame.keyFrame).toBe(true)
      expect(frame.discontinuity).toBe(true)
    } else {
      expect(frame.discontinuity).toBe(false)
    }
    previous = index
  }
  return sent.length - pair.frames.length
}

test('a link without faults: every frame at once', () => {
  const pair = new StreamPair('video', { delay: 20 })
  const sent = video(pair, 100)
  expect(check(sent, pair)).toBe(0)
  const { stats } = pair.receiver
  expect(stats.packetsLost).toBe(0)
  expect(stats.nackCount).toBe(0)
  expect(stats.jitterBufferDelay).toBe(0)
  expect(stats.framesReceived).toBe(100)
  expect(stats.keyFramesReceived).toBe(1)
  expect(pair.sender.stats.framesSent).toBe(100)
  expect(stats.packetsReceived).toBe(pair.sender.stats.packetsSent)
  expect(stats.bytesReceived).toBe(pair.sender.stats.bytesSent)
  expect(stats.headerBytesReceived).toBe(pair.sender.stats.headerBytesSent)
  expect(pair.sender.stats.remote.roundTripTime).toBeCloseTo(0.04, 3)
})

const links: [string, LinkOptions][] = [
  ['5 % loss', { delay: 25, jitter: 5, loss: 0.05 }],
  ['10 % loss, duplicates', { delay: 25, jitter: 5, loss: 0.1, duplicate: 0.1 }],
  ['20 % loss', { delay: 10, jitter: 5, loss: 0.2 }],
  ['10 % loss in bursts of four', { delay: 20, jitter: 5, loss: 0.1, burst: 4 }],
  ['reordering of several frames', { delay: 10, jitter: 80 }],
]

test.each(links)('retransmission repairs %s', (_, link) => {
  for (const seed of [1, 2, 3]) {
    const pair = new StreamPair('video', { ...link, seed })
    const sent = video(pair, 300)
    expect(check(sent, pair)).toBe(0)
    expect(pair.keyFrameRequests).toBe(0)
    if ((link.loss ?? 0) > 0) {
      // RFC 3550 §6.4.1 counts duplicates against losses.
      if (link.duplicate === undefined) expect(pair.receiver.stats.packetsLost).toBeGreaterThan(0)
      expect(pair.sender.stats.retransmittedPacketsSent).toBeGreaterThan(0)
    }
    // Each media packet comes out once.
    const seen = new Set(pair.packets.map((packet) => packet.sequenceNumber))
    expect(seen.size).toBe(pair.packets.length)
  }
})

test('retransmission in the stream itself, where RTX was not negotiated', () => {
  const pair = new StreamPair('video', { delay: 20, jitter: 3, loss: 0.1, seed: 5 }, { rtx: undefined })
  const sent = video(pair, 300)
  expect(check(sent, pair)).toBe(0)
  expect(pair.sender.stats.retransmittedPacketsSent).toBeGreaterThan(20)
})

test('without retransmission each loss costs a key frame, and what comes out can be decoded', () => {
  const pair = new StreamPair('video', { delay: 20, loss: 0.02, seed: 4 }, { nack: false, rtx: undefined })
  const sent = video(pair, 300)
  const missing = check(sent, pair)
  expect(missing).toBeGreaterThan(0)
  expect(missing).toBeLessThan(250)
  expect(pair.keyFrameRequests).toBeGreaterThan(3)
  expect(pair.receiver.stats.pliCount).toBeGreaterThan(3)
  expect(pair.sender.stats.pliCount).toBeGreaterThan(3)
})

test('a key frame that is lost whole is asked for again', () => {
  const pair = new StreamPair('video', { delay: 30 })
  const first = new Set<number>()
  pair.filter = (packet) => {
    if (first.size === 0 || first.has(packet.timestamp)) {
      first.add(packet.timestamp)
      return false
    }
    return true
  }
  const sent = video(pair, 60)
  expect(pair.keyFrameRequests).toBe(1)
  expect(pair.frames[0]!.keyFrame).toBe(true)
  expect(sent.length - pair.frames.length).toBeLessThan(6)
})

test('the key frame that answers is lost too: asked for once more', () => {
  const pair = new StreamPair('video', { delay: 30 })
  let lost = 0
  let losing = -1
  pair.filter = (packet) => {
    if (
      (packet.payload[4]! & 1) === 0 &&
      (packet.payload[0]! & 0x10) !== 0 &&
      packet.timestamp !== losing &&
      lost < 3
    ) {
      lost++
      losing = packet.timestamp
    }
    return packet.timestamp !== losing
  }
  const sent = video(pair, 120)
  expect(lost).toBe(3)
  expect(pair.frames.length).toBeGreaterThan(60)
  expect(pair.frames.at(-1)!.payload).toEqual(sent.at(-1)!.payload)
})

test('requests that get lost are repeated', () => {
  const pair = new StreamPair('video', { delay: 10 })
  let dropped = 0
  pair.filter = (packet) => packet.timestamp !== 0 || true
  pair.filterRtcp = (packets) => {
    if (!packets.some((packet) => packet.type === 'PLI') || dropped === 3) return true
    dropped++
    return false
  }
  // A stream that is joined in its middle.
  for (let i = 1; i < 100; i++) {
    pair.write(vp8Frame(i, 500, pair.keyFrameRequests === 1 && pair.frames.length === 0, i * 33_000))
    pair.run(33)
  }
  expect(dropped).toBe(3)
  expect(pair.frames.length).toBeGreaterThan(10)
  expect(pair.receiver.stats.dropped.events).toBe(0)
})

test('sequence numbers and timestamps wrap without a trace', () => {
  for (const seed of [9, 10]) {
    // The sequence number and the timestamp to begin with: both end soon.
    const words = [0xffab / 0x1_0000_0000, 1 - 1e-5]
    const pair = new StreamPair(
      'video',
      { delay: 20, jitter: 10, loss: 0.05, seed },
      { random: () => words.shift() ?? 0.5 },
    )
    const sent = video(pair, 300)
    expect(check(sent, pair)).toBe(0)
    expect(pair.packets.some((packet) => packet.sequenceNumber < 100)).toBe(true)
    expect(pair.packets.some((packet) => packet.timestamp < 1_000_000)).toBe(true)
  }
})

test('audio goes on behind what is lost', () => {
  const pair = new StreamPair('audio', { delay: 20, jitter: 10, loss: 0.05, seed: 3 })
  const sent: EncodedFrame[] = []
  for (let i = 0; i < 500; i++) {
    const frame = opusFrame(i, i * 20_000)
    sent.push(frame)
    pair.write(frame)
    pair.run(20)
  }
  pair.run(1000)
  const { stats } = pair.receiver
  expect(stats.packetsLost).toBeGreaterThan(5)
  expect(pair.frames.length).toBeGreaterThanOrEqual(500 - stats.packetsLost - stats.packetsDiscarded - 1)
  let previous = -1
  const base = pair.frames[0]!.timestamp
  for (const frame of pair.frames) {
    const index = Math.round((frame.timestamp - base) / 20_000)
    expect(index).toBeGreaterThan(previous)
    expect(frame.payload).toEqual(sent[index]!.payload)
    expect(frame.discontinuity).toBe(index !== previous + 1)
    previous = index
  }
})

test('a close tells the other side', () => {
  const pair = new StreamPair('video', { delay: 5 })
  video(pair, 5)
  pair.sender.close()
  pair.sender.close()
  pair.drain()
  pair.run(100)
  expect(pair.byes).toBe(1)
  expect(pair.sender.deadline).toBe(Infinity)
  expect(() => pair.sender.writeFrame(vp8Frame(1, 30, true, 0), pair.now)).toThrow(
    expect.objectContaining({ code: 'ERR_RTP_STATE' }),
  )
})

test('idle costs nothing', () => {
  const pair = new StreamPair('video', { delay: 5 })
  expect(pair.sender.deadline).toBe(Infinity)
  expect(pair.receiver.deadline).toBe(Infinity)
  video(pair, 30)
  pair.run(10_000)
  expect(pair.sender.deadline).toBe(Infinity)
  expect(pair.receiver.deadline).toBe(Infinity)
  const { turns } = pair
  pair.run(3_600_000)
  expect(pair.turns).toBe(turns)
})

test('a sender without a frame sends no BYE', () => {
  const pair = new StreamPair('video')
  pair.sender.close()
  expect(pair.sender.pollRtcp(pair.now)).toBeUndefined()
})

test('the receiver learns the round trip by reference times', () => {
  const pair = new StreamPair('video', { delay: 40 }, {}, { receiverReferenceTime: true })
  video(pair, 150)
  const { remote } = pair.receiver.stats
  expect(remote.roundTripTime).toBeCloseTo(0.08, 2)
  expect(remote.roundTripTimeMeasurements).toBeGreaterThan(1)
  expect(pair.receiver.roundTripTime).toBeCloseTo(80, 0)
  expect(remote.packetsSent).toBeGreaterThan(100)
  expect(remote.reportsSent).toBeGreaterThan(2)
})

test('feedback travels behind a report, or alone where that was agreed on', () => {
  for (const reducedSize of [false, true]) {
    const pair = new StreamPair('video', { delay: 10, loss: 0.1, seed: 8 }, {}, { reducedSize })
    const compounds: string[][] = []
    pair.filterRtcp = (packets, from) => {
      if (from === 'receiver') compounds.push(packets.map((packet) => packet.type))
      return true
    }
    video(pair, 100)
    const nacks = compounds.filter((types) => types.includes('NACK'))
    expect(nacks.length).toBeGreaterThan(10)
    if (!reducedSize) for (const types of compounds) expect(types.slice(0, 2)).toEqual(['RR', 'SDES'])
    else expect(nacks.some((types) => types[0] === 'NACK')).toBe(true)
  }
})

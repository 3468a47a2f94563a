import { expect, test } from 'vitest'
import { parseRtp, RtpPacket, writeRtp } from '../../src/index.ts'
import { NackGenerator, NackResponder, PacketHistory, RtxSender, unwrapRtx } from '../../src/stream/index.ts'
import { SequenceWindow } from '../../src/stream/sequence-window.ts'

function packet(sequenceNumber: number, fill = 1): RtpPacket {
  return new RtpPacket({
    payloadType: 96,
    sequenceNumber,
    timestamp: 1,
    ssrc: 1,
    payload: new Uint8Array(10).fill(fill),
  })
}

function all(generator: NackGenerator, now: number): number[] {
  const numbers: number[] = []
  for (let due = generator.poll(now); due !== undefined; due = generator.poll(now)) {
    expect(due.length).toBeLessThanOrEqual(250)
    numbers.push(...due)
  }
  return numbers
}

test('a gap is asked for after the tolerance, then once a round trip, then given up', () => {
  const generator = new NackGenerator({ maxAge: 500 })
  generator.toldRoundTripTime = 95
  generator.receive(65_534, 0)
  expect(generator.deadline).toBe(Infinity)
  generator.receive(2, 10)
  expect(generator.missing).toBe(3)
  expect(generator.deadline).toBe(15)
  expect(generator.poll(14)).toBeUndefined()
  const times: number[] = []
  while (generator.deadline !== Infinity) {
    const now = generator.deadline
    const due = all(generator, now)
    if (due.length > 0) {
      expect(due).toEqual([65_535, 0, 1])
      times.push(now)
    }
  }
  expect(times).toEqual([15, 115, 215, 315, 415])
  expect(generator.abandoned).toBe(3)
  expect(generator.missing).toBe(0)
})

test('no more than so many requests', () => {
  const generator = new NackGenerator({ maxAge: 100_000, maxRetries: 3 })
  generator.receive(1, 0)
  generator.receive(3, 0)
  let requests = 0
  while (generator.deadline !== Infinity) requests += all(generator, generator.deadline).length
  expect(requests).toBe(3)
})

test('what comes after all is not asked for: out of order, by RTX, or made moot by a key frame', () => {
  const generator = new NackGenerator()
  generator.receive(1, 0)
  generator.receive(5, 0)
  generator.receive(3, 2)
  expect(all(generator, 50)).toEqual([2, 4])
  generator.receive(2, 60, 'rtx')
  expect(generator.missing).toBe(1)
  generator.forgetBefore(5)
  expect(generator.missing).toBe(0)
  expect(generator.deadline).toBe(Infinity)
  // What was recovered opens no gap, even when it is newer than everything.
  generator.receive(9, 70, 'rtx')
  expect(generator.missing).toBe(0)
  generator.receive(7, 80)
  expect(all(generator, 500)).toEqual([6])
})

test('the tolerance learns from packets that come late by themselves', () => {
  /** Each second packet comes 15 ms after the one that it should precede. Returns how many were asked for. */
  const run = (generator: NackGenerator): number => {
    let requests = 0
    generator.receive(0xffff, 0)
    for (let i = 0; i < 100; i++) {
      generator.receive(2 * i + 1, i * 20)
      requests += all(generator, i * 20 + 14).length
      generator.receive(2 * i, i * 20 + 15)
    }
    return requests
  }
  const withRtx = new NackGenerator()
  withRtx.hasRtx = true
  expect(run(withRtx)).toBe(1)
  // Without RTX it could be the answer, unless the round trip says no.
  expect(run(new NackGenerator())).toBe(100)
  const slow = new NackGenerator()
  slow.toldRoundTripTime = 100
  expect(run(slow)).toBe(1)
  // Back to less by and by, and never beyond 40 ms.
  const generator = new NackGenerator()
  generator.receive(1, 0)
  generator.receive(3, 0)
  expect(generator.deadline).toBe(5)
  generator.receive(2, 100_000)
  generator.receive(5, 200_000)
  expect(generator.deadline).toBe(200_040)
  generator.receive(4, 200_000)
  generator.receive(7, 300_000)
  expect(generator.deadline).toBeLessThan(300_040)
})

test('the time that retransmissions take stands for the round trip', () => {
  const generator = new NackGenerator()
  generator.receive(1, 0)
  generator.receive(3, 0)
  all(generator, 10)
  expect(generator.roundTripTime).toBeUndefined()
  generator.receive(2, 50, 'rtx')
  expect(generator.roundTripTime).toBe(40)
  // What forward error correction brings back took no round trip.
  generator.receive(5, 100)
  all(generator, 110)
  generator.receive(4, 111, 'fec')
  expect(generator.missing).toBe(0)
  expect(generator.roundTripTime).toBe(40)
  generator.toldRoundTripTime = 70
  expect(generator.roundTripTime).toBe(70)
})

test('limits: so many missing, in packets that fit a datagram', () => {
  const generator = new NackGenerator({ maxMissing: 600 })
  generator.receive(0, 0)
  generator.receive(501, 0)
  expect(all(generator, 10)).toHaveLength(500)
  generator.receive(702, 20)
  expect(generator.missing).toBe(600)
  expect(generator.abandoned).toBe(100)
  // A gap beyond the limit is no use asking for.
  generator.receive(2000, 30)
  expect(generator.missing).toBe(0)
  expect(generator.deadline).toBe(Infinity)
  expect(generator.abandoned).toBe(100 + 600 + 1297)
  generator.receive(2002, 40)
  expect(generator.missing).toBe(1)
  generator.reset()
  generator.receive(100, 50)
  expect(generator.missing).toBe(0)
})

test('the history knows packets by number, for a while', () => {
  const history = new PacketHistory({ maxPackets: 256, maxAge: 1000 })
  expect(history.capacity).toBe(64)
  for (let i = 0; i < 100; i++) history.put(packet((65_500 + i) & 0xffff), i)
  expect(history.capacity).toBe(128)
  expect(history.get(65_500, 1000)?.sequenceNumber).toBe(65_500)
  expect(history.get(65_500, 1001)).toBeUndefined()
  expect(history.get(63, 1001)?.sequenceNumber).toBe(63)
  expect(history.get(64, 1001)).toBeUndefined()
  // It never grows beyond the limit, however fast packets come.
  for (let i = 0; i < 1000; i++) history.put(packet(i), 2000)
  expect(history.capacity).toBe(256)
  expect(history.get(999, 2000)?.sequenceNumber).toBe(999)
  expect(history.get(743, 2000)).toBeUndefined()
  // And not at all while packets are old when their place is wanted.
  const slow = new PacketHistory({ maxPackets: 256, maxAge: 100 })
  for (let i = 0; i < 1000; i++) slow.put(packet(i), i * 10)
  expect(slow.capacity).toBe(64)
  history.clear()
  expect(history.get(999, 2000)).toBeUndefined()
})

test('a packet is sent again once a round trip', () => {
  const history = new PacketHistory()
  for (let i = 0; i < 10; i++) history.put(packet(i), 0)
  const responder = new NackResponder(history)
  responder.receive([3, 4, 3, 77], 20)
  expect(responder.expired).toBe(1)
  expect(responder.pending).toBe(2)
  expect(responder.poll()?.sequenceNumber).toBe(3)
  expect(responder.poll()?.sequenceNumber).toBe(4)
  expect(responder.poll()).toBeUndefined()
  responder.roundTripTime = 100
  responder.receive([3], 94)
  expect(responder.poll()).toBeUndefined()
  responder.receive([3], 95)
  expect(responder.poll()?.sequenceNumber).toBe(3)
})

test('the queue of retransmissions is bounded', () => {
  const history = new PacketHistory()
  for (let i = 0; i < 2048; i++) history.put(packet(i), 0)
  const responder = new NackResponder(history)
  responder.receive(
    Array.from({ length: 2048 }, (_, i) => i),
    20,
  )
  expect(responder.pending).toBe(1024)
})

test('RTX as RFC 4588 draws it, and back', () => {
  const original = new RtpPacket({
    payloadType: 96,
    sequenceNumber: 0xfffe,
    timestamp: 0x1234_5678,
    ssrc: 1,
    marker: true,
    csrcs: [5],
    extensions: [{ id: 1, data: Uint8Array.of(48) }],
    payload: Uint8Array.of(9, 8, 7),
  })
  const sender = new RtxSender(2, 97, 0xffff)
  const again = sender.wrap(original)
  expect(again).toMatchObject({
    ssrc: 2,
    payloadType: 97,
    sequenceNumber: 0xffff,
    timestamp: 0x1234_5678,
    marker: true,
  })
  expect([...again.payload]).toEqual([0xff, 0xfe, 9, 8, 7])
  expect(sender.wrap(original).sequenceNumber).toBe(0)
  const parsed = parseRtp(writeRtp(again))!
  expect(unwrapRtx(parsed, 1, 96)).toEqual(original)
})

test('RTX without a payload only probes the path', () => {
  const probe = new RtpPacket({
    payloadType: 97,
    sequenceNumber: 1,
    timestamp: 0,
    ssrc: 2,
    payload: new Uint8Array(0),
    paddingLength: 255,
  })
  expect(unwrapRtx(probe, 1, 96)).toBeUndefined()
  for (const length of [1, 2]) {
    const short = probe.clone()
    short.payload = new Uint8Array(length)
    expect(unwrapRtx(short, 1, 96)).toBeUndefined()
  }
})

test('a window of sequence numbers takes each once, over the wrap', () => {
  const window = new SequenceWindow()
  for (let i = 0; i < 20_000; i++) {
    const sequenceNumber = (60_000 + i) & 0xffff
    const before = window.has(sequenceNumber)
    const first = window.add(sequenceNumber)
    if (before || !first || window.add(sequenceNumber) || !window.has(sequenceNumber)) throw new Error(`${i}`)
  }
  const newest = (60_000 + 19_999) & 0xffff
  expect(window.add((newest + 10) & 0xffff)).toBe(true)
  expect(window.add((newest + 9) & 0xffff)).toBe(true)
  expect(window.add((newest - 5000) & 0xffff)).toBe(false)
  expect(window.add((newest + 20_000) & 0xffff)).toBe(true)
  expect(window.add((newest + 19_000) & 0xffff)).toBe(true)
})

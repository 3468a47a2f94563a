import { expect, test } from 'vitest'
import { opus, parseVp8Descriptor, vp8, writeVp8Descriptor } from '../../src/formats/index.ts'
import type { PayloadFormat } from '../../src/formats/index.ts'
import { RtpPacket } from '../../src/index.ts'
import { PacketRewriter } from '../../src/stream/index.ts'

interface Source {
  readonly ssrc: number
  sequenceNumber: number
  timestamp: number
  pictureId: number
  tl0: number
}

/** The next frame of a source: two packets of VP8. */
function frame(source: Source, keyFrame: boolean): [RtpPacket, RtpPacket] {
  const packets = [0, 1].map((i) => {
    const payload = new Uint8Array(30).fill(source.pictureId & 0xff)
    const end = writeVp8Descriptor(
      {
        nonReference: false,
        partitionStart: i === 0,
        partitionIndex: 0,
        pictureId: source.pictureId,
        longPictureId: true,
        tl0PictureIndex: source.tl0,
        temporalId: 0,
        layerSync: false,
        keyIndex: -1,
        length: 0,
      },
      payload,
    )
    payload[end] = keyFrame ? 0 : 1
    const packet = new RtpPacket({
      payloadType: 100,
      sequenceNumber: source.sequenceNumber,
      timestamp: source.timestamp,
      ssrc: source.ssrc,
      marker: i === 1,
      payload,
    })
    source.sequenceNumber = (source.sequenceNumber + 1) & 0xffff
    return packet
  })
  source.timestamp = (source.timestamp + 3000) >>> 0
  source.pictureId = (source.pictureId + 1) & 0x7fff
  source.tl0 = (source.tl0 + 1) & 0xff
  return packets as [RtpPacket, RtpPacket]
}

const low = (): Source => ({ ssrc: 1, sequenceNumber: 65_533, timestamp: 0xffff_fff0, pictureId: 0x7fff, tl0: 254 })
const high = (): Source => ({ ssrc: 2, sequenceNumber: 3000, timestamp: 77, pictureId: 5, tl0: 9 })

function rewriter(format: PayloadFormat | undefined = vp8): PacketRewriter {
  return new PacketRewriter({
    ssrc: 9,
    payloadType: 101,
    clockRate: 90_000,
    ...(format === undefined ? {} : { format }),
    sequenceNumber: 65_530,
    timestamp: 0xffff_0000,
  })
}

function forward(machine: PacketRewriter, packets: RtpPacket[], now: number): RtpPacket[] {
  const out: RtpPacket[] = []
  for (const packet of packets) {
    for (let next = machine.rewrite(packet, now); next !== undefined; next = machine.poll()) out.push(next)
  }
  return out
}

test('the receiver sees one stream, whatever the sources do', () => {
  const machine = rewriter()
  const [a, b] = [low(), high()]
  const out: RtpPacket[] = []
  let now = 0
  out.push(...forward(machine, frame(a, true), now))
  for (let i = 0; i < 5; i++) out.push(...forward(machine, frame(a, false), (now += 33)))
  expect(machine.source).toBe(1)
  machine.switchTo(2)
  expect(machine.awaitedSource).toBe(2)
  for (let i = 0; i < 3; i++) {
    // Until its key frame comes, the other one goes on.
    out.push(...forward(machine, [...frame(a, false), ...frame(b, false)], (now += 33)))
  }
  const last = forward(machine, frame(a, false), (now += 33))
  out.push(...last)
  out.push(...forward(machine, [...frame(b, true), ...frame(a, false)], (now += 50)))
  expect(machine.source).toBe(2)
  for (let i = 0; i < 5; i++) out.push(...forward(machine, [...frame(b, false), ...frame(a, false)], (now += 33)))
  machine.switchTo(1)
  out.push(...forward(machine, [...frame(a, true), ...frame(b, false)], (now += 33)))
  expect(machine.switches).toBe(2)

  let previous = out[0]!
  expect(previous).toMatchObject({ sequenceNumber: 65_530, timestamp: 0xffff_0000 })
  out.forEach((packet, i) => {
    expect(packet).toMatchObject({ ssrc: 9, payloadType: 101, sequenceNumber: (65_530 + i) & 0xffff })
    const descriptor = parseVp8Descriptor(packet.payload)!
    expect(descriptor.pictureId).toBe((0x7fff + (i >> 1)) & 0x7fff)
    expect(descriptor.tl0PictureIndex).toBe((254 + (i >> 1)) & 0xff)
    const advance = (packet.timestamp - previous.timestamp) >>> 0
    if (i > 0) expect([0, 3000, 4500, 2970]).toContain(advance)
    previous = packet
  })
})

test('the payload is shared until a picture id has to change', () => {
  const machine = rewriter()
  const [a, b] = [low(), high()]
  for (const packet of frame(a, true)) expect(machine.rewrite(packet, 0)!.payload).toBe(packet.payload)
  machine.switchTo(2)
  const [first] = frame(b, true)
  const before = first.payload.slice()
  const out = machine.rewrite(first, 0)!
  expect(out.payload).not.toBe(first.payload)
  expect(first.payload).toEqual(before)
  expect(first.ssrc).toBe(2)
})

test('losses and what comes late keep their place', () => {
  const machine = rewriter()
  const source = low()
  const packets = [...frame(source, true), ...frame(source, false), ...frame(source, false)]
  const late = packets.splice(2, 1)
  const numbers = forward(machine, [...packets, ...late], 0).map(({ sequenceNumber }) => sequenceNumber)
  expect(numbers).toEqual([65_530, 65_531, 65_533, 65_534, 65_535, 65_532])
})

test('nothing comes out before a key frame, nor what was before it', () => {
  const machine = rewriter()
  const source = low()
  const early = frame(source, false)
  expect(forward(machine, early, 0)).toEqual([])
  expect(forward(machine, frame(source, true), 0)).toHaveLength(2)
  expect(forward(machine, early, 0)).toEqual([])
  expect(machine.dropped).toBe(4)
})

test('what overtook the first packet of the key frame follows it', () => {
  const machine = rewriter()
  const source = low()
  const old = frame(source, false)
  const [first, second] = frame(source, true)
  const [third, fourth] = frame(source, false)
  const out = forward(machine, [...old, second, third, first, fourth], 0)
  expect(out.map(({ sequenceNumber }) => sequenceNumber)).toEqual([65_530, 65_531, 65_532, 65_533])
  expect(machine.dropped).toBe(2)
})

test('what is held for that is bounded', () => {
  const machine = rewriter()
  const source = low()
  for (let i = 0; i < 1000; i++) forward(machine, frame(source, false), 0)
  expect(machine.dropped).toBe(2000 - 32)
})

test('a pause ends with a key frame, and takes the time that it took', () => {
  const machine = rewriter()
  const source = low()
  const [, before] = forward(machine, frame(source, true), 0)
  machine.switchTo(undefined)
  expect(forward(machine, frame(source, true), 33)).toEqual([])
  machine.switchTo(1)
  expect(forward(machine, frame(source, false), 900)).toEqual([])
  const [after] = forward(machine, frame(source, true), 1000)
  expect(after!.sequenceNumber).toBe((before!.sequenceNumber + 1) & 0xffff)
  expect((after!.timestamp - before!.timestamp) >>> 0).toBe(90_000)
  // The present source once more: a new beginning as well.
  machine.switchTo(1)
  expect(machine.source).toBeUndefined()
  expect(forward(machine, frame(source, false), 1033)).toEqual([])
})

test('a source that begins anew under its SSRC is another source', () => {
  const machine = rewriter()
  const source = low()
  forward(machine, frame(source, true), 0)
  source.sequenceNumber = 30_000
  source.timestamp = 5
  expect(forward(machine, frame(source, false), 33)).toEqual([])
  expect(machine.awaitedSource).toBe(1)
  const out = forward(machine, frame(source, true), 100)
  expect(out.map(({ sequenceNumber }) => sequenceNumber)).toEqual([65_532, 65_533])
  expect(out[0]!.timestamp).toBe((0xffff_0000 + 9000) >>> 0)
})

test('audio switches at once', () => {
  for (const format of [opus, undefined]) {
    const machine = new PacketRewriter({
      ssrc: 9,
      payloadType: 111,
      clockRate: 48_000,
      ...(format === undefined ? {} : { format }),
      sequenceNumber: 0,
      timestamp: 0,
    })
    const packet = (ssrc: number, sequenceNumber: number): RtpPacket =>
      new RtpPacket({
        payloadType: 8,
        sequenceNumber,
        timestamp: sequenceNumber * 960,
        ssrc,
        payload: new Uint8Array(3),
      })
    const out = forward(machine, [packet(1, 500), packet(1, 501)], 0)
    machine.switchTo(2)
    out.push(...forward(machine, [packet(2, 9000), packet(1, 502), packet(2, 9001)], 20))
    expect(out.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3])
    expect(out.map(({ timestamp }) => timestamp)).toEqual([0, 960, 1920, 2880])
    expect(machine.nextSequenceNumber).toBe(4)
  }
})

test('frame numbers of dependency descriptors go on, whatever the sources call theirs and under whichever id', () => {
  const machine = rewriter()
  const described = (source: Source, keyFrame: boolean, id: number, number: number): RtpPacket[] =>
    frame(source, keyFrame).map((packet, i) => {
      const data = new Uint8Array([i === 0 ? 0x80 : 0x40, number >>> 8, number & 0xff, ...(keyFrame ? [0x80, 1] : [])])
      const other = { id: id + 1, data: new Uint8Array([7]) }
      packet.extensions = [other, { id, data }]
      return packet
    })
  const [a, b] = [low(), high()]
  const out: RtpPacket[] = []
  const give = (packets: RtpPacket[], id: number): void => {
    machine.dependencyDescriptorId = id
    out.push(...forward(machine, packets, 0))
  }
  const untouched = described(a, true, 3, 65_535)
  give(untouched, 3)
  for (const [i, packet] of untouched.entries()) expect(out[i]!.extensions).toBe(packet.extensions)
  const late = described(a, false, 3, 0)
  give(described(a, false, 3, 1), 3)
  give(late, 3)
  machine.switchTo(2)
  const first = described(b, true, 5, 1)
  const before = structuredClone(first.map(({ extensions }) => extensions))
  give(first, 5)
  expect(first.map(({ extensions }) => extensions)).toEqual(before)
  give(described(b, false, 5, 4), 5)
  machine.switchTo(1)
  give(described(a, true, 3, 2), 3)
  // Without one, or with one that is cut short, packets go along as they are.
  give(frame(a, false), 3)
  const short = frame(a, false)
  for (const packet of short) packet.extensions = [{ id: 3, data: new Uint8Array(2) }]
  give(short, 3)

  const numbers = out.map(({ extensions }) => {
    const data = (extensions.find(({ id }) => id === 3) ?? extensions.find(({ id }) => id === 5))?.data
    return data === undefined || data.length < 3 ? undefined : (data[1]! << 8) | data[2]!
  })
  const twice = (list: (number | undefined)[]): (number | undefined)[] => list.flatMap((number) => [number, number])
  expect(numbers).toEqual(twice([65_535, 1, 0, 2, 5, 6, undefined, undefined]))
  expect(out[6]!.extensions).toEqual([
    { id: 6, data: new Uint8Array([7]) },
    { id: 5, data: new Uint8Array([0x80, 0, 2, 0x80, 1]) },
  ])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { payloadFormat } from '../../src/formats/index.ts'
import type { ReceivedFrame } from '../../src/formats/index.ts'
import { parseRtp, RtpPacket, writeRtp } from '../../src/index.ts'
import { PacketRewriter, RtpReceiveStream } from '../../src/stream/index.ts'
import { capture as readCapture, pictures, streams } from '../formats/streams.ts'
import { seeded, StreamPair } from './pair.ts'

fc.configureGlobal({ seed: 7741, numRuns: 40 })

test.each(streams.map(({ format, name }, index) => [format.mimeType, name, index] as const))(
  '%s by %s over a link that loses 10 %% and reorders',
  (_, __, index) => {
    const { format, frames, parameters } = streams[index]!
    const pair = new StreamPair(
      'video',
      { delay: 20, jitter: 10, loss: 0.1, duplicate: 0.05, seed: 6 },
      { maxPayloadSize: 200, formatParameters: parameters },
      {
        codecs: [
          {
            payloadType: 96,
            mimeType: format.mimeType,
            clockRate: 90_000,
            format,
            parameters,
            rtxPayloadType: 97,
            nack: true,
            pli: true,
          },
        ],
      },
      format,
    )
    const sent = [...frames, ...frames, ...frames].map((frame, i) => ({ ...frame, timestamp: i * 66_667 }))
    sent.forEach((frame, i) => {
      pair.lossless = i === 0 || i === sent.length - 1
      pair.write(frame)
      pair.run(67)
    })
    pair.run(1000)
    expect(pair.frames).toHaveLength(sent.length)
    pair.frames.forEach((frame, i) => {
      expect(Buffer.compare(frame.payload, sent[i]!.payload)).toBe(0)
      expect(frame.keyFrame).toBe(sent[i]!.keyFrame)
    })
  },
)

const captures: [string, string][] = [
  ['chromium-vp8', 'video/VP8'],
  ['chromium-vp9-svc', 'video/VP9'],
  ['chromium-h264', 'video/H264'],
  ['chromium-av1', 'video/AV1'],
  ['chromium-opus', 'audio/opus'],
  ['ffmpeg-h264', 'video/H264'],
  ['ffmpeg-h265', 'video/H265'],
  ['ffmpeg-vp8', 'video/VP8'],
  ['ffmpeg-pcmu', 'audio/PCMU'],
]

/** Without the holes that probes have left which are not in the file. */
function capture(name: string): RtpPacket[] {
  const packets = readCapture(name)
  const first = packets[0]!.sequenceNumber
  packets.forEach((packet, i) => (packet.sequenceNumber = (first + i) & 0xffff))
  return packets
}

function receiver(packets: readonly RtpPacket[], mimeType: string): RtpReceiveStream {
  const format = payloadFormat(mimeType)!
  return new RtpReceiveStream({
    now: 0,
    wallClock: 0,
    random: seeded(1),
    ssrc: packets[0]!.ssrc,
    localSsrc: 1,
    kind: format.kind,
    codecs: [
      { payloadType: packets[0]!.payloadType, mimeType, clockRate: format.clockRate, format, nack: true, pli: true },
    ],
  })
}

function receive(packets: readonly RtpPacket[], mimeType: string): ReceivedFrame[] {
  const machine = receiver(packets, mimeType)
  packets.forEach((packet, i) => machine.receive(parseRtp(writeRtp(packet))!, i))
  const frames: ReceivedFrame[] = []
  for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) {
    if (event.type === 'frame') frames.push(event.frame)
  }
  return frames
}

function same(frames: ReceivedFrame[], expected: ReceivedFrame[]): void {
  expect(frames).toHaveLength(expected.length)
  frames.forEach(({ payload }, i) => expect(Buffer.compare(payload, expected[i]!.payload)).toBe(0))
}

test.each(captures)('packets of %s in any order make the same frames', (name, mimeType) => {
  const packets = capture(name)
  const expected = receive(packets, mimeType)
  expect(expected).toHaveLength(pictures(packets).length)
  expect(expected[0]!.keyFrame).toBe(true)
  if (mimeType.startsWith('audio')) return
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed)
    // The first key frame is put together before anything else can say where it begins.
    const shuffled = packets
      .map((packet, i) => ({ packet, at: i + random() * 8 }))
      .sort((a, b) => a.at - b.at)
      .map(({ packet }) => packet)
    const frames = receive(shuffled, mimeType)
    same(frames, expected)
  }
})

test.each(captures)('packets of %s, forwarded in the middle of another stream', (name, mimeType) => {
  const packets = capture(name)
  const format = payloadFormat(mimeType)!
  const machine = new PacketRewriter({
    ssrc: 99,
    payloadType: 100,
    clockRate: format.clockRate,
    format,
    sequenceNumber: 65_530,
    timestamp: 0xffff_ff00,
  })
  const out: RtpPacket[] = []
  let now = 0
  for (const ssrc of [5, 6]) {
    machine.switchTo(ssrc)
    for (const packet of packets) {
      const copy = packet.clone()
      copy.ssrc = ssrc
      now += 5
      for (let next = machine.rewrite(copy, now); next !== undefined; next = machine.poll()) out.push(next)
    }
  }
  const frames = receive(out, mimeType)
  const once = receive(packets, mimeType)
  same(frames, [...once, ...once])
  expect(frames.some(({ discontinuity }) => discontinuity)).toBe(false)
})

test.each(captures)('packets of %s, cut, changed, lost and doubled', (name, mimeType) => {
  const packets = capture(name)
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'keep' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'double' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), length: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flip' as const), at: fc.nat(40), bit: fc.nat(7) }) },
  )
  fc.assert(
    fc.property(fc.array(action, { minLength: packets.length, maxLength: packets.length }), (actions) => {
      const machine = receiver(packets, mimeType)
      let now = 0
      packets.forEach((packet, i) => {
        const what = actions[i]!
        const copy = packet.clone()
        if (what.kind === 'lose') return
        if (what.kind === 'cut') copy.payload = packet.payload.subarray(0, what.length)
        if (what.kind === 'flip' && what.at < packet.payload.length) {
          copy.payload = packet.payload.slice()
          copy.payload[what.at]! ^= 1 << what.bit
        }
        now += 20
        machine.receive(copy, now)
        if (what.kind === 'double') machine.receive(copy.clone(), now)
        machine.tick(now)
        machine.pollRtcp(now)
      })
      for (let i = 0; i < 100 && machine.deadline < 1e6; i++) {
        now = Math.max(now, machine.deadline)
        machine.tick(now)
        machine.pollRtcp(now)
      }
      expect(machine.deadline).toBe(Infinity)
      expect(machine.stats.framesReceived).toBeLessThanOrEqual(packets.length)
    }),
  )
})

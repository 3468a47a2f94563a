import { expect, test } from 'vitest'
import { vp8 } from '../../src/formats/index.ts'
import { parseRtp, writeRtp } from '../../src/index.ts'
import { PacketRewriter, RtpReceiveStream, RtpSendStream } from '../../src/stream/index.ts'
import { MEDIA, seeded, StreamPair, vp8Frame } from './pair.ts'

/** A sender of three layers over lossy links, a forwarder that sends one of them on over another lossy link, and who receives it. */
test('one of three simulcast layers is forwarded and changed; the receiver sees a stream without a break', () => {
  const layers = [1, 2, 3].map(
    (layer) =>
      new StreamPair(
        'video',
        { delay: 15, jitter: 5, loss: 0.05, seed: layer },
        { ssrc: layer, rtx: { ssrc: layer + 10, payloadType: 97 } },
        { ssrc: layer, rtxSsrc: layer + 10, rid: `${layer}`, localSsrc: 77 },
      ),
  )
  const sender = new RtpSendStream({
    now: 1000,
    wallClock: 0,
    random: seeded(50),
    ssrc: MEDIA,
    payloadType: 120,
    clockRate: 90_000,
    format: vp8,
    kind: 'video',
    cname: 'forwarder',
    nack: true,
    rtx: { ssrc: MEDIA + 1, payloadType: 121 },
  })
  const receiver = new RtpReceiveStream({
    now: 1000,
    wallClock: 0,
    random: seeded(51),
    ssrc: MEDIA,
    localSsrc: 88,
    rtxSsrc: MEDIA + 1,
    kind: 'video',
    codecs: [
      {
        payloadType: 120,
        mimeType: 'video/VP8',
        clockRate: 90_000,
        format: vp8,
        rtxPayloadType: 121,
        nack: true,
        pli: true,
      },
    ],
  })
  const rewriter = new PacketRewriter({
    ssrc: MEDIA,
    payloadType: 120,
    clockRate: 90_000,
    format: vp8,
    sequenceNumber: sender.nextSequenceNumber,
    timestamp: sender.nextTimestamp(1000),
  })
  const random = seeded(52)
  const received: { timestamp: number; layer: number; discontinuity: boolean; keyFrame: boolean }[] = []
  let forwarded = 0
  const pump = (now: number): void => {
    for (const layer of layers) {
      for (const packet of layer.packets.splice(0)) {
        for (let out = rewriter.rewrite(packet, now); out !== undefined; out = rewriter.poll()) {
          sender.writePacket(out, now)
          forwarded++
        }
      }
    }
    for (let packet = sender.pollTransmit(now); packet !== undefined; packet = sender.pollTransmit(now)) {
      if (random() >= 0.05 || now < 1200) receiver.receive(parseRtp(writeRtp(packet))!, now)
    }
    receiver.tick(now)
    for (let packets = receiver.pollRtcp(now); packets !== undefined; packets = receiver.pollRtcp(now)) {
      for (const packet of packets) sender.receiveRtcp(packet, now)
    }
    sender.pollRtcp(now)
    sender.tick(now)
    for (let event = receiver.pollEvent(); event !== undefined; event = receiver.pollEvent()) {
      if (event.type !== 'frame') continue
      const { timestamp, payload, discontinuity, keyFrame } = event.frame
      received.push({ timestamp, layer: Math.floor(payload.length / 1000), discontinuity, keyFrame })
    }
  }
  let current = 0
  rewriter.switchTo(1)
  const answered = [0, 0, 0]
  for (let i = 0; i < 300; i++) {
    if (i % 60 === 30) {
      current = (current + 1) % 3
      rewriter.switchTo(current + 1)
      layers[current]!.receiver.requestKeyFrame(layers[current]!.now)
    }
    layers.forEach((layer, k) => {
      layer.lossless = i === 0 || i >= 299
      const keyFrame = i === 0 || layer.keyFrameRequests > answered[k]!
      answered[k] = layer.keyFrameRequests
      // The size tells the layer.
      layer.write(vp8Frame(i, 1000 * (k + 1) + (i % 500), keyFrame, i * 33_333))
      layer.run(11)
    })
    for (let step = 0; step < 3; step++) {
      for (const layer of layers) layer.run(step === 0 ? 0 : 11)
      pump(layers[0]!.now)
    }
  }
  for (let step = 0; step < 50; step++) {
    for (const layer of layers) layer.run(20)
    pump(layers[0]!.now)
  }
  expect(rewriter.switches).toBe(5)
  expect(forwarded).toBeGreaterThan(500)
  expect(received.length).toBeGreaterThan(285)
  expect(receiver.stats.pliCount).toBe(0)
  expect(receiver.stats.restarts).toBe(0)
  const layersSeen = received.map(({ layer }) => layer)
  expect(new Set(layersSeen)).toEqual(new Set([1, 2, 3]))
  received.forEach((frame, i) => {
    expect(frame.discontinuity).toBe(false)
    if (i === 0) return
    const previous = received[i - 1]!
    // Each change of layer is a key frame, and time goes on at the pace of the clock.
    if (frame.layer !== previous.layer) expect(frame.keyFrame).toBe(true)
    expect(frame.timestamp).toBeGreaterThan(previous.timestamp)
    expect(frame.timestamp - previous.timestamp).toBeLessThan(250_000)
  })
  const span = received.at(-1)!.timestamp - received[0]!.timestamp
  expect(span / 1e6).toBeCloseTo(299 / 30, 0)
})

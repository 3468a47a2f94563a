import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { vp8 } from '../../src/formats/index.ts'
import { HeaderExtensionMap, parseRtp } from '../../src/index.ts'
import { RtpReceiveStream } from '../../src/stream/index.ts'
import type { RtpReceiveStreamOptions } from '../../src/stream/index.ts'
import { seeded } from './pair.ts'

// What Chromium sent through a relay that dropped some of it: see ../packet/chromium.test.ts.
interface Repaired {
  readonly ssrc: number
  readonly arrived: string[]
  readonly lost: string[]
}
const capture = JSON.parse(readFileSync(new URL('../vectors/chromium.json', import.meta.url), 'utf8')) as {
  extensions: { video: [number, string][] }
  flexFec: Repaired
  ulpFec: Repaired
}
const extensions = new HeaderExtensionMap(capture.extensions.video)
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const RED = 118
const ULPFEC = 120
const FLEXFEC = 49

function receive({ ssrc, arrived, lost }: Repaired, options: Partial<RtpReceiveStreamOptions>) {
  const types = new Set(arrived.concat(lost).map((text) => parseRtp(bytesOf(text))!.payloadType))
  const machine = new RtpReceiveStream({
    now: 0,
    wallClock: 0,
    random: seeded(1),
    ssrc,
    localSsrc: 1,
    kind: 'video',
    extensions,
    codecs: [...types]
      .filter((type) => type !== FLEXFEC)
      .concat(96)
      .map((payloadType) => ({ payloadType, mimeType: 'video/VP8', clockRate: 90_000, format: vp8 })),
    ...options,
  })
  arrived.forEach((text, i) => {
    const bytes = bytesOf(text)
    machine.receive(parseRtp(bytes)!, i, bytes)
  })
  const numbers = new Set<number>()
  for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) {
    if (event.type !== 'packet') continue
    expect(numbers.has(event.packet.sequenceNumber)).toBe(false)
    numbers.add(event.packet.sequenceNumber)
  }
  return { machine, numbers, missing: lost.filter((text) => !numbers.has(parseRtp(bytesOf(text))!.sequenceNumber)) }
}

test('FlexFEC of Chromium brings back what the relay dropped', () => {
  const { flexFec } = capture
  const repair = flexFec.arrived.map((text) => parseRtp(bytesOf(text))!).find(({ ssrc }) => ssrc !== flexFec.ssrc)!
  const { machine, missing } = receive(flexFec, { flexFec: { ssrc: repair.ssrc, payloadType: FLEXFEC } })
  expect(machine.stats.fecPacketsReceived).toBeGreaterThan(0)
  expect(machine.stats.fecPacketsRecovered).toBe(flexFec.lost.length - missing.length)
  expect(missing.length).toBeLessThan(flexFec.lost.length)
  expect(machine.stats.dropped).toMatchObject({ ssrc: 0, payloadType: 0, malformed: 0 })
})

test('ULPFEC of Chromium likewise, in RED', () => {
  const { machine, missing } = receive(capture.ulpFec, { redPayloadType: RED, ulpFecPayloadType: ULPFEC })
  const { stats } = machine
  expect(stats.fecPacketsReceived).toBeGreaterThan(0)
  expect(stats.fecPacketsRecovered).toBe(capture.ulpFec.lost.length - missing.length)
  expect(missing.length).toBeLessThan(capture.ulpFec.lost.length)
  expect(stats.dropped).toMatchObject({ ssrc: 0, payloadType: 0, malformed: 0 })
  expect(stats.packetsDuplicated).toBe(0)
})

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DependencyDescriptorReader,
  FlexFecReceiver,
  headerExtension,
  type HeaderExtensionCodec,
  HeaderExtensionMap,
  headerExtensionUris,
  isRtcp,
  parseRtcp,
  parseRtp,
  type RtpPacket,
  splitRed,
  UlpFecReceiver,
  writeDependencyDescriptor,
  writeRtcp,
  writeRtp,
} from '../../src/index.ts'

// What Chromium 156 sent to itself through a relay that dropped some of it: VP8, VP9 L3T3, AV1, Opus in RED, FlexFEC, ULPFEC.
// Payloads of `rtp` are cut to eight bytes, those of the repair streams are whole.

fc.configureGlobal({ seed: 156, numRuns: 1000 })

interface Repaired {
  readonly ssrc: number
  readonly arrived: string[]
  readonly lost: string[]
}

interface Capture {
  readonly extensions: { readonly audio: [number, string][]; readonly video: [number, string][] }
  readonly rtp: string[]
  readonly rtcp: string[]
  readonly dependencyDescriptors: string[]
  readonly flexFec: Repaired
  readonly ulpFec: Repaired
}

const capture = JSON.parse(readFileSync(new URL('../vectors/chromium.json', import.meta.url), 'utf8')) as Capture
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const rtp = capture.rtp.map(bytesOf)
const rtcp = capture.rtcp.map(bytesOf)
const audio = new HeaderExtensionMap(capture.extensions.audio)
const video = new HeaderExtensionMap(capture.extensions.video)
const RED_AUDIO = 63
const OPUS = 111
const RED = 118
const ULPFEC = 120
const FLEXFEC = 49

const { absSendTimeOf: _, ...codecs } = headerExtension
const allCodecs = Object.values(codecs) as HeaderExtensionCodec<unknown>[]

const mutableIds = [
  headerExtensionUris.absSendTime,
  headerExtensionUris.transportSequenceNumber,
  headerExtensionUris.transmissionOffset,
  headerExtensionUris.videoTiming,
].map((uri) => video.id(uri))

/** What of it parity can bring back. */
function covered(packet: RtpPacket): RtpPacket {
  const rest = packet.clone()
  rest.extensions = packet.extensions.filter(({ id }) => !mutableIds.includes(id))
  return rest
}

describe('what Chromium sends', () => {
  test('RTP comes back byte by byte', () => {
    for (const datagram of rtp) {
      expect(isRtcp(datagram)).toBe(false)
      expect(writeRtp(parseRtp(datagram)!)).toEqual(datagram)
    }
  })

  test('its header extensions are read', () => {
    const seen = new Set<string>()
    for (const datagram of rtp) {
      const packet = parseRtp(datagram)!
      const map = packet.payloadType === OPUS || packet.payloadType === RED_AUDIO ? audio : video
      for (const codec of allCodecs) {
        const data = map.get(packet, codec.uri)
        if (data === undefined) continue
        const value = codec.read(data)
        expect(value).toBeDefined()
        expect(codec.write(value)).toEqual(data)
        seen.add(codec.uri)
      }
    }
    const uris = headerExtensionUris
    for (const uri of [
      uris.mid,
      uris.transportSequenceNumber,
      uris.absSendTime,
      uris.audioLevel,
      uris.absCaptureTime,
    ]) {
      expect(seen).toContain(uri)
    }
    expect(seen).toContain(uris.videoTiming)
    expect(seen).toContain(uris.videoOrientation)
  })

  test('RTCP is read, and comes back from what is written', () => {
    const types = new Set<string>()
    for (const datagram of rtcp) {
      expect(isRtcp(datagram)).toBe(true)
      const packets = parseRtcp(datagram)!
      for (const { type } of packets) types.add(type)
      expect(types).not.toContain('unknown')
      expect(parseRtcp(writeRtcp(packets))).toEqual(packets)
    }
    expect([...types].toSorted()).toEqual(['NACK', 'PLI', 'RR', 'SDES', 'SR', 'TWCC', 'XR'])
  })

  test('transport feedback is written as compactly', () => {
    for (const datagram of rtcp) {
      const packets = parseRtcp(datagram)!
      if (packets[0]!.type === 'TWCC') expect(writeRtcp(packets).length).toBeLessThanOrEqual(datagram.length)
    }
  })

  test('dependency descriptors of L3T3 come back byte by byte', () => {
    const reader = new DependencyDescriptorReader()
    const layers = new Set<string>()
    for (const text of capture.dependencyDescriptors) {
      const descriptor = reader.read(bytesOf(text))!
      layers.add(`${descriptor.frame.spatialId}.${descriptor.frame.temporalId}`)
      expect(writeDependencyDescriptor(descriptor, reader.structure)).toEqual(bytesOf(text))
    }
    expect(reader.structure).toMatchObject({ decodeTargetCount: 9, chainCount: 3 })
    expect(reader.structure!.resolutions!.at(-1)).toEqual({ width: 1280, height: 720 })
    expect(layers.size).toBe(9)
  })

  test('FlexFEC brings back what the relay dropped', () => {
    const { ssrc, arrived, lost } = capture.flexFec
    const receiver = new FlexFecReceiver({ mediaSsrc: ssrc, extensions: video })
    const recovered: RtpPacket[] = []
    for (const datagram of arrived.map(bytesOf)) {
      const packet = parseRtp(datagram)!
      const isRepair = packet.payloadType === FLEXFEC
      recovered.push(...(isRepair ? receiver.receive(packet) : receiver.mediaPacket(packet, datagram)))
    }
    expect(recovered).toEqual(lost.map((text) => covered(parseRtp(bytesOf(text))!)))
  })

  test('so does ULPFEC', () => {
    const { ssrc, arrived, lost } = capture.ulpFec
    const receiver = new UlpFecReceiver({ ssrc, redPayloadType: RED, ulpfecPayloadType: ULPFEC, extensions: video })
    const came = new Set(arrived.map((text) => parseRtp(bytesOf(text))!.sequenceNumber))
    const recovered = arrived
      .flatMap((text) => receiver.receive(parseRtp(bytesOf(text))!))
      .filter(({ sequenceNumber }) => !came.has(sequenceNumber))
    const expected = lost.map((text) => {
      const packet = covered(parseRtp(bytesOf(text))!)
      packet.payloadType = packet.payload[0]!
      packet.payload = packet.payload.subarray(1)
      return packet
    })
    expect(recovered).toEqual(expected)
  })
})

describe('changed and cut, none of it throws', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 })
  const changed = (original: Uint8Array, edits: [number, number][], cut: number): Uint8Array => {
    const bytes = original.slice(0, cut % 3 === 0 ? cut % (original.length + 1) : original.length)
    for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value
    return bytes
  }

  test('RTP and its extensions', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rtp), changes, fc.nat(), (datagram, edits, cut) => {
        const packet = parseRtp(changed(datagram, edits, cut))
        if (packet === undefined) return
        splitRed(packet)
        for (const { data } of packet.extensions) for (const codec of allCodecs) codec.read(data)
        writeRtp(packet)
      }),
    )
  })

  test('RTCP', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rtcp), changes, fc.nat(), (datagram, edits, cut) => {
        const packets = parseRtcp(changed(datagram, edits, cut))
        if (packets !== undefined) expect(parseRtcp(writeRtcp(packets))).toBeDefined()
      }),
    )
  })

  test('dependency descriptors', () => {
    const descriptors = capture.dependencyDescriptors.map(bytesOf)
    fc.assert(
      fc.property(fc.nat(descriptors.length - 1), changes, fc.nat(), (index, edits, cut) => {
        const reader = new DependencyDescriptorReader()
        reader.read(descriptors[0]!)
        reader.read(changed(descriptors[index]!, edits, cut))
        for (const data of descriptors.slice(0, 5)) reader.read(data)
      }),
    )
  })

  test('repair streams', () => {
    const edits = fc.array(fc.tuple(fc.nat(), changes, fc.nat()), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.boolean(), edits, (flexible, all) => {
        const { ssrc, arrived } = flexible ? capture.flexFec : capture.ulpFec
        const datagrams = arrived.map(bytesOf)
        for (const [index, some, cut] of all) {
          const at = index % datagrams.length
          datagrams[at] = changed(datagrams[at]!, some, cut)
        }
        const flex = new FlexFecReceiver({ mediaSsrc: ssrc, extensions: video })
        const ulp = new UlpFecReceiver({ ssrc, redPayloadType: RED, ulpfecPayloadType: ULPFEC, extensions: video })
        for (const datagram of datagrams) {
          const packet = parseRtp(datagram)
          if (packet === undefined) continue
          flex.receive(packet)
          flex.mediaPacket(packet, datagram)
          ulp.receive(packet, datagram)
        }
      }),
      { numRuns: 300 },
    )
  })
})

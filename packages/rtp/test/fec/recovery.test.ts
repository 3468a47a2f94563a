import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FlexFecReceiver,
  headerExtension,
  HeaderExtensionMap,
  headerExtensionUris,
  parseRtp,
  RtpPacket,
  UlpFecReceiver,
  writeRtp,
} from '../../src/index.ts'
import { readFlexFec } from '../../src/fec/flexfec-header.ts'
import { MAX_REPAIRS, WINDOW } from '../../src/fec/parity-decoder.ts'
import { readUlpFec } from '../../src/fec/ulpfec-header.ts'
import { flexFec, inRed, repairPacket, ulpFec } from './encoder.ts'

fc.configureGlobal({ seed: 5109, numRuns: 150 })

const SSRC = 0xcafe
const RED = 98
const ULPFEC = 99

const media: fc.Arbitrary<RtpPacket> = fc
  .record({
    payloadType: fc.constantFrom(96, 97),
    timestamp: fc.nat(0xffffffff),
    marker: fc.boolean(),
    csrcs: fc.array(fc.nat(0xffffffff), { maxLength: 2 }),
    extensions: fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 14 }), data: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
      { maxLength: 2 },
    ),
    payload: fc.uint8Array({ maxLength: 60 }),
    paddingLength: fc.constantFrom(0, 0, 3),
  })
  .map((init) => {
    const payload = new Uint8Array(init.payload)
    const extensions = init.extensions.map(({ id, data }) => ({ id, data: new Uint8Array(data) }))
    return new RtpPacket({ ...init, payload, extensions, ssrc: SSRC, sequenceNumber: 0 })
  })

/** A run of packets from any sequence number on, those of them that a repair packet covers, and which one is lost. */
const scenario = (maxSpan: number): fc.Arbitrary<{ packets: RtpPacket[]; covered: RtpPacket[]; lost: RtpPacket }> =>
  fc
    .tuple(
      fc.array(media, { minLength: 1, maxLength: maxSpan }),
      fc.nat(0xffff),
      fc.nat(),
      fc.infiniteStream(fc.boolean()),
    )
    .map(([list, start, pick, choices]) => {
      const packets = list.map((packet, i) => {
        packet.sequenceNumber = (start + i) & 0xffff
        return packet
      })
      const covered = packets.filter((_, i) => i === 0 || (choices.next().value as boolean))
      return { packets, covered, lost: covered[pick % covered.length]! }
    })

const plain = (sequenceNumber: number, size = 20): RtpPacket =>
  new RtpPacket({
    payloadType: 96,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: sequenceNumber * 3000,
    ssrc: SSRC,
    payload: Uint8Array.from({ length: size }, (_, i) => sequenceNumber * 7 + i),
  })

describe('FlexFEC', () => {
  const receiver = (): FlexFecReceiver => new FlexFecReceiver({ mediaSsrc: SSRC })

  test('brings back the one packet that is lost, whichever comes last', () => {
    fc.assert(
      fc.property(scenario(109), fc.boolean(), ({ packets, covered, lost }, repairFirst) => {
        const decoder = receiver()
        const repair = repairPacket(flexFec(covered.map(writeRtp)))
        const arriving = packets.filter((packet) => packet !== lost)
        fc.pre(arriving.length > 0)
        const recovered = decoder.mediaPacket(arriving[0]!)
        if (repairFirst) recovered.push(...decoder.receive(repair))
        for (const packet of arriving.slice(1)) recovered.push(...decoder.mediaPacket(packet, writeRtp(packet)))
        if (!repairFirst) recovered.push(...decoder.receive(repair))
        expect(recovered).toEqual([lost])
        expect(decoder.stats).toMatchObject({ repairs: 1, recovered: 1, unneeded: 0 })
      }),
    )
  })

  test('a recovered packet helps another repair packet', () => {
    const decoder = receiver()
    const [a, b, c] = [plain(65534), plain(65535, 30), plain(0)]
    decoder.mediaPacket(a)
    expect(decoder.receive(repairPacket(flexFec([a, b, c].map(writeRtp))))).toEqual([])
    expect(decoder.receive(repairPacket(flexFec([a, c].map(writeRtp))))).toEqual([c, b])
    expect(decoder.stats).toMatchObject({ repairs: 2, recovered: 2 })

    // The same when it is a media packet that lets the first go.
    const other = receiver()
    other.mediaPacket(a)
    other.receive(repairPacket(flexFec([a, b, c].map(writeRtp))))
    other.receive(repairPacket(flexFec([b, c, plain(1)].map(writeRtp))))
    expect(other.mediaPacket(b)).toEqual([c, plain(1)])
  })

  test('packets that are there need no repair, and duplicates no work', () => {
    const decoder = receiver()
    const packets = [plain(1), plain(2)]
    for (const packet of [...packets, ...packets]) expect(decoder.mediaPacket(packet)).toEqual([])
    expect(decoder.receive(repairPacket(flexFec(packets.map(writeRtp))))).toEqual([])
    expect(decoder.stats).toMatchObject({ unneeded: 1, recovered: 0 })
  })

  test('the header by hand: 15, 46 and 109 packets', () => {
    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
    const head = '0a0b 0c0d 01020304 01000000 0000cafe fffe'
    const repair = (offsets: number[]): object => ({
      ssrc: SSRC,
      repair: {
        first: 0x0a,
        second: 0x0b,
        length: 0x0c0d,
        timestamp: 0x01020304,
        sequenceNumberBase: 0xfffe,
        offsets,
        payload: Uint8Array.of(0x55),
      },
    })
    expect(readFlexFec(bytes(`${head} c001 55`))).toEqual(repair([0, 14]))
    expect(readFlexFec(bytes(`${head} 4001 c0000001 55`))).toEqual(repair([0, 14, 15, 45]))
    expect(readFlexFec(bytes(`${head} 4001 40000001 c000000000000001 55`))).toEqual(repair([0, 14, 15, 45, 46, 108]))
    for (const malformed of [
      `${head} c0`, // cut short
      `${head} 4001 c00000`,
      `${head} 4001 40000001 c0000000000000`,
      `${head} 4001 40000001 4000000000000001 55`, // a mask without an end
      `${head} 8000 55`, // nothing covered
      head.replace('0a0b', '8a0b') + 'c001', // a retransmission
      head.replace('0a0b', '4a0b') + 'c001', // a fixed mask
      head.replace('01000000', '02000000') + 'c001', // two streams
    ]) {
      expect(readFlexFec(bytes(malformed))).toBeUndefined()
    }
  })

  test('what is filled in when a packet leaves is not covered', () => {
    const extensions = new HeaderExtensionMap([
      [1, headerExtensionUris.transportSequenceNumber],
      [2, headerExtensionUris.absSendTime],
      [3, headerExtensionUris.mid],
      [4, headerExtensionUris.videoTiming],
    ])
    for (const long of [false, true]) {
      const timing = { flags: 1, encodeStart: 2, encodeFinish: 3, packetization: 4 }
      const packet = (number: number): RtpPacket => {
        const value = plain(number)
        extensions.write(value, headerExtension.transportSequenceNumber, 0)
        extensions.write(value, headerExtension.mid, long ? 'a mid of the two-byte form' : 'v')
        extensions.write(value, headerExtension.absSendTime, 0)
        extensions.write(value, headerExtension.videoTiming, { ...timing, pacerExit: 0, network: [0, 0] })
        return value
      }
      const packets = [packet(1), packet(2), packet(3)]
      const repair = repairPacket(flexFec(packets.map(writeRtp)))
      for (const [i, value] of packets.entries()) {
        extensions.write(value, headerExtension.transportSequenceNumber, 1000 + i)
        extensions.write(value, headerExtension.absSendTime, 99_999 * (i + 1))
        extensions.write(value, headerExtension.videoTiming, { ...timing, pacerExit: 5 + i, network: [6, 7 * i] })
      }
      const decoder = new FlexFecReceiver({ mediaSsrc: SSRC, extensions })
      decoder.mediaPacket(packets[0]!)
      decoder.mediaPacket(packets[2]!)
      const [recovered] = decoder.receive(repair)
      expect(recovered!.payload).toEqual(packets[1]!.payload)
      expect(recovered!.extensions).toEqual([packets[1]!.extensions.find(({ id }) => id === 3)])
    }
  })

  test('other streams are ignored', () => {
    const decoder = receiver()
    const other = plain(1)
    other.ssrc = 1
    expect(decoder.mediaPacket(other)).toEqual([])
    expect(decoder.receive(repairPacket(flexFec([writeRtp(other)])))).toEqual([])
    expect(decoder.receive(repairPacket(new Uint8Array(3)))).toEqual([])
    expect(decoder.stats.dropped).toMatchObject({ otherSsrc: 1, malformed: 1 })
  })

  test('repair packets from too long ago, or far ahead, are dropped', () => {
    const decoder = receiver()
    const repair = (...numbers: number[]): RtpPacket =>
      repairPacket(flexFec(numbers.map((number) => writeRtp(plain(number)))))
    decoder.receive(repair(1000))
    decoder.mediaPacket(plain(1000))
    decoder.receive(repair(1000 - WINDOW))
    decoder.receive(repair(1001 + WINDOW))
    expect(decoder.stats.dropped.outOfRange).toBe(3)
    expect(decoder.receive(repair(1001 - WINDOW))).toHaveLength(1)
    // One that waits gives up when its packets leave the window.
    decoder.receive(repair(1001, 1002))
    for (let number = 1003; number <= 1001 + WINDOW; number++) decoder.mediaPacket(plain(number))
    expect(decoder.stats.dropped.outOfRange).toBe(4)
  })

  test('no more than so many repair packets wait', () => {
    const decoder = receiver()
    decoder.mediaPacket(plain(0))
    for (let i = 0; i < MAX_REPAIRS + 10; i++) {
      decoder.receive(repairPacket(flexFec([plain(1), plain(2 + i)].map(writeRtp))))
    }
    expect(decoder.stats.dropped.overflow).toBe(10)
  })

  test('any bytes and mutated repair packets do not throw', () => {
    fc.assert(
      fc.property(
        scenario(20),
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 3 }),
        ({ packets, covered, lost }, bytes, changes) => {
          const decoder = receiver()
          for (const packet of packets) if (packet !== lost) decoder.mediaPacket(packet)
          decoder.receive(repairPacket(bytes))
          const repair = flexFec(covered.map(writeRtp))
          for (const [at, byte] of changes) repair[at % repair.length] = byte
          decoder.receive(repairPacket(repair))
          decoder.receive(repairPacket(repair.subarray(0, changes[0]?.[0] ?? 0)))
          readUlpFec(bytes)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('ULPFEC in RED', () => {
  const receiver = (extensions?: HeaderExtensionMap): UlpFecReceiver =>
    new UlpFecReceiver({
      ssrc: SSRC,
      redPayloadType: RED,
      ulpfecPayloadType: ULPFEC,
      ...(extensions && { extensions }),
    })

  const packetOf = (datagram: Uint8Array): RtpPacket => parseRtp(datagram)!
  const repairIn = (covered: readonly RtpPacket[], sequenceNumber: number, protectedBytes?: number): RtpPacket => {
    const payload = ulpFec(covered.map(writeRtp), protectedBytes)
    const packet = new RtpPacket({ payloadType: ULPFEC, sequenceNumber, timestamp: 0, ssrc: SSRC, payload })
    return packetOf(inRed(packet, RED))
  }

  test('hands out the media packets and brings back the lost one', () => {
    fc.assert(
      fc.property(scenario(48), ({ packets, covered, lost }) => {
        fc.pre(packets.length > 1)
        // Padding is not part of what goes into RED.
        for (const packet of packets) packet.paddingLength = 0
        const decoder = receiver()
        const arriving = packets.filter((packet) => packet !== lost)
        for (const packet of arriving)
          expect(decoder.receive(packetOf(inRed(packet, RED)), inRed(packet, RED))).toEqual([packet])
        const next = (packets.at(-1)!.sequenceNumber + 1) & 0xffff
        expect(decoder.receive(repairIn(covered, next))).toEqual([lost])
      }),
    )
  })

  test('a media packet outside of RED counts too, padding of RED does not', () => {
    const decoder = receiver()
    const [a, b, c] = [plain(1), plain(2), plain(3)]
    expect(decoder.receive(a)).toEqual([a])
    const padded = inRed(c, RED)
    const withPadding = parseRtp(padded)!
    withPadding.paddingLength = 9
    expect(decoder.receive(withPadding)).toEqual([c])
    expect(decoder.receive(repairIn([a, b, c], 4))).toEqual([b])
  })

  test('a repair packet that covers beginnings only brings nothing back that is longer', () => {
    const decoder = receiver()
    const [a, b] = [plain(1, 30), plain(2, 30)]
    decoder.receive(packetOf(inRed(a, RED)))
    expect(decoder.receive(repairIn([a, b], 3, 10))).toEqual([])
    expect(decoder.stats.dropped.unrecoverable).toBe(1)
    expect(decoder.receive(repairIn([a, b], 4))).toEqual([b])
  })

  test('the header by hand (RFC 5109 §7.3 and §7.4)', () => {
    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
    const repair = { first: 0x0a, second: 0x0b, timestamp: 0x01020304, sequenceNumberBase: 0x0c0d, length: 0x0506 }
    expect(readUlpFec(bytes('0a0b 0c0d 01020304 0506 0001 8001 55 66'))).toEqual({
      ...repair,
      offsets: [0, 15],
      payload: Uint8Array.of(0x55),
    })
    expect(readUlpFec(bytes('4a0b 0c0d 01020304 0506 0001 8001 00000001 55'))).toEqual({
      ...repair,
      first: 0x4a,
      offsets: [0, 15, 47],
      payload: Uint8Array.of(0x55),
    })
    for (const malformed of [
      '0a0b 0c0d 01020304 0506 0001 80',
      '0a0b 0c0d 01020304 0506 0002 8001 55',
      '4a0b 0c0d 01020304 0506 0000 8001 0000',
      '0a0b 0c0d 01020304 0506 0001 0000 55',
      '8a0b 0c0d 01020304 0506 0001 8001 55',
    ]) {
      expect(readUlpFec(bytes(malformed))).toBeUndefined()
    }
  })

  test('malformed packets are counted, others ignored', () => {
    const decoder = receiver()
    const red = (payload: Uint8Array, ssrc = SSRC): RtpPacket =>
      new RtpPacket({ payloadType: RED, sequenceNumber: 1, timestamp: 2, ssrc, payload })
    expect(decoder.receive(red(Uint8Array.of(96, 1), 1))).toEqual([])
    expect(decoder.receive(red(new Uint8Array(0)))).toEqual([])
    expect(decoder.receive(red(Uint8Array.of(ULPFEC, 1, 2)))).toEqual([])
    expect(decoder.stats).toMatchObject({ repairs: 1, dropped: { malformed: 2 } })
  })

  test('any bytes in RED do not throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), fc.boolean(), (payloads, fec) => {
        const decoder = receiver()
        payloads.forEach((bytes, i) => {
          const payload = fec ? Uint8Array.of(ULPFEC, ...bytes) : new Uint8Array(bytes)
          decoder.receive(new RtpPacket({ payloadType: RED, sequenceNumber: i, timestamp: 2, ssrc: SSRC, payload }))
        })
      }),
      { numRuns: 1000 },
    )
  })
})

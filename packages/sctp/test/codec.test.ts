import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c, packetChecksum } from '../src/crc32c.ts'
import { encodeAbort, encodeError } from '../src/packet/abort.ts'
import { encodeCookieAck, encodeCookieEcho } from '../src/packet/cookie.ts'
import { encodeData, encodeIData, parseData, parseIData } from '../src/packet/data.ts'
import type { DataChunk } from '../src/packet/data.ts'
import { encodeForwardTsn, encodeIForwardTsn, parseForwardTsn, parseIForwardTsn } from '../src/packet/forward-tsn.ts'
import { encodeHeartbeat, encodeHeartbeatAck, parseHeartbeat } from '../src/packet/heartbeat.ts'
import { encodeInit, parseInit } from '../src/packet/init.ts'
import { encodeReConfig } from '../src/packet/re-config.ts'
import { encodeSack, parseSack } from '../src/packet/sack.ts'
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete, parseShutdown } from '../src/packet/shutdown.ts'
import * as types from '../src/packet/types.ts'
import { encodeCapabilities, parseInitParameters } from '../src/parameter/capabilities.ts'
import * as causes from '../src/parameter/cause.ts'
import { encodeParameter, forEachParameter } from '../src/parameter/parameter.ts'
import {
  encodeIncomingResetRequest,
  encodeOutgoingResetRequest,
  encodeReconfigurationResponse,
  parseIncomingResetRequest,
  parseOutgoingResetRequest,
  parseReconfigurationResponse,
} from '../src/parameter/reconfiguration.ts'
import { encodeStateCookie, parseStateCookie } from '../src/association/state-cookie.ts'
import { hmacSha256, sha256 } from '../src/association/sha256.ts'
import { concat } from '../src/bytes.ts'

fc.configureGlobal({ seed: 20260, numRuns: 200 })

const uint8 = fc.integer({ min: 0, max: 0xff })
const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const bytes = (maxLength = 64): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })

function lengthOf(chunk: Uint8Array): number {
  return (chunk[2]! << 8) | chunk[3]!
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex')
}

/** Puts the chunk somewhere into a packet, so that offsets are tested too. */
function placed(chunk: Uint8Array): [Uint8Array, number, number] {
  return [concat([new Uint8Array(12).fill(0xee), chunk, new Uint8Array(5).fill(0xee)]), 12, lengthOf(chunk)]
}

const dataChunk: fc.Arbitrary<DataChunk> = fc.record({
  tsn: uint32,
  streamId: uint16,
  messageId: uint16,
  fragment: fc.constant(0),
  ppid: uint32,
  beginning: fc.boolean(),
  end: fc.boolean(),
  unordered: fc.boolean(),
  immediate: fc.boolean(),
  payload: bytes(),
})

describe('chunks come back as they were written', () => {
  test('DATA and I-DATA', () => {
    fc.assert(
      fc.property(dataChunk, uint32, uint32, (chunk, mid, fragment) => {
        expect(parseData(...placed(encodeData(chunk)))).toEqual(chunk)
        const interleaved = { ...chunk, messageId: mid, ...(chunk.beginning ? {} : { fragment, ppid: 0 }) }
        expect(parseIData(...placed(encodeIData(interleaved)))).toEqual(interleaved)
      }),
    )
  })

  test('SACK', () => {
    fc.assert(
      fc.property(
        uint32,
        uint32,
        fc.array(fc.tuple(uint16, uint16)),
        fc.array(uint32),
        (ack, window, blocks, duplicates) => {
          const sack = parseSack(...placed(encodeSack(ack, window, blocks, duplicates)))!
          expect(sack).toMatchObject({
            cumulativeTsnAck: ack,
            receiverWindow: window,
            blockCount: blocks.length,
            duplicateCount: duplicates.length,
          })
          expect(sack.duplicates).toBe(28 + 4 * blocks.length)
        },
      ),
    )
  })

  test('INIT', () => {
    const init = fc.record({
      initiateTag: uint32,
      receiverWindow: uint32,
      outboundStreams: uint16,
      inboundStreams: uint16,
      initialTsn: uint32,
      parameters: bytes(),
    })
    fc.assert(
      fc.property(init, (value) => {
        expect(parseInit(...placed(encodeInit(types.INIT, value)))).toEqual(value)
      }),
    )
  })

  test('FORWARD-TSN and I-FORWARD-TSN', () => {
    const skipped = (id: fc.Arbitrary<number>, unordered: fc.Arbitrary<boolean>): fc.Arbitrary<never[]> =>
      fc.array(fc.record({ streamId: uint16, unordered, messageId: id })) as never
    fc.assert(
      fc.property(
        uint32,
        skipped(uint16, fc.constant(false)),
        skipped(uint32, fc.boolean()),
        (tsn, plain, interleaved) => {
          const a = { newCumulativeTsn: tsn, skipped: plain }
          const b = { newCumulativeTsn: tsn, skipped: interleaved }
          expect(parseForwardTsn(...placed(encodeForwardTsn(a)))).toEqual(a)
          expect(parseIForwardTsn(...placed(encodeIForwardTsn(b)))).toEqual(b)
        },
      ),
    )
  })

  test('HEARTBEAT, SHUTDOWN and the chunks without fields', () => {
    fc.assert(
      fc.property(bytes(), uint32, (info, tsn) => {
        expect(parseHeartbeat(...placed(encodeHeartbeat(info)))).toEqual(info)
        expect(parseHeartbeat(...placed(encodeHeartbeatAck(encodeHeartbeat(info).subarray(4))))).toEqual(info)
        expect(parseShutdown(...placed(encodeShutdown(tsn)))).toBe(tsn)
      }),
    )
    expect(hex(encodeShutdownAck())).toBe('08000004')
    expect(hex(encodeShutdownComplete(true))).toBe('0e010004')
    expect(hex(encodeCookieAck())).toBe('0b000004')
    expect(hex(encodeCookieEcho(Uint8Array.of(1, 2, 3, 4, 5)))).toBe('0a0000090102030405000000')
    expect(hex(encodeAbort([], true))).toBe('06010004')
    expect(hex(encodeError([causes.invalidStreamIdentifier(7)]))).toBe('0900000c0001000800070000')
  })

  test('re-configuration parameters', () => {
    const ids = fc.array(uint16, { maxLength: 20 })
    const value = (parameter: Uint8Array): Uint8Array => parameter.subarray(4, lengthOf(parameter))
    fc.assert(
      fc.property(uint32, uint32, uint32, ids, (a, b, c, streamIds) => {
        const outgoing = { requestNumber: a, responseNumber: b, lastAssignedTsn: c, streamIds }
        expect(parseOutgoingResetRequest(value(encodeOutgoingResetRequest(outgoing)))).toEqual(outgoing)
        const incoming = { requestNumber: a, streamIds }
        expect(parseIncomingResetRequest(value(encodeIncomingResetRequest(incoming)))).toEqual(incoming)
        const response = { responseNumber: a, result: b }
        expect(parseReconfigurationResponse(value(encodeReconfigurationResponse(response)))).toEqual(response)
      }),
    )
  })

  test('capabilities', () => {
    const capabilities = fc.record({
      partialReliability: fc.boolean(),
      interleaving: fc.boolean(),
      streamReset: fc.boolean(),
      zeroChecksum: fc.boolean(),
    })
    fc.assert(
      fc.property(capabilities, (value) => {
        expect(parseInitParameters(concat(encodeCapabilities(value)))).toMatchObject(value)
      }),
    )
    // Another error detection method says nothing about DTLS.
    expect(parseInitParameters(encodeParameter(0x8001, Uint8Array.of(0, 0, 0, 2)))!.zeroChecksum).toBe(false)
  })

  test('state cookies, and no others', () => {
    const secret = new Uint8Array(32).fill(7)
    const cookie = {
      createdAt: 12_345.678,
      localTag: 0xffffffff,
      peerTag: 2,
      localInitialTsn: 3,
      peerInitialTsn: 4,
      peerWindow: 5,
      peerOutboundStreams: 6,
      peerInboundStreams: 7,
      localTieTag: 8,
      peerTieTag: 9,
      partialReliability: true,
      interleaving: false,
      streamReset: true,
      zeroChecksum: false,
    }
    const encoded = encodeStateCookie(cookie, secret)
    expect(parseStateCookie(encoded, secret)).toEqual(cookie)
    expect(parseStateCookie(encoded, new Uint8Array(32))).toBeUndefined()
    for (let i = 0; i < encoded.length; i++) {
      const changed = encoded.slice()
      changed[i]! ^= 1
      expect(parseStateCookie(changed, secret)).toBeUndefined()
    }
    expect(parseStateCookie(encoded.subarray(1), secret)).toBeUndefined()
  })
})

describe('any bytes', () => {
  const parsers = [
    parseData,
    parseIData,
    parseSack,
    parseInit,
    parseForwardTsn,
    parseIForwardTsn,
    parseHeartbeat,
    parseShutdown,
  ]

  test('no chunk parser throws or reads beyond the chunk', () => {
    fc.assert(
      fc.property(bytes(200), (chunk) => {
        fc.pre(chunk.length >= 4)
        for (const parse of parsers) {
          const alone = parse(chunk, 0, chunk.length)
          const followed = parse(concat([chunk, new Uint8Array(40).fill(0xaa)]), 0, chunk.length)
          expect(JSON.stringify(followed, (key, value: unknown) => (key === 'packet' ? undefined : value))).toBe(
            JSON.stringify(alone, (key, value: unknown) => (key === 'packet' ? undefined : value)),
          )
        }
      }),
    )
  })

  test('no parameter parser throws', () => {
    fc.assert(
      fc.property(bytes(120), (value) => {
        parseInitParameters(value)
        parseOutgoingResetRequest(value)
        parseIncomingResetRequest(value)
        parseReconfigurationResponse(value)
        causes.describeCauses(value)
        causes.hasCause(value, 3)
        causes.parseStaleness(value)
        let visited = 0
        forEachParameter(value, () => {
          visited++
          return true
        })
        expect(visited).toBeLessThanOrEqual(30)
      }),
    )
  })
})

test('error causes in words', () => {
  const all = [
    causes.unrecognizedChunkType(Uint8Array.of(99, 0, 0, 4)),
    causes.invalidStreamIdentifier(12),
    causes.missingMandatoryParameter(7),
    causes.staleCookie(1500),
    causes.noUserData(1),
    causes.plainCause(causes.PROTOCOL_VIOLATION, new TextEncoder().encode('no\nway')),
    causes.plainCause(77),
  ]
  expect(causes.describeCauses(concat(all))).toBe(
    'unrecognized chunk type 99, invalid stream identifier 12, missing mandatory parameter, stale cookie, no user data, ' +
      'protocol violation: no way, cause 77',
  )
  expect(causes.parseStaleness(concat(all))).toBe(1500)
  expect(causes.joined([new Uint8Array(5), new Uint8Array(300)])).toHaveLength(8)
})

describe('checksums', () => {
  test('CRC-32C vectors (RFC 3720 B.4)', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
    expect(crc32c(new Uint8Array(32)).toString(16)).toBe('8a9136aa')
    expect(crc32c(new Uint8Array(32).fill(0xff)).toString(16)).toBe('62a8ab43')
    expect(crc32c(ascending).toString(16)).toBe('46dd794e')
    expect(crc32c(ascending.toReversed()).toString(16)).toBe('113fdb5c')
    expect(crc32c(new TextEncoder().encode('123456789')).toString(16)).toBe('e3069283')
  })

  test('CRC-32C agrees with its definition at every length', () => {
    const slow = (data: Uint8Array): number => {
      let crc = -1
      for (const byte of data) {
        crc ^= byte
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
      }
      return ~crc >>> 0
    }
    fc.assert(
      fc.property(bytes(100), (data) => {
        expect(crc32c(data)).toBe(slow(data))
        if (data.length < 12) return
        const zeroed = data.slice()
        zeroed.fill(0, 8, 12)
        expect(packetChecksum(data)).toBe(slow(zeroed))
      }),
    )
  })

  test('SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 4231)', () => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value)
    expect(hex(sha256(text('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(hex(sha256(text('')))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(hex(sha256(text('a'.repeat(119))))).toBe('31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb')
    expect(hex(hmacSha256(text('Jefe'), text('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
    expect(
      hex(hmacSha256(new Uint8Array(131).fill(0xaa), text('Test Using Larger Than Block-Size Key - Hash Key First'))),
    ).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54')
  })
})

test('a RE-CONFIG chunk', () => {
  const chunk = encodeReConfig([encodeReconfigurationResponse({ responseNumber: 1, result: 1 })])
  expect(hex(chunk)).toBe('820000100010000c0000000100000001')
  expect(fc.sample(uint8, 1)[0]).toBeGreaterThanOrEqual(0)
})

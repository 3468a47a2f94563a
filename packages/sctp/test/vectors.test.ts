import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packetChecksum } from '../src/crc32c.ts'
import { checksum } from '../src/packet/common-header.ts'
import { parseData, parseIData } from '../src/packet/data.ts'
import { parseInit } from '../src/packet/init.ts'
import { parseSack } from '../src/packet/sack.ts'
import * as types from '../src/packet/types.ts'
import { parseInitParameters } from '../src/parameter/capabilities.ts'
import { forEachParameter, OUTGOING_SSN_RESET_REQUEST, RECONFIGURATION_RESPONSE } from '../src/parameter/parameter.ts'
import { parseOutgoingResetRequest, parseReconfigurationResponse } from '../src/parameter/reconfiguration.ts'
import { pattern } from './pair.ts'
import { chunksOf } from './wire.ts'

interface Capture {
  readonly data: string[]
  readonly 'i-data': string[]
}

const capture = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', 'usrsctp.json'), 'utf8')) as Capture

for (const kind of ['data', 'i-data'] as const) {
  describe(`packets of usrsctp, ${kind}`, () => {
    const packets = capture[kind].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))
    const chunks = packets.flatMap((packet) => chunksOf(packet))
    const of = (type: number): Uint8Array[] => chunks.filter((chunk) => chunk.type === type).map((chunk) => chunk.bytes)

    test('have the checksum that we compute', () => {
      for (const packet of packets) expect(checksum(packet)).toBe(packetChecksum(packet))
    })

    test('INIT ACK', () => {
      const [bytes] = of(types.INIT_ACK)
      const init = parseInit(bytes!, 0, bytes!.length)!
      expect(init).toMatchObject({ receiverWindow: 131_072, outboundStreams: 1024, inboundStreams: 1024 })
      const parameters = parseInitParameters(init.parameters)!
      expect(parameters).toMatchObject({
        partialReliability: true,
        streamReset: true,
        interleaving: kind === 'i-data',
        zeroChecksum: false,
      })
      expect(parameters.cookie!.length).toBeGreaterThan(100)
    })

    test('messages', () => {
      const data =
        kind === 'data'
          ? of(types.DATA).map((bytes) => parseData(bytes, 0, bytes.length)!)
          : of(types.I_DATA).map((bytes) => parseIData(bytes, 0, bytes.length)!)
      expect(data.map((chunk) => [chunk.streamId, chunk.ppid, chunk.beginning, chunk.end, chunk.unordered])).toEqual([
        [3, 51, true, true, false],
        [3, 53, true, false, true],
        [3, kind === 'data' ? 53 : 0, false, true, true],
      ])
      expect(new TextDecoder().decode(data[0]!.payload)).toBe('hello')
      expect(Buffer.concat([data[1]!.payload, data[2]!.payload]).equals(pattern(1500))).toBe(true)
    })

    test('SACKs and stream resets', () => {
      for (const bytes of of(types.SACK)) expect(parseSack(bytes, 0, bytes.length)!.blockCount).toBe(0)
      const seen: unknown[] = []
      for (const bytes of of(types.RE_CONFIG)) {
        forEachParameter(bytes.subarray(4), (type, value) => {
          if (type === RECONFIGURATION_RESPONSE) seen.push(parseReconfigurationResponse(value)!.result)
          if (type === OUTGOING_SSN_RESET_REQUEST) seen.push(parseOutgoingResetRequest(value)!.streamIds)
          return true
        })
      }
      expect(seen).toEqual([1, [3]])
    })
  })
}

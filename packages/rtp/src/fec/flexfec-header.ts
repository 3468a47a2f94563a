import { readUint16, readUint32 } from '../bytes.ts'
import { readMask, type Repair } from './repair.ts'

const SSRC_COUNT_OFFSET = 8
const SSRC_OFFSET = 12
const BASE_OFFSET = 16
const MASK_OFFSET = 18

/** Bytes of the header with each size of mask: 15, 46 or 109 packets. */
const SHORT = 20
const MEDIUM = 24
const LONG = 32

/**
 * The payload of a FlexFEC packet with a flexible mask that protects one stream (draft-ietf-payload-flexible-fec-scheme-03
 * §4.2.2.1): the only kind that browsers send. Each part of the mask begins with a bit that is set in the last one.
 */
export function readFlexFec(payload: Uint8Array): { ssrc: number; repair: Repair } | undefined {
  if (payload.length < SHORT) return undefined
  // R: a retransmission; F: a fixed mask.
  if ((payload[0]! & 0xc0) !== 0 || payload[SSRC_COUNT_OFFSET] !== 1) return undefined
  const offsets: number[] = []
  let end = SHORT
  readMask(payload, MASK_OFFSET, 1, 15, 0, offsets)
  if (payload[MASK_OFFSET]! < 0x80) {
    end = MEDIUM
    if (payload.length < end) return undefined
    readMask(payload, SHORT, 1, 31, 15, offsets)
    if (payload[SHORT]! < 0x80) {
      end = LONG
      if (payload.length < end || payload[MEDIUM]! < 0x80) return undefined
      readMask(payload, MEDIUM, 1, 63, 46, offsets)
    }
  }
  if (offsets.length === 0) return undefined
  return {
    ssrc: readUint32(payload, SSRC_OFFSET),
    repair: {
      first: payload[0]!,
      second: payload[1]!,
      length: readUint16(payload, 2),
      timestamp: readUint32(payload, 4),
      sequenceNumberBase: readUint16(payload, BASE_OFFSET),
      offsets,
      payload: payload.subarray(end),
    },
  }
}

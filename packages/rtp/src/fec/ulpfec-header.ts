import { readUint16, readUint32 } from '../bytes.ts'
import { readMask, type Repair } from './repair.ts'

const HEADER_SIZE = 10
const MASK_OFFSET = 12

/**
 * The payload of a ULPFEC packet (RFC 5109 §7.3, §7.4): FEC header and the header of level 0, which protects the first bytes of
 * its packets, mostly all of them. Further levels are not looked at.
 */
export function readUlpFec(payload: Uint8Array): Repair | undefined {
  if (payload.length < MASK_OFFSET + 2) return undefined
  if ((payload[0]! & 0x80) !== 0) return undefined // E: a header to come
  const longMask = (payload[0]! & 0x40) !== 0
  const start = MASK_OFFSET + (longMask ? 6 : 2)
  const end = start + readUint16(payload, HEADER_SIZE)
  if (end > payload.length) return undefined
  const offsets: number[] = []
  readMask(payload, MASK_OFFSET, 0, longMask ? 48 : 16, 0, offsets)
  if (offsets.length === 0) return undefined
  return {
    first: payload[0]!,
    second: payload[1]!,
    length: readUint16(payload, 8),
    timestamp: readUint32(payload, 4),
    sequenceNumberBase: readUint16(payload, 2),
    offsets,
    payload: payload.subarray(start, end),
  }
}

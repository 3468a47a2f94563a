import { BitReader } from '../bit-reader.ts'
import { decodeBase64 } from './base64.ts'
import { readH264PpsId, readH264Sps } from './h264-sps.ts'
import type { NalCodec } from './nal-codec.ts'
import { beginsRandomAccess, firstUnit, NalDepacketizer } from './nal-depacketizer.ts'
import { NalPacketizer } from './nal-packetizer.ts'
import type { PayloadFormat } from './types.ts'

// Types of NAL units (ITU-T H.264 table 7-1) and of payload structures (RFC 6184 table 1).
const SLICE = 1
const IDR = 5
const SEI = 6
const SPS = 7
const PPS = 8
const DELIMITER = 9
const STAP_A = 24
const FU_A = 28

const codec: NalCodec = {
  headerLength: 1,
  aggregationType: STAP_A,
  fragmentationType: FU_A,
  fragmentTypeMask: 0x1f,
  parameterSetTypes: [SPS, PPS],
  delimiterType: DELIMITER,
  typeOf,
  isNalUnit: (type) => type >= 1 && type <= 23,
  writeAggregationHeader(units, from, to, out, offset) {
    let forbidden = 0
    let importance = 0 // nal_ref_idc: the highest of all (RFC 6184 §5.7)
    for (let index = from; index < to; index++) {
      const header = units[index]![0]!
      forbidden |= header & 0x80
      importance = Math.max(importance, header & 0x60)
    }
    out[offset] = forbidden | importance | STAP_A
  },
  writeFragmentHeader(unit, out, offset) {
    out[offset] = (unit[0]! & 0xe0) | FU_A
  },
  fragmentedHeader: (payload) => Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f)),
  parameterSetId: (unit) => (typeOf(unit) === SPS ? readH264Sps(unit)?.id : readH264PpsId(unit)),
  isRandomAccess: (unit) => typeOf(unit) === IDR || isRecoveryPoint(unit),
  mayStartAccessUnit(unit) {
    const type = typeOf(unit)
    // first_mb_in_slice 0 is a single 1 bit. Data partition A begins like a slice (§7.3.2.9.1).
    if (type === SLICE || type === 2 || type === IDR) return unit.length > 1 && (unit[1]! & 0x80) !== 0
    return (type >= SEI && type <= DELIMITER) || (type >= 14 && type <= 18) // §7.4.1.2.3
  },
}

/**
 * H.264 (RFC 6184), packetization modes 0 and 1: single NAL units, STAP-A and FU-A. The interleaved structures of mode 2 (STAP-B,
 * MTAP, FU-B), which nobody negotiates here, make no frame. A key frame is an IDR picture, or one with a recovery point at once
 * (recovery_frame_cnt 0). Key frames go out and come in with their parameter sets in front: those of the frame, otherwise the last
 * ones seen, for a depacketizer also those of `sprop-parameter-sets`.
 */
export const h264: PayloadFormat = {
  mimeType: 'video/H264',
  kind: 'video',
  clockRate: 90_000,
  createPacketizer: (parameters) => new NalPacketizer(codec, parameters?.get('packetization-mode') !== '1'),
  createDepacketizer: (parameters) =>
    new NalDepacketizer(codec, parameterSets(parameters?.get('sprop-parameter-sets'))),
  isFrameStart(payload) {
    const unit = firstUnit(codec, payload)
    return unit !== undefined && codec.mayStartAccessUnit(unit)
  },
  isKeyFrame: (payload) => beginsRandomAccess(codec, payload),
}

function typeOf(unit: Uint8Array): number {
  return unit[0]! & 0x1f
}

/** An SEI unit whose first message is a recovery point with recovery_frame_cnt 0 (H.264 §D.1.8). */
function isRecoveryPoint(unit: Uint8Array): boolean {
  if (typeOf(unit) !== SEI || unit.length < 4 || unit[1] !== 6) return false
  return new BitReader(unit, 3).flag()
}

/** Comma-separated base64 (RFC 6184 §8.1). */
function parameterSets(text: string | undefined): Uint8Array[] {
  const units: Uint8Array[] = []
  for (const part of text?.split(',') ?? []) {
    const unit = decodeBase64(part)
    if (unit !== undefined && unit.length > 0) units.push(unit)
  }
  return units
}

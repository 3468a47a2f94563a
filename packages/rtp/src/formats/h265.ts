import { decodeBase64 } from './base64.ts'
import { readH265PpsId, readH265Sps } from './h265-sps.ts'
import type { NalCodec } from './nal-codec.ts'
import { beginsRandomAccess, firstUnit, NalDepacketizer } from './nal-depacketizer.ts'
import { NalPacketizer } from './nal-packetizer.ts'
import type { PayloadFormat } from './types.ts'

// Types of NAL units (ITU-T H.265 table 7-1) and of payload structures (RFC 7798 §4.4).
const FIRST_IRAP = 16
const LAST_IRAP = 23
const VPS = 32
const SPS = 33
const PPS = 34
const DELIMITER = 35
const PREFIX_SEI = 39
const AP = 48
const FU = 49

const codec: NalCodec = {
  headerLength: 2,
  aggregationType: AP,
  fragmentationType: FU,
  fragmentTypeMask: 0x3f,
  parameterSetTypes: [VPS, SPS, PPS],
  delimiterType: DELIMITER,
  typeOf,
  isNalUnit: (type) => type < AP,
  writeAggregationHeader(units, from, to, out, offset) {
    // LayerId and TID: the lowest of all (RFC 7798 §4.4.2)
    let forbidden = 0
    let layer = 63
    let temporal = 7
    for (let index = from; index < to; index++) {
      const unit = units[index]!
      forbidden |= unit[0]! & 0x80
      layer = Math.min(layer, ((unit[0]! & 1) << 5) | (unit[1]! >> 3))
      temporal = Math.min(temporal, unit[1]! & 7)
    }
    out[offset] = forbidden | (AP << 1) | (layer >> 5)
    out[offset + 1] = ((layer & 0x1f) << 3) | temporal
  },
  writeFragmentHeader(unit, out, offset) {
    out[offset] = (unit[0]! & 0x81) | (FU << 1)
    out[offset + 1] = unit[1]!
  },
  fragmentedHeader: (payload) => Uint8Array.of((payload[0]! & 0x81) | ((payload[2]! & 0x3f) << 1), payload[1]!),
  parameterSetId(unit) {
    const type = typeOf(unit)
    if (type === VPS) return unit.length > 2 ? unit[2]! >> 4 : undefined
    return type === SPS ? readH265Sps(unit)?.id : readH265PpsId(unit)
  },
  isRandomAccess(unit) {
    const type = typeOf(unit)
    return type >= FIRST_IRAP && type <= LAST_IRAP
  },
  mayStartAccessUnit(unit) {
    const type = typeOf(unit)
    if (type < VPS) return unit.length > 2 && (unit[2]! & 0x80) !== 0 // first_slice_segment_in_pic_flag
    return type <= DELIMITER || type === PREFIX_SEI || (type >= 41 && type <= 44) // §7.4.2.4.4
  },
}

/**
 * H.265 (RFC 7798): single NAL units, aggregation packets and fragmentation units, without decoding order numbers
 * (`sprop-max-don-diff` 0). PACI packets make no frame. A key frame is an IRAP picture: IDR, CRA or BLA. Key frames go out and come in
 * with their parameter sets in front: those of the frame, otherwise the last ones seen, for a depacketizer also those of `sprop-vps`,
 * `sprop-sps` and `sprop-pps`.
 */
export const h265: PayloadFormat = {
  mimeType: 'video/H265',
  kind: 'video',
  clockRate: 90_000,
  createPacketizer: () => new NalPacketizer(codec, false),
  createDepacketizer: (parameters) => new NalDepacketizer(codec, parameterSets(parameters)),
  isFrameStart(payload) {
    const unit = firstUnit(codec, payload)
    return unit !== undefined && codec.mayStartAccessUnit(unit)
  },
  isKeyFrame: (payload) => beginsRandomAccess(codec, payload),
}

function typeOf(unit: Uint8Array): number {
  return (unit[0]! >> 1) & 0x3f
}

/** RFC 7798 §7.1 */
function parameterSets(parameters: ReadonlyMap<string, string> | undefined): Uint8Array[] {
  const units: Uint8Array[] = []
  for (const name of ['sprop-vps', 'sprop-sps', 'sprop-pps']) {
    for (const part of parameters?.get(name)?.split(',') ?? []) {
      const unit = decodeBase64(part)
      if (unit !== undefined && unit.length >= 2) units.push(unit)
    }
  }
  return units
}

import {
  isAv1KeyFrame,
  joinObus,
  leb128End,
  OBU_FRAME,
  OBU_FRAME_HEADER,
  OBU_METADATA,
  OBU_SEQUENCE_HEADER,
  OBU_TEMPORAL_DELIMITER,
  OBU_TILE_LIST,
  obus,
  readLeb128,
  type Obu,
} from './av1-obu.ts'
import { Av1Packer } from './av1-packer.ts'
import { concatenate } from './cut.ts'
import { checkMaxSize, PayloadFormatError } from './errors.ts'
import type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat } from './types.ts'

const STARTING_TYPES: ReadonlySet<number> = new Set([
  OBU_SEQUENCE_HEADER,
  OBU_TEMPORAL_DELIMITER,
  OBU_FRAME_HEADER,
  OBU_METADATA,
  OBU_FRAME,
])

/**
 * AV1 (RTP Payload Format For AV1, v1.0). OBUs travel without their sizes and come out with them; temporal delimiters and tile
 * lists are dropped both ways. A key frame is a temporal unit with a sequence header whose first frame is a key frame.
 */
export const av1: PayloadFormat = {
  mimeType: 'video/AV1',
  kind: 'video',
  clockRate: 90_000,
  createPacketizer: (): Packetizer => ({ packetize }),
  createDepacketizer: (): Depacketizer => ({ depacketize }),
  isFrameStart: (payload) => startsSequence(payload) || mayStartTemporalUnit(payload),
  isKeyFrame: startsSequence,
}

/** N: the first packet of a coded video sequence, which begins with a key frame (§4.4). */
function startsSequence(payload: Uint8Array): boolean {
  return payload.length > 1 && (payload[0]! & 0x88) === 0x08
}

/** The first OBU begins here, and is none that only comes after others: a tile group, padding. */
function mayStartTemporalUnit(payload: Uint8Array): boolean {
  if (payload.length < 2 || (payload[0]! & 0x80) !== 0) return false // Z
  const offset = (payload[0]! & 0x30) === 0x10 ? 1 : 1 + leb128Bytes(payload)
  if (offset >= payload.length) return false
  const type = (payload[offset]! >> 3) & 15
  return STARTING_TYPES.has(type)
}

function leb128Bytes(payload: Uint8Array): number {
  return readLeb128(payload, 1) < 0 ? payload.length : leb128End(payload, 1)
}

function packetize(frame: EncodedFrame, maxSize: number): Uint8Array[] {
  checkMaxSize(maxSize)
  const list = obus(frame.payload)
  if (list === undefined) {
    throw new PayloadFormatError('ERR_RTP_FRAME_FORM', 'a frame of AV1 is a temporal unit in the low-overhead form')
  }
  const packer = new Av1Packer(maxSize)
  for (const obu of list) if (travels(obu)) packer.add(obu)
  return packer.finish(isAv1KeyFrame(list))
}

/** §5: neither temporal delimiters nor tile lists do. */
function travels(obu: Obu): boolean {
  return obu.type !== OBU_TEMPORAL_DELIMITER && obu.type !== OBU_TILE_LIST
}

function depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined {
  const list: Obu[] = []
  let pieces: Uint8Array[] = [] // of the OBU that goes on in the next payload
  for (let index = 0; index < payloads.length; index++) {
    const payload = payloads[index]!
    if (payload.length < 2) return undefined
    const header = payload[0]!
    const continues = (header & 0x80) !== 0
    if (continues !== pieces.length > 0) return undefined // a payload is missing
    if ((header & 0x08) !== 0 && index > 0) return undefined // another sequence begins
    const count = (header >> 4) & 3
    let offset = 1
    let element = 0
    while (offset < payload.length) {
      let length = payload.length - offset
      if (count === 0 || element < count - 1) {
        length = readLeb128(payload, offset)
        if (length <= 0) return undefined
        offset += leb128End(payload, offset)
        if (length > payload.length - offset) return undefined
      }
      pieces.push(payload.subarray(offset, offset + length))
      offset += length
      element++
      if (offset === payload.length && (header & 0x40) !== 0) break // Y: goes on
      const obu = readElement(pieces)
      if (obu === undefined) return undefined
      if (travels(obu)) list.push(obu)
      pieces = []
    }
    if (count !== 0 && element !== count) return undefined
  }
  if (pieces.length > 0 || list.length === 0) return undefined
  return { payload: joinObus(list), keyFrame: isAv1KeyFrame(list) }
}

/** An OBU element is one OBU, with or without its size (§4.5). */
function readElement(pieces: readonly Uint8Array[]): Obu | undefined {
  const first = pieces[0]!
  if (pieces.length === 1) return oneObu(first)
  let total = 0
  for (const piece of pieces) total += piece.length
  return oneObu(concatenate(pieces, total))
}

function oneObu(element: Uint8Array): Obu | undefined {
  const header = element[0]!
  if ((header & 0x80) !== 0) return undefined // obu_forbidden_bit
  const extended = (header & 4) !== 0
  let offset = extended ? 2 : 1
  if (offset > element.length) return undefined
  if ((header & 2) !== 0) {
    const size = readLeb128(element, offset)
    if (size < 0) return undefined
    offset += leb128End(element, offset)
    if (size !== element.length - offset) return undefined
  }
  const extension = extended ? element[1]! : -1
  return { type: (header >> 3) & 15, header, extension, payload: element.subarray(offset) }
}

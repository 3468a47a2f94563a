import { joinNalUnits, joinObus, type EncodedFrame } from '@kaon/rtp/formats'

/** Bytes that differ from frame to frame and contain no start code. */
function filling(index: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 1 + ((i * 7 + index * 13) % 254))
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]))
}

function vp8(index: number, keyFrame: boolean, length: number): Uint8Array {
  // RFC 6386 §9.1: the lowest bit is 0 for a key frame, bit 4 shows it; the size of the first partition is small.
  const tag = [(keyFrame ? 0 : 1) | 0x10 | (8 << 5), 0, 0]
  const key = keyFrame ? [0x9d, 0x01, 0x2a, 64, 0, 48, 0] : []
  return concat(new Uint8Array([...tag, ...key]), filling(index, length))
}

function vp9(index: number, keyFrame: boolean, length: number): Uint8Array {
  // frame_marker 2, profile 0, show_existing_frame 0, frame_type, show_frame 1, error_resilient 0; then the sync code.
  const head = keyFrame ? [0x82, 0x49, 0x83, 0x42, 0x00, 0x03, 0xf0, 0x02, 0xf0] : [0x86]
  return concat(new Uint8Array(head), filling(index, length))
}

const SPS_264 = new Uint8Array([0x67, 0x42, 0xe0, 0x1f, 0xda, 0x05, 0x82, 0x59])
const PPS_264 = new Uint8Array([0x68, 0xce, 0x38, 0x80])

function h264(index: number, keyFrame: boolean, length: number): Uint8Array {
  const slice = concat(new Uint8Array([keyFrame ? 0x65 : 0x41, 0x80]), filling(index, length))
  return joinNalUnits(keyFrame ? [SPS_264, PPS_264, slice] : [slice])
}

function h265(index: number, keyFrame: boolean, length: number): Uint8Array {
  const unit = (type: number, ...body: number[]): Uint8Array => new Uint8Array([type << 1, 1, ...body])
  const slice = concat(unit(keyFrame ? 19 : 1, 0x80), filling(index, length))
  return joinNalUnits(keyFrame ? [unit(32, 1, 2), unit(33, 3, 4), unit(34, 5, 6), slice] : [slice])
}

function av1(index: number, keyFrame: boolean, length: number): Uint8Array {
  const sequence = { type: 1, header: 0x0a, extension: -1, payload: new Uint8Array([0, 0, 0, 0x24, 0xc4, 0xff]) }
  const payload = concat(new Uint8Array([keyFrame ? 0x10 : 0x30]), filling(index, length))
  const frame = { type: 6, header: 0x32, extension: -1, payload }
  return joinObus(keyFrame ? [sequence, frame] : [frame])
}

const MAKERS: Record<string, (index: number, keyFrame: boolean, length: number) => Uint8Array> = {
  'video/VP8': vp8,
  'video/VP9': vp9,
  'video/H264': h264,
  'video/H265': h265,
  'video/AV1': av1,
}

export interface FrameShape {
  /** Bytes */
  readonly length?: number
  /** Frames from one key frame to the next; the first is one. */
  readonly interval?: number
  readonly keyFrame?: boolean
}

/** The `index`th frame of a made-up stream at 30 frames a second, or 50 of audio. */
export function madeUp(mimeType: string, index: number, shape: FrameShape = {}): EncodedFrame {
  const maker = MAKERS[mimeType]
  if (maker === undefined)
    return { payload: filling(index, shape.length ?? 80), timestamp: index * 20_000, keyFrame: true }
  const keyFrame = shape.keyFrame ?? index % (shape.interval ?? 30) === 0
  return { payload: maker(index, keyFrame, shape.length ?? 3000), timestamp: Math.round((index * 1e6) / 30), keyFrame }
}

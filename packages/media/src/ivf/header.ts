import { hasAscii, setAscii, setU16le, setU32le, setU64le, u16le, u32le } from '../bytes.ts'

// IVF has no specification; this is the file of libvpx' ivfenc.c and of ffmpeg: a header of 32 bytes, and 12 in front of each frame.

export const IVF_HEADER_SIZE = 32
export const IVF_FRAME_HEADER_SIZE = 12

/** µs: what this package writes, so that no timestamp is rounded. */
export const IVF_TIME_BASE = 1_000_000

const CODES: readonly [code: string, mimeType: string][] = [
  ['VP80', 'video/VP8'],
  ['VP90', 'video/VP9'],
  ['AV01', 'video/AV1'],
  ['H264', 'video/H264'],
  ['H265', 'video/H265'],
]

export interface IvfHeader {
  readonly mimeType: string
  readonly width: number
  readonly height: number
  /** Ticks per second: `rate` / `scale`. */
  readonly rate: number
  readonly scale: number
  /** 0 where the writer did not come back to tell. */
  readonly frames: number
}

/** Undefined for what is no IVF header; `mimeType` is empty for a codec that is unknown here. */
export function parseIvfHeader(bytes: Uint8Array): IvfHeader | undefined {
  if (bytes.length < IVF_HEADER_SIZE || !hasAscii(bytes, 0, 'DKIF') || u16le(bytes, 6) < IVF_HEADER_SIZE)
    return undefined
  const rate = u32le(bytes, 16)
  const scale = u32le(bytes, 20)
  if (rate === 0 || scale === 0) return undefined
  const mimeType = CODES.find(([code]) => hasAscii(bytes, 8, code))?.[1] ?? ''
  return { mimeType, width: u16le(bytes, 12), height: u16le(bytes, 14), rate, scale, frames: u32le(bytes, 24) }
}

export function buildIvfHeader(header: IvfHeader): Uint8Array {
  const bytes = new Uint8Array(IVF_HEADER_SIZE)
  setAscii(bytes, 0, 'DKIF')
  setU16le(bytes, 6, IVF_HEADER_SIZE)
  setAscii(bytes, 8, CODES.find(([, mimeType]) => mimeType === header.mimeType)![0])
  setU16le(bytes, 12, header.width)
  setU16le(bytes, 14, header.height)
  setU32le(bytes, 16, header.rate)
  setU32le(bytes, 20, header.scale)
  setU32le(bytes, 24, header.frames)
  return bytes
}

export function buildIvfFrameHeader(size: number, timestamp: number): Uint8Array {
  const bytes = new Uint8Array(IVF_FRAME_HEADER_SIZE)
  setU32le(bytes, 0, size)
  setU64le(bytes, 4, timestamp)
  return bytes
}

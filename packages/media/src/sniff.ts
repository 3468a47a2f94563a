import { hasAscii } from './bytes.ts'
import { parseIvfHeader } from './ivf/header.ts'
import type { MediaFormat } from './types.ts'

/** How many bytes `sniffFormat` looks at. */
export const SNIFF_SIZE: number = 4096

/**
 * The format of a file that begins with these bytes. Undefined for what is not known here, among that the octets of G.711
 * and G.722, which look like anything.
 */
export function sniffFormat(bytes: Uint8Array): MediaFormat | undefined {
  if (parseIvfHeader(bytes) !== undefined) return 'ivf'
  if (hasAscii(bytes, 0, 'OggS')) return 'ogg'
  if (hasAscii(bytes, 0, 'RIFF') && hasAscii(bytes, 8, 'WAVE')) return 'wav'
  if (bytes[0] === 0x1a && bytes[1] === 0x45 && bytes[2] === 0xdf && bytes[3] === 0xa3) {
    return hasAscii(bytes, findAscii(bytes, 'webm'), 'webm') ? 'webm' : 'mkv'
  }
  for (const box of ['ftyp', 'moov', 'moof', 'styp', 'mdat']) if (hasAscii(bytes, 4, box)) return 'mp4'
  return sniffAnnexB(bytes)
}

/** Within the EBML header, which is short. */
function findAscii(bytes: Uint8Array, text: string): number {
  for (let offset = 4; offset < Math.min(bytes.length, 64); offset++) if (hasAscii(bytes, offset, text)) return offset
  return -1
}

function sniffAnnexB(bytes: Uint8Array): 'h264' | 'h265' | undefined {
  let offset = 0
  while (bytes[offset] === 0 && offset < 16) offset++
  if (offset < 2 || bytes[offset] !== 1) return undefined
  const first = bytes[offset + 1]
  const second = bytes[offset + 2]
  if (first === undefined || second === undefined || (first & 0x80) !== 0) return undefined
  // H.265: VPS, SPS, PPS, delimiter or SEI of layer 0 and temporal id 0. As H.264 these would be types that no stream begins with.
  const hevcType = first >> 1
  if ((first & 1) === 0 && second === 1 && [32, 33, 34, 35, 39].includes(hevcType)) return 'h265'
  const avcType = first & 0x1f
  return [5, 6, 7, 8, 9].includes(avcType) ? 'h264' : undefined
}

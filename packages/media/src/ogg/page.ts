import { hasAscii, setAscii, setU32le, setU64le, u32le, u64le } from '../bytes.ts'
import type { ByteReader } from '../io/byte-source.ts'

// RFC 3533 §6

export const PAGE_HEADER_SIZE = 27
export const CONTINUED = 0x01
export const FIRST = 0x02
export const LAST = 0x04

export interface OggPage {
  readonly flags: number
  /** undefined (−1 in the file) when no packet ends on this page. */
  readonly granulePosition: number | undefined
  readonly serial: number
  readonly sequence: number
  /** The lacing values. */
  readonly lacing: Uint8Array
  readonly body: Uint8Array
}

const TABLE = new Uint32Array(256)
for (let index = 0; index < 256; index++) {
  let value = index << 24
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1
  TABLE[index] = value
}

/** The CRC of RFC 3533 §6: polynomial 0x04c11db7, not reflected, from 0, over the page with its own field as zeros. */
function pageChecksum(page: Uint8Array): number {
  let crc = 0
  for (let index = 0; index < page.length; index++) {
    const byte = index >= 22 && index < 26 ? 0 : page[index]!
    crc = (crc << 8) ^ TABLE[((crc >>> 24) ^ byte) & 0xff]!
  }
  return crc >>> 0
}

/** The next sound page: what lies before it, damaged pages too, is passed over. Undefined at the end. */
export async function readPage(reader: ByteReader): Promise<OggPage | undefined> {
  for (;;) {
    const header = await reader.peek(PAGE_HEADER_SIZE)
    if (header === undefined) return undefined
    if (hasAscii(header, 0, 'OggS')) {
      const page = await pageAt(reader, header)
      if (page !== undefined) return page
      reader.position++
    } else {
      let skip = 1
      while (skip < PAGE_HEADER_SIZE && header[skip] !== 0x4f) skip++
      reader.position += skip
    }
  }
}

async function pageAt(reader: ByteReader, header: Uint8Array): Promise<OggPage | undefined> {
  const segments = header[26]!
  const start = await reader.peek(PAGE_HEADER_SIZE + segments)
  if (start === undefined || start[4] !== 0) return undefined
  const lacing = start.subarray(PAGE_HEADER_SIZE)
  let size = start.length
  for (const value of lacing) size += value
  const bytes = await reader.peek(size)
  if (bytes === undefined || u32le(bytes, 22) !== pageChecksum(bytes)) return undefined
  reader.position += size
  const granule = u32le(bytes, 6) === 0xffff_ffff && u32le(bytes, 10) === 0xffff_ffff ? undefined : u64le(bytes, 6)
  return {
    flags: bytes[5]!,
    granulePosition: granule,
    serial: u32le(bytes, 14),
    sequence: u32le(bytes, 18),
    lacing: bytes.subarray(PAGE_HEADER_SIZE, PAGE_HEADER_SIZE + segments),
    body: bytes.subarray(PAGE_HEADER_SIZE + segments),
  }
}

export function buildPage(page: Omit<OggPage, 'granulePosition'> & { granulePosition: number }): Uint8Array {
  const { lacing, body } = page
  const bytes = new Uint8Array(PAGE_HEADER_SIZE + lacing.length + body.length)
  setAscii(bytes, 0, 'OggS')
  bytes[5] = page.flags
  setU64le(bytes, 6, page.granulePosition)
  setU32le(bytes, 14, page.serial)
  setU32le(bytes, 18, page.sequence)
  bytes[26] = lacing.length
  bytes.set(lacing, PAGE_HEADER_SIZE)
  bytes.set(body, PAGE_HEADER_SIZE + lacing.length)
  setU32le(bytes, 22, pageChecksum(bytes))
  return bytes
}

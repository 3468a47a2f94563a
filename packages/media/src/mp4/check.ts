import { MediaError } from '../errors.ts'
import type { ByteSource } from '../io/byte-source.ts'

// A few bytes of an MP4 file can say that it has four thousand million samples, and the library would make room for them. So the
// tables are looked at before (ISO/IEC 14496-12): every count has to fit its box, and there are no more samples than the file has bytes.

/** The largest `moov` or `moof`: the tables of days of video. */
const MAX_INDEX_SIZE = 64 * 1024 * 1024
const MAX_TOP_LEVEL_BOXES = 1_000_000
const MAX_DEPTH = 10
const MAX_TRACKS = 64

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'mvex', 'moof', 'traf', 'mfra'])

/** Bytes of an entry, and where the number of entries stands, for tables that are nothing but entries. */
const TABLES: Readonly<Record<string, readonly [count: number, entry: number]>> = {
  stsc: [4, 12],
  stco: [4, 4],
  co64: [4, 8],
  stss: [4, 4],
  stts: [4, 8],
  ctts: [4, 8],
  stsd: [4, 8],
}

/** @throws MediaError `ERR_MEDIA_MALFORMED` for tables that cannot be, `ERR_MEDIA_LIMIT` for an index that is too large to look at */
export async function checkMp4(source: ByteSource): Promise<void> {
  let position = 0
  for (let count = 0; position + 8 <= source.size; count++) {
    if (count > MAX_TOP_LEVEL_BOXES) throw new MediaError('ERR_MEDIA_LIMIT', 'An MP4 file of too many pieces')
    const header = await source.read(position, 16)
    const box = boxAt(header, 0, source.size - position)
    if (box === undefined) return // what follows is not read either
    if (box.type === 'moov' || box.type === 'moof' || box.type === 'mfra') {
      if (box.size > MAX_INDEX_SIZE) throw new MediaError('ERR_MEDIA_LIMIT', `An index of ${box.size} bytes`)
      const bytes = await source.read(position, box.size)
      new Walk(source.size).children(bytes, box.header, bytes.length, 0)
    }
    position += box.size
  }
}

interface Box {
  readonly type: string
  /** Bytes. */
  readonly header: number
  /** Bytes, with the header. */
  readonly size: number
}

function boxAt(bytes: Uint8Array, offset: number, room: number): Box | undefined {
  if (offset + 8 > bytes.length) return undefined
  let size = u32(bytes, offset)
  let header = 8
  if (size === 1) {
    if (offset + 16 > bytes.length) return undefined
    size = u32(bytes, offset + 8) * 0x1_0000_0000 + u32(bytes, offset + 12)
    header = 16
  } else if (size === 0) {
    size = room
  }
  if (size < header) return undefined
  return { type: String.fromCharCode(...bytes.subarray(offset + 4, offset + 8)), header, size: Math.min(size, room) }
}

class Walk {
  readonly #fileSize: number
  #tracks = 0

  constructor(fileSize: number) {
    this.#fileSize = fileSize
  }

  children(bytes: Uint8Array, start: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw malformed('boxes in boxes')
    let offset = start
    while (offset + 8 <= end) {
      const box = boxAt(bytes, offset, end - offset)
      if (box === undefined) return
      const body = bytes.subarray(offset + box.header, offset + box.size)
      if (box.type === 'trak' && ++this.#tracks > MAX_TRACKS) throw malformed('tracks')
      if (CONTAINERS.has(box.type)) this.children(bytes, offset + box.header, offset + box.size, depth + 1)
      else this.#check(box.type, body)
      offset += box.size
    }
  }

  #check(type: string, body: Uint8Array): void {
    const table = TABLES[type]
    if (table !== undefined) {
      const [at, entry] = table
      const count = body.length < at + 4 ? 0 : u32(body, at)
      if (count * entry > body.length - at - 4) throw malformed(type)
      if (type === 'stts' || type === 'ctts') this.#sum(type, body, count, 8, 0)
      if (type === 'stsc') this.#sum(type, body, count, 12, 4)
    } else if (type === 'stsz' && body.length >= 12) {
      this.#samples(type, u32(body, 8), u32(body, 4) === 0 ? 4 : 0, body.length - 12)
    } else if (type === 'stz2' && body.length >= 12) {
      this.#samples(type, u32(body, 8), 0.5, body.length - 12)
    } else if (type === 'elst' && body.length >= 8) {
      this.#samples(type, u32(body, 4), body[0] === 1 ? 20 : 12, body.length - 8)
    } else if (type === 'trun' && body.length >= 8) {
      const flags = u32(body, 0)
      let entry = 0
      for (let bit = 8; bit < 12; bit++) if (((flags >> bit) & 1) === 1) entry += 4
      this.#samples(type, u32(body, 4), entry, body.length - 8)
    } else if (type === 'tfra' && body.length >= 16) {
      this.#samples(type, u32(body, 12), 11, body.length - 16)
    } else if (type === 'saiz' || type === 'saio' || type === 'senc') {
      throw new MediaError('ERR_MEDIA_CODEC', 'The file is encrypted')
    }
  }

  #samples(type: string, count: number, entry: number, room: number): void {
    if (count * entry > room || count > this.#fileSize) throw malformed(type)
  }

  /** The counts in the entries of a run-length table. */
  #sum(type: string, body: Uint8Array, count: number, entry: number, at: number): void {
    let sum = 0
    for (let index = 0; index < count; index++) {
      const run = u32(body, 8 + index * entry + at)
      if (type === 'stsc') sum = Math.max(sum, run)
      else sum += run
    }
    if (sum > this.#fileSize) throw malformed(type)
  }
}

function malformed(what: string): MediaError {
  return new MediaError('ERR_MEDIA_MALFORMED', `More in this MP4 file than there is room for: ${what}`)
}

function u32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! * 0x100_0000 + ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!)
}

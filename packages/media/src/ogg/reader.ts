import { opusSamples, parseOpusHead } from '../codecs/opus.ts'
import type { OpusHead } from '../codecs/opus.ts'
import { MediaError } from '../errors.ts'
import { ByteReader } from '../io/byte-source.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { BaseReader } from '../reader-base.ts'
import type { MediaFrame, MediaTrackInfo } from '../types.ts'
import { PacketAssembler } from './packets.ts'
import { FIRST, LAST, readPage } from './page.ts'

// RFC 7845

/** How far from the beginning the Opus stream has to be announced, in pages: all streams begin before anything else (RFC 3533 §4). */
const MAX_FIRST_PAGES = 64
const TAIL = 128 * 1024
/** Samples: granule positions that differ by less are taken for rounding of whoever wrote the file. */
const TOLERANCE = 480

export class OggReader extends BaseReader {
  readonly format = 'ogg'
  readonly tracks: readonly MediaTrackInfo[]
  override readonly skipped: readonly string[]
  readonly #serial: number

  private constructor(source: ByteSource, serial: number, track: MediaTrackInfo, skipped: readonly string[]) {
    super(source)
    this.#serial = serial
    this.tracks = [track]
    this.skipped = skipped
  }

  static async open(source: ByteSource): Promise<OggReader> {
    const reader = new ByteReader(source)
    const skipped: string[] = []
    let found: { serial: number; head: OpusHead } | undefined
    for (let count = 0; count < MAX_FIRST_PAGES; count++) {
      const page = await readPage(reader)
      if (page === undefined || (page.flags & FIRST) === 0) break
      const head = parseOpusHead(page.body)
      if (head !== undefined && head.channels <= 2 && found === undefined) found = { serial: page.serial, head }
      else skipped.push(head === undefined ? 'an Ogg stream other than Opus' : `Opus with ${head.channels} channels`)
    }
    if (found === undefined) {
      if (skipped.length > 0)
        throw new MediaError('ERR_MEDIA_CODEC', `No Opus stream that RTP carries: ${skipped.join(', ')}`)
      throw new MediaError('ERR_MEDIA_MALFORMED', 'No Ogg stream begins here')
    }
    const end = await lastGranule(source, found.serial)
    const { channels, preSkip } = found.head
    const duration = end === undefined || end <= preSkip ? undefined : Math.round(((end - preSkip) * 1000) / 48)
    const track: MediaTrackInfo = {
      id: 1,
      kind: 'audio',
      mimeType: 'audio/opus',
      codec: 'opus',
      sampleRate: 48_000,
      channels,
      ...(duration !== undefined && { duration }),
    }
    return new OggReader(source, found.serial, track, skipped)
  }

  /** Times come from the lengths of the packets, and jump where granule positions say that something is missing. */
  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const track = tracks[0]!
    const reader = new ByteReader(this.source)
    let serial = this.#serial
    let packets = new PacketAssembler()
    let headers = 2 // OpusHead and OpusTags
    let samples = 0 // played so far, at 48 kHz
    let base: number | undefined // granule position at `samples` 0
    for (let page = await readPage(reader); page !== undefined; page = await readPage(reader)) {
      if (page.serial !== serial) {
        // Another link of a chain (§3) goes on where this one ended.
        if ((page.flags & FIRST) === 0 || parseOpusHead(page.body) === undefined || headers > 0) continue
        serial = page.serial
        packets = new PacketAssembler()
        headers = 2
        base = undefined
      }
      const complete = packets.push(page)
      while (headers > 0 && complete.length > 0) {
        complete.shift()
        headers--
      }
      let length = 0
      for (const packet of complete) length += opusSamples(packet) ?? 0
      if (page.granulePosition !== undefined && complete.length > 0 && (page.flags & LAST) === 0) {
        const start = page.granulePosition - length
        base ??= start - samples
        if (start - base > samples + TOLERANCE) samples = start - base
      }
      for (const payload of complete) {
        const count = opusSamples(payload)
        if (count === undefined) continue
        const timestamp = Math.round((samples * 1000) / 48)
        samples += count
        const duration = Math.round((samples * 1000) / 48) - timestamp
        yield { track, frame: { payload, timestamp, duration, keyFrame: true } }
      }
    }
  }
}

/** Of the last page of the stream, if it is among the last bytes of the file. */
async function lastGranule(source: ByteSource, serial: number): Promise<number | undefined> {
  const reader = new ByteReader(source, Math.max(0, source.size - TAIL))
  let last: number | undefined
  for (let page = await readPage(reader); page !== undefined; page = await readPage(reader)) {
    if (page.serial === serial && page.granulePosition !== undefined) last = page.granulePosition
  }
  return last
}

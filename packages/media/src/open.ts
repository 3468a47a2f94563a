import { AnnexBReader } from './annexb/reader.ts'
import { MediaError } from './errors.ts'
import { isMediaFormat } from './formats.ts'
import { MemorySource } from './io/byte-source.ts'
import type { ByteSource } from './io/byte-source.ts'
import { IvfReader } from './ivf/reader.ts'
import { MatroskaReader } from './matroska/reader.ts'
import { Mp4Reader } from './mp4/reader.ts'
import { OggReader } from './ogg/reader.ts'
import { SNIFF_SIZE, sniffFormat } from './sniff.ts'
import type { MediaFormat, MediaReader } from './types.ts'
import { OctetsReader } from './wav/octets-reader.ts'

export interface OpenOptions {
  /** Default: what the bytes look like. Needed for G.711 and G.722 without a header. */
  readonly format?: MediaFormat
  /** Hz, for `h264` and `h265`, which have no timestamps. Default: what an H.264 stream says, 30 otherwise. */
  readonly frameRate?: number
}

/**
 * Opens a file in memory, or whatever can be read anywhere. The reader closes the source.
 * @throws MediaError `ERR_MEDIA_FORMAT` for bytes that look like nothing, `ERR_MEDIA_MALFORMED`, `ERR_MEDIA_CODEC` when there is nothing in
 *   it that RTP carries, `ERR_MEDIA_ARGUMENT`
 */
export async function openMedia(input: Uint8Array | ByteSource, options: OpenOptions = {}): Promise<MediaReader> {
  const { frameRate } = options
  if (frameRate !== undefined && !(frameRate > 0 && frameRate <= 1000)) {
    throw new MediaError('ERR_MEDIA_ARGUMENT', `A frame rate of ${frameRate} Hz`)
  }
  if (options.format !== undefined && !isMediaFormat(options.format)) {
    throw new MediaError('ERR_MEDIA_ARGUMENT', `No format is called ${String(options.format)}`)
  }
  const source = input instanceof Uint8Array ? new MemorySource(input) : input
  try {
    const format = options.format ?? sniffFormat(await source.read(0, SNIFF_SIZE))
    if (format === undefined) throw new MediaError('ERR_MEDIA_FORMAT', 'The bytes are of no format that is known here')
    const reader = await openFormat(source, format, frameRate)
    if (reader.tracks.length > 0) return reader
    const what = reader.skipped.length === 0 ? 'no track' : `only ${reader.skipped.join(', ')}`
    throw new MediaError('ERR_MEDIA_CODEC', `The file has nothing that RTP carries: ${what}`)
  } catch (error) {
    await source.close()
    throw error
  }
}

function openFormat(
  source: ByteSource,
  format: MediaFormat,
  frameRate: number | undefined,
): MediaReader | Promise<MediaReader> {
  switch (format) {
    case 'ivf':
      return IvfReader.open(source)
    case 'h264':
    case 'h265':
      return AnnexBReader.open(source, format, frameRate)
    case 'ogg':
      return OggReader.open(source)
    case 'wav':
      return OctetsReader.openWave(source)
    case 'pcmu':
    case 'pcma':
    case 'g722':
      return OctetsReader.openRaw(source, format)
    case 'webm':
    case 'mkv':
      return MatroskaReader.open(source)
    case 'mp4':
      return Mp4Reader.open(source)
  }
}

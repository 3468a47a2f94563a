import { AnnexBWriter } from './annexb/writer.ts'
import { MediaError } from './errors.ts'
import type { ByteSink } from './io/byte-sink.ts'
import { IvfWriter } from './ivf/writer.ts'
import { MatroskaWriter } from './matroska/writer.ts'
import { Mp4Writer } from './mp4/writer.ts'
import { OggWriter } from './ogg/writer.ts'
import type { MediaFormat, MediaTrackOptions, MediaWriter } from './types.ts'
import { OctetsWriter } from './wav/octets-writer.ts'

/**
 * Begins a file. `MediaWriter.tracks` has the tracks in the order in which they are given here.
 * @throws MediaError `ERR_MEDIA_CODEC`, `ERR_MEDIA_TRACK` when the format does not take them; `ERR_MEDIA_ARGUMENT`
 */
export function createMediaWriter(
  format: MediaFormat,
  tracks: readonly MediaTrackOptions[],
  sink: ByteSink,
): MediaWriter {
  const writer = writerOf(format, sink)
  for (const track of tracks) writer.addTrack(track)
  return writer
}

function writerOf(format: MediaFormat, sink: ByteSink): MediaWriter {
  switch (format) {
    case 'ivf':
      return new IvfWriter(sink)
    case 'h264':
    case 'h265':
      return new AnnexBWriter(sink, format)
    case 'ogg':
      return new OggWriter(sink)
    case 'wav':
    case 'pcmu':
    case 'pcma':
    case 'g722':
      return new OctetsWriter(sink, format)
    case 'webm':
    case 'mkv':
      return new MatroskaWriter(sink, format)
    case 'mp4':
      return new Mp4Writer(sink)
    default:
      throw new MediaError('ERR_MEDIA_ARGUMENT', `No format is called ${String(format)}`)
  }
}

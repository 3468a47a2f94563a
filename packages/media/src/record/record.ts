import { createMediaWriter } from '../create-writer.ts'
import { MediaError } from '../errors.ts'
import { formatKinds } from '../formats.ts'
import type { ByteSink } from '../io/byte-sink.ts'
import { Recorder } from './recorder.ts'
import type { RecordOptions, TrackSource } from './types.ts'

/**
 * Records tracks into a file, from now on until `stop` or the end of all tracks. Video begins with its first key frame, which is asked for; after a loss it
 * goes on with the next one. Audio and video lie as far apart in the file as they did on arrival.
 * @throws MediaError `ERR_MEDIA_TRACK` when the format does not take so many tracks, or of these kinds; `ERR_MEDIA_ARGUMENT`
 */
export function record(tracks: readonly TrackSource[], sink: ByteSink, options: RecordOptions): Recorder {
  checkTracks(tracks, options)
  options.signal?.throwIfAborted()
  return new Recorder(createMediaWriter(options.format, [], sink), tracks, options.signal)
}

/** @throws MediaError as `record` does: before a file is made */
export function checkTracks(tracks: readonly TrackSource[], { format }: RecordOptions): void {
  if (tracks.length === 0) throw new MediaError('ERR_MEDIA_ARGUMENT', 'No track to record')
  const { kinds, single } = formatKinds(format)
  for (const { kind } of tracks) {
    if (!kinds.includes(kind)) throw new MediaError('ERR_MEDIA_TRACK', `A ${format} file has no ${kind}`)
  }
  if (single && tracks.length > 1) throw new MediaError('ERR_MEDIA_TRACK', `A ${format} file has one track`)
}

import type { PlayOptions, PlayTracks } from '../play/options.ts'
import { play } from '../play/play.ts'
import type { Playback } from '../play/playback.ts'
import type { OpenOptions } from '../open.ts'
import { checkTracks, record } from '../record/record.ts'
import type { Recorder } from '../record/recorder.ts'
import type { RecordOptions, TrackSource } from '../record/types.ts'
import { FileSink } from './file-sink.ts'
import { formatFor, openFile } from './open-file.ts'

/**
 * `play` of a file on disk.
 * @throws MediaError as `play` does; the error of `node:fs` when the file cannot be read
 */
export async function playFile(
  path: string | URL,
  tracks: PlayTracks,
  options: PlayOptions & OpenOptions = {},
): Promise<Playback> {
  return play(await openFile(path, options), tracks, options)
}

/**
 * `record` into a file on disk, which is made anew; its name tells the format.
 * @throws MediaError as `record` does, `ERR_MEDIA_FORMAT` when the name tells no format; the error of `node:fs` when the file cannot be made
 */
export async function recordFile(
  tracks: readonly TrackSource[],
  path: string | URL,
  options: Partial<RecordOptions> = {},
): Promise<Recorder> {
  const complete = { ...options, format: formatFor(path, options.format) }
  checkTracks(tracks, complete)
  options.signal?.throwIfAborted()
  return record(tracks, await FileSink.open(path), complete)
}

import { createNetwork } from '@kaon/net'
import { MediaError } from '../errors.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { openMedia } from '../open.ts'
import type { OpenOptions } from '../open.ts'
import type { MediaReader, MediaTrackInfo } from '../types.ts'
import type { PlayOptions, PlayTracks, TrackSink } from './options.ts'
import { Playback } from './playback.ts'

/**
 * Plays a file into tracks in real time: each frame is written when its time has come. The first video track goes to
 * `tracks.video`, the first audio track to `tracks.audio`; both keep the distance that they have in the file. Resolves when the file is open and
 * plays. The reader is closed at the end.
 * @throws MediaError `ERR_MEDIA_TRACK` when the file has no track for a sink; what `openMedia` throws; the signal's reason
 */
export async function play(
  source: MediaReader | Uint8Array | ByteSource,
  tracks: PlayTracks,
  options: PlayOptions & OpenOptions = {},
): Promise<Playback> {
  const { rate = 1, startAt = 0, signal } = options
  if (!(rate >= 0.1 && rate <= 10) || !Number.isFinite(startAt)) {
    throw new MediaError('ERR_MEDIA_ARGUMENT', `A rate of ${rate}, or a beginning at ${startAt}`)
  }
  signal?.throwIfAborted()
  const clock = options.network ?? createNetwork()
  const reader = isReader(source) ? source : await openMedia(source, options)
  try {
    signal?.throwIfAborted()
    const sinks = new Map<MediaTrackInfo, TrackSink>()
    for (const kind of ['video', 'audio'] as const) {
      const sink = tracks[kind]
      if (sink !== undefined) sinks.set(chooseTrack(reader, kind, sink), sink)
    }
    if (sinks.size === 0) throw new MediaError('ERR_MEDIA_ARGUMENT', 'No track to play into')
    return new Playback(reader, sinks, clock, options)
  } catch (error) {
    await reader.close()
    throw error
  }
}

function isReader(source: MediaReader | Uint8Array | ByteSource): source is MediaReader {
  return 'frames' in source
}

function chooseTrack(reader: MediaReader, kind: 'audio' | 'video', sink: TrackSink): MediaTrackInfo {
  if (sink.kind !== kind)
    throw new MediaError('ERR_MEDIA_ARGUMENT', `The track for ${kind} is of the kind ${sink.kind}`)
  const track = reader.tracks.find((candidate) => candidate.kind === kind)
  if (track !== undefined) return track
  const others = reader.skipped.length > 0 ? `, but ${reader.skipped.join(', ')}, which RTP does not carry` : ''
  throw new MediaError('ERR_MEDIA_TRACK', `The file has no ${kind}${others}`)
}

/** What `addTrack` and `addTransceiver` are called with. */
import { MediaStream } from '../media/media-stream.ts'
import { toDOMString, toInterface } from '../webidl.ts'
import type { MediaKind } from './types.ts'

/** The ids of streams, each once. Throws `TypeError`. */
export function streamIds(streams: readonly MediaStream[]): string[] {
  return [...new Set(streams.map((stream) => toInterface(stream, MediaStream).id))]
}

/** Throws `TypeError` for what is no kind. */
export function toKind(value: unknown): MediaKind {
  const kind = toDOMString(value)
  if (kind !== 'audio' && kind !== 'video') throw new TypeError(`'${kind}' is neither a track nor a kind of media`)
  return kind
}

import type { Network } from '@kaon/net'
import type { EncodedFrame } from '../types.ts'

/** What frames are played into: a local track of `@kaon/webrtc`, or anything that takes frames. */
export interface TrackSink {
  readonly kind: string
  /** A track that is `ended` gets nothing more; the playback ends with the last one. */
  readonly readyState?: string
  writeFrame(frame: EncodedFrame): void
}

/** The clock and the timers of a `Network`. */
export type Clock = Pick<Network, 'now' | 'setTimer'>

export interface PlayOptions {
  /** Default: this machine's. */
  readonly network?: Clock
  /** Begins anew at the end, with timestamps that go on. Default false. */
  readonly loop?: boolean
  /** Aborting stops; `ended` resolves. */
  readonly signal?: AbortSignal
  /** µs in the file: begins at the last key frame at or before it. Default 0. */
  readonly startAt?: number
  /** How fast time passes, 0.1 to 10; timestamps keep real time. Default 1. */
  readonly rate?: number
}

export interface PlayTracks {
  readonly video?: TrackSink | undefined
  readonly audio?: TrackSink | undefined
}

import type { MediaFormat, ReceivedFrame } from '../types.ts'

/** What is recorded: a remote track of `@kaon/webrtc`, or anything that gives frames. */
export interface TrackSource {
  readonly kind: string
  readonly id: string
  /** Ends when the track does. The signal is aborted when the recording stops. */
  frames(options?: { signal?: AbortSignal }): AsyncIterable<ReceivedFrame>
  requestKeyFrame?(): void
}

export interface RecordOptions {
  readonly format: MediaFormat
  /** Aborting is `stop()`. */
  readonly signal?: AbortSignal
}

/** A track of the finished file. */
export interface RecordedTrack {
  /** Of the `TrackSource`. */
  readonly sourceId: string
  readonly kind: 'audio' | 'video'
  readonly mimeType: string
  readonly frames: number
  /** Pixels, of the first picture. */
  readonly width?: number
  /** Pixels, of the first picture. */
  readonly height?: number
}

export interface RecordingInfo {
  readonly format: MediaFormat
  readonly tracks: readonly RecordedTrack[]
  /** µs, from the first frame to the end of the last one. */
  readonly duration: number
  /** Frames that came and are not in the file, by reason. */
  readonly dropped: Readonly<RecordingDrops>
}

export interface RecordingDrops {
  /** Of simulcast layers smaller than the one that is recorded. */
  otherLayers: number
  /** Video before the first key frame, or between a loss and the next one. */
  waitingForKeyFrame: number
  /** The sink did not keep up. */
  sinkTooSlow: number
  /**
   * Of a codec to which a track changed, or of a track that began, when the file had no place for it any more; and telephone events and
   * comfort noise.
   */
  notTaken: number
}

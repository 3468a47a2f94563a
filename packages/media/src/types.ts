import type { EncodedFrame } from '@kaon/rtp/formats'

export type { EncodedFrame, ReceivedFrame } from '@kaon/rtp/formats'

/**
 * The file formats. `h264` and `h265` are elementary streams in Annex B form; `pcmu`, `pcma` and `g722` are octets without
 * any header, which the bytes alone do not tell.
 */
export type MediaFormat = 'ivf' | 'h264' | 'h265' | 'ogg' | 'wav' | 'pcmu' | 'pcma' | 'g722' | 'webm' | 'mkv' | 'mp4'

/** What is known of a track of a file. */
export interface MediaTrackInfo {
  /** Unique in its file, from 1. */
  readonly id: number
  readonly kind: 'audio' | 'video'
  /** `video/VP8` and its like, in the case of the IANA registry. */
  readonly mimeType: string
  /** The codec string of RFC 6381 (`avc1.42e01f`), where the file or its first key frame tells it. */
  readonly codec?: string
  /** Pixels. */
  readonly width?: number
  /** Pixels. */
  readonly height?: number
  /** Hz */
  readonly sampleRate?: number
  readonly channels?: number
  /** µs, where the file tells it without being read to its end. */
  readonly duration?: number
}

/** What a writer is told of a track. */
export interface MediaTrackOptions {
  /** `video/VP8` and its like; case does not matter. */
  readonly mimeType: string
  /** Pixels; otherwise read from the first key frame. */
  readonly width?: number
  /** Pixels; otherwise read from the first key frame. */
  readonly height?: number
  /** Hz. Default: the codec's own. */
  readonly sampleRate?: number
  /** Default: 2 for Opus, 1 for G.711 and G.722. */
  readonly channels?: number
}

export interface MediaFrame {
  readonly track: MediaTrackInfo
  readonly frame: EncodedFrame
}

export interface FramesOptions {
  /** Only this one; default: all tracks. */
  readonly track?: MediaTrackInfo
  /** µs: begins with the last key frame (of the video, if there is one) at or before this time. Default: the beginning. */
  readonly startAt?: number
}

/** A file that is being read. */
export interface MediaReader {
  readonly format: MediaFormat
  readonly tracks: readonly MediaTrackInfo[]
  /** Tracks of codecs that RTP does not carry (AAC, subtitles): not in `tracks`. The name is the container's. */
  readonly skipped: readonly string[]
  /**
   * The frames of the file in the order in which they are decoded, tracks interleaved by time; each call begins anew. Ends at the last whole
   * frame of a file that was cut off.
   * @throws MediaError `ERR_MEDIA_MALFORMED`, `ERR_MEDIA_LIMIT` while iterating; `ERR_MEDIA_STATE` after `close`
   */
  frames(options?: FramesOptions): AsyncGenerator<MediaFrame, void, undefined>
  /** Closes the source; iterations in progress end. Idempotent. */
  close(): Promise<void>
}

/** A file that is being written. */
export interface MediaWriter {
  readonly format: MediaFormat
  readonly tracks: readonly MediaTrackInfo[]
  /**
   * Before the first `write`; later only where `acceptsLateTracks`.
   * @throws MediaError `ERR_MEDIA_CODEC` when the format does not take the codec, `ERR_MEDIA_TRACK` when it takes no further track,
   *   `ERR_MEDIA_STATE` when it is too late
   */
  addTrack(options: MediaTrackOptions): MediaTrackInfo
  /** `addTrack` also works after the first frame: Matroska and MP4 on a sink that can be written anywhere. */
  readonly acceptsLateTracks: boolean
  /**
   * Adds a frame: key frame first, timestamps not falling (but for reordered video) within a track. Resolves when the sink has taken it. Tracks may come
   * in any order, but far-apart times of two tracks cost seeking to who plays the file.
   * @throws MediaError `ERR_MEDIA_STATE` after `finish`, `ERR_MEDIA_ARGUMENT` for a frame that does not fit its track
   */
  write(track: MediaTrackInfo, frame: EncodedFrame): Promise<void>
  /** Writes what stands at the end or is only known then, and closes the sink. */
  finish(): Promise<void>
}

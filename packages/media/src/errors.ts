/** Stable codes of everything that this package throws. */
export type MediaErrorCode =
  /** The bytes are of no format that is known here, or the name tells none. */
  | 'ERR_MEDIA_FORMAT'
  /** The file breaks the rules of its format where nothing can be read past it. */
  | 'ERR_MEDIA_MALFORMED'
  /** The codec cannot be in that container, or cannot be in RTP. */
  | 'ERR_MEDIA_CODEC'
  /** The file has no track of the kind that is asked for, or cannot take another one. */
  | 'ERR_MEDIA_TRACK'
  /** The reader, writer or recorder is closed, or has begun. */
  | 'ERR_MEDIA_STATE'
  /** An option or argument is out of its range. */
  | 'ERR_MEDIA_ARGUMENT'
  /** Something in the file is larger than what is held in memory for it. */
  | 'ERR_MEDIA_LIMIT'

export class MediaError extends Error {
  readonly code: MediaErrorCode

  constructor(code: MediaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'MediaError'
    this.code = code
  }
}

/** The largest frame that is read, in bytes: an 8K key frame is well below it. */
export const MAX_FRAME_SIZE: number = 16 * 1024 * 1024

/** A gap in audio that has no timestamps (Ogg, WAV) is filled up to this length, in µs: an hour. A longer one is no pause but a broken clock. */
export const MAX_FILLED_GAP: number = 3_600_000_000

import { compactNtp, ntpTimestamp } from '../rtcp/ntp.ts'

/** A wall clock that never jumps: told once, it goes on with the monotonic time. */
export class WallClock {
  readonly #offset: number

  /** `wallClock` is ms since 1970 at the monotonic time `now`. */
  constructor(now: number, wallClock: number) {
    this.#offset = wallClock - now
  }

  /** ms since 1970 */
  at(now: number): number {
    return now + this.#offset
  }

  /** 64 bits of NTP time. */
  ntp(now: number): bigint {
    return ntpTimestamp(this.at(now))
  }

  /** The middle 32 bits of it, in 1/65536 s: what LSR, LRR and RFC 8888 carry. */
  compact(now: number): number {
    return compactNtp(this.ntp(now))
  }
}

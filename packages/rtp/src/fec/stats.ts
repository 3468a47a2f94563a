/** What a receiver of repair packets counts. */
export interface FecStats {
  /** Repair packets that came. */
  repairs: number
  /** Packets that were brought back. */
  recovered: number
  /** Repair packets all of whose packets had come. */
  unneeded: number
  /** Repair packets that were for nothing, by reason. */
  dropped: {
    /** They, or what carried them, were not well-formed. */
    malformed: number
    /** They protect another stream. */
    otherSsrc: number
    /** What they cover is too long ago, or far ahead. */
    outOfRange: number
    /** Too many waited. */
    overflow: number
    /** What came out of them was not a packet, or not all of one. */
    unrecoverable: number
  }
}

export function fecStats(): FecStats {
  return {
    repairs: 0,
    recovered: 0,
    unneeded: 0,
    dropped: { malformed: 0, otherSsrc: 0, outOfRange: 0, overflow: 0, unrecoverable: 0 },
  }
}

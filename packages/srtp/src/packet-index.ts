/** An index is a rollover counter of 32 bits in front of a sequence number of 16 bits. All indices below fit a JavaScript number exactly. */
export const INDEX_LIMIT: number = 2 ** 48

const SEQUENCE_NUMBERS = 0x10000
const HALF = 0x8000

/**
 * The index of a packet with this sequence number, as near as possible to the highest index so far (RFC 3711 §3.3.1 and appendix A).
 * -1 as `highest`: nothing was seen, and the rollover counter is 0. At a counter of 0 nothing is guessed to be older. The result may be `INDEX_LIMIT` or more:
 * then the counter has run over.
 */
export function estimateIndex(highest: number, sequenceNumber: number): number {
  if (highest < 0) return sequenceNumber
  const highestSequenceNumber = highest % SEQUENCE_NUMBERS
  const cycle = highest - highestSequenceNumber
  const ahead = sequenceNumber - highestSequenceNumber
  if (ahead < -HALF) return cycle + SEQUENCE_NUMBERS + sequenceNumber
  if (ahead > HALF && cycle > 0) return cycle - SEQUENCE_NUMBERS + sequenceNumber
  return cycle + sequenceNumber
}

/** The upper 32 bits of a packet's index. */
export function rolloverCounter(index: number): number {
  return Math.floor(index / SEQUENCE_NUMBERS)
}

/** A repair packet: the XOR of the packets that it covers, in the parts that a packet is made of. */
export interface Repair {
  /** The XOR of the first two bytes: padding, extension, CSRC count, marker and payload type. */
  readonly first: number
  readonly second: number
  /** Of the lengths behind the fixed header. */
  readonly length: number
  readonly timestamp: number
  /** The sequence number that the offsets count from. */
  readonly sequenceNumberBase: number
  /** Of the covered packets, ascending. */
  readonly offsets: readonly number[]
  /** Of what is behind the fixed header, as far as it is protected. */
  readonly payload: Uint8Array
}

/** Appends the offsets whose bits are set: `count` bits from bit `bit` of the byte at `at` on stand for `from` and what follows. */
export function readMask(
  bytes: Uint8Array,
  at: number,
  bit: number,
  count: number,
  from: number,
  offsets: number[],
): void {
  for (let i = 0; i < count; i++, bit++) {
    if (((bytes[at + (bit >>> 3)]! >>> (7 - (bit & 7))) & 1) === 1) offsets.push(from + i)
  }
}

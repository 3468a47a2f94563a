import { RECORD_HEADER_LENGTH } from './header.ts'

/** How the records of one epoch and one direction are protected. Holds its keys, and scratch space that is reused. */
export interface RecordProtection {
  /** The most bytes that protection adds to a plaintext. */
  readonly overhead: number

  /** The longest plaintext that fits into `room` bytes once protected; negative when none does. */
  maxPlaintext(room: number): number

  /**
   * Writes the protected form of `plaintext` to `out` behind the record header that is to stand at `at`, and returns its
   * length. The header is the caller's.
   */
  seal(
    type: number,
    version: number,
    epoch: number,
    sequence: number,
    plaintext: Uint8Array,
    out: Uint8Array,
    at: number,
  ): number

  /** The plaintext, which may take the place of `fragment`, or undefined when that is not authentic. */
  open(type: number, version: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined
}

/** Epoch 0: `TLS_NULL_WITH_NULL_NULL`. */
export class NullProtection implements RecordProtection {
  readonly overhead = 0

  maxPlaintext(room: number): number {
    return room
  }

  seal(
    _type: number,
    _version: number,
    _epoch: number,
    _sequence: number,
    plaintext: Uint8Array,
    out: Uint8Array,
    at: number,
  ): number {
    out.set(plaintext, at + RECORD_HEADER_LENGTH)
    return plaintext.length
  }

  open(
    _type: number,
    _version: number,
    _epoch: number,
    _sequence: number,
    fragment: Uint8Array,
  ): Uint8Array | undefined {
    return fragment
  }
}

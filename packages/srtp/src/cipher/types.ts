/**
 * The cipher of one direction and one protocol, SRTP or SRTCP, under session keys. `high` and `low` are the packet's index: the upper 32 of its 48 bits and
 * the lower 16. An SRTCP index has 31 bits only.
 */
export interface PacketCipher {
  /** Whether the tag belongs to the ciphertext: then `encrypt` writes it and `decrypt` checks it. If not, `sign` and `verify` do. */
  readonly aead: boolean
  readonly tagLength: number
  /**
   * Writes the ciphertext of `data`, and for an AEAD the tag, to `out` from `at` on. `data` may lie at that place. `aad` (AEAD only) is what is
   * authenticated beside it.
   */
  encrypt(ssrc: number, high: number, low: number, aad: Uint8Array, data: Uint8Array, out: Uint8Array, at: number): void
  /** Decrypts in place the bytes from `from` to `to`; behind them stands an AEAD's tag. False: the tag is wrong, and nothing was changed. */
  decrypt(
    ssrc: number,
    high: number,
    low: number,
    aad: Uint8Array,
    packet: Uint8Array,
    from: number,
    to: number,
  ): boolean
  /** Writes the tag of the bytes from `from` to `to`, and of the rollover counter unless that is -1, behind them. Nothing for an AEAD. */
  sign(packet: Uint8Array, from: number, to: number, rolloverCounter: number): void
  /** Whether the right tag stands at `tagAt`. Always so for an AEAD. */
  verify(packet: Uint8Array, to: number, tagAt: number, rolloverCounter: number): boolean
}

/** The associated data of a cipher that takes none. */
export const NO_AAD: Uint8Array = new Uint8Array(0)

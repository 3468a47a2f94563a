// Serial number arithmetic (RFC 9260 §1.6, RFC 1982). On the wire TSNs and MIDs are 32 bits and SSNs 16 bits, and wrap.
// Inside, every space is *unwrapped*: a plain number that counts from the first one used and never wraps, so that order is
// `<` and a ring is indexed by `&`. These functions are the border between the two.

/** Signed distance from `b` to `a` on the 32-bit circle: positive when `a` is later. */
export function distance32(a: number, b: number): number {
  return (a - b) | 0
}

/** Signed distance from `b` to `a` on the 16-bit circle. */
export function distance16(a: number, b: number): number {
  return ((a - b) << 16) >> 16
}

/** The unwrapped number nearest to `reference` whose low 32 bits are `wire`. May be negative: before the first. */
export function unwrap32(wire: number, reference: number): number {
  return reference + ((wire - reference) | 0)
}

/** The unwrapped number nearest to `reference` whose low 16 bits are `wire`. */
export function unwrap16(wire: number, reference: number): number {
  return reference + (((wire - reference) << 16) >> 16)
}

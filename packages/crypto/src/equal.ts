/**
 * Whether two byte strings are equal, in a time that depends on their lengths only. Different lengths are simply unequal:
 * a length is no secret.
 */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length
  if (length !== b.length) return false
  let difference = 0
  for (let i = 0; i < length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

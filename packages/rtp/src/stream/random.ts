const word = new Uint32Array(1)

/** The platform's randomness, uniform in [0, 1). */
export function platformRandom(): number {
  return crypto.getRandomValues(word)[0]! / 0x1_0000_0000
}

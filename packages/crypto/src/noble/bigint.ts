/** Big-endian bytes as a non-negative number. */
export function bytesToBigInt(bytes: Uint8Array): bigint {
  let hex = ''
  for (let i = 0; i < bytes.length; i++) hex += (bytes[i]! + 0x100).toString(16).slice(1)
  return hex === '' ? 0n : BigInt('0x' + hex)
}

/** Big-endian, padded with zeros to `length` bytes, or as short as possible. */
export function bigIntToBytes(value: bigint, length?: number): Uint8Array {
  let hex = value.toString(16)
  if (hex.length % 2 === 1) hex = '0' + hex
  const size = length ?? hex.length / 2
  const out = new Uint8Array(size)
  const start = size - hex.length / 2
  for (let i = 0; i < hex.length; i += 2) out[start + i / 2] = parseInt(hex.slice(i, i + 2), 16)
  return out
}

/** `base ** exponent mod modulus`, by fixed windows of four bits. Not constant-time: private keys are used blinded. */
export function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const digits = exponent.toString(16)
  const powers: bigint[] = [1n]
  for (let i = 1; i < 16; i++) powers.push((powers[i - 1]! * base) % modulus)
  let result = 1n
  for (let i = 0; i < digits.length; i++) {
    if (i > 0) {
      for (let k = 0; k < 4; k++) result = (result * result) % modulus
    }
    const digit = parseInt(digits[i]!, 16)
    if (digit > 0) result = (result * powers[digit]!) % modulus
  }
  return result
}

/** The inverse of `value` modulo `modulus`, or undefined when they have a common divisor. */
export function modInverse(value: bigint, modulus: bigint): bigint | undefined {
  let [a, b] = [((value % modulus) + modulus) % modulus, modulus]
  let [x, y] = [1n, 0n]
  while (b > 0n) {
    const quotient = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - quotient * y]
  }
  return a === 1n ? ((x % modulus) + modulus) % modulus : undefined
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a
}

import type { RsaPrivateParts } from '../keys/pkcs8.ts'
import { bigIntToBytes, bytesToBigInt, gcd, modInverse, modPow } from './bigint.ts'

type RandomBytes = (length: number) => Uint8Array

const EXPONENT = 65537n

/** An RSA key of `bits` bits with public exponent 65537 (FIPS 186-5 appendix A.1.3). */
export function generateRsaKey(random: RandomBytes, bits: number): RsaPrivateParts {
  for (;;) {
    const p = generatePrime(random, bits / 2)
    const q = generatePrime(random, bits / 2)
    // Primes that are close to each other could be found from n (FIPS 186-5 A.1.3, step 5.4).
    const distance = p > q ? p - q : q - p
    if (distance >> BigInt(bits / 2 - 100) === 0n) continue
    const n = p * q
    const lambda = ((p - 1n) * (q - 1n)) / gcd(p - 1n, q - 1n)
    const d = modInverse(EXPONENT, lambda)
    const coefficient = modInverse(q, p)
    if (d === undefined || coefficient === undefined || d >> BigInt(bits / 2) === 0n) continue
    return {
      kind: 'rsa',
      modulus: bigIntToBytes(n),
      publicExponent: bigIntToBytes(EXPONENT),
      privateExponent: bigIntToBytes(d),
      prime1: bigIntToBytes(p),
      prime2: bigIntToBytes(q),
      exponent1: bigIntToBytes(d % (p - 1n)),
      exponent2: bigIntToBytes(d % (q - 1n)),
      coefficient: bigIntToBytes(coefficient),
    }
  }
}

/** A random prime with its two top bits set (so that the product of two has full length), not 1 modulo 65537. */
function generatePrime(random: RandomBytes, bits: number): bigint {
  const primes = smallPrimes()
  for (;;) {
    const bytes = random(bits / 8)
    bytes[0]! |= 0xc0
    bytes[bytes.length - 1]! |= 1
    const start = bytesToBigInt(bytes)
    const residues = primes.map((prime) => Number(start % BigInt(prime)))
    // Walk odd numbers from the random start; most are sieved out by their residues without touching the large number.
    for (let step = 0; step < 8192; step += 2) {
      if (primes.some((prime, i) => (residues[i]! + step) % prime === 0)) continue
      const candidate = start + BigInt(step)
      if (candidate >> BigInt(bits) !== 0n) break
      if (candidate % EXPONENT !== 1n && isProbablePrime(random, candidate, bits)) return candidate
    }
  }
}

function smallPrimes(): number[] {
  const primes: number[] = []
  for (let n = 3; n < 4096; n += 2) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return primes
}

/** Miller-Rabin with random bases; the number of rounds is that of FIPS 186-5 table B.1, rounded up. */
function isProbablePrime(random: RandomBytes, candidate: bigint, bits: number): boolean {
  const last = candidate - 1n
  let odd = last
  let twos = 0
  while ((odd & 1n) === 0n) {
    odd >>= 1n
    twos++
  }
  for (let round = 0; round < 6; round++) {
    const base = (bytesToBigInt(random(bits / 8)) % (last - 2n)) + 2n
    let x = modPow(base, odd, candidate)
    if (x === 1n || x === last) continue
    let composite = true
    for (let i = 1; i < twos && composite; i++) {
      x = (x * x) % candidate
      if (x === last) composite = false
    }
    if (composite) return false
  }
  return true
}

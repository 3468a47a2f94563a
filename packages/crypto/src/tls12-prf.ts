import type { CryptoProvider, HashName } from './types.ts'

/** The pseudorandom function of TLS 1.2, `PRF(secret, label, seed)` = P_hash(secret, label | seed) (RFC 5246 §5). */
export function tls12Prf(
  provider: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Uint8Array {
  const hmac = provider.createHmac(hash, secret)
  const labelBytes = new TextEncoder().encode(label)
  const size = hmac.length
  // One buffer holds A(i) | label | seed, so that each round only replaces A(i).
  const input = new Uint8Array(size + labelBytes.length + seed.length)
  input.set(labelBytes, size)
  input.set(seed, size + labelBytes.length)
  const out = new Uint8Array(length)
  let a = hmac.sign(input.subarray(size)) // A(1)
  for (let at = 0; at < length; at += size) {
    input.set(a, 0)
    const block = hmac.sign(input)
    out.set(block.subarray(0, Math.min(size, length - at)), at)
    a = hmac.sign(a)
  }
  return out
}

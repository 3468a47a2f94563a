// SHA-256 (FIPS 180-4) and HMAC (RFC 2104), small and plain: an association signs a state cookie once or twice in its life, and this
// package shall stand without a crypto provider.

const K: Uint32Array = /* @__PURE__ */ constants(64, 3)
const INITIAL: Uint32Array = /* @__PURE__ */ constants(8, 2)

/** First 32 bits of the fractional parts of the square (2) or cube (3) roots of the first primes. */
function constants(count: number, root: 2 | 3): Uint32Array {
  const out = new Uint32Array(count)
  let found = 0
  for (let n = 2; found < count; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false
    if (!prime) continue
    const value = root === 2 ? Math.sqrt(n) : Math.cbrt(n)
    out[found++] = (value - Math.floor(value)) * 0x100000000
  }
  return out
}

function rotate(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n))
}

export function sha256(data: Uint8Array): Uint8Array {
  const h = new Uint32Array(INITIAL)
  const w = new Uint32Array(64)
  const message = new Uint8Array((data.length + 9 + 63) & ~63)
  message.set(data)
  message[data.length] = 0x80
  const bits = data.length * 8
  message[message.length - 5] = Math.floor(bits / 0x100000000)
  for (let i = 0; i < 4; i++) message[message.length - 1 - i] = bits >>> (8 * i)
  for (let block = 0; block < message.length; block += 64) {
    for (let i = 0; i < 16; i++) {
      const at = block + 4 * i
      w[i] = (message[at]! << 24) | (message[at + 1]! << 16) | (message[at + 2]! << 8) | message[at + 3]!
    }
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15]!
      const b = w[i - 2]!
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
      w[i] = w[i - 16]! + s0 + w[i - 7]! + s1
    }
    const v = new Uint32Array(h)
    for (let i = 0; i < 64; i++) {
      const a = v[0]!
      const b = v[1]!
      const c = v[2]!
      const e = v[4]!
      const f = v[5]!
      const g = v[6]!
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const t1 = v[7]! + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c))
      v.copyWithin(1, 0, 7)
      v[4] = v[4]! + t1
      v[0] = t1 + t2
    }
    for (let i = 0; i < 8; i++) h[i] = h[i]! + v[i]!
  }
  const out = new Uint8Array(32)
  for (let i = 0; i < 8; i++) {
    const value = h[i]!
    out[4 * i] = value >>> 24
    out[4 * i + 1] = value >>> 16
    out[4 * i + 2] = value >>> 8
    out[4 * i + 3] = value
  }
  return out
}

/** HMAC-SHA-256. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const block = key.length > 64 ? sha256(key) : key
  const inner = new Uint8Array(64 + data.length)
  const outer = new Uint8Array(64 + 32)
  for (let i = 0; i < 64; i++) {
    inner[i] = (block[i] ?? 0) ^ 0x36
    outer[i] = (block[i] ?? 0) ^ 0x5c
  }
  inner.set(data, 64)
  outer.set(sha256(inner), 64)
  return sha256(outer)
}

/** Takes the same time wherever they differ. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

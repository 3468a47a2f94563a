// ChaCha20-Poly1305 (RFC 8439) over one record in linear memory. Four ChaCha20 blocks are computed side by side, one in each
// 32-bit lane; Poly1305 runs in five limbs of 32 bits held in 64-bit locals. (A loop that does both at once is no faster.)
//
// Exports `seal(length, aadLength)`, which encrypts `length` bytes at DATA in place and writes the tag behind them, and
// `open(length, aadLength)`, which returns 1 and decrypts in place if the right tag stands behind them, and returns 0 otherwise.

import { assemble, call, doWhile, func, i32, i64, loopWhile, set, v128, when } from './assembler.mjs'

// Memory layout, in bytes. The other side of it is src/wasm/chacha20-poly1305.ts.
const KEY = 0 // 32 bytes
const NONCE = 32 // 12 bytes
const ONE_TIME_KEY = 64 // 32 bytes
const LENGTHS = 96 // 16 bytes: both lengths (RFC 8439 §2.8)
const ACCUMULATOR = 128 // five limbs of 8 bytes
const STREAM = 256 // 256 bytes of key stream
export const AAD = 512 // padded with zeros to 16 bytes by the caller
export const DATA = 2048
const PAGES = 1

const ZERO = i32.const(0)

const MASK32 = i64.const(0xffffffffn)

/** Rotation of every 32-bit lane to the left; by whole bytes it is a shuffle. */
function rotate(x, bits) {
  if (bits % 8 !== 0) return v128.or(v128.shl32(x, i32.const(bits)), v128.shrU32(x, i32.const(32 - bits)))
  const lanes = Array.from({ length: 16 }, (_, i) => (i & 12) | ((i - bits / 8) & 3))
  return v128.shuffle(x, x, lanes)
}

/** RFC 8439 §2.1 */
function quarterRound(x, a, b, c, d) {
  const half = (p, q, r, bits) => [
    ...set(x[p], v128.add32(x[p], x[q])),
    ...set(x[r], rotate(v128.xor(x[r], x[p]), bits)),
  ]
  return [...half(a, b, d, 16), ...half(c, d, b, 12), ...half(a, b, d, 8), ...half(c, d, b, 7)]
}

function doubleRound(x) {
  const code = []
  for (let i = 0; i < 4; i++) code.push(...quarterRound(x, i, 4 + i, 8 + i, 12 + i))
  for (let i = 0; i < 4; i++) code.push(...quarterRound(x, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3)))
  return code
}

function words(...values) {
  return values.flatMap((value) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24])
}

/** The four-lane start state; `counter` is the first of four consecutive block counters. */
function initial(i, counter) {
  const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] // "expand 32-byte k"
  if (i < 4) return v128.const(words(constants[i], constants[i], constants[i], constants[i]))
  if (i === 12) return v128.add32(v128.splat32(counter), v128.const(words(0, 1, 2, 3)))
  return v128.load32Splat(ZERO, i < 12 ? KEY + 4 * (i - 4) : NONCE + 4 * (i - 13))
}

const interleaveLow32 = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23]
const interleaveHigh32 = interleaveLow32.map((lane) => lane + 8)
const interleaveLow64 = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const interleaveHigh64 = interleaveLow64.map((lane) => lane + 8)

/** Ends four blocks: adds the start state, turns lanes into blocks, stores the key stream. */
function finish(x, t, counter) {
  const code = []
  for (let i = 0; i < 16; i++) code.push(...set(x[i], v128.add32(x[i], initial(i, counter))))
  for (let row = 0; row < 4; row++) {
    const [a, b, c, d] = x.slice(4 * row, 4 * row + 4)
    code.push(...set(t[0], v128.shuffle(a, b, interleaveLow32)), ...set(t[1], v128.shuffle(c, d, interleaveLow32)))
    code.push(...set(t[2], v128.shuffle(a, b, interleaveHigh32)), ...set(t[3], v128.shuffle(c, d, interleaveHigh32)))
    for (let block = 0; block < 4; block++) {
      const [low, high] = block < 2 ? [t[0], t[1]] : [t[2], t[3]]
      const lanes = block % 2 === 0 ? interleaveLow64 : interleaveHigh64
      code.push(...v128.store(ZERO, v128.shuffle(low, high, lanes), STREAM + 64 * block + 16 * row))
    }
  }
  return code
}

/** Poly1305 (RFC 8439 §2.5): h is the accumulator, r the clamped key, s = 5 r / 4 (from the second on r's limbs are multiples of 4). */
function poly1305(local) {
  const h = [0, 1, 2, 3, 4].map(() => local('i64'))
  const d = [0, 1, 2, 3].map(() => local('i64'))
  const r = [0, 1, 2, 3].map(() => local('i64'))
  const s = [0, 1, 2, 3].map(() => local('i64'))

  const loadKey = []
  for (let i = 0; i < 4; i++) {
    const clamp = i64.const(i === 0 ? 0x0fffffffn : 0x0ffffffcn)
    loadKey.push(...set(r[i], i64.and(i64.load32(ZERO, ONE_TIME_KEY + 4 * i), clamp)))
    loadKey.push(...set(s[i], i64.add(r[i], shift(r[i], 2))))
  }
  const loadState = h.flatMap((limb, i) => set(limb, i64.load(ZERO, ACCUMULATOR + 8 * i)))
  const storeState = h.flatMap((limb, i) => i64.store(ZERO, limb, ACCUMULATOR + 8 * i))

  // h = (h + block + 2^128) r mod 2^130 - 5, lazily reduced: h0 stays below 3 * 2^32, the other limbs below 2^33, so that each
  // sum of products stays below 2^64.
  const block = (address, offset) => {
    const code = []
    for (let i = 0; i < 4; i++) code.push(...set(h[i], i64.add(h[i], i64.load32(address, offset + 4 * i))))
    code.push(...set(h[4], i64.add(h[4], i64.const(1))))
    for (let i = 0; i < 4; i++) {
      const terms = [0, 1, 2, 3].map((j) => i64.mul(h[j], j <= i ? r[i - j] : s[4 + i - j]))
      if (i > 0) terms.push(i64.mul(h[4], s[i]))
      code.push(...set(d[i], sum(...terms)))
    }
    code.push(...set(h[4], i64.mul(h[4], r[0])))
    for (let i = 0; i < 3; i++) {
      code.push(...set(d[i + 1], i64.add(d[i + 1], shift(d[i], 32))), ...set(h[i], i64.and(d[i], MASK32)))
    }
    code.push(...set(h[3], i64.and(d[3], MASK32)), ...set(h[4], i64.add(h[4], shift(d[3], 32))), ...fold)
    return code
  }
  /** What is above 2^130 comes back five times as much at the bottom. */
  const fold = [
    ...set(h[0], sum(h[0], shift(h[4], 2), i64.and(h[4], i64.const(-4n)))),
    ...set(h[4], i64.and(h[4], i64.const(3))),
  ]
  const carry = []
  for (let i = 0; i < 4; i++) {
    carry.push(...set(h[i + 1], i64.add(h[i + 1], shift(h[i], 32))), ...set(h[i], i64.and(h[i], MASK32)))
  }

  /** Full reduction and the addition of the key's second half; leaves the tag's four limbs in d. */
  const end = [...carry, ...fold, ...carry]
  // d = h + 5; if that reaches 2^130, then h was not below the prime, and d is what is wanted.
  end.push(...set(d[0], i64.add(h[0], i64.const(5))))
  for (let i = 1; i < 4; i++) end.push(...set(d[i], i64.add(h[i], shift(d[i - 1], 32))))
  const keep = r[0] // all ones when h is kept, zero when not
  end.push(...set(keep, i64.sub(shift(i64.add(h[4], shift(d[3], 32)), 2), i64.const(1))))
  for (let i = 0; i < 4; i++) {
    const chosen = i64.xor(i64.and(i64.xor(h[i], d[i]), keep), d[i])
    end.push(...set(d[i], i64.add(i64.and(chosen, MASK32), i64.load32(ZERO, ONE_TIME_KEY + 16 + 4 * i))))
  }
  for (let i = 1; i < 4; i++) end.push(...set(d[i], i64.add(d[i], shift(d[i - 1], 32))))

  const tagHalf = (i) => i64.or(i64.and(d[2 * i], MASK32), i64.shl(d[2 * i + 1], i64.const(32)))
  return { loadKey, loadState, storeState, block, end, tagHalf }
}

function shift(value, bits) {
  return i64.shrU(value, i64.const(bits))
}

function sum(...terms) {
  return terms.reduce((a, b) => i64.add(a, b))
}

/** Writes the key stream of four blocks, the first of them number `counter`, to STREAM. */
const streamFunction = func('', ['i32'], [], ({ parameters: [counter], local }) => {
  const x = Array.from({ length: 16 }, () => local('v128'))
  const t = Array.from({ length: 4 }, () => local('v128'))
  const round = local('i32')
  return [
    ...x.flatMap((row, i) => set(row, initial(i, counter))),
    ...set(round, i32.const(10)),
    ...doWhile([...doubleRound(x), ...set(round, i32.sub(round, i32.const(1)))], round),
    ...finish(x, t, counter),
  ]
})

/** Absorbs the blocks from `at` up to `stop`. */
const absorbFunction = func('', ['i32', 'i32'], [], ({ parameters: [at, stop], local }) => {
  const poly = poly1305(local)
  return when(i32.ltU(at, stop), [
    ...poly.loadKey,
    ...poly.loadState,
    ...doWhile([...poly.block(at, 0), ...set(at, i32.add(at, i32.const(16)))], i32.ltU(at, stop)),
    ...poly.storeState,
  ])
})

/** XORs `count` times 16 bytes of key stream onto the data at `at`. */
function encrypt(at, from, count) {
  const code = []
  for (let i = 0; i < count; i++) {
    const stream = v128.load(ZERO, STREAM + from + 16 * i)
    code.push(...v128.store(at, v128.xor(v128.load(at, 16 * i), stream), 16 * i))
  }
  return code
}

// Places in the list of functions
const STREAM_BLOCKS = 0
const ABSORB = 1

/** Encrypts or decrypts DATA in place, from the second block of the key stream on: the first is the one-time key. */
function cryptAll(at, end, counter) {
  return [
    ...encrypt(i32.const(DATA), 64, 12),
    ...set(at, i32.const(DATA + 192)),
    ...loopWhile(i32.ltU(at, end), [
      ...set(counter, i32.add(counter, i32.const(4))),
      ...call(STREAM_BLOCKS, counter),
      ...encrypt(at, 0, 16),
      ...set(at, i32.add(at, i32.const(256))),
    ]),
  ]
}

function recordFunction(name, sealing) {
  return func(name, ['i32', 'i32'], sealing ? [] : ['i32'], ({ parameters: [length, aadLength], local }) => {
    const at = local('i32')
    const end = local('i32')
    const counter = local('i32')
    const poly = poly1305(local)
    const zero = v128.const(words(0, 0, 0, 0))

    const begin = [
      ...set(end, i32.add(length, i32.const(DATA))),
      ...call(STREAM_BLOCKS, ZERO),
      ...[0, 16].flatMap((offset) => v128.store(ZERO, v128.load(ZERO, STREAM + offset), ONE_TIME_KEY + offset)),
    ]
    const authenticate = [
      ...v128.store(end, zero), // pad16 of RFC 8439 §2.8
      ...i64.store(ZERO, i64.extend(aadLength), LENGTHS),
      ...i64.store(ZERO, i64.extend(length), LENGTHS + 8),
      ...[0, 16, 32].flatMap((offset) => v128.store(ZERO, zero, ACCUMULATOR + offset)),
      ...call(ABSORB, i32.const(AAD), i32.add(aadLength, i32.const(AAD))),
      ...call(ABSORB, i32.const(DATA), end),
      ...poly.loadKey,
      ...poly.loadState,
      ...poly.block(ZERO, LENGTHS),
      ...poly.end,
    ]
    if (sealing) {
      const storeTag = [0, 1].flatMap((half) => i64.store(end, poly.tagHalf(half), 8 * half))
      return [...begin, ...cryptAll(at, end, counter), ...authenticate, ...storeTag]
    }
    const given = [local('i64'), local('i64')]
    const takeTag = given.flatMap((half, i) => set(half, i64.load(end, 8 * i)))
    const difference = (i) => i64.xor(poly.tagHalf(i), given[i])
    const genuine = i64.eqz(i64.or(difference(0), difference(1))) // all 128 bits at once: constant time
    return [...begin, ...takeTag, ...authenticate, ...when(genuine, cryptAll(at, end, counter)), ...genuine]
  })
}

export const bytes = assemble(
  [streamFunction, absorbFunction, recordFunction('seal', true), recordFunction('open', false)],
  { pages: PAGES, maximumPages: PAGES },
)

// HMAC-SHA1 (RFC 2104, FIPS 180-4 §6.1) over one message in linear memory. The message schedule is computed four words at a time in vector
// registers, ahead of the rounds, which are a chain of scalar operations and what the time goes into.
//
// Exports
//   absorb(at, blocks)    hashes so many blocks of 64 bytes from `at` on into STATE
//   hmac(length)          leaves at RESULT the tag of `length` bytes at DATA, under the key whose hash states stand at INNER and OUTER
//   outer()               the second half of that: RESULT is the inner hash before, and the tag afterwards

import { assemble, call, doWhile, func, i32, i64, loopWhile, set, v128 } from './assembler.mjs'

// Memory layout, in bytes. The other side of it is src/wasm/sha1.ts. States are five words in the processor's order, little-endian.
export const STATE = 0
export const INNER = 32 // the state behind the block of key XOR ipad
export const OUTER = 64 // and that behind key XOR opad
export const RESULT = 128 // 64 bytes: the last block of HMAC is made here, and the tag is left here
const SCHEDULE = 256 // 80 words
export const DATA = 1024
const PAGES = 1

const ZERO = i32.const(0)
const BLOCK = 64
const ABSORB = 0 // places in the list of functions
const OUTER_HASH = 1
/** Reverses the bytes of each word. */
const BIG_ENDIAN = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]

const CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6]

function splat(word) {
  const bytes = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]
  return v128.const([...bytes, ...bytes, ...bytes, ...bytes])
}

function rotate(x, bits) {
  return v128.or(v128.shl32(x, i32.const(bits)), v128.shrU32(x, i32.const(32 - bits)))
}

/** Four successive words, of which the first `from` come before those of `b`. */
function window(a, b, from) {
  const lanes = Array.from({ length: 16 }, (_, i) => 4 * from + i)
  return v128.shuffle(a, b, lanes)
}

function swap32(x) {
  return i32.or(
    i32.or(i32.shl(x, i32.const(24)), i32.shl(i32.and(x, i32.const(0xff00)), i32.const(8))),
    i32.or(i32.and(i32.shrU(x, i32.const(8)), i32.const(0xff00)), i32.shrU(x, i32.const(24))),
  )
}

/** The 80 words of the block at `at`, each with the constant of its round added. */
function schedule(at, w, t) {
  const zero = splat(0)
  const code = []
  const store = (i) =>
    code.push(...v128.store(ZERO, v128.add32(w[i & 7], splat(CONSTANTS[Math.floor(i / 5)])), SCHEDULE + 16 * i))
  for (let i = 0; i < 4; i++) {
    code.push(...set(w[i], v128.load(at, 16 * i)), ...set(w[i], v128.shuffle(w[i], w[i], BIG_ENDIAN)))
    store(i)
  }
  // `i` counts groups of four words; w[i & 7] is the group's variable.
  for (let i = 4; i < 8; i++) {
    const [oldest, second, third, last] = [w[i - 4], w[i - 3], w[i - 2], w[i - 1]]
    const sum = v128.xor(v128.xor(oldest, window(oldest, second, 2)), v128.xor(third, window(last, zero, 1)))
    code.push(...set(t, sum), ...set(w[i], rotate(t, 1)))
    // The fourth word lacks the first of its own group so far.
    code.push(...set(t, window(zero, w[i], 1)), ...set(w[i], v128.xor(w[i], rotate(t, 1))))
    store(i)
  }
  // W(t) = (W(t-6) ^ W(t-16) ^ W(t-28) ^ W(t-32)) <<< 2, which follows from the rule of FIPS 180-4, needs nothing of its own group.
  for (let i = 8; i < 20; i++) {
    const group = (back) => w[(i - back) & 7]
    const near = window(group(2), group(1), 2)
    code.push(
      ...set(t, v128.xor(v128.xor(group(8), group(7)), v128.xor(group(4), near))),
      ...set(group(0), rotate(t, 2)),
    )
    store(i)
  }
  return code
}

const CHOOSE = (b, c, d) => i32.xor(d, i32.and(b, i32.xor(c, d)))
const PARITY = (b, c, d) => i32.xor(b, i32.xor(c, d))
const MAJORITY = (b, c, d) => i32.or(i32.and(b, c), i32.and(d, i32.or(b, c)))

const absorb = func('absorb', ['i32', 'i32'], [], ({ parameters: [at, blocks], local }) => {
  const w = Array.from({ length: 8 }, () => local('v128'))
  const t = local('v128')
  const state = Array.from({ length: 5 }, () => local('i32'))
  const before = Array.from({ length: 5 }, () => local('i32'))
  const round = local('i32')
  const rounds = []
  for (const [phase, choose] of [CHOOSE, PARITY, MAJORITY, PARITY].entries()) {
    const five = []
    for (let i = 0; i < 5; i++) {
      const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((k) => state[(k + 5 - i) % 5])
      const word = i32.load(round, SCHEDULE + 4 * i)
      five.push(
        ...set(e, i32.add(i32.add(i32.add(e, word), choose(b, c, d)), i32.rotl(a, i32.const(5)))),
        ...set(b, i32.rotl(b, i32.const(30))),
      )
    }
    rounds.push(
      ...doWhile([...five, ...set(round, i32.add(round, i32.const(20)))], i32.ltU(round, i32.const(80 * (phase + 1)))),
    )
  }
  return [
    ...state.flatMap((word, i) => set(word, i32.load(ZERO, STATE + 4 * i))),
    ...loopWhile(blocks, [
      ...schedule(at, w, t),
      ...before.flatMap((word, i) => set(word, state[i])),
      ...set(round, ZERO),
      ...rounds,
      ...state.flatMap((word, i) => set(word, i32.add(word, before[i]))),
      ...set(at, i32.add(at, i32.const(BLOCK))),
      ...set(blocks, i32.sub(blocks, i32.const(1))),
    ]),
    ...state.flatMap((word, i) => i32.store(ZERO, word, STATE + 4 * i)),
  ]
})

const copyState = (from) => [0, 4, 8, 12, 16].flatMap((i) => i32.store(ZERO, i32.load(ZERO, from + i), STATE + i))
const putState = [0, 4, 8, 12, 16].flatMap((i) => i32.store(ZERO, swap32(i32.load(ZERO, STATE + i)), RESULT + i))
const ZEROS = splat(0)

// Padding (FIPS 180-4 §5.1.1): a bit, zeros, and the length in bits of everything since the key.

const outer = func('outer', [], [], () => [
  ...i32.store(ZERO, i32.const(0x80), RESULT + 20),
  ...i64.store(ZERO, i64.const(0), RESULT + 24),
  ...[32, 48].flatMap((i) => v128.store(ZERO, ZEROS, RESULT + i)),
  ...i32.store(ZERO, swap32(i32.const(8 * (BLOCK + 20))), RESULT + 60),
  ...copyState(OUTER),
  ...call(ABSORB, i32.const(RESULT), i32.const(1)),
  ...putState,
])

const hmac = func('hmac', ['i32'], [], ({ parameters: [length], local }) => {
  const at = local('i32')
  const blocks = local('i32')
  return [
    ...set(blocks, i32.shrU(i32.add(length, i32.const(9 + 63)), i32.const(6))),
    ...set(at, i32.add(length, i32.const(DATA))),
    ...[0, 16, 32, 48, 64].flatMap((i) => v128.store(at, ZEROS, i)),
    ...i32.store(at, i32.const(0x80)),
    ...set(at, i32.add(i32.shl(blocks, i32.const(6)), i32.const(DATA - 4))),
    ...i32.store(at, swap32(i32.shl(i32.add(length, i32.const(BLOCK)), i32.const(3)))),
    ...copyState(INNER),
    ...call(ABSORB, i32.const(DATA), blocks),
    ...putState,
    ...call(OUTER_HASH),
  ]
})

export const bytes = assemble([absorb, outer, hmac], { pages: PAGES, maximumPages: PAGES })

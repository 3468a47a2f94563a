// The part of AES-GCM that is not AES (NIST SP 800-38D): counter blocks, XOR with the key stream, GHASH. The key stream itself comes from
// outside, since no WebAssembly instruction does AES.
//
// GHASH multiplies by table, four bits at a time, two blocks at once: y = (y + x0) H^2 + x1 H. A table holds, for H and then for H^2, every
// nibble at every place of a block, times that power: 2 * 32 * 16 products of 16 bytes, 16 KB. With eight bits at a time a record
// of 1200 bytes would take 0.7 instead of 1.05 µs, but 128 KB for each key.
//
// Exports
//   counters(blocks, nonces)          writes to COUNTERS, for so many nonces from the one at NONCE on, the counter blocks 1, 2, … blocks
//   prepare(table)                    makes the table of the H that stands at HASH_KEY
//   seal(length, aadLength, table)    encrypts `length` bytes at DATA in place, with the stream at STREAM, and writes the tag behind them
//   open(length, aadLength, table)    returns 1 and decrypts if the right tag stands behind the data, and returns 0 otherwise

import { assemble, doWhile, func, i32, i64, loopWhile, set, v128, when } from './assembler.mjs'

// Memory layout, in bytes. The other side of it is src/wasm/gcm.ts.
export const NONCE = 0 // 16 bytes, the last four zero
export const HASH_KEY = 16 // 16 bytes
const LENGTHS = 32 // 16 bytes: both lengths in bits, big-endian
const SCRATCH = 48 // 16 bytes
export const AAD = 512 // padded with zeros to 16 bytes by the caller
export const STREAM = 1536 // the block for the tag, then those for the data
export const DATA = 4672
export const COUNTERS = 7808
export const TABLES = 32_768 // to the end of the memory
const PAGES = 1
const MAXIMUM_PAGES = 129 // 514 tables

const ZERO = i32.const(0)
const NULL_BLOCK = v128.const(Array(16).fill(0))
const ENTRY = 16
const NIBBLE = 16 * ENTRY
const POWER = 32 * NIBBLE

/** Reverses the bytes within each half of a block: from GHASH's big-endian halves to numbers, and back. */
const REVERSE_HALVES = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]

/** The product of a block, given as two 64-bit halves, and the power of H that stands at this offset of the table. */
function multiply(halves, table, offset) {
  const products = []
  for (let byte = 0; byte < 16; byte++) {
    const half = halves[byte >> 3]
    const shift = 8 * (byte & 7)
    // Both nibbles come out multiplied by the size of an entry.
    const high = shift === 0 ? half : i64.shrU(half, i64.const(shift))
    const low = shift === 0 ? i64.shl(half, i64.const(4)) : i64.shrU(half, i64.const(shift - 4))
    for (const [index, nibble] of [high, low].entries()) {
      const entry = i32.and(i32.wrap(nibble), i32.const(0xf0))
      products.push(v128.load(i32.add(entry, table), offset + NIBBLE * (2 * byte + index)))
    }
  }
  return xorAll(products)
}

/** A tree, not a chain: its depth is what the next block waits for. */
function xorAll(terms) {
  if (terms.length === 1) return terms[0]
  const middle = terms.length >> 1
  return v128.xor(xorAll(terms.slice(0, middle)), xorAll(terms.slice(middle)))
}

function split(halves, block) {
  return [...set(halves[0], v128.lane64(block, 0)), ...set(halves[1], v128.lane64(block, 1))]
}

function swap32(x) {
  return i32.or(
    i32.or(i32.shl(x, i32.const(24)), i32.shl(i32.and(x, i32.const(0xff00)), i32.const(8))),
    i32.or(i32.and(i32.shrU(x, i32.const(8)), i32.const(0xff00)), i32.shrU(x, i32.const(24))),
  )
}

const counters = func('counters', ['i32', 'i32'], [], ({ parameters: [blocks, nonces], local }) => {
  const nonce = local('v128')
  const at = local('i32')
  const counter = local('i32')
  return [
    ...set(nonce, v128.load(ZERO, NONCE)),
    ...set(at, i32.const(COUNTERS)),
    ...doWhile(
      [
        ...set(counter, i32.const(1)),
        ...doWhile(
          [
            ...v128.store(at, nonce),
            ...i32.store(at, swap32(counter), 12),
            ...set(at, i32.add(at, i32.const(16))),
            ...set(counter, i32.add(counter, i32.const(1))),
          ],
          i32.leU(counter, blocks),
        ),
        // The next nonce differs in its last byte, number 11 of the block; the caller sees to it that this byte does not overflow.
        ...set(nonce, v128.add32(nonce, v128.const([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]))),
        ...set(nonces, i32.sub(nonces, i32.const(1))),
      ],
      nonces,
    ),
  ]
})

const prepare = func('prepare', ['i32'], [], ({ parameters: [table], local }) => {
  const high = local('i64')
  const low = local('i64')
  const y = local('v128')
  const at = local('i32')
  const odd = local('i32')
  const place = local('i32')
  const i = local('i32')
  const j = local('i32')
  const powers = local('i32')
  const storeProduct = [
    ...i64.store(ZERO, high, SCRATCH),
    ...i64.store(ZERO, low, SCRATCH + 8),
    ...set(y, v128.load(ZERO, SCRATCH)),
    ...v128.store(i32.add(at, i), v128.shuffle(y, y, REVERSE_HALVES)),
  ]
  // Times x: bits are in reverse order, so that is a shift to the right, reduced by 11100001 || 0^120 (SP 800-38D §6.3).
  const timesX = [
    ...set(odd, i32.wrap(i64.and(low, i64.const(1)))),
    ...set(low, i64.or(i64.shrU(low, i64.const(1)), i64.shl(high, i64.const(63)))),
    ...set(high, i64.shrU(high, i64.const(1))),
    ...when(odd, set(high, i64.xor(high, i64.const(BigInt.asIntN(64, 0xe1n << 56n))))),
  ]
  const oneNibble = [
    ...v128.store(at, NULL_BLOCK),
    // Entries 8, 4, 2, 1 are single bits, from the highest power to the lowest …
    ...set(i, i32.const(8 * ENTRY)),
    ...doWhile([...storeProduct, ...timesX, ...set(i, i32.shrU(i, i32.const(1)))], i32.geU(i, i32.const(ENTRY))),
    // … and the others are their sums.
    ...set(i, i32.const(2 * ENTRY)),
    ...doWhile(
      [
        ...set(j, i32.const(ENTRY)),
        ...doWhile(
          [
            ...v128.store(i32.add(at, i32.add(i, j)), v128.xor(v128.load(i32.add(at, i)), v128.load(i32.add(at, j)))),
            ...set(j, i32.add(j, i32.const(ENTRY))),
          ],
          i32.ltU(j, i),
        ),
        ...set(i, i32.shl(i, i32.const(1))),
      ],
      i32.ltU(i, i32.const(NIBBLE)),
    ),
  ]
  return [
    ...set(y, v128.load(ZERO, HASH_KEY)),
    ...set(at, table),
    ...set(powers, i32.const(2)),
    ...doWhile(
      [
        ...v128.store(ZERO, v128.shuffle(y, y, REVERSE_HALVES), SCRATCH),
        ...set(high, i64.load(ZERO, SCRATCH)),
        ...set(low, i64.load(ZERO, SCRATCH + 8)),
        ...set(place, i32.const(32)),
        ...doWhile(
          [...oneNibble, ...set(at, i32.add(at, i32.const(NIBBLE))), ...set(place, i32.sub(place, i32.const(1)))],
          place,
        ),
        // H^2, by the first half of the table
        ...set(high, i64.load(ZERO, HASH_KEY)),
        ...set(low, i64.load(ZERO, HASH_KEY + 8)),
        ...set(y, multiply([high, low], table, 0)),
        ...set(powers, i32.sub(powers, i32.const(1))),
      ],
      powers,
    ),
  ]
})

function recordFunction(name, sealing) {
  const results = sealing ? [] : ['i32']
  return func(name, ['i32', 'i32', 'i32'], results, ({ parameters: [length, aadLength, table], local }) => {
    const y = local('v128')
    const at = local('i32')
    const end = local('i32')
    const a = [local('i64'), local('i64')]
    const b = [local('i64'), local('i64')]
    const step = (bytes) => set(at, i32.add(at, i32.const(bytes)))

    const crypt = [
      ...set(at, ZERO),
      ...loopWhile(i32.ltU(at, length), [
        ...v128.store(at, v128.xor(v128.load(at, DATA), v128.load(at, STREAM + 16)), DATA),
        ...step(16),
      ]),
    ]
    const absorbOne = (block) => [...split(a, v128.xor(y, block)), ...set(y, multiply(a, table, 0))]
    const absorbTwo = [
      ...split(a, v128.xor(y, v128.load(at))),
      ...split(b, v128.load(at, 16)),
      ...set(y, v128.xor(multiply(a, table, POWER), multiply(b, table, 0))),
    ]
    const authenticate = [
      ...i32.store(ZERO, swap32(i32.shl(aadLength, i32.const(3))), LENGTHS + 4),
      ...i32.store(ZERO, swap32(i32.shl(length, i32.const(3))), LENGTHS + 12),
      ...set(y, NULL_BLOCK),
      ...set(at, i32.const(AAD)),
      ...set(end, i32.add(aadLength, i32.const(AAD))),
      ...loopWhile(i32.ltU(at, end), [...absorbOne(v128.load(at)), ...step(16)]),
      ...set(at, i32.const(DATA)),
      ...set(end, i32.add(length, i32.const(DATA))),
      ...v128.store(end, NULL_BLOCK), // padding
      ...loopWhile(i32.ltU(i32.add(at, i32.const(16)), end), [...absorbTwo, ...step(32)]),
      ...when(i32.ltU(at, end), absorbOne(v128.load(at))),
      ...absorbOne(v128.load(ZERO, LENGTHS)),
      ...set(y, v128.xor(y, v128.load(ZERO, STREAM))),
    ]
    if (sealing) return [...crypt, ...authenticate, ...v128.store(end, y)]
    const given = local('v128')
    const difference = i64.or(v128.lane64(given, 0), v128.lane64(given, 1))
    return [
      ...set(given, v128.load(length, DATA)),
      ...authenticate,
      ...set(given, v128.xor(given, y)), // all 128 bits at once: constant time
      ...when(i64.eqz(difference), crypt),
      ...i64.eqz(difference),
    ]
  })
}

export const bytes = assemble([counters, prepare, recordFunction('seal', true), recordFunction('open', false)], {
  pages: PAGES,
  maximumPages: MAXIMUM_PAGES,
})

// What AES counter mode (NIST SP 800-38A §6.5) is besides AES: counter blocks and XOR. The counter is in the last two bytes of a block and starts at
// 0, the 14 bytes in front of it are the nonce (RFC 3711 §4.1.1).
//
// Exports
//   counters(blocks, nonces)    writes to COUNTERS, for so many nonces from the one at NONCE on, the counter blocks 0, 1, … blocks - 1
//   crypt(length)               XORs the stream at STREAM onto `length` bytes at DATA

import { assemble, doWhile, func, i32, loopWhile, set, v128 } from './assembler.mjs'

// Memory layout, in bytes. The other side of it is src/wasm/ctr.ts.
export const NONCE = 0 // 16 bytes, the last two zero
export const STREAM = 512
export const DATA = 4096
export const COUNTERS = 8192
const PAGES = 1

const ZERO = i32.const(0)

const counters = func('counters', ['i32', 'i32'], [], ({ parameters: [blocks, nonces], local }) => {
  const nonce = local('v128')
  const at = local('i32')
  const counter = local('i32')
  return [
    ...set(nonce, v128.load(ZERO, NONCE)),
    ...set(at, i32.const(COUNTERS)),
    ...doWhile(
      [
        ...set(counter, ZERO),
        ...doWhile(
          [
            ...v128.store(at, nonce),
            // Fewer than 256 blocks: the counter is the last byte.
            ...i32.store8(at, counter, 15),
            ...set(at, i32.add(at, i32.const(16))),
            ...set(counter, i32.add(counter, i32.const(1))),
          ],
          i32.ltU(counter, blocks),
        ),
        // The next nonce differs in its last byte, number 13 of the block; the caller sees to it that this byte does not overflow.
        ...set(nonce, v128.add32(nonce, v128.const([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]))),
        ...set(nonces, i32.sub(nonces, i32.const(1))),
      ],
      nonces,
    ),
  ]
})

const crypt = func('crypt', ['i32'], [], ({ parameters: [length], local }) => {
  const at = local('i32')
  return loopWhile(i32.ltU(at, length), [
    ...v128.store(at, v128.xor(v128.load(at, DATA), v128.load(at, STREAM)), DATA),
    ...set(at, i32.add(at, i32.const(16))),
  ])
})

export const bytes = assemble([counters, crypt], { pages: PAGES, maximumPages: PAGES })

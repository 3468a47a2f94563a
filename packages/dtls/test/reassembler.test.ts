import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeFragment,
  encodeMessage,
  HANDSHAKE_HEADER_LENGTH,
  writeHandshakeHeader,
} from '../src/handshake/header.ts'
import type { Fragment } from '../src/handshake/header.ts'
import { Reassembler } from '../src/reassembler.ts'

fc.configureGlobal({ seed: 6347 })

function fragment(messageSeq: number, body: Uint8Array, from: number, to: number, type = 11): Fragment {
  return { type, length: body.length, messageSeq, fragmentOffset: from, body: body.subarray(from, to) }
}

function bodyOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255)
}

describe('reassembly', () => {
  it('puts messages together from fragments in any order, overlapping and repeated', () => {
    const lengths = fc.array(fc.nat(400), { minLength: 1, maxLength: 6 })
    const cuts = fc.array(fc.tuple(fc.nat(5), fc.nat(400), fc.nat(400)), { maxLength: 40 })
    fc.assert(
      fc.property(lengths, cuts, fc.nat(1000), (sizes, extra, shuffle) => {
        const bodies = sizes.map((size, i) => bodyOf(size, i))
        const fragments: Fragment[] = []
        bodies.forEach((body, seq) => {
          const middle = body.length >> 1
          fragments.push(fragment(seq, body, 0, middle), fragment(seq, body, middle, body.length))
        })
        for (const [seq, a, b] of extra) {
          const body = bodies[seq % bodies.length]!
          const from = Math.min(a, b, body.length)
          fragments.push(fragment(seq % bodies.length, body, from, Math.min(Math.max(a, b), body.length)))
        }
        const order = fragments.map((item, i) => ({ item, key: (i * 7919 + shuffle * 104729) % 1009 }))
        order.sort((a, b) => a.key - b.key)
        const reassembler = new Reassembler(4096)
        const whole: Uint8Array[] = []
        for (const { item } of order) {
          reassembler.add(item, 0)
          for (let message = reassembler.next(); message !== undefined; message = reassembler.next()) {
            whole.push(message.body)
            expect(message.raw).toEqual(encodeMessage(11, message.messageSeq, message.body))
          }
        }
        expect(whole).toEqual(bodies)
      }),
    )
  })

  it('takes a message of one empty fragment', () => {
    const reassembler = new Reassembler(4096)
    reassembler.add(fragment(0, new Uint8Array(0), 0, 0, 14), 0)
    expect(reassembler.next()).toMatchObject({ type: 14, body: new Uint8Array(0) })
  })

  it('refuses what is old, too far ahead, or too large', () => {
    const reassembler = new Reassembler(1000)
    reassembler.reset(5)
    expect(reassembler.add(fragment(4, bodyOf(10), 0, 10), 0)).toBe(false)
    expect(reassembler.add(fragment(21, bodyOf(10), 0, 10), 0)).toBe(false)
    expect(reassembler.add(fragment(5, bodyOf(1001), 0, 10), 0)).toBe(false)
    expect(reassembler.add(fragment(20, bodyOf(1000), 0, 10), 0)).toBe(true)
    expect(reassembler.next()).toBeUndefined()
  })

  it('lets the next message in however much is waiting ahead of it', () => {
    const reassembler = new Reassembler(1000)
    let kept = 0
    for (let seq = 15; seq >= 1; seq--) if (reassembler.add(fragment(seq, bodyOf(1000), 0, 1), 0)) kept++
    // Nearer ones push farther ones out: two thousand bytes at a time.
    expect(kept).toBe(15)
    expect(reassembler.add(fragment(14, bodyOf(1000), 0, 1), 0)).toBe(false)
    reassembler.add(fragment(0, bodyOf(1000), 0, 1000), 0)
    expect(reassembler.next()?.body).toEqual(bodyOf(1000))
  })

  it('believes the newer opinion when fragments contradict each other', () => {
    const reassembler = new Reassembler(1000)
    const body = bodyOf(100)
    reassembler.add(fragment(0, bodyOf(200, 9), 0, 150), 0) // forged: another length
    reassembler.add(fragment(0, body, 0, 50, 2), 0) // forged: another type
    reassembler.add(fragment(0, body, 0, 50), 0)
    reassembler.add(fragment(0, body, 50, 100), 0)
    expect(reassembler.next()).toMatchObject({ type: 11, epoch: 0, body })
  })

  it('believes what came under the keys, whatever comes without', () => {
    const reassembler = new Reassembler(1000)
    const body = bodyOf(100)
    reassembler.add(fragment(0, bodyOf(80, 9), 0, 80), 0)
    expect(reassembler.add(fragment(0, body, 0, 50), 1)).toBe(true)
    expect(reassembler.add(fragment(0, bodyOf(80, 9), 0, 80), 0)).toBe(false)
    expect(reassembler.add(fragment(0, bodyOf(100, 9), 0, 100), 0)).toBe(false)
    reassembler.add(fragment(0, body, 50, 100), 1)
    expect(reassembler.next()).toMatchObject({ type: 11, epoch: 1, body })
  })
})

describe('a fragment header', () => {
  it('is refused when it is cut, reaches beyond its message or beyond its record', () => {
    const message = encodeMessage(1, 3, bodyOf(20))
    expect(decodeFragment(message, 0)).toMatchObject({ type: 1, messageSeq: 3, length: 20, fragmentOffset: 0 })
    for (let length = 0; length < message.length; length++) {
      expect(decodeFragment(message.subarray(0, length), 0)).toBeUndefined()
    }
    const beyond = message.slice()
    writeHandshakeHeader(beyond, 0, 1, 20, 3, 1, 20)
    expect(decodeFragment(beyond, 0)).toBeUndefined()
    writeHandshakeHeader(beyond, 0, 1, 0xffffff, 3, 0xfffff0, 0xfffff0)
    expect(decodeFragment(beyond, 0)).toBeUndefined()
    expect(decodeFragment(message, HANDSHAKE_HEADER_LENGTH)).toBeUndefined()
  })
})

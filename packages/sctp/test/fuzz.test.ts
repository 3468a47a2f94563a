import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Association } from '../src/index.ts'
import type { SctpError } from '../src/index.ts'
import { Pair, pattern, seeded, seededBytes } from './pair.ts'
import { packet, seal, tagOf } from './wire.ts'

fc.configureGlobal({ seed: 9260, numRuns: 300 })

/** Drains, ticks along, and checks what must hold whatever came in. */
function settle(association: Association, now: number): void {
  let count = 0
  for (let p = association.pollTransmit(now); p !== undefined; p = association.pollTransmit(now)) {
    expect(p.length).toBeLessThanOrEqual(1500)
    expect(++count).toBeLessThan(2000)
  }
  while (association.pollEvent() !== undefined);
  const { deadline } = association
  expect(deadline > now || deadline === Infinity || association.state === 'closed').toBe(true)
  if (association.bytesInFlight < 0) throw new Error('bytes in flight below zero')
}

test('any bytes to a new association', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, sealed) => {
      const association = new Association({ now: 0, random: seededBytes(1) })
      if (sealed && bytes.length >= 12) {
        bytes.set([0x13, 0x88, 0x13, 0x88])
        seal(bytes)
      }
      association.receive(bytes, 0)
      settle(association, 0)
    }),
  )
})

test('any chunk to an established association', () => {
  const chunk = fc
    .tuple(
      fc.oneof(
        fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 14, 64, 130, 192, 194),
        fc.integer({ min: 0, max: 255 }),
      ),
      fc.integer({ min: 0, max: 255 }),
      fc.uint8Array({ maxLength: 60 }),
      fc.integer({ min: -3, max: 3 }),
    )
    .map(([type, flags, value, lie]) => {
      const out = new Uint8Array((4 + value.length + 3) & ~3)
      out.set([type, flags, 0, 4 + value.length + (lie > 1 ? lie : 0)])
      out.set(value, 4)
      return out
    })
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 12 }), fc.boolean(), (chunks, interleaving) => {
      const pair = new Pair({ delay: 1 }, { interleaving, maxReceiveBuffer: 100_000 })
      let tag = 0
      pair.filter = (bytes, from) => {
        if (from === 1 && tagOf(bytes) !== 0) tag = tagOf(bytes)
        return true
      }
      pair.connect()
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(3000) }, pair.now)
      for (const one of chunks) pair.a.receive(packet(tag, one), pair.now)
      pair.a.receive(packet(tag, ...chunks), pair.now)
      settle(pair.a, pair.now)
      for (let i = 0; i < 5; i++) {
        const at = Math.min(pair.a.deadline, pair.now + 10_000)
        pair.now = at
        pair.a.tick(at)
        settle(pair.a, at)
      }
      expect(pair.a['core'].receiver!.window.held).toBeGreaterThanOrEqual(0)
      expect(pair.a['core'].receiver!.window.held).toBeLessThanOrEqual(125_000)
    }),
  )
})

test('changed packets of a running transfer, with their checksums made right', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed)
    const pair = new Pair({ delay: 5, seed }, { interleaving: seed % 2 === 0, maxReceiveBuffer: 200_000 }).connect()
    pair.filter = (bytes, from) => {
      if (random() > 0.2) return true
      const copy = bytes.slice(0, random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length)
      for (let i = 0; i < 1 + random() * 4; i++) {
        const at = 12 + Math.floor(random() * Math.min(copy.length - 12, 40))
        if (at < copy.length) copy[at] = Math.floor(random() * 256)
      }
      if (copy.length >= 12) seal(copy)
      pair.inject(copy, 1 - from, 5)
      return random() < 0.5
    }
    for (let i = 0; i < 40; i++) {
      for (const end of pair.ends) {
        if (end.state !== 'established') continue
        try {
          const maxRetransmits = i % 3 ? 1 : Infinity
          end.send({ streamId: i % 5, ppid: 53, data: pattern(1 + i * 200), maxRetransmits }, pair.now)
        } catch (error) {
          expect((error as SctpError).code).toBe('ERR_SCTP_STREAM_RESETTING')
        }
        if (i % 10 === 9) end.resetStreams([i % 4])
      }
      pair.run(20)
    }
    pair.run(3000)
    for (const end of pair.ends) {
      const receiver = end['core'].receiver!
      expect(receiver.window.held).toBeGreaterThanOrEqual(0)
      expect(receiver.window.held).toBeLessThanOrEqual(250_000)
      expect(end.bytesInFlight).toBeGreaterThanOrEqual(0)
    }
  }
})

import { describe, expect, test } from 'vitest'
import { encodeInit } from '../src/packet/init.ts'
import * as types from '../src/packet/types.ts'
import { encodeParameter, STATE_COOKIE } from '../src/parameter/parameter.ts'
import { writeUint16 } from '../src/bytes.ts'
import { Association } from '../src/index.ts'
import { Pair, pattern, seededBytes } from './pair.ts'
import { chunksOf, has, packet, seal, tagOf } from './wire.ts'

/** Queues some messages at both ends, the first of them large. */
function queue(pair: Pair): void {
  for (const end of pair.ends) {
    for (let i = 0; i < 4; i++)
      end.send({ streamId: i % 2, ppid: 53, data: pattern(i === 0 ? 30_000 : 20, i) }, pair.now)
    end.send({ streamId: 2, ppid: 53, data: pattern(7), unordered: true }, pair.now)
  }
}

function arrived(pair: Pair): boolean {
  return [0, 1].every((end) => pair.messages(end).length >= 5)
}

describe('messages that go with the COOKIE ECHO', () => {
  for (const interleaving of [false, true]) {
    test(`survive it when both sides connect, whatever crosses what, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      for (let skew = 0; skew <= 45; skew += 1) {
        for (const loss of [0, 0.25]) {
          const pair = new Pair({ delay: 10, loss, seed: skew + 1 }, { interleaving, maxRetransmissions: 50 })
          queue(pair)
          pair.a.connect(0)
          pair.run(skew)
          pair.b.connect(pair.now)
          expect(pair.runUntil(() => arrived(pair), 120_000)).toBe(true)
          pair.run(2000)
          for (const end of [0, 1]) {
            expect(pair.messages(end)).toHaveLength(5)
            const lengths = pair.events[end]!.flatMap((e) =>
              e.type === 'message' && e.streamId === 0 ? [e.data.length] : [],
            )
            expect(lengths).toEqual([30_000, 20])
          }
          expect(pair.a.totalBufferedAmount).toBe(0)
          expect(pair.a.stats.messagesSent).toBe(5)
          expect(pair.a.stats.restarts + pair.b.stats.restarts).toBe(0)
        }
      }
    })
  }

  test('survive a cookie that has become stale', () => {
    const pair = new Pair({ delay: 10 }, { cookieLifetime: 1000 })
    queue(pair)
    pair.a.resetStreams([1])
    let block = true
    pair.filter = (bytes) => !(block && has(bytes, types.COOKIE_ECHO))
    pair.a.connect(0)
    pair.run(1200)
    block = false
    expect(pair.runUntil(() => arrived(pair), 30_000)).toBe(true)
    expect(pair.b.stats.dropped.staleCookie).toBeGreaterThan(0)
    expect(pair.runUntil(() => pair.types(0).includes('outgoing-reset'), 1000)).toBe(true)
  })
})

test('a peer that finds every cookie stale is given up', () => {
  const pair = new Pair({ delay: 10 }, { maxInitRetransmissions: 3, cookieLifetime: 1 })
  pair.a.connect(0)
  pair.run(60_000)
  expect(pair.events[0].at(-1)).toMatchObject({ type: 'aborted', error: { code: 'ERR_SCTP_TIMEOUT' } })
  expect(pair.a.stats.packetsSent).toBeLessThan(20)
})

test('an INIT that is refused ends its sender at once: the ABORT has the tag that he expects', () => {
  for (const offset of [16, 18]) {
    const pair = new Pair({ delay: 10 })
    pair.filter = (bytes, from) => {
      if (from === 0 && bytes[12] === types.INIT) {
        writeUint16(bytes, 12 + offset - 4, 0)
        seal(bytes)
      }
      return true
    }
    pair.a.connect(0)
    expect(pair.runUntil(() => pair.types(0).includes('aborted'), 100)).toBe(true)
    const error = { code: 'ERR_SCTP_PEER_ABORT', causeCode: 7 }
    expect(pair.events[0]).toMatchObject([{ type: 'aborted', error }])
  }
})

describe('a state cookie', () => {
  for (const reusePackets of [false, true]) {
    test(`larger than a packet goes back whole, ${reusePackets ? 'in place' : 'in slabs'}`, () => {
      const association = new Association({ now: 0, random: seededBytes(1), reusePackets })
      association.send({ streamId: 0, ppid: 53, data: pattern(100) }, 0)
      association.connect(0)
      const init = association.pollTransmit(0)!
      const cookie = pattern(30_000)
      const reply = encodeInit(types.INIT_ACK, {
        initiateTag: 5,
        receiverWindow: 100_000,
        outboundStreams: 10,
        inboundStreams: 10,
        initialTsn: 1,
        parameters: encodeParameter(STATE_COOKIE, cookie),
      })
      association.receive(
        packet(
          chunksOf(init)[0]!
            .bytes.slice(4, 8)
            .reduce((n, byte) => n * 256 + byte, 0),
          reply,
        ),
        10,
      )
      const echo = association.pollTransmit(10)!
      expect(tagOf(echo)).toBe(5)
      expect(Buffer.compare(chunksOf(echo)[0]!.bytes.subarray(4), cookie)).toBe(0)
      expect(association.pollTransmit(10)).toBe(undefined)
    })
  }
})

test('a lost COOKIE ECHO does not make the answerer believe in a long path', () => {
  const pair = new Pair({ delay: 10 })
  let lost = 0
  pair.filter = (bytes) => !(has(bytes, types.COOKIE_ECHO) && lost++ < 4)
  pair.connect()
  expect(pair.now).toBeGreaterThan(2000)
  expect(pair.b.smoothedRoundTripTime ?? 20).toBeLessThan(500)
})

import { describe, expect, test } from 'vitest'
import { Association, SctpError } from '../src/index.ts'
import { readUint32 } from '../src/bytes.ts'
import { encodeInit } from '../src/packet/init.ts'
import * as types from '../src/packet/types.ts'
import { encodeParameter } from '../src/parameter/parameter.ts'
import { Pair, pattern, seededBytes } from './pair.ts'
import { chunksOf, has, packet, tagOf } from './wire.ts'

function connected(pair: Pair): boolean {
  return pair.a.state === 'established' && pair.b.state === 'established'
}

/** Sends a message each way and sees it arrive. */
function expectAlive(pair: Pair): void {
  const before = [pair.messages(0).length, pair.messages(1).length]
  pair.a.send({ streamId: 0, ppid: 53, data: pattern(3000, 1) }, pair.now)
  pair.b.send({ streamId: 0, ppid: 53, data: pattern(3000, 2) }, pair.now)
  pair.runUntil(() => pair.messages(0).length > before[0]! && pair.messages(1).length > before[1]!, 60_000)
  expect(Buffer.compare(pair.messages(0).at(-1)!, pattern(3000, 2))).toBe(0)
  expect(Buffer.compare(pair.messages(1).at(-1)!, pattern(3000, 1))).toBe(0)
}

describe('handshake', () => {
  test('takes two round trips, and data goes with the COOKIE ECHO', () => {
    const pair = new Pair({ delay: 50 })
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(100) }, 0)
    pair.a.connect(0)
    expect(pair.runUntil(() => pair.b.stats.messagesReceived === 1, 1000)).toBe(true)
    expect(pair.now).toBe(150)
    expect(pair.types(1).slice(0, 2)).toEqual(['connected', 'message'])
  })

  test('tells what was negotiated', () => {
    const pair = new Pair(
      {},
      { zeroChecksum: true, interleaving: true, outboundStreams: 100 },
      { zeroChecksum: true, interleaving: true, inboundStreams: 20, partialReliability: false },
    ).connect()
    expect(pair.a.negotiated).toEqual({
      outboundStreams: 20,
      inboundStreams: 65_535,
      interleaving: true,
      partialReliability: false,
      streamReset: true,
      zeroChecksumSent: true,
      zeroChecksumReceived: true,
    })
    expect(pair.b.negotiated!.inboundStreams).toBe(20)
    expect(() => pair.a.send({ streamId: 20, ppid: 1, data: pattern(1) }, 0)).toThrow(SctpError)
  })

  test('each direction has its own zero checksum', () => {
    const zero = [0, 0]
    const real = [0, 0]
    const pair = new Pair({ delay: 1 }, { zeroChecksum: true }, { zeroChecksum: false })
    pair.filter = (bytes, from) => {
      if (readUint32(bytes, 8) === 0) zero[from]!++
      else real[from]!++
      return true
    }
    pair.connect()
    expectAlive(pair)
    expect(zero).toEqual([0, 0])

    const both = new Pair({ delay: 1 }, { zeroChecksum: true })
    both.filter = (bytes, from) => {
      const first = bytes[12]
      const mustBeReal = first === types.INIT || first === types.COOKIE_ECHO || first === types.INIT_ACK
      expect(readUint32(bytes, 8) !== 0).toBe(mustBeReal)
      zero[from]!++
      return true
    }
    both.connect()
    expectAlive(both)
    expect(zero[0]! * zero[1]!).toBeGreaterThan(0)
  })

  test('a zero checksum that was not agreed on is a wrong one', () => {
    const pair = new Pair({}, { zeroChecksum: false }).connect()
    const bytes = packet(1, Uint8Array.of(4, 0, 0, 4))
    bytes.fill(0, 8, 12)
    pair.a.receive(bytes, pair.now)
    expect(pair.a.stats.dropped.checksum).toBe(1)
  })

  for (const [name, skew] of [
    ['in the same instant', 0],
    ['a little apart', 3],
    ['half a round trip apart', 10],
    ['more than a round trip apart', 25],
  ] as const) {
    test(`both sides connect at once: ${name}`, () => {
      for (const link of [{ delay: 10 }, { delay: 10, loss: 0.2, jitter: 20, seed: 11 }]) {
        const pair = new Pair(link)
        pair.a.connect(0)
        pair.run(skew)
        pair.b.connect(pair.now)
        expect(pair.runUntil(() => connected(pair), 60_000)).toBe(true)
        pair.run(5000)
        expectAlive(pair)
        expect(pair.types(0).filter((type) => type === 'connected')).toHaveLength(1)
        expect(pair.types(1).filter((type) => type === 'connected')).toHaveLength(1)
        expect(pair.a.stats.restarts + pair.b.stats.restarts).toBe(0)
      }
    })
  }

  test('both connect at once over 60 bad links', () => {
    for (let seed = 0; seed < 60; seed++) {
      const pair = new Pair(
        { delay: 10, jitter: 30, loss: 0.3, duplicate: 0.2, reorder: 0.2, seed },
        { maxInitRetransmissions: Infinity, maxRetransmissions: Infinity },
      )
      pair.a.connect(0)
      pair.run(seed % 40)
      pair.b.connect(pair.now)
      expect(pair.runUntil(() => connected(pair), 300_000)).toBe(true)
      expectAlive(pair)
      expect(pair.a.stats.restarts + pair.b.stats.restarts).toBe(0)
    }
  })

  test('gives up when nobody answers', () => {
    const pair = new Pair({ loss: 1 }, { maxInitRetransmissions: 3 })
    pair.a.connect(0)
    pair.run(60_000)
    expect(pair.events[0]).toHaveLength(1)
    const [event] = pair.events[0]
    expect(event!.type === 'aborted' && event!.error.code).toBe('ERR_SCTP_TIMEOUT')
    expect(pair.a.stats.packetsSent).toBe(4)
    expect(pair.a.deadline).toBe(Infinity)
    expect(() => pair.a.connect(pair.now)).toThrow(SctpError)
  })

  test('a lost COOKIE ACK is made up for by the next COOKIE ECHO', () => {
    const pair = new Pair({ delay: 10 })
    let lost = 0
    pair.filter = (bytes) => !(has(bytes, types.COOKIE_ACK) && lost++ < 2)
    pair.connect()
    expect(connected(pair)).toBe(true)
    expectAlive(pair)
  })

  test('data that overtakes the COOKIE ACK implies it', () => {
    const pair = new Pair({ delay: 10 })
    pair.filter = (bytes) => !has(bytes, types.COOKIE_ACK)
    pair.a.connect(0)
    pair.runUntil(() => pair.b.state === 'established', 1000)
    pair.b.send({ streamId: 0, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(400)
    // The packet with the COOKIE ACK was lost, the retransmission of the data was not.
    expect(pair.a.state).toBe('established')
    expect(pair.types(0)).toEqual(['connected', 'message'])
  })
})

describe('state cookie', () => {
  test('a changed or strange cookie is not taken', () => {
    const pair = new Pair({ delay: 10 })
    pair.filter = (bytes) => {
      if (has(bytes, types.COOKIE_ECHO)) {
        const forged = bytes.slice()
        forged[20]! ^= 1
        pair.b.receive(packet(tagOf(bytes), chunksOf(forged)[0]!.bytes), pair.now)
        pair.b.receive(packet(tagOf(bytes), Uint8Array.of(types.COOKIE_ECHO, 0, 0, 8, 1, 2, 3, 4)), pair.now)
        return false
      }
      return true
    }
    pair.a.connect(0)
    pair.run(100)
    expect(pair.b.state).toBe('closed')
    expect(pair.b.stats.dropped.invalidCookie).toBe(2)
  })

  test('a stale cookie is reported, and a fresh one asked for', () => {
    const pair = new Pair({ delay: 10 }, { cookieLifetime: 1000 })
    let block = true
    pair.filter = (bytes) => !(block && has(bytes, types.COOKIE_ECHO))
    pair.a.connect(0)
    pair.run(1200)
    block = false
    expect(pair.runUntil(() => connected(pair), 30_000)).toBe(true)
    expect(pair.b.stats.dropped.staleCookie).toBeGreaterThan(0)
    expectAlive(pair)
  })

  test('the verification tag of the packet must be the one in the cookie', () => {
    const pair = new Pair({ delay: 10 })
    pair.filter = (bytes) => {
      if (!has(bytes, types.COOKIE_ECHO)) return true
      pair.b.receive(packet(tagOf(bytes) ^ 1, chunksOf(bytes)[0]!.bytes), pair.now)
      return false
    }
    pair.a.connect(0)
    pair.run(100)
    expect(pair.b.state).toBe('closed')
  })
})

describe('restart (RFC 9260 §5.2.4 A)', () => {
  test('a peer that lost everything is taken back', () => {
    const pair = new Pair({ delay: 10 }).connect()
    expectAlive(pair)
    for (let i = 0; i < 40; i++) pair.a.send({ streamId: 1, ppid: 53, data: pattern(5000, i) }, pair.now)
    pair.run(15)
    pair.ends[1] = new Association({ now: pair.now, random: seededBytes(77) })
    pair.events[0].length = 0
    pair.events[1].length = 0
    pair.b.connect(pair.now)
    expect(pair.runUntil(() => pair.types(0).includes('restarted') && pair.b.state === 'established', 5000)).toBe(true)
    expect(pair.a.stats.restarts).toBe(1)
    expect(pair.a.totalBufferedAmount).toBe(0)
    expect(pair.types(0)).not.toContain('connected')
    expectAlive(pair)
  })

  test('a peer that restarts before its last COOKIE ACK has come is taken for new, not for the old one with another tag', () => {
    const pair = new Pair({ delay: 10 })
    pair.filter = (bytes, from) => {
      if (from === 0 || !has(bytes, types.COOKIE_ACK)) return true
      // It will be late, after the INIT of the next and before its COOKIE ECHO.
      pair.inject(bytes, 0, 20)
      return false
    }
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10) }, 0)
    pair.a.connect(0)
    pair.run(32)
    expect([pair.a.state, pair.b.state]).toEqual(['cookie-echoed', 'established'])
    pair.filter = () => true
    pair.ends[1] = new Association({ now: pair.now, random: seededBytes(79) })
    pair.b.connect(pair.now)
    pair.run(20)
    expect(pair.a.state).toBe('established')
    pair.run(2000)
    expect(pair.types(0).slice(-2)).toEqual(['connected', 'restarted'])
    expect(pair.a['core'].peerInitialTsn).toBe(pair.b['core'].localInitialTsn)
    expectAlive(pair)
  })

  test('messages from before that wait to be taken are not lost, and still count', () => {
    const pair = new Pair({ delay: 10 }).connect()
    pair.polls[0] = false
    for (let i = 0; i < 5; i++) pair.b.send({ streamId: 1, ppid: 53, data: pattern(2000, i) }, pair.now)
    pair.run(500)
    pair.ends[1] = new Association({ now: pair.now, random: seededBytes(78) })
    pair.b.connect(pair.now)
    pair.run(500)
    const { window } = pair.a['core'].receiver!
    expect([window.held, window.heldChunks]).toEqual([10_000, 5])
    pair.polls[0] = true
    expectAlive(pair)
    expect([window.held, window.heldChunks]).toEqual([0, 0])
    expect(pair.messages(0)).toHaveLength(6)
  })

  test('an INIT alone changes nothing', () => {
    const pair = new Pair({ delay: 10 }).connect()
    const init = encodeInit(types.INIT, {
      initiateTag: 99,
      receiverWindow: 100_000,
      outboundStreams: 1,
      inboundStreams: 1,
      initialTsn: 5,
      parameters: new Uint8Array(0),
    })
    for (let i = 0; i < 1000; i++) pair.a.receive(packet(0, init), pair.now)
    let answers = 0
    for (let p = pair.a.pollTransmit(pair.now); p !== undefined; p = pair.a.pollTransmit(pair.now)) answers++
    expect(answers).toBeLessThanOrEqual(8)
    expect(pair.a.stats.dropped.limit).toBeGreaterThan(900)
    expectAlive(pair)
  })
})

describe('INIT of every kind', () => {
  const base = { initiateTag: 7, receiverWindow: 100_000, outboundStreams: 1, inboundStreams: 1, initialTsn: 5 }
  const empty = new Uint8Array(0)

  function answer(bytes: Uint8Array): Uint8Array[] {
    const association = new Association({ now: 0, random: seededBytes(1) })
    association.receive(bytes, 0)
    const out: Uint8Array[] = []
    for (let p = association.pollTransmit(0); p !== undefined; p = association.pollTransmit(0)) out.push(p)
    return out
  }

  test('nothing is remembered', () => {
    const [reply] = answer(packet(0, encodeInit(types.INIT, { ...base, parameters: empty })))
    expect(tagOf(reply!)).toBe(7)
    expect(chunksOf(reply!)[0]!.type).toBe(types.INIT_ACK)
  })

  test('no streams, too small a window, a host name: ABORT', () => {
    const host = encodeParameter(11, Uint8Array.of(104, 105, 0))
    for (const init of [
      { ...base, outboundStreams: 0, parameters: empty },
      { ...base, inboundStreams: 0, parameters: empty },
      { ...base, receiverWindow: 1499, parameters: empty },
      { ...base, parameters: host },
      { ...base, parameters: Uint8Array.of(0, 7, 0, 99) },
    ]) {
      const replies = answer(packet(0, encodeInit(types.INIT, init)))
      expect(replies.map((reply) => chunksOf(reply)[0]!.type)).toEqual([types.ABORT])
    }
  })

  test('a tag of 0, a verification tag, or a second chunk: silence', () => {
    const init = encodeInit(types.INIT, { ...base, parameters: empty })
    expect(answer(packet(0, encodeInit(types.INIT, { ...base, initiateTag: 0, parameters: empty })))).toEqual([])
    expect(answer(packet(3, init))).toEqual([])
    expect(answer(packet(0, init, Uint8Array.of(4, 0, 0, 4)))).toEqual([])
  })

  test('unknown parameters are skipped or stop, and are reported or not, by their highest bits', () => {
    const reported = (type: number): number => {
      const parameters = encodeParameter(type, Uint8Array.of(1, 2, 3, 4))
      const [reply] = answer(packet(0, encodeInit(types.INIT, { ...base, parameters })))
      const value = chunksOf(reply!)[0]!.bytes.subarray(20)
      let found = 0
      for (let at = 0; at + 4 <= value.length;) {
        if (value[at] === 0 && value[at + 1] === 8) found++
        at += (((value[at + 2]! << 8) | value[at + 3]!) + 3) & ~3
      }
      return found
    }
    expect([0x0777, 0x4777, 0x8777, 0xc777].map(reported)).toEqual([0, 1, 0, 1])
  })
})

test('secrets differ from association to association', () => {
  const make = (): string => {
    const association = new Association({ now: 0 })
    association.connect(0)
    return association.pollTransmit(0)!.toString()
  }
  expect(make()).not.toBe(make())
})

import { describe, expect, test } from 'vitest'
import { Association, SctpError } from '../src/index.ts'
import { encodeAbort } from '../src/packet/abort.ts'
import { encodeShutdown } from '../src/packet/shutdown.ts'
import * as types from '../src/packet/types.ts'
import { encodeSack } from '../src/packet/sack.ts'
import { Pair, pattern, seededBytes } from './pair.ts'
import { victim } from './victim.ts'
import { chunksOf, has, packet, tagOf } from './wire.ts'

describe('shutdown (RFC 9260 §9.2)', () => {
  test('delivers what is queued on both sides first', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const pair = new Pair({ delay: 20, loss: seed > 3 ? 0.2 : 0, seed }).connect()
      for (let i = 0; i < 30; i++) {
        pair.a.send({ streamId: 0, ppid: 53, data: pattern(4000, i) }, pair.now)
        pair.b.send({ streamId: 0, ppid: 53, data: pattern(4000, i) }, pair.now)
      }
      pair.a.shutdown()
      expect(() => pair.a.send({ streamId: 0, ppid: 53, data: pattern(1) }, pair.now)).toThrow(SctpError)
      expect(pair.runUntil(() => pair.types(0).includes('closed') && pair.types(1).includes('closed'), 120_000)).toBe(
        true,
      )
      expect(pair.messages(0)).toHaveLength(30)
      expect(pair.messages(1)).toHaveLength(30)
      expect(pair.types(0).at(-1)).toBe('closed')
      expect(pair.types(1).at(-1)).toBe('closed')
      pair.run(60_000)
      expect(pair.a.deadline).toBe(Infinity)
      expect(pair.b.deadline).toBe(Infinity)
    }
  })

  test('of both sides at once', () => {
    for (let seed = 0; seed < 60; seed++) {
      const pair = new Pair(
        { delay: 20, loss: seed % 2 ? 0.3 : 0, jitter: 10, seed },
        { maxRetransmissions: 30 },
      ).connect()
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(4000) }, pair.now)
      pair.b.send({ streamId: 0, ppid: 53, data: pattern(4000) }, pair.now)
      pair.a.shutdown()
      pair.run(seed)
      pair.b.shutdown()
      pair.run(300_000)
      expect(pair.a.state).toBe('closed')
      expect(pair.b.state).toBe('closed')
      expect(pair.messages(0)).toHaveLength(1)
      expect(pair.messages(1)).toHaveLength(1)
      expect(pair.types(0).at(-1)).toBe('closed')
      expect(pair.types(1).at(-1)).toBe('closed')
    }
  })

  test('a lost SHUTDOWN COMPLETE: the repeated SHUTDOWN ACK is answered though all is forgotten', () => {
    const pair = new Pair({ delay: 20 }).connect()
    let lost = 0
    pair.filter = (bytes) => !(has(bytes, types.SHUTDOWN_COMPLETE) && lost++ < 2)
    pair.a.shutdown()
    expect(pair.runUntil(() => pair.types(1).includes('closed'), 20_000)).toBe(true)
    expect(lost).toBe(3)
  })

  test('a peer that never completes it is given up', () => {
    const pair = new Pair({ delay: 20 }, { maxRetransmissions: Infinity, rtoMax: 2000 }).connect()
    pair.filter = (bytes) => !has(bytes, types.SHUTDOWN)
    pair.a.shutdown()
    pair.run(30_000)
    const last = pair.events[0].at(-1)!
    expect(last.type === 'aborted' && last.error.code).toBe('ERR_SCTP_TIMEOUT')
    expect(pair.types(1).at(-1)).toBe('aborted')
  })

  test('that was asked for survives a restart of the peer', () => {
    const pair = new Pair({ delay: 20 }).connect()
    pair.filter = (bytes, from) => from === 1 || !has(bytes, types.SHUTDOWN)
    pair.a.shutdown()
    pair.run(30)
    expect(pair.a.state).toBe('shutdown-sent')
    pair.filter = () => true
    pair.ends[1] = new Association({ now: pair.now, random: seededBytes(99) })
    pair.b.connect(pair.now)
    expect(pair.runUntil(() => pair.types(0).includes('closed') && pair.types(1).includes('closed'), 1000)).toBe(true)
    expect(pair.types(0)).toEqual(['connected', 'restarted', 'closed'])
  })

  test('leaves no time in the past behind, though what waits for its pace is acknowledged after all', () => {
    const { pair, hit, ownTsn } = victim({ interleaving: false }, 50)
    for (let i = 0; i < 10; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(1100, i) }, pair.now)
    pair.flush()
    expect(pair.a.totalBufferedAmount).toBe(0)
    pair.a.shutdown()
    const { sender } = pair.a['core']
    const sent = sender!.data.next
    hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[sent - 1, sent]]))
    pair.flush()
    expect(sender!['pacer'].deadline).toBeGreaterThan(pair.now)
    hit(encodeSack((ownTsn + sent - 1) >>> 0, 1e6))
    pair.flush()
    expect(pair.a.state).toBe('shutdown-sent')
    pair.now += 100
    pair.flush()
    expect(pair.a.deadline).toBeGreaterThan(pair.now)
  })

  test('before the handshake is done it ends at once', () => {
    const pair = new Pair({ delay: 20 })
    pair.a.connect(0)
    pair.run(5)
    pair.a.shutdown()
    pair.run(10_000)
    expect(pair.types(0)).toEqual(['closed'])
    expect(pair.b.state).toBe('closed')
    pair.a.shutdown()
    pair.a.abort()
    expect(pair.a.pollEvent()).toBeUndefined()
  })
})

describe('abort (RFC 9260 §9.1)', () => {
  test('tells the peer why', () => {
    const pair = new Pair({ delay: 20 }).connect()
    pair.a.abort('bye \u0007 now')
    pair.run(1000)
    const [, mine] = pair.events[0]
    const [, other] = pair.events[1]
    expect(mine!.type === 'aborted' && mine!.error.code).toBe('ERR_SCTP_ABORTED')
    expect(other!.type === 'aborted' && other!.error.code).toBe('ERR_SCTP_PEER_ABORT')
    expect(other!.type === 'aborted' && other!.error.message).toContain('bye   now')
    expect(pair.a.deadline).toBe(Infinity)
    expect(() => pair.a.resetStreams([1])).toThrow(SctpError)
  })

  test('counts only with the right verification tag, or the peer tag reflected', () => {
    const pair = new Pair({ delay: 20 })
    const tags: number[] = [0, 0]
    pair.filter = (bytes, from) => {
      tags[1 - from] = tagOf(bytes) || tags[1 - from]!
      return true
    }
    pair.connect()
    const [tagA, tagB] = tags as [number, number]
    pair.a.receive(packet(tagA ^ 1, encodeAbort([], false)), pair.now)
    pair.a.receive(packet(tagB, encodeAbort([], false)), pair.now)
    pair.a.receive(packet(tagA, encodeAbort([], true)), pair.now)
    expect(pair.a.state).toBe('established')
    expect(pair.a.stats.dropped.verificationTag).toBe(3)
    pair.b.receive(packet(tagA, encodeAbort([], true)), pair.now)
    pair.a.receive(packet(tagA, encodeAbort([], false)), pair.now)
    expect(pair.a.state).toBe('closed')
    expect(pair.b.state).toBe('closed')
  })

  test('packets for an association that is gone get an ABORT with the T bit', () => {
    const pair = new Pair({ delay: 20 }).connect()
    pair.filter = (bytes) => !has(bytes, types.ABORT)
    pair.a.abort()
    pair.run(100)
    pair.filter = () => true
    pair.b.send({ streamId: 0, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(1000)
    expect(pair.b.state).toBe('closed')
    expect(pair.a.stats.dropped.outOfTheBlue).toBeGreaterThan(0)
  })

  test('an ABORT is never answered by an ABORT', () => {
    const pair = new Pair()
    pair.a.receive(packet(5, encodeAbort([], false)), 0)
    pair.a.receive(packet(5, Uint8Array.of(4, 0, 0, 4), encodeAbort([], false)), 0)
    expect(pair.a.pollTransmit(0)).toBeUndefined()
    pair.a.receive(packet(5, Uint8Array.of(types.SHUTDOWN_ACK, 0, 0, 4)), 0)
    const reply = pair.a.pollTransmit(0)!
    expect(tagOf(reply)).toBe(5)
    expect(chunksOf(reply)[0]).toMatchObject({ type: types.SHUTDOWN_COMPLETE, flags: 1 })
  })
})

describe('a dead path', () => {
  test('is noticed by data', () => {
    const pair = new Pair({ delay: 20 }, { maxRetransmissions: 5 }).connect()
    pair.link = { delay: 20, loss: 1 }
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(200_000)
    const last = pair.events[0].at(-1)!
    expect(last.type === 'aborted' && last.error.code).toBe('ERR_SCTP_TIMEOUT')
  })

  test('is not: a window that stays too small for a packet, as long as the peer answers', () => {
    const { pair, hit, ownTsn } = victim({ interleaving: false, maxRetransmissions: 3 })
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(5000) }, pair.now)
    pair.flush()
    const { sender } = pair.a['core']
    hit(encodeSack((ownTsn + sender!.data.next - 2) >>> 0, 500))
    for (let i = 0; i < 100; i++) {
      pair.run(1000)
      hit(encodeSack((ownTsn + sender!.data.next - 2) >>> 0, 500))
    }
    expect(pair.a.state).toBe('established')
    pair.run(100_000)
    expect(pair.events[0].at(-1)).toMatchObject({ error: { code: 'ERR_SCTP_TIMEOUT' } })
  })

  test('is noticed by heartbeats alone', () => {
    const pair = new Pair({ delay: 20 }, { maxRetransmissions: 3, heartbeatInterval: 5000 }).connect()
    pair.run(100_000)
    expect(pair.a.state).toBe('established')
    expect(pair.a.stats.heartbeatAcksReceived).toBeGreaterThan(15)
    pair.link = { delay: 20, loss: 1 }
    pair.run(100_000)
    expect(pair.a.state).toBe('closed')
  })

  test('that comes back after 20 s goes on, at once when told', () => {
    for (const told of [false, true]) {
      const pair = new Pair({ delay: 20 }).connect()
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(100_000) }, pair.now)
      pair.run(60)
      pair.link = { delay: 20, loss: 1 }
      pair.run(20_000)
      pair.link = { delay: 20 }
      const back = pair.now
      if (told) pair.a.pathChanged(pair.now)
      expect(pair.runUntil(() => pair.messages(1).length === 1, 30_000)).toBe(true)
      if (told) expect(pair.now - back).toBeLessThan(1000)
    }
  })

  test('is not: a peer in its shutdown that acknowledges by SHUTDOWN alone', () => {
    const { pair, hit, ownTsn } = victim({ interleaving: false, maxRetransmissions: 3 })
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(20_000) }, pair.now)
    pair.flush()
    for (let i = 0; i < 12; i++) {
      // Every packet needs a timeout.
      pair.run(1500)
      hit(encodeShutdown((ownTsn + i) >>> 0))
      pair.flush()
    }
    expect(pair.a.state).toBe('shutdown-received')
    expect(pair.a['core'].errors).toBeLessThan(3)
  })

  test('heartbeats more often than the timeout do not run away', () => {
    const pair = new Pair({ delay: 5 }, { heartbeatInterval: 1 }).connect()
    const before = pair.a.stats.heartbeatsSent
    pair.run(1000)
    expect(pair.a.stats.heartbeatsSent - before).toBeGreaterThan(5)
    expect(pair.a.stats.heartbeatsSent - before).toBeLessThan(100)
  })

  test('an idle association sleeps', () => {
    const pair = new Pair({ delay: 20 }, { heartbeatInterval: 0 }).connect()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(1000)
    expect(pair.a.deadline).toBe(Infinity)
    expect(pair.b.deadline).toBe(Infinity)
  })
})

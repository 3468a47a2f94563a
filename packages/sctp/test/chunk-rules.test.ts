import { describe, expect, test } from 'vitest'
import { encodeAbort } from '../src/packet/abort.ts'
import { encodeChunk } from '../src/packet/chunk.ts'
import { encodeCookieEcho } from '../src/packet/cookie.ts'
import { encodeData } from '../src/packet/data.ts'
import { encodeForwardTsn } from '../src/packet/forward-tsn.ts'
import { encodeInit } from '../src/packet/init.ts'
import { encodeSack } from '../src/packet/sack.ts'
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from '../src/packet/shutdown.ts'
import * as types from '../src/packet/types.ts'
import { encodeParameter, STATE_COOKIE } from '../src/parameter/parameter.ts'
import { plainCause } from '../src/parameter/cause.ts'
import { Pair, pattern } from './pair.ts'
import { data, victim } from './victim.ts'
import { chunksOf, has, packet, tagOf } from './wire.ts'

const DATA_ONLY = { interleaving: false }
const heartbeat = encodeChunk(types.HEARTBEAT, 0, Uint8Array.of(0, 1, 0, 8, 1, 2, 3, 4))
const init = { initiateTag: 7, receiverWindow: 100_000, outboundStreams: 1, inboundStreams: 1, initialTsn: 5 }

function typesOf(packets: readonly Uint8Array[]): number[] {
  return packets.flatMap((bytes) => chunksOf(bytes).map((chunk) => chunk.type))
}

describe('chunks that stand first or alone (RFC 9260 §6.10)', () => {
  test('INIT, INIT ACK, COOKIE ECHO and SHUTDOWN COMPLETE behind another are not taken, nor what follows', () => {
    const cookie = { ...init, parameters: encodeParameter(STATE_COOKIE, pattern(10)) }
    for (const chunk of [
      encodeInit(types.INIT, cookie),
      encodeInit(types.INIT_ACK, cookie),
      encodeCookieEcho(pattern(77)),
      encodeShutdownComplete(false),
    ]) {
      const { pair, hit, out } = victim()
      hit(heartbeat, chunk, heartbeat)
      pair.flush()
      expect(typesOf(out)).toEqual([types.HEARTBEAT_ACK])
      expect(pair.a.stats.dropped.unexpectedChunk).toBe(1)
      expect(pair.a.state).toBe('established')
    }
  })

  test('nothing comes in behind a SHUTDOWN COMPLETE with a reflected tag', () => {
    const { pair, out } = victim()
    const abort = encodeAbort([], false)
    pair.a.receive(packet(pair.a['core'].peerTag, encodeShutdownComplete(true), heartbeat, abort), pair.now)
    pair.flush()
    expect(out).toEqual([])
    expect(pair.a.state).toBe('established')
  })

  test('nothing is taken once the association has ended within the packet', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    hit(encodeAbort([plainCause(12)], false), encodeData(data(tsn)))
    pair.flush()
    expect(pair.types(0)).toEqual(['connected', 'aborted'])
    expect(pair.events[0].at(-1)).toMatchObject({ error: { code: 'ERR_SCTP_PEER_ABORT', causeCode: 12 } })

    const other = victim(DATA_ONLY)
    other.pair.a.shutdown()
    other.pair.flush()
    other.hit(encodeShutdownAck(), encodeData(data(other.tsn)), heartbeat)
    other.pair.flush()
    expect(other.pair.types(0)).toEqual(['connected', 'closed'])
    expect(typesOf(other.out)).toEqual([types.SHUTDOWN, types.SHUTDOWN_COMPLETE])
  })
})

test('every chunk, in every state: nothing throws, nothing but the peer ends it', () => {
  const chunks = (tsn: number): Uint8Array[] => [
    heartbeat,
    encodeData(data(tsn)),
    encodeForwardTsn({ newCumulativeTsn: tsn, skipped: [] }),
    encodeSack(0, 1000),
    encodeShutdown(0),
    encodeShutdownAck(),
    encodeShutdownComplete(false),
    encodeInit(types.INIT_ACK, { ...init, parameters: new Uint8Array(0) }),
    encodeCookieEcho(pattern(77)),
    encodeChunk(types.COOKIE_ACK, 0, new Uint8Array(0)),
    encodeChunk(types.RE_CONFIG, 0, new Uint8Array(12)),
    encodeChunk(types.ERROR, 0, Uint8Array.of(0, 3, 0, 8, 0, 0, 0, 0)),
  ]
  const seen = new Set<string>()
  for (const stop of [0, 5, 15, 25, 42, 45, 55, 65, 75, 85, 95]) {
    for (let which = 0; which < chunks(0).length; which++) {
      const pair = new Pair({ delay: 10 }, { ...DATA_ONLY, maxRetransmissions: 3, maxInitRetransmissions: 3 })
      pair.filter = (bytes) => !has(bytes, types.SHUTDOWN_COMPLETE)
      pair.a.connect(0)
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(20_000) }, 0)
      pair.run(Math.min(stop, 42))
      if (stop > 42) {
        pair.a.shutdown()
        if (which % 2 === 0) pair.b.shutdown()
        pair.run(stop - 42)
      }
      const core = pair.a['core']
      seen.add(core.state)
      pair.a.receive(packet(core.localTag, chunks(core.peerInitialTsn)[which]!), pair.now)
      pair.run(500)
      pair.a.shutdown()
      pair.run(60_000)
      expect(pair.a.state).toBe('closed')
      expect(pair.a.deadline).toBe(Infinity)
    }
  }
  expect([...seen].toSorted()).toEqual([
    'cookie-echoed',
    'cookie-wait',
    'established',
    'shutdown-ack-sent',
    'shutdown-pending',
    'shutdown-received',
    'shutdown-sent',
  ])
})

describe('a packet is never larger than the path', () => {
  for (const reusePackets of [false, true]) {
    test(`a FORWARD-TSN waits for a packet that has room for it, ${reusePackets ? 'in place' : 'in slabs'}`, () => {
      for (let holes = 110; holes < 125; holes++) {
        const { pair, hit, out, tsn, ownTsn } = victim({ ...DATA_ONLY, reusePackets, mtu: 512 })
        const message = { streamId: 0, ppid: 53, data: pattern(400), unordered: true }
        pair.a.send({ ...message, maxRetransmits: 0 }, pair.now)
        for (let i = 0; i < 4; i++) pair.a.send(message, pair.now)
        pair.flush()
        for (let i = 1; i <= holes; i++) hit(encodeData(data(tsn + 2 * i, { unordered: true })))
        hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[2, 5]]))
        out.length = 0
        for (let p = pair.a.pollTransmit(pair.now); p !== undefined; p = pair.a.pollTransmit(pair.now)) {
          expect(p.length).toBeLessThanOrEqual(512)
          out.push(p.slice())
        }
        expect(typesOf(out).toSorted((x, y) => x - y)).toEqual([types.SACK, types.FORWARD_TSN])
      }
    })
  }
})

test('a replayed COOKIE ECHO is answered, and once a packet', () => {
  const pair = new Pair({ delay: 10 })
  let echo: Uint8Array | undefined
  pair.filter = (bytes) => {
    if (bytes[12] === types.COOKIE_ECHO) echo ??= bytes.slice()
    return true
  }
  pair.connect()
  pair.run(100)
  const again = chunksOf(echo!)[0]!.bytes
  pair.b.receive(packet(tagOf(echo!), again, again, again), pair.now)
  const replies: number[] = []
  for (let p = pair.b.pollTransmit(pair.now); p !== undefined; p = pair.b.pollTransmit(pair.now)) {
    replies.push(...typesOf([p]))
  }
  expect(replies).toEqual([types.COOKIE_ACK])
  expect(pair.types(1)).toEqual(['connected'])
})

// Bytes that mean no good, at both ends.
import { attribute, LongTermCredentials, MessageBuilder, methods, type TransportAddress } from '@kaon/stun'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChannelDataWriter, TurnAllocation } from '../src/index.ts'
import { clientAt, CoreHarness, peerAt, RawClient } from './core-harness.ts'
import { user } from './scene.ts'

const run = { seed: 8656, numRuns: 300 }
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength }).map((value) => new Uint8Array(value))
/** Bytes with the right first ones, so that more of them get further. */
const likely = fc.oneof(
  bytes(100),
  fc.tuple(fc.constantFrom(0x40, 0x4f, 0x7f), bytes(60)).map(([first, rest]) => Uint8Array.of(first, ...rest)),
  fc
    .tuple(
      fc.constantFrom('request', 'indication', 'success', 'error' as const),
      fc.integer({ min: 0, max: 12 }),
      fc.array(
        fc.tuple(
          fc.constantFrom(0x06, 0x09, 0x0c, 0x0d, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x22, 0x2a, 0x8000),
          bytes(24),
        ),
        {
          maxLength: 6,
        },
      ),
      fc.boolean(),
    )
    .map(([messageClass, method, attributes, withFingerprint]) => {
      const builder = new MessageBuilder().start(messageClass as 'request', method, new Uint8Array(12))
      for (const [type, value] of attributes) builder.addRaw(type, value)
      return (withFingerprint ? builder.fingerprint() : builder).finish()
    }),
)

/** A client and the core of a server, with everything that one says given to the other. */
class Pair {
  readonly harness: CoreHarness = new CoreHarness()
  readonly allocation: TurnAllocation
  readonly at: TransportAddress = clientAt(7)
  /** What the client has sent. */
  readonly said: Uint8Array[] = []
  /** What the server has sent to it. */
  readonly heard: Uint8Array[] = []

  constructor(options = {}) {
    this.allocation = new TurnAllocation({ credentials: new LongTermCredentials(user), ...options })
  }

  exchange(now = this.harness.now): void {
    this.harness.now = now
    for (let round = 0; round < 20; round++) {
      const datagram = this.allocation.pollTransmit(now)
      if (datagram === undefined) return
      this.said.push(datagram.slice())
      this.harness.sent.length = 0
      this.harness.receive(datagram, this.at)
      for (const { via, data } of this.harness.sent) {
        if (via !== this.harness.link) continue
        this.heard.push(data.slice())
        this.allocation.receive(data, now)
      }
    }
  }

  static allocated(options = {}): Pair {
    const pair = new Pair(options)
    pair.allocation.allocate(0)
    pair.exchange()
    expect(pair.allocation.state).toBe('allocated')
    return pair
  }
}

/** One byte, or the length, is another. */
function damage(message: Uint8Array, index: number, change: number): Uint8Array {
  const other = message.slice(0, message.length - (change % 5 === 0 ? index % message.length : 0))
  if (other.length > 0) other[index % other.length]! ^= change
  return other
}

describe('the server', () => {
  it('survives any bytes from clients and peers, and answers no more than was said', () => {
    fc.assert(
      fc.property(fc.array(likely, { maxLength: 20 }), (datagrams) => {
        const harness = new CoreHarness()
        const client = new RawClient(harness, 1)
        client.allocate()
        client.bind(0x4000, peerAt(1))
        harness.sent.length = 0
        let said = 0
        for (const datagram of datagrams) {
          said += datagram.length
          harness.receive(datagram.slice(), client.at)
          harness.receive(datagram.slice(), clientAt(2))
          harness.core.receivePeer([...harness.relays][0]!, datagram.slice(), peerAt(1), 0)
          harness.drain()
        }
        expect(harness.core.stats.allocations).toBe(1)
        const answered = harness.sent.reduce((sum, { data }) => sum + data.length, 0)
        // A challenge adds some 150 bytes to what may have been 20.
        expect(answered).toBeLessThan(3 * said + 3 * 250 * datagrams.length + 1)
      }),
      run,
    )
  })

  it('survives damaged requests, and believes none of them', () => {
    const pair = Pair.allocated()
    pair.allocation.bindChannel(peerAt(1), 0)
    pair.allocation.permit('198.51.100.2', 0)
    pair.exchange()
    const requests = pair.said.filter((datagram) => datagram[0]! < 0x40)
    fc.assert(
      fc.property(
        fc.nat(requests.length - 1),
        fc.nat(300),
        fc.integer({ min: 1, max: 255 }),
        (which, index, change) => {
          const harness = new CoreHarness()
          const other = damage(requests[which]!, index, change)
          harness.receive(other, clientAt(7))
          expect(harness.core.stats.allocations).toBe(0)
          expect(harness.core.stats.successes).toBe(0)
        },
      ),
      run,
    )
  })

  it('keeps no state for strangers', () => {
    const harness = new CoreHarness({ maxRequestsPerSecond: Infinity })
    const request = new MessageBuilder().start('request', methods.allocate, new Uint8Array(12)).finish()
    for (let port = 1; port <= 5000; port++) harness.receive(request.slice(), clientAt(port))
    expect(harness.core.stats).toMatchObject({ allocations: 0, errorCodes: { 401: 5000 } })
    expect([...harness.link.allocations()]).toEqual([])
    expect(harness.core.deadline).toBe(Infinity)
  })

  it('stays bounded while lifetimes go up and down', () => {
    const harness = new CoreHarness()
    const client = new RawClient(harness, 1)
    client.allocate()
    for (let count = 0; count < 200; count++) {
      harness.tick(count * 300_000)
      expect(client.refresh(count % 2 === 0 ? 3600 : 600)).toBe(0)
    }
    harness.tick(200 * 300_000 + 3_600_000)
    expect(harness.core.stats.allocations).toBe(0)
    expect(harness.core.deadline).toBe(Infinity)
  })
})

describe('the client', () => {
  it('survives any bytes, and takes none for data', () => {
    fc.assert(
      fc.property(fc.array(likely, { maxLength: 20 }), (datagrams) => {
        const pair = Pair.allocated()
        while (pair.allocation.pollEvent() !== undefined);
        for (const datagram of datagrams) pair.allocation.receive(datagram, 1)
        expect(pair.allocation.state).toBe('allocated')
        expect(pair.allocation.pollEvent()).toBeUndefined()
        const { droppedForeign, droppedMalformed, droppedUnexpected } = pair.allocation.stats
        expect(droppedForeign + droppedMalformed + droppedUnexpected).toBe(
          datagrams.filter(({ length }) => length > 0).length,
        )
      }),
      run,
    )
  })

  it('survives damaged responses, and believes none of them', () => {
    const recorded = Pair.allocated()
    const response = recorded.heard.at(-1)!
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 255 }), (index, change) => {
        // The same requests again, up to the last answer, which is damaged.
        let count = 0
        const random = (length: number): Uint8Array => new Uint8Array(length).fill(++count)
        const pair = new Pair({ random })
        pair.allocation.allocate(0)
        const first = pair.allocation.pollTransmit(0)!
        pair.harness.receive(first, pair.at)
        pair.allocation.receive(pair.harness.sent.pop()!.data, 0)
        const second = pair.allocation.pollTransmit(0)!
        pair.harness.receive(second.slice(), pair.at)
        const answer = pair.harness.sent.pop()!.data
        expect(answer.length).toBe(response.length)
        // FINGERPRINT is behind the integrity and not covered by it: only its own bytes are nobody's.
        pair.allocation.receive(damage(answer, index % (answer.length - 8), change), 0)
        expect(pair.allocation.state).not.toBe('allocated')
      }),
      run,
    )
  })

  it('keeps to its limits: datagrams that wait, peers, and datagrams that nobody polls', () => {
    const pair = Pair.allocated({ maxPeers: 3 })
    const { allocation } = pair
    for (let count = 0; count < 20; count++) allocation.send(peerAt(1), Uint8Array.of(count), 0)
    expect(allocation.stats.droppedOutgoing).toBe(4)
    for (let last = 2; last < 10; last++) allocation.send(peerAt(last), Uint8Array.of(1), 0)
    expect(allocation.stats.droppedOutgoing).toBe(4 + 6)
    expect(() => allocation.bindChannel(peerAt(99), 0)).toThrow(expect.objectContaining({ code: 'ERR_TURN_LIMIT' }))
    pair.exchange()
    expect(allocation.stats.datagramsSent).toBe(18)
    const data = new ChannelDataWriter().write(0x4000, new Uint8Array(1), false)
    for (let count = 0; count < 5000; count++) allocation.receive(data.slice(), 1)
    expect(allocation.stats.droppedOverflow).toBeGreaterThan(800)
    expect(() => allocation.send(peerAt(1), new Uint8Array(70_000), 1)).toThrow(
      expect.objectContaining({ code: 'ERR_TURN_TOO_LARGE' }),
    )
  })

  it('is not kept busy by a server that always has another nonce', () => {
    const allocation = new TurnAllocation({ credentials: new LongTermCredentials(user) })
    allocation.allocate(0)
    let asked = 0
    for (;;) {
      const request = allocation.pollTransmit(0)
      if (request === undefined) break
      asked++
      const builder = new MessageBuilder().start('error', methods.allocate, request.subarray(8, 20))
      builder.add(attribute.errorCode, { code: asked === 1 ? 401 : 438, reason: '' })
      builder.add(attribute.realm, 'r').add(attribute.nonce, `${asked}`)
      allocation.receive(builder.finish(), 0)
    }
    expect(asked).toBeLessThan(7)
    expect(allocation.pollEvent()).toMatchObject({ type: 'failed', error: { responseCode: 438 } })
  })
})

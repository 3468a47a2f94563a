import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  decodeMessage,
  MessageBuilder,
  type MessageClass,
  RetransmissionTimeout,
  StunTransaction,
  type StunTransactionEvent,
  type StunTransactionOptions,
} from '../src/index.ts'
import './arbitraries.ts'

const id = new Uint8Array(12).fill(5)
const mapped = { address: '192.0.2.1', port: 4000, family: 4 } as const
const request = (): Uint8Array => new MessageBuilder().start('request', 1, id).finish()
const success = (transactionId: Uint8Array = id, messageClass: MessageClass = 'success'): Uint8Array =>
  new MessageBuilder().start(messageClass, 1, transactionId).add(attribute.xorMappedAddress, mapped).finish()
const make = (options?: Partial<StunTransactionOptions>): StunTransaction =>
  new StunTransaction({ request: request(), ...options })

/** Runs the machine's clock until it ends or `until`; returns when it sent something. */
function run(transaction: StunTransaction, until = Infinity): number[] {
  const sent: number[] = []
  let now = 0
  for (;;) {
    if (transaction.pollTransmit(now) !== undefined) sent.push(now)
    if (transaction.deadline === Infinity || transaction.deadline > until) return sent
    now = transaction.deadline
    transaction.tick(now)
  }
}

describe('StunTransaction over UDP', () => {
  it('retransmits and gives up at the times of RFC 8489 §6.2.1', () => {
    const transaction = make()
    expect(run(transaction)).toEqual([0, 500, 1500, 3500, 7500, 15500, 31500])
    expect(transaction.pollEvent()).toEqual({ type: 'failed', reason: 'timeout' })
    expect(transaction.pollEvent()).toBeUndefined()
    expect(transaction.ended).toBe(true)
  })

  it('gives up after Rm times the RTO', () => {
    const transaction = make()
    run(transaction, 39_499)
    expect(transaction.deadline).toBe(39_500)
  })

  it('obeys rto, maxTransmissions and lastWait', () => {
    const transaction = make({ rto: 100, maxTransmissions: 3, lastWait: 4 })
    expect(run(transaction, 699)).toEqual([0, 100, 300])
    expect(transaction.deadline).toBe(700)
  })

  it('reports the response with its round trip, but not after a retransmission (Karn)', () => {
    const once = make()
    once.pollTransmit(10)
    once.receive(success(), 47)
    expect(once.pollEvent()).toMatchObject({ type: 'response', roundTripTime: 37 })
    expect(once.deadline).toBe(Infinity)
    expect(once.pollTransmit(1000)).toBeUndefined()

    const twice = make()
    twice.pollTransmit(0)
    twice.tick(500)
    twice.pollTransmit(500)
    twice.receive(success(), 501)
    const event = twice.pollEvent() as StunTransactionEvent & { type: 'response' }
    expect(event.roundTripTime).toBeUndefined()
    expect(event.message.get(attribute.xorMappedAddress)).toEqual(mapped)
  })

  it('hands out a fresh copy each time', () => {
    const transaction = make()
    const first = transaction.pollTransmit(0)!
    first.fill(0)
    transaction.tick(500)
    expect(transaction.pollTransmit(500)).toEqual(request())
  })

  it('drops what is no response to it, and counts it', () => {
    const transaction = make()
    transaction.pollTransmit(0)
    transaction.receive(new Uint8Array(30), 1)
    transaction.receive(success(new Uint8Array(12)), 1)
    transaction.receive(success(id, 'request'), 1)
    transaction.receive(success(id, 'indication'), 1)
    expect(transaction.stats.droppedForeign).toBe(4)
    expect(transaction.pollEvent()).toBeUndefined()
    transaction.receive(success(), 2)
    transaction.receive(success(), 3)
    expect(transaction.stats.droppedLate).toBe(1)
    expect(transaction.pollEvent()).toMatchObject({ type: 'response' })
    expect(transaction.pollEvent()).toBeUndefined()
  })

  it('drops responses that are not authentic and says so at the end (RFC 8489 §9.1.4)', () => {
    const transaction = make({ accept: () => false })
    transaction.pollTransmit(0)
    transaction.receive(success(), 1)
    expect(transaction.ended).toBe(false)
    run(transaction)
    expect(transaction.pollEvent()).toEqual({ type: 'failed', reason: 'integrity' })
  })

  it('fails for a response with an unknown attribute that must be understood, or an error without a code', () => {
    const strange = make()
    strange.pollTransmit(0)
    strange.receive(new MessageBuilder().start('success', 1, id).addRaw(0x7abc, id).finish(), 1)
    expect(strange.pollEvent()).toEqual({ type: 'failed', reason: 'unknown-attribute' })

    const understood = make({ understood: new Set([0x7abc]) })
    understood.pollTransmit(0)
    understood.receive(new MessageBuilder().start('success', 1, id).addRaw(0x7abc, id).finish(), 1)
    expect(understood.pollEvent()).toMatchObject({ type: 'response' })

    const codeless = make()
    codeless.pollTransmit(0)
    codeless.receive(new MessageBuilder().start('error', 1, id).finish(), 1)
    expect(codeless.pollEvent()).toEqual({ type: 'failed', reason: 'malformed' })
  })

  it('can be cancelled', () => {
    const transaction = make()
    transaction.cancel()
    expect(transaction.pollTransmit(0)).toBeUndefined()
    expect(transaction.pollEvent()).toEqual({ type: 'failed', reason: 'cancelled' })
    transaction.cancel()
    expect(transaction.pollEvent()).toBeUndefined()
  })

  it('refuses options that make no sense', () => {
    const refused = expect.objectContaining({ code: 'ERR_STUN_OPTION' })
    expect(() => make({ rto: 0 })).toThrow(refused)
    expect(() => make({ maxTransmissions: 1.5 })).toThrow(refused)
    expect(() => make({ lastWait: NaN })).toThrow(refused)
    expect(() => make({ request: new Uint8Array(3) })).toThrow(refused)
  })

  it('succeeds under random loss and delay whenever a response comes in time, and never exceeds Rc', () => {
    const fates = fc.array(fc.record({ lost: fc.boolean(), delay: fc.integer({ min: 1, max: 3000 }) }), {
      minLength: 7,
      maxLength: 7,
    })
    fc.assert(
      fc.property(fates, fc.integer({ min: 1, max: 2000 }), (plan, rto) => {
        const transaction = make({ rto })
        const arriving: number[] = []
        let now = 0
        let event: StunTransactionEvent | undefined
        while (event === undefined) {
          while (transaction.pollTransmit(now) !== undefined) {
            const { lost, delay } = plan[transaction.stats.transmissions - 1]!
            if (!lost) arriving.push(now + delay)
          }
          arriving.sort((left, right) => left - right)
          now = Math.min(transaction.deadline, arriving[0] ?? Infinity)
          expect(now).toBeLessThan(Infinity)
          if (now === arriving[0]) {
            arriving.shift()
            transaction.receive(success(), now)
          }
          transaction.tick(now)
          event = transaction.pollEvent()
        }
        const last = plan.findIndex(({ lost, delay }) => !lost && delay <= 16 * rto)
        if (event.type === 'response') expect(plan.some(({ lost }) => !lost)).toBe(true)
        else expect(last).toBe(-1)
        expect(transaction.stats.transmissions).toBeLessThanOrEqual(7)
      }),
    )
  })

  it('survives any bytes', () => {
    const transaction = make()
    transaction.pollTransmit(0)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => transaction.receive(new Uint8Array(bytes), 1)))
    expect(transaction.ended).toBe(false)
  })
})

describe('StunTransaction over TCP', () => {
  it('sends once and waits Ti (RFC 8489 §6.2.2)', () => {
    const transaction = make({ reliable: true })
    expect(run(transaction, 39_499)).toEqual([0])
    expect(transaction.deadline).toBe(39_500)
    transaction.tick(39_500)
    expect(transaction.pollEvent()).toEqual({ type: 'failed', reason: 'timeout' })
  })

  it('ends at once when a response is not authentic', () => {
    const transaction = make({ reliable: true, accept: () => false })
    transaction.pollTransmit(0)
    transaction.receive(success(), 5)
    expect(transaction.pollEvent()).toEqual({ type: 'failed', reason: 'integrity' })
  })
})

describe('RetransmissionTimeout', () => {
  it('follows RFC 6298 above the initial value, with 1 ms granularity, and forgets after ten minutes', () => {
    const rto = new RetransmissionTimeout()
    expect(rto.value(0)).toBe(500)
    rto.sample(20, 0)
    expect(rto.value(0)).toBe(500)
    const far = new RetransmissionTimeout()
    far.sample(400, 0)
    expect(far.value(1)).toBe(400 + 4 * 200)
    far.sample(400, 2)
    expect(far.value(3)).toBe(400 + 4 * 150)
    far.sample(100_000, 4)
    expect(far.value(5)).toBe(60_000)
    expect(far.value(600_005)).toBe(500)
    far.sample(600, 700_000)
    expect(far.value(700_000)).toBe(1800)
  })
})

describe('decoded once', () => {
  it('takes a message that somebody else decoded', () => {
    const transaction = make()
    transaction.pollTransmit(0)
    const message = decodeMessage(success())!
    expect(message.transactionKey).toBe(transaction.key)
    transaction.handle(message, 9)
    expect(transaction.pollEvent()).toEqual({ type: 'response', message, roundTripTime: 9 })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_CACHED, MdnsCache } from '../src/node/mdns-cache.ts'
import {
  addressesIn,
  addressRecord,
  goodbyeFor,
  isKnownAnswer,
  localNameKey,
  questionClass,
} from '../src/node/mdns-records.ts'
import { ANSWER_INTERVAL, MdnsResponder } from '../src/node/mdns-responder.ts'
import type { Answer, Message } from '../src/node/multicast-dns.ts'

const SEED = { seed: 20_260_102 }
const GROUP4 = { isLegacy: false, family: 4 } as const
const GROUP6 = { isLegacy: false, family: 6 } as const
const LEGACY = { isLegacy: true, family: 4 } as const
const QU = 'UNKNOWN_32769' // how dns-packet shows the unicast-response bit with class IN

function ask(type: string, more: Message = {}, name = 'a.local', inClass?: string): Message {
  return { questions: [{ name, type, ...(inClass === undefined ? {} : { class: inClass }) }], ...more }
}

function responder(address = '192.0.2.1'): MdnsResponder {
  const result = new MdnsResponder()
  result.add('a.local', addressRecord('A.local', address))
  return result
}

function address(data: string, more: Partial<Answer> = {}): Answer {
  return { name: 'a.local', type: 'A', class: 'IN', ttl: 120, flush: true, data, ...more }
}

describe('answers', () => {
  it.each([
    ['192.0.2.1', 'A', 'AAAA'],
    ['2001:db8::1', 'AAAA', 'A'],
  ])('%s: the address and that there is no other family, whatever is asked for', (own, type, other) => {
    for (const asked of [type, other, 'ANY']) {
      expect(responder(own).answer(ask(asked), GROUP4, 0)).toMatchObject([
        {
          to: 'group',
          delay: 0,
          message: {
            answers: [{ name: 'A.local', type, class: 'IN', ttl: 120, flush: true, data: own }],
            additionals: [
              {
                name: 'A.local',
                type: 'NSEC',
                ttl: 120,
                flush: true,
                data: { nextDomain: 'A.local', rrtypes: [type] },
              },
            ],
          },
        },
      ])
    }
  })

  it('nothing to other names, types and classes', () => {
    const one = responder()
    for (const query of [ask('A', {}, 'b.local'), ask('TXT'), ask('A', {}, 'a.local', 'CH'), {}, { questions: [] }]) {
      expect(one.answer(query, GROUP4, 0)).toEqual([])
    }
    one.delete('a.local')
    expect(one.answer(ask('A'), GROUP4, 0)).toEqual([])
    expect(one.size).toBe(0)
  })

  it('one answer to both questions of a message', () => {
    const both = { questions: [...ask('A').questions!, ...ask('AAAA').questions!] }
    expect(
      responder()
        .answer(both, GROUP4, 0)
        .map((reply) => reply.delay),
    ).toEqual([0])
    expect(
      responder()
        .answer(both, LEGACY, 0)
        .map((reply) => reply.message.answers!.length),
    ).toEqual([1, 0])
  })

  it('those who ask within the interval share one late answer; each family has its own', () => {
    const one = responder()
    const delays = (now: number, asker: typeof GROUP4 | typeof GROUP6 = GROUP4): number[] =>
      one.answer(ask('A'), asker, now).map((reply) => reply.delay)
    expect(delays(1000)).toEqual([0])
    expect(delays(1005)).toEqual([ANSWER_INTERVAL - 5])
    expect(delays(1006)).toEqual([])
    expect(delays(1006, GROUP6)).toEqual([0])
    expect(delays(1019)).toEqual([])
    expect(delays(1021)).toEqual([ANSWER_INTERVAL - 1])
    expect(delays(2000)).toEqual([0])
  })

  it('a unicast question only the asker, if the group has heard the answer lately or it is a probe (RFC 6762 §5.4)', () => {
    const one = responder()
    const to = (now: number, more: Message = {}): string[] =>
      one.answer(ask('A', more, 'a.local', QU), GROUP4, now).map((reply) => reply.to)
    expect(to(0, { authorities: [address('192.0.2.1')] })).toEqual(['asker'])
    expect(to(0)).toEqual(['group'])
    expect(to(1)).toEqual(['asker'])
    expect(to(29_999)).toEqual(['asker'])
    expect(to(30_000)).toEqual(['group'])
    one.announced('a.local', 90_000)
    expect(to(90_001)).toEqual(['asker'])
  })

  it('nothing to who knows the address, for half of its life or longer (RFC 6762 §7.1)', () => {
    const count = (type: string, answer: Answer): number =>
      responder().answer(ask(type, { answers: [answer] }), GROUP4, 0).length
    expect(count('A', address('192.0.2.1', { ttl: 60, name: 'A.LOCAL' }))).toBe(0)
    expect(count('A', address('192.0.2.1', { ttl: 59 }))).toBe(1)
    expect(count('A', address('192.0.2.2'))).toBe(1)
    expect(count('A', address('192.0.2.1', { name: 'b.local' }))).toBe(1)
    expect(count('AAAA', address('192.0.2.1'))).toBe(1)
    const record = addressRecord('a.local', '2001:db8::1')
    expect(isKnownAnswer([address('2001:DB8:0::1', { type: 'AAAA' })], record, 'a.local')).toBe(true)
  })

  it('an ordinary resolver with its id and question and a short life (RFC 6762 §6.7)', () => {
    const [reply] = responder().answer(ask('A', { id: 7 }), LEGACY, 0)
    expect(reply).toMatchObject({ to: 'asker', message: { id: 7, questions: [{ name: 'a.local', type: 'A' }] } })
    for (const answer of [...reply!.message.answers!, ...reply!.message.additionals!]) {
      expect(answer).toMatchObject({ ttl: 10, flush: false })
    }
  })

  it('survive any message', () => {
    const name = fc.oneof(fc.constant('a.local'), fc.string())
    const answer = fc.record(
      { name, type: fc.oneof(fc.constantFrom('A', 'AAAA', 'NSEC'), fc.string()), ttl: fc.nat(), data: fc.anything() },
      { requiredKeys: ['name', 'type'] },
    )
    const question = fc.record({
      name,
      type: fc.constantFrom('A', 'ANY', 'x'),
      class: fc.oneof(fc.constant(QU), fc.string()),
    })
    const message = fc.record(
      {
        questions: fc.array(question),
        answers: fc.array(answer),
        authorities: fc.array(answer),
        additionals: fc.array(answer),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(message, fc.constantFrom(GROUP4, GROUP6, LEGACY), (any, asker) => {
        const replies = responder().answer(any, asker, 0)
        expect(replies.length).toBeLessThanOrEqual(any.questions?.length ?? 0)
        for (const heard of addressesIn(any, 'fe80::1%eth0')) expect(localNameKey(heard.key)).toBe(heard.key)
      }),
      SEED,
    )
  })
})

describe('questions', () => {
  it.each([
    [undefined, { unicast: false }],
    ['IN', { unicast: false }],
    ['ANY', { unicast: false }],
    [QU, { unicast: true }],
    [`UNKNOWN_${0x80ff}`, { unicast: true }],
    ['CH', undefined],
    [`UNKNOWN_${0x8003}`, undefined],
    ['UNKNOWN_5', undefined],
    ['', undefined],
  ])('class %s', (name, expected) => {
    expect(questionClass({ name: 'a.local', type: 'A', ...(name === undefined ? {} : { class: name }) })).toEqual(
      expected,
    )
  })

  it('names without case and final dot', () => {
    expect(localNameKey('AbC.Local.')).toBe('abc.local')
    for (const name of ['a.local..', '.', '', 'local', 'a.locale', `${'a.'.repeat(125)}local`]) {
      expect(localNameKey(name)).toBeUndefined()
    }
  })
})

describe('what is heard', () => {
  it('is the first address of each name, in the answers or besides', () => {
    const message = {
      answers: [address('192.0.2.1'), address('192.0.2.2'), { name: 'b.local', type: 'NSEC', data: {} }],
      additionals: [address('2001:DB8::1', { name: 'B.local', type: 'AAAA', ttl: 9 })],
    }
    expect(addressesIn(message, '192.0.2.9')).toEqual([
      { key: 'a.local', address: '192.0.2.1', ttl: 120 },
      { key: 'b.local', address: '2001:db8::1', ttl: 9 },
    ])
    expect(addressesIn(goodbyeFor(addressRecord('a.local', '192.0.2.1')), '192.0.2.9')).toMatchObject([{ ttl: 0 }])
  })

  it('is no address that no host has, nor a link-local one of an unknown link', () => {
    for (const data of ['0.0.0.0', '255.255.255.255', '224.0.0.1', 'x', '']) {
      expect(addressesIn({ answers: [address(data)] }, '192.0.2.9')).toEqual([])
    }
    for (const data of ['::', 'ff02::1', 'fe80::5']) {
      expect(addressesIn({ answers: [address(data, { type: 'AAAA' })] }, '192.0.2.9')).toEqual([])
    }
    const local = { answers: [address('fe80::5', { type: 'AAAA' })] }
    expect(addressesIn(local, 'fe80::9%eth1')).toMatchObject([{ address: 'fe80::5%eth1' }])
  })

  it('is remembered while it is valid, two minutes at most', () => {
    const cache = new MdnsCache()
    cache.set('a.local', '192.0.2.1', 10, 0)
    cache.set('b.local', '192.0.2.2', 4_000_000_000, 0)
    expect(cache.get('a.local', 9_999)).toBe('192.0.2.1')
    expect(cache.get('a.local', 10_000)).toBeUndefined()
    expect(cache.size).toBe(1)
    expect(cache.get('b.local', 119_999)).toBe('192.0.2.2')
    expect(cache.get('b.local', 120_000)).toBeUndefined()
    cache.set('c.local', '192.0.2.3', 10, 0)
    cache.set('c.local', '192.0.2.3', 0, 1)
    expect(cache.get('c.local', 2)).toBeUndefined()
  })

  it('is forgotten, the oldest first, when there is too much of it', () => {
    const cache = new MdnsCache()
    for (let i = 0; i < MAX_CACHED; i++) cache.set(`n${i}.local`, '192.0.2.1', 120, 0)
    cache.set('n0.local', '192.0.2.2', 120, 0)
    cache.set('more.local', '192.0.2.3', 120, 0)
    expect(cache.size).toBe(MAX_CACHED)
    expect(cache.get('n0.local', 1)).toBe('192.0.2.2')
    expect(cache.get('n1.local', 1)).toBeUndefined()
    expect(cache.get('more.local', 1)).toBe('192.0.2.3')
  })
})

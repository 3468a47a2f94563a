import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeDcep, encodeAck, encodeOpen, type OpenMessage } from '../src/index.ts'

const base = {
  ordered: true,
  maxRetransmits: undefined,
  maxPacketLifeTime: undefined,
  priority: 256,
  label: '',
  protocol: '',
}
const seed = 8832

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

// Laid out by hand from the figure in RFC 8832 §5.1.
const vectors: readonly (readonly [name: string, bytes: string, message: Omit<OpenMessage, 'type'>])[] = [
  ['reliable', '03 00 0100 00000000 0000 0000', base],
  ['reliable unordered', '03 80 0100 00000000 0000 0000', { ...base, ordered: false }],
  ['rexmit', '03 01 0100 00000003 0000 0000', { ...base, maxRetransmits: 3 }],
  ['rexmit 0', '03 01 0100 00000000 0000 0000', { ...base, maxRetransmits: 0 }],
  ['rexmit unordered', '03 81 0100 0000ffff 0000 0000', { ...base, ordered: false, maxRetransmits: 65535 }],
  ['timed', '03 02 0100 000003e8 0000 0000', { ...base, maxPacketLifeTime: 1000 }],
  [
    'timed unordered',
    '03 82 0080 ffffffff 0000 0000',
    { ...base, ordered: false, maxPacketLifeTime: 4294967295, priority: 128 },
  ],
  [
    'label and protocol',
    '03 00 0400 00000000 0004 0002 63686174 c3a9',
    { ...base, priority: 1024, label: 'chat', protocol: 'é' },
  ],
  ['a byte order mark stays', '03 00 0100 00000000 0003 0000 efbbbf', { ...base, label: '\uFEFF' }],
]

describe('DATA_CHANNEL_OPEN', () => {
  test.each(vectors)('%s', (_, bytes, message) => {
    expect(encodeOpen(message)).toEqual(hex(bytes))
    expect(decodeDcep(hex(bytes))).toEqual({ type: 'open', ...message })
  })

  test('the parameter of a reliable channel is ignored', () => {
    expect(decodeDcep(hex('03 00 0100 00000005 0000 0000'))).toEqual({ type: 'open', ...base })
  })

  test('labels and protocols of 65535 bytes', () => {
    const message = { ...base, label: 'ü'.repeat(32767) + 'x', protocol: 'y'.repeat(65535) }
    expect(decodeDcep(encodeOpen(message))).toEqual({ type: 'open', ...message })
  })

  test.each([
    ['empty', ''],
    ['short', '03 00 0100 00000000 0000 00'],
    ['an unknown type', '04'],
    ['a reserved type', '01'],
    ['an unknown channel type', '03 03 0100 00000000 0000 0000'],
    ['a reserved channel type', '03 ff 0100 00000000 0000 0000'],
    ['a label that is cut', '03 00 0100 00000000 0002 0000 61'],
    ['bytes behind the protocol', '03 00 0100 00000000 0000 0000 00'],
    ['a label that is not UTF-8', '03 00 0100 00000000 0001 0000 ff'],
    ['a protocol that is not UTF-8', '03 00 0100 00000000 0000 0002 c0af'],
    ['an ACK with something behind it', '0200'],
  ])('%s is malformed', (_, bytes) => expect(decodeDcep(hex(bytes))).toBeUndefined())
})

test('DATA_CHANNEL_ACK', () => {
  expect(encodeAck()).toEqual(hex('02'))
  expect(decodeDcep(hex('02'))).toEqual({ type: 'ack' })
})

describe('properties', () => {
  test('any bytes decode or do not, and what decodes encodes to the same', () => {
    const head = fc.constantFrom([3, 0], [3, 1], [3, 0x82], [2], [3])
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(head, fc.uint8Array({ maxLength: 40 })).map(([h, t]) => Uint8Array.of(...h, ...t)),
      fc
        .tuple(head, fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.uint8Array({ maxLength: 9 }), fc.nat(9))
        .map(([h, middle, text, cut]) =>
          Uint8Array.of(...h, ...middle, 0, cut, 0, Math.max(0, text.length - cut), ...text),
        ),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        const message = decodeDcep(input)
        if (message?.type === 'open') expect(decodeDcep(encodeOpen(message))).toEqual(message)
      }),
      { seed, numRuns: 2000 },
    )
  })

  test('every open message survives', () => {
    const limit = fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined })
    const message = fc.record({
      type: fc.constant('open' as const),
      ordered: fc.boolean(),
      priority: fc.integer({ min: 0, max: 65535 }),
      label: fc.string({ unit: 'grapheme' }),
      protocol: fc.string({ unit: 'binary' }),
      limit,
      timed: fc.boolean(),
    })
    fc.assert(
      fc.property(message, ({ limit, timed, ...rest }) => {
        const open: OpenMessage = {
          ...rest,
          maxRetransmits: timed ? undefined : limit,
          maxPacketLifeTime: timed ? limit : undefined,
        }
        expect(decodeDcep(encodeOpen(open))).toEqual(open)
      }),
      { seed },
    )
  })
})

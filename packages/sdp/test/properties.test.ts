import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse, parseCandidate, parseFormatParameters, print, tryParse, type SessionDescription } from '../src/index.ts'

const seed = 8866
const folder = new URL('vectors/', import.meta.url)
const vectors = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))

/** Reads everything that can be read. */
function readAll(description: SessionDescription): void {
  for (const section of [description, ...description.media]) {
    let prototype: object = section
    while ((prototype = Object.getPrototypeOf(prototype) as object) !== Object.prototype) {
      for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (property.get !== undefined) void (section as never)[key]
      }
    }
  }
}

function check(text: string): void {
  const strict = tryParse(text)
  if (strict.ok) expect(print(strict.description)).toBe(text)
  else {
    expect(strict.error.line).toBeGreaterThanOrEqual(1)
    expect(strict.error.line).toBeLessThanOrEqual(Math.max(1, text.split('\n').length))
  }
  const lenient = parse(text, { lenient: true })!
  readAll(lenient)
  expect(print(lenient)).toBe(text)
}

describe('no text throws, and what parses prints the same', () => {
  test('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), check), { seed, numRuns: 500 })
  })

  test('text made of the pieces of descriptions', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'v=0',
        'o=- 1 1 IN IP4 0.0.0.0',
        's=-',
        't=0 0',
        'm=audio 9 RTP/AVP 0',
        'm=',
        'a=',
        'a=:',
        '=',
        ' ',
      ),
      fc.constantFrom(...vectors.flatMap((v) => v.split('\r\n'))),
      fc.string({ maxLength: 10 }),
    )
    const eol = fc.constantFrom('\r\n', '\n', '\r', '')
    fc.assert(
      fc.property(fc.array(fc.tuple(piece, eol), { maxLength: 40 }), (lines) => check(lines.flat().join(''))),
      { seed, numRuns: 500 },
    )
  })

  test('real descriptions with damage', () => {
    const damage = fc.array(
      fc.record({ at: fc.nat(), remove: fc.nat(20), insert: fc.string({ unit: 'binary', maxLength: 6 }) }),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...vectors), damage, (vector, edits) => {
        let text = vector
        for (const { at, remove, insert } of edits) {
          const start = at % (text.length + 1)
          text = text.slice(0, start) + insert + text.slice(start + remove)
        }
        check(text)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('candidates and format parameters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseCandidate(text)
        parseCandidate(`candidate:1 1 udp 1 192.0.2.1 9 typ host ${text}`)
        parseFormatParameters(text)
      }),
      { seed },
    )
  })
})

describe('generated descriptions', () => {
  const token = fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/)
  const line = fc.oneof(
    fc.tuple(token, fc.stringMatching(/^[ -~]{0,30}$/)).map(([name, value]) => `a=x-${name}:${value}`),
    token.map((name) => `a=x-${name}`),
    fc.tuple(fc.integer({ min: 1, max: 255 }), token).map(([id, uri]) => `a=extmap:${id} urn:${uri}`),
    fc.constantFrom('a=sendrecv', 'a=rtcp-mux', 'a=end-of-candidates', 'a=candidate:1 1 udp 1 ::1 9 typ host'),
  )
  const section = fc.tuple(
    fc.constantFrom('m=audio 9 UDP/TLS/RTP/SAVPF 0 111', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'),
    fc.array(line, { maxLength: 15 }),
  )
  const description = fc
    .record({
      id: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
      session: fc.array(line, { maxLength: 6 }),
      media: fc.array(section, { maxLength: 4 }),
      eol: fc.constantFrom('\r\n', '\n'),
      final: fc.boolean(),
    })
    .map(({ id, session, media, eol, final }) => {
      const lines = ['v=0', `o=- ${id} 0 IN IP4 0.0.0.0`, 's=-', 't=0 0', ...session, ...media.flat(2)]
      return lines.join(eol) + (final ? eol : '')
    })

  test('parse strictly and round trip', () => {
    fc.assert(
      fc.property(description, (text) => {
        const parsed = tryParse(text)
        expect(parsed.ok ? '' : `${parsed.error.line} ${parsed.error.reason}`).toBe('')
        expect(print(parse(text)!)).toBe(text)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('an edit survives printing and parsing, and nothing else changes', () => {
    fc.assert(
      fc.property(description, token, fc.constantFrom('sendonly', 'recvonly', 'inactive'), (text, mid, direction) => {
        const edited = parse(text)!
        for (const media of edited.media) {
          media.mid = mid
          media.direction = direction as 'sendonly'
        }
        const again = parse(print(edited))!
        for (const media of again.media) expect(media).toMatchObject({ mid, direction })
        const rest = (d: SessionDescription): string[] =>
          [d, ...d.media]
            .flatMap((s) => s.lines.map((l) => `${l.type}=${l.value}`))
            .filter((l) => !/^a=(mid:|sendrecv$|sendonly$|recvonly$|inactive$)/.test(l))
        expect(rest(again)).toEqual(rest(parse(text)!))
      }),
      { seed, numRuns: 200 },
    )
  })
})

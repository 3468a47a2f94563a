import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, print, tryParse } from '../src/index.ts'

const folder = new URL('vectors/', import.meta.url)
const vectors = readdirSync(folder).filter((name) => name.endsWith('.sdp'))

function load(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

test('the vectors are there and have the CRLF of the wire', () => {
  expect(vectors).toHaveLength(7)
  for (const name of vectors) expect(load(name)).toContain('\r\n')
})

describe.each(vectors)('%s', (name) => {
  const text = load(name)

  test('goes through unchanged', () => {
    const result = tryParse(text)
    expect(result.ok ? undefined : result.error).toBeUndefined()
    expect(print(parse(text)!)).toBe(text)
    expect(String(parse(text))).toBe(text)
  })

  test('goes through unchanged with LF, without the last newline, and leniently', () => {
    for (const variant of [text.replaceAll('\r\n', '\n'), text.slice(0, -2), `${text}\r\n\n`]) {
      expect(print(parse(variant)!)).toBe(variant)
      expect(print(parse(variant, { lenient: true })!)).toBe(variant)
    }
  })

  test('reading every accessor changes nothing', () => {
    const description = parse(text)!
    for (const section of [description, ...description.media]) {
      let prototype: object = section
      while ((prototype = Object.getPrototypeOf(prototype) as object) !== Object.prototype) {
        for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
          if (property.get !== undefined) expect(() => (section as never)[key]).not.toThrow()
        }
      }
    }
    expect(print(description)).toBe(text)
  })

  test('writing back what the accessors read keeps the meaning', () => {
    const description = parse(text)!
    for (const section of description.media) {
      const before = { codecs: section.codecs, ssrcs: section.ssrcs, extmaps: section.extmaps, msids: section.msids }
      const { candidates, fingerprints, direction, mediaLine, rids, simulcast, rtcp, ssrcGroups } = section
      if (section.isRtp) section.codecs = before.codecs
      section.ssrcs = before.ssrcs
      section.extmaps = before.extmaps
      section.msids = before.msids
      section.candidates = candidates
      section.direction = direction
      section.rids = rids
      section.simulcast = simulcast
      section.rtcp = rtcp
      section.ssrcGroups = ssrcGroups
      section.fingerprints = fingerprints
      section.mediaLine = mediaLine
    }
    const again = parse(print(description))!
    const original = parse(text)!
    expect(again.media).toHaveLength(original.media.length)
    original.media.forEach((section, i) => {
      const other = again.media[i]!
      expect(other.codecs).toEqual(section.codecs)
      expect(other.ssrcs).toEqual(section.ssrcs)
      expect(other.extmaps).toEqual(section.extmaps)
      expect(other.candidates).toEqual(section.candidates)
      expect(other.fingerprints).toEqual(section.fingerprints)
      expect(other.direction).toBe(section.direction)
      expect(other.mediaLine).toEqual(section.mediaLine)
      expect(other.ssrcGroups).toEqual(section.ssrcGroups)
    })
  })
})

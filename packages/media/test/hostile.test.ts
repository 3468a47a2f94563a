import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MediaError, openMedia, sniffFormat } from '@kaon/media'
import type { ByteSource, MediaFormat, OpenOptions } from '@kaon/media'
import { fixture } from './media.ts'

// Files that nobody vouches for: a reader ends, or throws a MediaError; it never hangs, and never throws anything else.

const files = [
  'vp8.ivf',
  'vp9.ivf',
  'av1.ivf',
  'h264.h264',
  'h265.h265',
  'opus.ogg',
  'pcmu.wav',
  'vp9-opus.webm',
  'h264-aac.mp4',
  'h264-opus.mp4',
]
const formats: MediaFormat[] = ['ivf', 'h264', 'h265', 'ogg', 'wav', 'pcmu', 'pcma', 'g722', 'webm', 'mkv', 'mp4']
const MAX_FRAMES = 20_000

/** How many frames were read; the reads and their sizes are bounded by what the file has. */
async function readThrough(bytes: Uint8Array, options: OpenOptions = {}): Promise<number> {
  let count = 0
  let open = 0
  const source: ByteSource = {
    size: bytes.length,
    read: async (position, length) => bytes.slice(position, position + length),
    close: async () => {
      open--
    },
  }
  open++
  try {
    const reader = await openMedia(source, options)
    try {
      for await (const { frame } of reader.frames()) {
        expect(Number.isFinite(frame.timestamp)).toBe(true)
        if (++count > MAX_FRAMES) break
      }
      for await (const _ of reader.frames({ startAt: 500_000 })) break
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (!(error instanceof MediaError)) throw error
    expect(error.code).toMatch(/^ERR_MEDIA_/)
  }
  expect(open).toBe(0)
  return count
}

describe('hostile files', () => {
  it('arbitrary bytes as any format', { timeout: 20_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(undefined, ...formats),
        async (bytes, format) => {
          sniffFormat(bytes)
          await readThrough(bytes, format === undefined ? {} : { format })
        },
      ),
      { numRuns: 300, seed: 1 },
    )
  })

  it('arbitrary bytes behind the beginning of a real file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.integer({ min: 4, max: 200 }),
        fc.uint8Array({ maxLength: 300 }),
        async (name, kept, tail) => {
          const start = fixture(name).subarray(0, kept)
          await readThrough(Uint8Array.from([...start, ...tail]))
        },
      ),
      { numRuns: 200, seed: 2 },
    )
  })

  it.each(files)('%s cut off anywhere gives what is whole', async (name) => {
    const bytes = fixture(name)
    const whole = await readThrough(bytes)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (length) => {
        expect(await readThrough(bytes.slice(0, length))).toBeLessThanOrEqual(whole)
      }),
      { numRuns: 40, seed: 3 },
    )
  })

  it.each(files)('%s with bytes changed', async (name) => {
    const bytes = fixture(name)
    const place = fc.oneof(fc.nat(Math.min(200, bytes.length - 1)), fc.nat(bytes.length - 1))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 8 }), async (changes) => {
        const changed = bytes.slice()
        for (const [at, value] of changes) changed[at] = value
        expect(await readThrough(changed)).toBeLessThanOrEqual(MAX_FRAMES)
      }),
      { numRuns: 60, seed: 4 },
    )
  })
})

describe('limits', () => {
  it('a frame that says it is larger than any is not waited for', async () => {
    const ivf = fixture('vp8.ivf')
    ivf.set([0xff, 0xff, 0xff, 0x7f], 32)
    const reader = await openMedia(ivf)
    await expect(reader.frames().next()).rejects.toMatchObject({ code: 'ERR_MEDIA_LIMIT' })
  })

  it('a NAL unit without an end is given up', async () => {
    const reads: number[] = []
    const size = 64 * 1024 * 1024
    const source: ByteSource = {
      size,
      async read(position, length) {
        reads.push(length)
        const bytes = new Uint8Array(Math.min(length, size - position)).fill(0x55)
        if (position === 0) bytes.set([0, 0, 0, 1, 0x67])
        return bytes
      },
      close: async () => {},
    }
    await expect(openMedia(source)).rejects.toMatchObject({ code: 'ERR_MEDIA_LIMIT' })
    expect(reads.length).toBeLessThan(300)
    expect(Math.max(...reads)).toBeLessThanOrEqual(64 * 1024)
  })

  it('a stream of slices that never begins another picture is given up', async () => {
    const size = 64 * 1024 * 1024
    const slice = new Uint8Array(1024).fill(0x55)
    slice.set([0, 0, 1, 0x41, 0x20])
    const source: ByteSource = {
      size,
      async read(position, length) {
        const bytes = new Uint8Array(Math.min(length, size - position))
        for (let at = 0; at < bytes.length; at++) bytes[at] = slice[(position + at) % 1024]!
        return bytes
      },
      close: async () => {},
    }
    await expect(openMedia(source, { format: 'h264' })).rejects.toMatchObject({ code: 'ERR_MEDIA_LIMIT' })
  })

  it('damaged pages of Ogg are passed over', async () => {
    const bytes = fixture('opus.ogg')
    const whole = await readThrough(bytes)
    bytes[bytes.length - 100]! ^= 0xff
    const rest = await readThrough(bytes)
    expect(rest).toBeLessThan(whole)
  })
})

import { describe, expect, it } from 'vitest'
import { openMedia } from '@kaon/media'
import { fixture, readAll } from './media.ts'

// Matroska as others write it: built here by hand, since ffmpeg writes neither lacing nor stripped headers.

function size(length: number): number[] {
  return [0x10 | (length >>> 24), (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff]
}

function el(id: number[], ...body: (number | number[] | Uint8Array)[]): Uint8Array {
  const bytes = body.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))
  return Uint8Array.from([...id, ...size(bytes.length), ...bytes])
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0))
}

const EBML = el([0x1a, 0x45, 0xdf, 0xa3], el([0x42, 0x82], ascii('matroska')))
const opus = (await readAll(fixture('opus.ogg')))[0]!.frames.map(({ payload }) => payload)

function opusTrack(...more: Uint8Array[]): Uint8Array {
  const audio = el([0xe1], el([0x9f], 2))
  return el([0xae], el([0xd7], 1), el([0x83], 2), el([0x86], ascii('A_OPUS')), audio, ...more)
}

function file(track: Uint8Array, ...clusters: Uint8Array[]): Uint8Array {
  const unknown = [0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
  const tracks = el([0x16, 0x54, 0xae, 0x6b], track)
  return Uint8Array.from([...EBML, ...unknown, ...tracks, ...clusters.flatMap((cluster) => [...cluster])])
}

/** A SimpleBlock of track 1; `lacing` and the laced frames are the caller's. */
function block(time: number, lacing: number, body: (number | Uint8Array)[]): Uint8Array {
  return el([0xa3], 0x81, time >> 8, time & 0xff, 0x80 | (lacing << 1), ...body)
}

function cluster(time: number, ...blocks: Uint8Array[]): Uint8Array {
  return el([0x1f, 0x43, 0xb6, 0x75], el([0xe7], time >> 8, time & 0xff), ...blocks)
}

async function payloads(bytes: Uint8Array) {
  const [track] = await readAll(bytes)
  return track!.frames
}

describe('Matroska of others', () => {
  it('Xiph, fixed-size and EBML lacing', async () => {
    const [a, b, c] = [opus[0]!, opus[1]!, opus[2]!]
    const long = new Uint8Array(300).fill(0xfc)
    const xiph = block(0, 1, [2, a.length, 255, 45, a, long, c])
    const fixed = block(100, 2, [1, a, a])
    const first = 0x80 | a.length
    const difference = b.length - a.length + 63 // one byte: biased by 2^6 - 1
    const ebml = block(200, 3, [2, first, 0x80 | difference, a, b, c])
    const frames = await payloads(file(opusTrack(), cluster(0, xiph, fixed, ebml)))
    expect(frames.map(({ payload }) => payload)).toEqual([a, long, c, a, a, a, b, c])
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([
      0, 20_000, 40_000, 100_000, 120_000, 200_000, 220_000, 240_000,
    ])
  })

  it('lacing that does not add up is passed over', async () => {
    const broken = [
      block(0, 1, [200, 255, 255]),
      block(0, 2, [3, 1, 2]),
      block(0, 3, [1, 0x40]),
      block(0, 3, [2, 0x81, 0x80, 5]), // a negative size
      block(0, 1, []),
      el([0xa3], 0x81, 0),
      el([0xa3]),
    ]
    const frames = await payloads(file(opusTrack(), cluster(0, ...broken, block(20, 0, [opus[0]!]))))
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([20_000])
  })

  it('block groups, clusters of unknown size, and elements that nobody knows', async () => {
    const group = el([0xa0], el([0xa1], 0x81, 0, 10, 0, opus[0]!), el([0x9b], 20))
    const unknown = Uint8Array.from([
      0x1f,
      0x43,
      0xb6,
      0x75,
      0xff,
      ...el([0xe7], 1, 0),
      ...el([0xec], 1, 2, 3),
      ...group,
    ])
    const frames = await payloads(file(opusTrack(), unknown, cluster(512, block(0, 0, [opus[1]!]))))
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([266_000, 512_000])
  })

  it('headers that are stripped from every frame', async () => {
    const stripped = opus[0]!.subarray(0, 1)
    const compression = el([0x50, 0x34], el([0x42, 0x54], 3), el([0x42, 0x55], stripped))
    const encodings = el([0x6d, 0x80], el([0x62, 0x40], compression))
    const frames = await payloads(file(opusTrack(encodings), cluster(0, block(0, 0, [opus[0]!.subarray(1)]))))
    expect(frames[0]!.payload).toEqual(opus[0])
  })

  it('tracks of other codecs, compressed or of many channels are named', async () => {
    const zlib = el([0x6d, 0x80], el([0x62, 0x40], el([0x50, 0x34], el([0x42, 0x54], 0))))
    const six = el([0xae], el([0xd7], 1), el([0x86], ascii('A_OPUS')), el([0xe1], el([0x9f], 6)))
    const vorbis = el([0xae], el([0xd7], 1), el([0x86], ascii('A_VORBIS')))
    for (const [track, name] of [
      [opusTrack(zlib), 'A_OPUS, compressed or encrypted'],
      [six, 'A_OPUS with 6 channels'],
      [vorbis, 'A_VORBIS'],
      [el([0xae]), 'a track without a codec'],
    ] as const) {
      await expect(openMedia(file(track, cluster(0)))).rejects.toMatchObject({
        code: 'ERR_MEDIA_CODEC',
        message: `The file has nothing that RTP carries: only ${name}`,
      })
    }
  })

  it('a thousand tracks are not taken', async () => {
    const many = Array.from({ length: 1000 }, () => [...opusTrack()]).flat()
    const tracks = el([0x16, 0x54, 0xae, 0x6b], many)
    const bytes = Uint8Array.from([...EBML, 0x18, 0x53, 0x80, 0x67, 0xff, ...tracks, ...cluster(0)])
    const reader = await openMedia(bytes)
    expect(reader.tracks).toHaveLength(64)
  })
})

describe('MP4 tables that claim too much', () => {
  const whole = fixture('h264-opus.mp4')

  function patched(type: string, offset: number, bytes: number[], nth = 0): Uint8Array {
    const copy = whole.slice()
    let at = -1
    for (let count = 0; count <= nth; count++) at = Buffer.from(copy).indexOf(type, at + 1)
    copy.set(bytes, at + 4 + offset)
    return copy
  }

  it.each([
    ['stsz', 4, [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]], // a fixed size, and as many samples as can be
    ['stsz', 8, [0x7f, 0, 0, 0]],
    ['stts', 8, [0xff, 0xff, 0xff, 0xff]],
    ['stts', 4, [0x10, 0, 0, 0]],
    ['stsc', 12, [0xff, 0xff, 0xff, 0xff]],
    ['stco', 4, [0x40, 0, 0, 0]],
    ['stss', 4, [0x40, 0, 0, 0]],
    ['stsd', 4, [0x40, 0, 0, 0]],
  ])('%s at %i', async (type, offset, bytes) => {
    await expect(openMedia(patched(type, offset, bytes))).rejects.toMatchObject({
      code: 'ERR_MEDIA_MALFORMED',
      message: `More in this MP4 file than there is room for: ${type}`,
    })
  })

  it('a run of a fragment', async () => {
    const trun = [...ascii('trun'), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]
    const box = (type: string, body: number[]) => [0, 0, 0, body.length + 8, ...ascii(type), ...body]
    const moof = box('moof', box('traf', [0, 0, 0, trun.length + 4, ...trun]))
    await expect(openMedia(Uint8Array.from([...whole, ...moof]))).rejects.toMatchObject({ code: 'ERR_MEDIA_MALFORMED' })
  })
})

import { describe, expect, it } from 'vitest'
import { createMediaWriter, formatOfName, MediaError, MemorySink, openMedia, sniffFormat } from '@kaon/media'
import type { MediaFormat } from '@kaon/media'
import { essence, fixture, readAll, writeAll } from './media.ts'

const files: [name: string, format: MediaFormat, tracks: [mimeType: string, frames: number, keyFrames: number][]][] = [
  ['vp8.ivf', 'ivf', [['video/VP8', 10, 2]]],
  ['vp9.ivf', 'ivf', [['video/VP9', 10, 2]]],
  ['av1.ivf', 'ivf', [['video/AV1', 10, 2]]],
  ['h264.h264', 'h264', [['video/H264', 10, 2]]],
  ['h265.h265', 'h265', [['video/H265', 10, 2]]],
  ['opus.ogg', 'ogg', [['audio/opus', 51, 51]]],
  ['pcmu.wav', 'wav', [['audio/PCMU', 50, 50]]],
  ['pcma.wav', 'wav', [['audio/PCMA', 25, 25]]],
  [
    'vp9-opus.webm',
    'webm',
    [
      ['video/VP9', 10, 2],
      ['audio/opus', 51, 51],
    ],
  ],
  ['h264-aac.mp4', 'mp4', [['video/H264', 10, 2]]],
  [
    'h264-opus.mp4',
    'mp4',
    [
      ['video/H264', 10, 2],
      ['audio/opus', 51, 51],
    ],
  ],
]

describe('files of ffmpeg', () => {
  it.each(files)('%s', async (name, format, tracks) => {
    const bytes = fixture(name)
    expect(sniffFormat(bytes.subarray(0, 64))).toBe(format)
    const read = await readAll(bytes)
    expect(
      read.map(({ mimeType, frames }) => [mimeType, frames.length, frames.filter(({ keyFrame }) => keyFrame).length]),
    ).toEqual(tracks)
    expect(read.every(({ frames }) => frames[0]!.keyFrame)).toBe(true)
  })

  it('tells what the tracks are', async () => {
    const reader = await openMedia(fixture('h264-opus.mp4'))
    expect(reader.tracks).toMatchObject([
      {
        id: 1,
        kind: 'video',
        mimeType: 'video/H264',
        codec: 'avc1.640009',
        width: 96,
        height: 64,
        duration: 1_000_000,
      },
      { id: 2, kind: 'audio', mimeType: 'audio/opus', codec: 'opus', sampleRate: 48_000, channels: 1 },
    ])
    await reader.close()
    const ogg = await openMedia(fixture('opus.ogg'))
    expect(ogg.tracks[0]).toMatchObject({ channels: 2, sampleRate: 48_000, duration: 1_000_000 })
    const av1 = await openMedia(fixture('av1.ivf'))
    expect(av1.tracks[0]).toMatchObject({ codec: 'av01.0.00M.08', width: 96, height: 64, duration: 1_000_000 })
    const h265 = await openMedia(fixture('h265.h265'))
    expect(h265.tracks[0]).toMatchObject({ codec: 'hvc1.1.6.L30.90', width: 96, height: 64 })
  })

  it('names what RTP does not carry', async () => {
    const reader = await openMedia(fixture('h264-aac.mp4'))
    expect(reader.skipped).toEqual(['aac'])
    await reader.close()
  })

  it('puts parameter sets in front of key frames, and takes delimiters away', async () => {
    const [mp4] = await readAll(fixture('h264-opus.mp4'))
    for (const { payload, keyFrame } of mp4!.frames) {
      expect(payload.subarray(0, 4)).toEqual(Uint8Array.of(0, 0, 0, 1))
      if (keyFrame) expect(payload[4]! & 0x1f).toBe(7)
    }
    const [av1] = await readAll(fixture('av1.ivf'))
    expect(av1!.frames.every(({ payload }) => payload[0] !== 0x12)).toBe(true)
  })

  it('reads octets without a header when told what they are', async () => {
    const bytes = fixture('tone.g722')
    const [track] = await readAll(bytes, { format: 'g722' })
    expect(track!.frames).toHaveLength(25)
    expect(track!.frames[1]).toMatchObject({ timestamp: 20_000, duration: 20_000 })
    await expect(openMedia(bytes)).rejects.toMatchObject({ code: 'ERR_MEDIA_FORMAT' })
  })

  it('goes on into the next link of a chained Ogg stream', async () => {
    const first = fixture('opus.ogg')
    const second = await writeAll('ogg', await readAll(first))
    const [track] = await readAll(Uint8Array.from([...first, ...second]))
    expect(track!.frames).toHaveLength(102)
    track!.frames.forEach(({ timestamp }, index) => expect(timestamp).toBe(index * 20_000))
  })

  it('gives elementary streams the rate that they name, or the one that is asked for', async () => {
    const [named] = await readAll(fixture('h264.h264'))
    expect(named!.frames[1]!.timestamp).toBe(100_000)
    const [asked] = await readAll(fixture('h265.h265'), { frameRate: 50 })
    expect(asked!.frames[1]!.timestamp).toBe(20_000)
    await expect(openMedia(fixture('h265.h265'), { frameRate: 0 })).rejects.toMatchObject({
      code: 'ERR_MEDIA_ARGUMENT',
    })
  })
})

describe('reading', () => {
  it('interleaves tracks by time', async () => {
    const reader = await openMedia(fixture('vp9-opus.webm'))
    let last = -Infinity
    for await (const { frame } of reader.frames()) {
      expect(frame.timestamp).toBeGreaterThanOrEqual(last)
      last = frame.timestamp
    }
    await reader.close()
  })

  it.each(['vp8.ivf', 'vp9-opus.webm', 'h264.h264'])('%s: begins at the key frame before a time', async (name) => {
    const reader = await openMedia(fixture(name))
    const frames = []
    for await (const entry of reader.frames({ startAt: 800_000 })) frames.push(entry)
    const video = frames.filter(({ track }) => track.kind === 'video')
    expect(video[0]!.frame.keyFrame).toBe(true)
    expect(video).toHaveLength(5)
    await reader.close()
  })

  it('reads one track when asked to', async () => {
    const reader = await openMedia(fixture('h264-opus.mp4'))
    let count = 0
    for await (const { track } of reader.frames({ track: reader.tracks[1]! })) {
      expect(track.kind).toBe('audio')
      count++
    }
    expect(count).toBe(51)
    await reader.close()
    await expect(reader.frames().next()).rejects.toMatchObject({ code: 'ERR_MEDIA_STATE' })
  })

  it.each(files.map(([name]) => name))('%s: ends when it is closed', async (name) => {
    const reader = await openMedia(fixture(name))
    let count = 0
    for await (const _ of reader.frames()) if (++count === 3) await reader.close()
    expect(count).toBe(3)
  })
})

describe('written and read again', () => {
  it.each([
    ['vp8.ivf', 'ivf'],
    ['vp8.ivf', 'webm'],
    ['vp8.ivf', 'mkv'],
    ['vp9.ivf', 'ivf'],
    ['vp9.ivf', 'webm'],
    ['vp9.ivf', 'mp4'],
    ['av1.ivf', 'ivf'],
    ['av1.ivf', 'webm'],
    ['av1.ivf', 'mp4'],
    ['h264.h264', 'h264'],
    ['h264.h264', 'mkv'],
    ['h264.h264', 'mp4'],
    ['h264.h264', 'ivf'],
    ['h265.h265', 'h265'],
    ['h265.h265', 'mkv'],
    ['h265.h265', 'mp4'],
    ['opus.ogg', 'ogg'],
    ['opus.ogg', 'webm'],
    ['opus.ogg', 'mp4'],
    ['pcmu.wav', 'wav'],
    ['pcma.wav', 'wav'],
    ['vp9-opus.webm', 'webm'],
    ['vp9-opus.webm', 'mkv'],
    ['vp9-opus.webm', 'mp4'],
    ['h264-opus.mp4', 'mp4'],
    ['h264-opus.mp4', 'mkv'],
    ['h264-aac.mp4', 'mp4'],
  ] as const)('%s as %s', async (name, format) => {
    const original = await readAll(fixture(name))
    for (const seekable of [true, false]) {
      const written = await writeAll(format, original, { seekable })
      const again = await readAll(written)
      expect(essence(again)).toEqual(essence(original))
      if (format === 'h264' || format === 'h265') continue // no times
      again.forEach(({ frames }, track) => {
        // The first packet of Opus in MP4 lies before 0, which a writer has no place for.
        const shift = frames[1]!.timestamp - original[track]!.frames[1]!.timestamp
        frames.forEach((frame, index) => {
          if (index === 0) return
          const wanted = original[track]!.frames[index]!.timestamp
          expect(Math.abs(frame.timestamp - shift - wanted)).toBeLessThanOrEqual(1000)
        })
      })
    }
  })

  it.each([
    ['pcmu', 'pcmu.wav'],
    ['pcma', 'pcma.wav'],
  ] as const)('%s octets', async (format, name) => {
    const original = await readAll(fixture(name))
    const written = await writeAll(format, original)
    expect(essence(await readAll(written, { format }))).toEqual(essence(original))
  })

  it('an IVF file keeps times to the µs and tells its number of frames', async () => {
    const original = await readAll(fixture('vp8.ivf'))
    const frames = original[0]!.frames.map((frame, index) => ({ ...frame, timestamp: frame.timestamp + index * 7 }))
    const written = await writeAll('ivf', [{ mimeType: 'video/VP8', frames }])
    expect(written[24]).toBe(10)
    const [again] = await readAll(written)
    expect(again!.frames.map(({ timestamp }) => timestamp)).toEqual(frames.map(({ timestamp }) => timestamp))
  })

  it('pauses in Ogg and WAVE are filled', async () => {
    const [opus] = await readAll(fixture('opus.ogg'))
    const late = opus!.frames.map((frame, index) => ({
      ...frame,
      timestamp: frame.timestamp + (index < 10 ? 0 : 200_000),
    }))
    const [again] = await readAll(await writeAll('ogg', [{ mimeType: 'audio/opus', frames: late }]))
    expect(again!.frames).toHaveLength(61)
    expect(again!.frames[10]!.payload).toHaveLength(1)
    expect(again!.frames[20]).toMatchObject({ payload: late[10]!.payload, timestamp: late[10]!.timestamp })
    const [pcmu] = await readAll(fixture('pcmu.wav'))
    const frames = pcmu!.frames.map((frame, index) => ({
      ...frame,
      timestamp: frame.timestamp + (index < 10 ? 0 : 200_000),
    }))
    const [silent] = await readAll(await writeAll('wav', [{ mimeType: 'audio/PCMU', frames }]))
    expect(silent!.frames).toHaveLength(60)
    expect(silent!.frames[10]!.payload.every((octet) => octet === 0xff)).toBe(true)
    expect(silent!.frames[20]!.payload).toEqual(pcmu!.frames[10]!.payload)
  })

  it('a clock that jumps by a year does not make a file of a year', async () => {
    const [opus] = await readAll(fixture('opus.ogg'))
    const frames = opus!.frames.slice(0, 2).map((frame, index) => ({ ...frame, timestamp: index * 3.15e13 }))
    const written = await writeAll('ogg', [{ mimeType: 'audio/opus', frames }])
    expect(written.length).toBeLessThan(1_000_000)
  })

  it('a track may begin later, where the sink can be written anywhere', async () => {
    const [video] = await readAll(fixture('vp9.ivf'))
    const [audio] = await readAll(fixture('opus.ogg'))
    for (const format of ['webm', 'mkv', 'mp4'] as const) {
      const sink = new MemorySink()
      const writer = createMediaWriter(format, [{ mimeType: 'audio/opus' }], sink)
      expect(writer.acceptsLateTracks).toBe(true)
      for (const frame of audio!.frames.slice(0, 10)) await writer.write(writer.tracks[0]!, frame)
      const late = writer.addTrack({ mimeType: 'video/vp9' })
      for (const frame of video!.frames) await writer.write(late, { ...frame, timestamp: frame.timestamp + 200_000 })
      await writer.finish()
      const tracks = await readAll(sink.bytes)
      expect(tracks.map(({ mimeType, frames }) => [mimeType, frames.length])).toEqual([
        ['audio/opus', 10],
        ['video/VP9', 10],
      ])
      expect(tracks[1]!.frames[0]!.timestamp - tracks[0]!.frames[0]!.timestamp).toBeCloseTo(200_000, -4)
    }
    const writer = createMediaWriter('webm', [{ mimeType: 'audio/opus' }], new MemorySink({ seekable: false }))
    await writer.write(writer.tracks[0]!, audio!.frames[0]!)
    expect(() => writer.addTrack({ mimeType: 'video/VP9' })).toThrow(MediaError)
  })

  it.each(['webm', 'mp4'] as const)(
    '%s on a sink that goes forward only does not wait for a silent track forever',
    async (format) => {
      const [video] = await readAll(fixture('vp9.ivf'))
      const writer = createMediaWriter(
        format,
        [{ mimeType: 'audio/opus' }, { mimeType: 'video/VP9' }],
        new MemorySink({ seekable: false }),
      )
      const [audio, silent] = writer.tracks
      const payload = new Uint8Array(60_000).fill(0xfc)
      for (let index = 0; index < 200; index++) {
        await writer.write(audio!, { payload, timestamp: index * 20_000, keyFrame: true })
      }
      await expect(writer.write(silent!, video!.frames[0]!)).rejects.toMatchObject({ code: 'ERR_MEDIA_STATE' })
      await writer.finish()
    },
  )
})

describe('misuse of a writer', () => {
  it('throws for what a format does not take', () => {
    const open = (format: MediaFormat, ...mimeTypes: string[]) =>
      createMediaWriter(
        format,
        mimeTypes.map((mimeType) => ({ mimeType })),
        new MemorySink(),
      )
    const code = (action: () => unknown) => {
      try {
        action()
      } catch (error) {
        return (error as MediaError).code
      }
      return undefined
    }
    expect(code(() => open('webm', 'video/H264'))).toBe('ERR_MEDIA_CODEC')
    expect(code(() => open('mp4', 'video/VP8'))).toBe('ERR_MEDIA_CODEC')
    expect(code(() => open('ogg', 'audio/PCMU'))).toBe('ERR_MEDIA_CODEC')
    expect(code(() => open('mkv', 'video/theora'))).toBe('ERR_MEDIA_CODEC')
    expect(code(() => open('ivf', 'video/VP8', 'video/VP8'))).toBe('ERR_MEDIA_TRACK')
    expect(code(() => open('avi' as MediaFormat))).toBe('ERR_MEDIA_ARGUMENT')
    expect(code(() => open('webm', 'VIDEO/vp8', 'audio/OPUS'))).toBeUndefined()
    const sized = { mimeType: 'video/VP8', width: 0, height: 10 }
    expect(code(() => createMediaWriter('ivf', [sized], new MemorySink()))).toBe('ERR_MEDIA_ARGUMENT')
  })

  it('wants a key frame first, and nothing after the end', async () => {
    const [video] = await readAll(fixture('vp8.ivf'))
    for (const [format, mimeType] of [
      ['webm', 'video/VP8'],
      ['mp4', 'video/VP9'],
    ] as const) {
      const writer = createMediaWriter(format, [{ mimeType }], new MemorySink())
      const [track] = writer.tracks
      await expect(writer.write(track!, video!.frames[1]!)).rejects.toMatchObject({ code: 'ERR_MEDIA_ARGUMENT' })
      await writer.finish()
      await writer.finish()
      await expect(writer.write(track!, video!.frames[0]!)).rejects.toMatchObject({ code: 'ERR_MEDIA_STATE' })
      expect(() => writer.addTrack({ mimeType })).toThrow(MediaError)
    }
  })

  it('tells formats by names', () => {
    const names = ['a.webm', 'A.MKV', 'x/y.z.mp4', 'b.opus', 'c.264', 'd.ulaw', 'e.txt', 'webm']
    const formats = ['webm', 'mkv', 'mp4', 'ogg', 'h264', 'pcmu', undefined, undefined]
    expect(names.map(formatOfName)).toEqual(formats)
  })
})

import { describe, expect, it } from 'vitest'
import { MediaError, MemorySink, play, record } from '@kaon/media'
import type { MediaFormat, TrackSource } from '@kaon/media'
import { VirtualNetwork } from '@kaon/net/virtual'
import { essence, fixture, readAll } from './media.ts'
import { PushedTrack, settle } from './sources.ts'

const vp8 = (await readAll(fixture('vp8.ivf')))[0]!.frames
const vp9 = (await readAll(fixture('vp9.ivf')))[0]!.frames
const h264 = (await readAll(fixture('h264.h264')))[0]!.frames
const opus = (await readAll(fixture('opus.ogg')))[0]!.frames

function start(tracks: TrackSource[], format: MediaFormat, options: { seekable?: boolean } = {}) {
  const sink = new MemorySink(options)
  return { recorder: record(tracks, sink, { format }), sink }
}

/** Pushes audio and video as they would come from a network with this delay of video, in ms. */
function pushBoth(video: PushedTrack, audio: PushedTrack, videoDelay: number): void {
  const all = [
    ...vp8.map((frame) => ({ track: video, frame, at: 10_000 + frame.timestamp / 1000 + videoDelay, base: 7_000_000 })),
    ...opus.map((frame) => ({ track: audio, frame, at: 10_000 + frame.timestamp / 1000, base: 90_000_000 })),
  ]
  all.sort((a, b) => a.at - b.at)
  for (const { track, frame, at, base } of all) track.push({ ...frame, timestamp: frame.timestamp + base }, at)
}

describe('record', () => {
  it.each([
    ['webm', true],
    ['webm', false],
    ['mkv', true],
  ] as const)('%s, seekable: %s: two tracks, each with its own clock, come together', async (format, seekable) => {
    const [video, audio] = [new PushedTrack('video/VP8'), new PushedTrack('audio/opus')]
    const { recorder, sink } = start([video, audio], format, { seekable })
    pushBoth(video, audio, 40)
    video.end()
    audio.end()
    const info = await recorder.ended
    expect(info).toMatchObject({
      format,
      tracks: [
        { sourceId: 'video/VP8', kind: 'video', mimeType: 'video/VP8', frames: 10, width: 96, height: 64 },
        { sourceId: 'audio/opus', kind: 'audio', mimeType: 'audio/opus', frames: 51 },
      ],
      dropped: { otherLayers: 0, waitingForKeyFrame: 0, sinkTooSlow: 0, notTaken: 0 },
    })
    expect(info.duration).toBeGreaterThanOrEqual(1_000_000)
    const tracks = await readAll(sink.bytes)
    expect(essence(tracks)).toEqual(
      essence([
        { mimeType: 'video/VP8', frames: vp8 },
        { mimeType: 'audio/opus', frames: opus },
      ]),
    )
    expect(tracks[0]!.frames[0]!.timestamp - tracks[1]!.frames[0]!.timestamp).toBe(39_500) // ms
    expect(tracks[0]!.frames[9]!.timestamp - tracks[0]!.frames[0]!.timestamp).toBe(900_000)
  })

  it('begins video with a key frame and asks for one', async () => {
    const video = new PushedTrack('video/VP8')
    const { recorder, sink } = start([video], 'ivf')
    expect(video.keyFrameRequests).toBe(1)
    vp8.slice(1).forEach((frame) => video.push(frame, frame.timestamp / 1000))
    await settle()
    expect(video.keyFrameRequests).toBe(2) // no more than one in 500 ms
    const info = await recorder.stop()
    expect(info.dropped.waitingForKeyFrame).toBe(4)
    expect(essence(await readAll(sink.bytes))).toEqual(essence([{ mimeType: 'video/VP8', frames: vp8.slice(5) }]))
  })

  it('records the largest layer of a simulcast that comes', async () => {
    const video = new PushedTrack('video/VP8')
    const { recorder, sink } = start([video], 'webm')
    const half = (frame: (typeof vp8)[number]) => {
      const payload = frame.payload.slice()
      if (frame.keyFrame) payload.set([48, 0, 32, 0], 6) // half the width and height
      return { ...frame, payload }
    }
    vp8.forEach((frame, index) => {
      const at = frame.timestamp / 1000
      video.push(half(frame), at, { rid: 'q', ssrc: 1 })
      if (index !== 0) video.push({ ...frame, timestamp: frame.timestamp + 5e8 }, at + 10, { rid: 'h', ssrc: 2 })
    })
    vp8.forEach((frame) => video.push(half(frame), 2500 + frame.timestamp / 1000, { rid: 'q', ssrc: 1 }))
    video.end()
    const info = await recorder.ended
    expect(info.tracks.map(({ frames }) => frames)).toEqual([6 + 5 + 10]) // q, h from its key frame on, q when h is silent
    expect(info.dropped).toMatchObject({ otherLayers: 4 + 4, waitingForKeyFrame: 0 })
    const [track] = await readAll(sink.bytes)
    expect(track!.frames.filter(({ keyFrame }) => keyFrame)).toHaveLength(5)
    const times = track!.frames.map(({ timestamp }) => timestamp)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  it('goes on with a key frame after a loss', async () => {
    const video = new PushedTrack('video/VP9')
    const { recorder, sink } = start([video], 'webm')
    vp9.forEach((frame, index) => {
      if (index !== 2) video.push(frame, frame.timestamp / 1000, { discontinuity: index === 3 })
    })
    video.end()
    const info = await recorder.ended
    expect(info.dropped.waitingForKeyFrame).toBe(2)
    expect(video.keyFrameRequests).toBe(2)
    const [track] = await readAll(sink.bytes)
    expect(track!.frames.map(({ timestamp }) => timestamp / 100_000)).toEqual([0, 1, 5, 6, 7, 8, 9])
  })

  it('places a track that begins later where it belongs, and goes on without one that ends', async () => {
    for (const format of ['webm', 'mp4'] as const) {
      const [video, audio] = [new PushedTrack('video/VP9'), new PushedTrack('audio/opus')]
      const { recorder, sink } = start([video, audio], format)
      for (let index = 0; index < 200; index++) {
        audio.push({ ...opus[index % 50]!, timestamp: index * 20_000 }, index * 20)
      }
      await settle()
      vp9.forEach((frame) => video.push(frame, 3000 + frame.timestamp / 1000))
      video.end()
      await settle()
      const info = await recorder.stop()
      expect(info.tracks.map(({ frames }) => frames)).toEqual([200, 10])
      const tracks = await readAll(sink.bytes)
      const began = tracks.find(({ mimeType }) => mimeType === 'video/VP9')!.frames[0]!.timestamp
      expect(began).toBeCloseTo(3_000_000, -4)
    }
  })

  it('takes a new codec of a track as another track of the file', async () => {
    const video = new PushedTrack('video/VP8')
    const { recorder, sink } = start([video], 'mkv')
    vp8.forEach((frame) => video.push(frame, frame.timestamp / 1000))
    h264.forEach((frame) => video.push(frame, 1000 + frame.timestamp / 1000, { mimeType: 'video/H264', ssrc: 2 }))
    video.end()
    const info = await recorder.ended
    expect(info.tracks.map(({ mimeType, frames }) => [mimeType, frames])).toEqual([
      ['video/VP8', 10],
      ['video/H264', 10],
    ])
    const tracks = await readAll(sink.bytes)
    expect(tracks[1]!.frames[0]!.timestamp).toBe(1_000_000)
  })

  it('goes on without what the format does not take later', async () => {
    const video = new PushedTrack('video/VP8')
    const { recorder } = start([video], 'webm')
    vp8.forEach((frame) => video.push(frame, frame.timestamp / 1000))
    h264.forEach((frame) => video.push(frame, 1000 + frame.timestamp / 1000, { mimeType: 'video/H264', ssrc: 2 }))
    video.end()
    const info = await recorder.ended
    expect(info.tracks).toHaveLength(1)
    expect(info.dropped.notTaken).toBe(10)
  })

  it('leaves telephone events out', async () => {
    const audio = new PushedTrack('audio/opus')
    const { recorder } = start([audio], 'ogg')
    const event = { payload: Uint8Array.of(1, 10, 0, 160), timestamp: 0, keyFrame: true }
    audio.push(event, 0, { mimeType: 'audio/telephone-event' })
    opus.forEach((frame) => audio.push(frame, frame.timestamp / 1000))
    audio.end()
    const info = await recorder.ended
    expect([info.tracks[0]!.frames, info.dropped.notTaken]).toEqual([51, 1])
  })

  it('fails when the format does not take what comes first', async () => {
    const video = new PushedTrack('video/H264')
    const { recorder } = start([video], 'webm')
    let reported: unknown
    recorder.onerror = (error) => {
      reported = error
    }
    h264.forEach((frame) => video.push(frame, frame.timestamp / 1000))
    await expect(recorder.ended).rejects.toMatchObject({
      code: 'ERR_MEDIA_CODEC',
      message: 'A webm file does not take video/H264; mkv takes all',
    })
    expect(reported).toBeInstanceOf(MediaError)
    await expect(recorder.stop()).rejects.toMatchObject({ code: 'ERR_MEDIA_CODEC' })
  })

  it('fails with its sink', async () => {
    const video = new PushedTrack('video/VP8')
    const sink = {
      seekable: true,
      write: () => Promise.reject(new Error('the disk is full')),
      close: () => Promise.resolve(),
    }
    const recorder = record([video], sink, { format: 'ivf' })
    vp8.forEach((frame) => video.push(frame, frame.timestamp / 1000))
    await expect(recorder.ended).rejects.toThrow('the disk is full')
  })

  it('drops frames rather than hold more than it should for a sink that is too slow', async () => {
    const audio = new PushedTrack('audio/PCMU')
    let blocked = true
    const waiting: (() => void)[] = []
    const sink = {
      seekable: false,
      write: () => (blocked ? new Promise<void>((resolve) => waiting.push(resolve)) : Promise.resolve()),
      close: () => Promise.resolve(),
    }
    const recorder = record([audio], sink, { format: 'pcmu' })
    const payload = new Uint8Array(1024 * 1024)
    for (let index = 0; index < 60; index++) audio.push({ payload, timestamp: 0, keyFrame: true }, index * 20)
    await settle()
    expect(recorder.dropped.sinkTooSlow).toBeGreaterThan(20)
    blocked = false
    waiting.forEach((wake) => wake())
    await recorder.stop()
  })

  it('goes by the time of arrival where timestamps jump', async () => {
    const audio = new PushedTrack('audio/opus')
    const { recorder, sink } = start([audio], 'webm')
    opus
      .slice(0, 10)
      .forEach((frame, index) => audio.push({ ...frame, timestamp: 5_000_000 + index * 20_000 }, index * 20))
    opus
      .slice(10, 20)
      .forEach((frame, index) => audio.push({ ...frame, timestamp: 1e12 + index * 20_000 }, 200 + index * 20))
    opus.slice(20, 30).forEach((frame, index) => audio.push({ ...frame, timestamp: index * 20_000 }, 400 + index * 20))
    audio.end()
    await recorder.ended
    const [track] = await readAll(sink.bytes)
    expect(track!.frames).toHaveLength(30)
    expect(track!.frames[29]!.timestamp).toBeLessThan(600_000)
    track!.frames.forEach(({ timestamp }, index) => expect(Math.abs(timestamp - index * 20_000)).toBeLessThan(10_000))
  })

  it('is a file that plays when it is stopped before anything came', async () => {
    const { recorder } = start([new PushedTrack('video/VP8')], 'webm')
    expect(await recorder.stop()).toMatchObject({ tracks: [], duration: 0 })
    const abort = new AbortController()
    const another = record([new PushedTrack('audio/opus')], new MemorySink(), { format: 'ogg', signal: abort.signal })
    abort.abort()
    expect(await another.ended).toMatchObject({ tracks: [] })
  })

  it('wants tracks that the format has room for', () => {
    const [video, audio] = [new PushedTrack('video/VP8'), new PushedTrack('audio/opus')]
    const attempt = (tracks: TrackSource[], format: string) => {
      try {
        start(tracks, format as MediaFormat)
      } catch (error) {
        return (error as MediaError).code
      }
      return undefined
    }
    expect(attempt([], 'webm')).toBe('ERR_MEDIA_ARGUMENT')
    expect(attempt([video], 'avi')).toBe('ERR_MEDIA_ARGUMENT')
    expect(attempt([video, audio], 'ivf')).toBe('ERR_MEDIA_TRACK')
    expect(attempt([video, video], 'ivf')).toBe('ERR_MEDIA_TRACK')
    expect(attempt([video], 'ogg')).toBe('ERR_MEDIA_TRACK')
  })

  it('records what plays', async () => {
    const virtual = new VirtualNetwork()
    const network = virtual.addHost()
    const [video, audio] = [new PushedTrack('video/H264'), new PushedTrack('audio/opus')]
    const { recorder, sink } = start([video, audio], 'mp4')
    const sinkOf = (track: PushedTrack) => ({
      kind: track.kind,
      writeFrame: (frame: (typeof vp8)[number]) => track.push(frame, network.now()),
    })
    const tracks = { video: sinkOf(video), audio: sinkOf(audio) }
    const playback = await play(fixture('h264-opus.mp4'), tracks, { network })
    await virtual.runUntil(playback.ended)
    await recorder.stop()
    const original = await readAll(fixture('h264-opus.mp4'))
    const recorded = await readAll(sink.bytes)
    expect(essence(recorded)).toEqual(essence(original))
    const distance = (read: typeof original) => read[1]!.frames[20]!.timestamp - read[0]!.frames[5]!.timestamp
    expect(Math.abs(distance(recorded) - distance(original))).toBeLessThan(1500)
  })
})

import { describe, expect, it } from 'vitest'
import { MediaError, openMedia, play } from '@kaon/media'
import type { EncodedFrame, MediaReader, TrackSink } from '@kaon/media'
import { VirtualNetwork } from '@kaon/net/virtual'
import { fixture } from './media.ts'

interface Played {
  at: number
  frame: EncodedFrame
}

class Screen implements TrackSink {
  readonly played: Played[] = []
  readonly kind: string
  readyState = 'live'
  onframe: (() => void) | undefined
  readonly #now: () => number

  constructor(kind: string, now: () => number) {
    this.kind = kind
    this.#now = now
  }

  writeFrame(frame: EncodedFrame): void {
    this.played.push({ at: this.#now(), frame })
    this.onframe?.()
  }
}

function world() {
  const virtual = new VirtualNetwork({ start: 5000 })
  const network = virtual.addHost()
  const screen = (kind: string): Screen => new Screen(kind, () => virtual.now)
  return { virtual, network, video: screen('video'), audio: screen('audio') }
}

describe('play', () => {
  it('writes each frame when its time has come', async () => {
    const { virtual, network, video } = world()
    const playback = await play(fixture('vp8.ivf'), { video }, { network })
    await virtual.runUntil(playback.ended)
    expect(video.played.map(({ at }) => Math.round(at - 5000))).toEqual([
      0, 100, 200, 300, 400, 500, 600, 700, 800, 900,
    ])
    expect(video.played.map(({ frame }) => frame.timestamp)).toEqual(video.played.map((_, index) => index * 100_000))
    expect(video.played.filter(({ frame }) => frame.keyFrame)).toHaveLength(2)
    expect(playback.position).toBe(900_000)
  })

  it('keeps audio and video together', async () => {
    const { virtual, network, video, audio } = world()
    const playback = await play(fixture('vp9-opus.webm'), { video, audio }, { network })
    await virtual.runUntil(playback.ended)
    expect([video.played.length, audio.played.length]).toEqual([10, 51])
    for (const { at, frame } of [...video.played, ...audio.played]) {
      expect(at - 5000).toBeCloseTo(frame.timestamp / 1000, 3)
    }
    expect(video.played[0]!.frame.timestamp).toBe(13_500) // the file says so
  })

  it('reads ahead within bounds', async () => {
    const { virtual, network, audio } = world()
    let read = 0
    const reader = await openMedia(fixture('opus.ogg'))
    const counted: MediaReader = {
      format: reader.format,
      tracks: reader.tracks,
      skipped: reader.skipped,
      close: () => reader.close(),
      async *frames(options) {
        for await (const entry of reader.frames(options)) {
          read++
          yield entry
        }
      },
    }
    const playback = await play(counted, { audio }, { network, loop: true })
    await virtual.run(100)
    expect(read).toBeLessThanOrEqual(72)
    await virtual.run(2000)
    expect(read).toBeGreaterThan(100)
    playback.stop()
  })

  it('plays in a loop, with timestamps that go on', async () => {
    const { virtual, network, video } = world()
    const playback = await play(fixture('vp8.ivf'), { video }, { network, loop: true })
    await virtual.run(3450)
    playback.stop()
    await virtual.runUntil(playback.ended)
    const times = video.played.map(({ frame }) => frame.timestamp)
    expect(times).toHaveLength(35)
    expect(times).toEqual(times.map((_, index) => index * 100_000))
  })

  it('begins at a key frame, and plays at another rate', async () => {
    const { virtual, network, video } = world()
    const playback = await play(fixture('h264.h264'), { video }, { network, startAt: 700_000, rate: 2 })
    await virtual.runUntil(playback.ended)
    expect(video.played[0]!.frame.keyFrame).toBe(true)
    expect(video.played.map(({ at }) => at - 5000)).toEqual([0, 50, 100, 150, 200])
    expect(video.played.map(({ frame }) => frame.timestamp)).toEqual([0, 50_000, 100_000, 150_000, 200_000])
  })

  it('stops when told to, from within a track too', async () => {
    const { virtual, network, video } = world()
    const playback = await play(fixture('vp8.ivf'), { video }, { network })
    let ended = 0
    playback.onended = () => ended++
    video.onframe = () => {
      if (video.played.length === 3) playback.stop()
    }
    await virtual.runUntil(playback.ended)
    await virtual.run(1000)
    playback.stop()
    expect([video.played.length, ended, virtual.pending]).toEqual([3, 1, 0])
  })

  it('ends with its tracks', async () => {
    const { virtual, network, video, audio } = world()
    const playback = await play(fixture('vp9-opus.webm'), { video, audio }, { network, loop: true })
    await virtual.run(250)
    audio.readyState = 'ended'
    const heard = audio.played.length
    await virtual.run(1000)
    expect([audio.played.length, video.played.length]).toEqual([heard, 13])
    video.readyState = 'ended'
    await virtual.runUntil(playback.ended)
    expect(virtual.pending).toBe(0)
  })

  it('stops when its signal is aborted', async () => {
    const { virtual, network, video } = world()
    const abort = new AbortController()
    const playback = await play(fixture('vp8.ivf'), { video }, { network, loop: true, signal: abort.signal })
    await virtual.run(250)
    abort.abort()
    await virtual.runUntil(playback.ended)
    expect([video.played.length, virtual.pending]).toEqual([3, 0])
    await expect(play(fixture('vp8.ivf'), { video }, { network, signal: abort.signal })).rejects.toThrow(/abort/)
  })

  it('does not throw seconds of media at the track after standing still', async () => {
    const { virtual, network, video } = world()
    let late = 0
    const clock = {
      now: () => network.now() + late,
      setTimer: (at: number, callback: () => void) => network.setTimer(at - late, callback),
    }
    const playback = await play(fixture('vp8.ivf'), { video }, { network: clock })
    await virtual.run(150)
    late = 60_000
    await virtual.run(60) // the timer comes a minute late
    expect(video.played).toHaveLength(3)
    await virtual.run(100)
    expect(video.played).toHaveLength(4)
    playback.stop()
  })

  it('ends with the error of a track or of the file', async () => {
    const { virtual, network, video } = world()
    video.onframe = () => {
      if (video.played.length === 2) throw new Error('the track is stopped')
    }
    const playback = await play(fixture('vp8.ivf'), { video }, { network })
    await expect(virtual.runUntil(playback.ended)).rejects.toThrow('the track is stopped')
    const broken = fixture('vp8.ivf')
    broken.fill(0xff, 32 + 12 + 1634, 32 + 12 + 1634 + 4) // the size of the second frame
    const another = await play(broken, { video: new Screen('video', () => 0) }, { network })
    let reported: unknown
    another.onended = (error) => {
      reported = error
    }
    await expect(virtual.runUntil(another.ended)).rejects.toMatchObject({ code: 'ERR_MEDIA_LIMIT' })
    expect(reported).toBeInstanceOf(MediaError)
  })

  it('wants tracks that the file has', async () => {
    const { network, video, audio } = world()
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: MediaError) => [error.code, error.message],
      )
    expect(await code(play(fixture('h264-aac.mp4'), { video, audio }, { network }))).toEqual([
      'ERR_MEDIA_TRACK',
      'The file has no audio, but aac, which RTP does not carry',
    ])
    expect(await code(play(fixture('vp8.ivf'), {}, { network }))).toMatchObject(['ERR_MEDIA_ARGUMENT', {}])
    expect(await code(play(fixture('vp8.ivf'), { video: audio }, { network }))).toMatchObject([
      'ERR_MEDIA_ARGUMENT',
      {},
    ])
    expect(await code(play(fixture('vp8.ivf'), { video }, { network, rate: 0 }))).toMatchObject([
      'ERR_MEDIA_ARGUMENT',
      {},
    ])
  })
})

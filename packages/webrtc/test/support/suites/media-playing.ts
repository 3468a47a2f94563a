import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PlayTracks } from '@kaon/media'
import { playFile } from '@kaon/media/node'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { MediaStreamTrack } from '../../../src/index.ts'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { COLOURS, FRAME_RATE, makeFile } from '../ffmpeg.ts'
import { MediaCall } from '../media-call.ts'
import { mediaPage, type MediaPage } from '../media-page.ts'

/** Seconds that each file lasts. */
const DURATION = 4
const FRAMES = DURATION * FRAME_RATE

/** Video out of a file with sound in Opus, and out of a bare stream with sound of another codec in a file beside it. */
export interface Played {
  readonly codec: string
  readonly container: string
  readonly stream: string
  readonly sound: string
  readonly soundCodec: string
}

export const ALL_PLAYED: readonly Played[] = [
  {
    codec: 'video/VP8',
    container: 'vp8.webm',
    stream: 'vp8.ivf',
    sound: 'tone.ogg',
    soundCodec: 'audio/opus',
  },
  {
    codec: 'video/VP9',
    container: 'vp9.webm',
    stream: 'vp9.ivf',
    sound: 'pcmu.wav',
    soundCodec: 'audio/PCMU',
  },
  {
    codec: 'video/H264',
    container: 'h264.mp4',
    stream: 'h264.h264',
    sound: 'pcma.wav',
    soundCodec: 'audio/PCMA',
  },
  {
    codec: 'video/AV1',
    container: 'av1.mp4',
    stream: 'av1.ivf',
    sound: 'tone.g722',
    soundCodec: 'audio/G722',
  },
]

/** Hz */
const SAMPLE_RATES: Readonly<Record<string, number>> = {
  'audio/opus': 48_000,
  'audio/PCMU': 8000,
  'audio/PCMA': 8000,
  'audio/G722': 16_000,
}

/** Files made by ffmpeg, played into tracks in real time, and what the browser makes of them. */
export function playing(kind: BrowserKind, files: readonly Played[]): void {
  describe(`files played to ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    let folder = ''
    let page: MediaPage
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kaon-playing-'))
      const make = (name: string, file: { video?: string; audio?: string }): Promise<void> =>
        makeFile(join(folder, name), { duration: DURATION, ...file })
      for (const { codec, container, stream, sound, soundCodec } of files) {
        await make(container, { video: codec, audio: 'audio/opus' })
        await make(stream, { video: codec })
        await make(sound, { audio: soundCodec })
      }
      page = await mediaPage(await newPage())
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    /** Resolves at the end of all of them. */
    async function play(...files: [name: string, tracks: PlayTracks][]): Promise<void> {
      const playbacks = await Promise.all(files.map(([name, tracks]) => playFile(join(folder, name), tracks)))
      await Promise.all(playbacks.map(({ ended }) => ended))
    }

    describe.each(files)('$codec', ({ codec, container, stream, sound, soundCodec }) => {
      // Both at once: each lasts as long as its file.
      it.concurrent.for(sides(kind))('offered by $who', async ({ side: offerer }, { expect }) => {
        const call = await MediaCall.create(page, { receive: ['audio', 'video'] })
        const isBare = offerer === 'browser'
        const audioCodec = isBare ? soundCodec : 'audio/opus'
        try {
          const video = new MediaStreamTrack({ kind: 'video', codec })
          const audio = new MediaStreamTrack({ kind: 'audio', codec: audioCodec })
          await call.negotiate(offerer, (kaon) => {
            kaon.addTrack(audio)
            kaon.addTrack(video)
          })
          await call.connected()
          if (isBare) await play([stream, { video }], [sound, { audio }])
          else await play([container, { video, audio }])

          expect(await call.kaonStats('outbound-rtp', 'video')).toMatchObject({ mimeType: codec, framesSent: FRAMES })
          const picture = () => call.pageStats('inbound-rtp', 'video')
          const decoded = async () => Number((await picture())?.framesDecoded ?? 0)
          await expect.poll(decoded, { timeout: 5000 }).toBeGreaterThanOrEqual(FRAMES * 0.9)
          const seen = await picture()
          expect(seen).toMatchObject({ mimeType: codec, packetsLost: 0, frameWidth: 320, frameHeight: 240 })
          expect(seen!.keyFramesDecoded).toBeGreaterThanOrEqual(1)
          // Limited range, subsampled colours and a lossy codec leave some distance; another colour of the picture is 255 away.
          const distance = () => call.colourDistance(COLOURS)
          await expect.poll(distance, { timeout: 5000 }).toBeLessThan(48)

          const heard = (await call.pageStats('inbound-rtp', 'audio'))!
          expect(heard).toMatchObject({ mimeType: audioCodec, packetsLost: 0 })
          expect(heard.totalAudioEnergy).toBeGreaterThan(0)
          const samples = Number(heard.totalSamplesReceived)
          expect(samples).toBeGreaterThan(DURATION * SAMPLE_RATES[audioCodec]! * 0.8)
          // What does not come in time is made up: a little of it where the machine is busy, and what follows the end.
          expect(heard.concealedSamples).toBeLessThan(samples / 2)
        } finally {
          await call.close()
        }
      })
    })
  })
}

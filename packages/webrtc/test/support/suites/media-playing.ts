import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** Each codec out of one file with sound, and out of a bare stream with the sound in a file beside it. */
export interface Played {
  readonly codec: string
  readonly container: string
  readonly stream: string
}

export const ALL_PLAYED: readonly Played[] = [
  { codec: 'video/VP8', container: 'vp8.webm', stream: 'vp8.ivf' },
  { codec: 'video/VP9', container: 'vp9.webm', stream: 'vp9.ivf' },
  { codec: 'video/H264', container: 'h264.mp4', stream: 'h264.h264' },
  { codec: 'video/AV1', container: 'av1.mp4', stream: 'av1.ivf' },
]

/** Files made by ffmpeg, played into tracks in real time, and what the browser makes of them. */
export function playing(kind: BrowserKind, files: readonly Played[]): void {
  describe(`files played to ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    let folder = ''
    let page: MediaPage
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kaon-playing-'))
      await makeFile(join(folder, 'tone.ogg'), { duration: DURATION, opus: true })
      for (const { codec, container, stream } of files) {
        await makeFile(join(folder, container), { duration: DURATION, video: codec, opus: true })
        await makeFile(join(folder, stream), { duration: DURATION, video: codec })
      }
      page = await mediaPage(await newPage())
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    /** Plays it all, and the tone beside what has no sound. */
    async function play(
      name: string,
      video: MediaStreamTrack,
      audio: MediaStreamTrack,
      isBare: boolean,
    ): Promise<void> {
      const path = join(folder, name)
      const playbacks = isBare
        ? [await playFile(path, { video }), await playFile(join(folder, 'tone.ogg'), { audio })]
        : [await playFile(path, { video, audio })]
      await Promise.all(playbacks.map(({ ended }) => ended))
    }

    describe.each(files)('$codec', ({ codec, container, stream }) => {
      // Both at once: each lasts as long as its file.
      it.concurrent.for(sides(kind))('offered by $who', async ({ side: offerer }, { expect }) => {
        const call = await MediaCall.create(page, { receive: ['audio', 'video'] })
        try {
          const picture = new MediaStreamTrack({ kind: 'video', codec })
          const sound = new MediaStreamTrack({ kind: 'audio', codec: 'audio/opus' })
          await call.negotiate(offerer, (kaon) => {
            kaon.addTrack(sound)
            kaon.addTrack(picture)
          })
          await call.connected()
          const isBare = offerer === 'browser'
          await play(isBare ? stream : container, picture, sound, isBare)

          expect(await call.kaonStats('outbound-rtp', 'video')).toMatchObject({ mimeType: codec, framesSent: FRAMES })
          const video = () => call.pageStats('inbound-rtp', 'video')
          const decoded = async () => Number((await video())?.framesDecoded ?? 0)
          await expect.poll(decoded, { timeout: 5000 }).toBeGreaterThanOrEqual(FRAMES * 0.9)
          const seen = await video()
          expect(seen).toMatchObject({ mimeType: codec, packetsLost: 0, frameWidth: 320, frameHeight: 240 })
          expect(seen!.keyFramesDecoded).toBeGreaterThanOrEqual(1)
          // Limited range, subsampled colours and a lossy codec leave some distance; another colour of the picture is 255 away.
          const distance = () => call.colourDistance(COLOURS)
          await expect.poll(distance, { timeout: 5000 }).toBeLessThan(48)

          const heard = (await call.pageStats('inbound-rtp', 'audio'))!
          expect(heard).toMatchObject({ mimeType: 'audio/opus', packetsLost: 0 })
          expect(heard.totalAudioEnergy).toBeGreaterThan(0)
          const samples = Number(heard.totalSamplesReceived)
          expect(samples).toBeGreaterThan(DURATION * 48_000 * 0.8)
          // What did not come in time is made up; at the end there is nothing more.
          expect(Number(heard.concealedSamples) - Number(heard.silentConcealedSamples)).toBeLessThan(samples / 4)
        } finally {
          await call.close()
        }
      })
    })
  })
}

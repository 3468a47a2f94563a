import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { recordFile } from '@kaon/media/node'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { RTCRtpReceiver, type RTCPeerConnection, type RTCRtpTransceiver } from '../../../src/index.ts'
import type { Side } from '../browser-pair.ts'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { countSamples, decodeErrors, probe } from '../ffmpeg.ts'
import { MediaCall } from '../media-call.ts'
import { mediaPage, type Kind, type MediaPage } from '../media-page.ts'

/** Codecs of the page's camera and microphone, and the files that they are recorded in: what Kaon offers, and what it answers. */
export interface Recorded {
  readonly video?: string
  readonly audio?: string
  /** Who says with `setCodecPreferences` which codec it is; the other side would take any. */
  readonly chosenBy: 'offerer' | 'answerer'
  /** ffmpeg's names, in the order of the tracks. */
  readonly decoders: readonly string[]
  /** In each frame of a file that has no frames, only octets. */
  readonly samples?: number
  readonly files: { readonly [side in Side]: string }
}

export const ALL_RECORDED: readonly Recorded[] = [
  {
    video: 'video/VP8',
    audio: 'audio/opus',
    chosenBy: 'offerer',
    decoders: ['vp8', 'opus'],
    files: { kaon: 'vp8.webm', browser: 'vp8.mkv' },
  },
  {
    video: 'video/VP9',
    audio: 'audio/opus',
    chosenBy: 'answerer',
    decoders: ['vp9', 'opus'],
    files: { kaon: 'vp9.webm', browser: 'vp9.mp4' },
  },
  {
    video: 'video/H264',
    audio: 'audio/opus',
    chosenBy: 'offerer',
    decoders: ['h264', 'opus'],
    files: { kaon: 'h264.mp4', browser: 'h264.mkv' },
  },
  {
    video: 'video/AV1',
    audio: 'audio/opus',
    chosenBy: 'answerer',
    decoders: ['av1', 'opus'],
    files: { kaon: 'av1.webm', browser: 'av1.mp4' },
  },
  { video: 'video/AV1', chosenBy: 'offerer', decoders: ['av1'], files: { kaon: '1.ivf', browser: '2.ivf' } },
  { video: 'video/H264', chosenBy: 'answerer', decoders: ['h264'], files: { kaon: '1.h264', browser: '2.h264' } },
  { audio: 'audio/opus', chosenBy: 'offerer', decoders: ['opus'], files: { kaon: '1.ogg', browser: '2.ogg' } },
  {
    audio: 'audio/PCMU',
    chosenBy: 'answerer',
    decoders: ['pcm_mulaw'],
    samples: 160,
    files: { kaon: 'pcmu.wav', browser: 'pcmu.mkv' },
  },
  {
    audio: 'audio/PCMA',
    chosenBy: 'offerer',
    decoders: ['pcm_alaw'],
    samples: 160,
    files: { kaon: 'pcma.mka', browser: 'pcma.wav' },
  },
  {
    audio: 'audio/G722',
    chosenBy: 'answerer',
    decoders: ['adpcm_g722'],
    samples: 320,
    files: { kaon: '1.g722', browser: '2.g722' },
  },
]

/** What a browser plays, as its `<video>` calls them. */
const PLAYABLE: Readonly<Record<string, string>> = { '.webm': 'video/webm', '.mp4': 'video/mp4' }

/** Frames of each track that are worth a file. */
const ENOUGH = 50

/** Kaon takes this codec only, of those that it can. */
function prefer(transceiver: RTCRtpTransceiver, kind: Kind, mimeType: string): void {
  const { codecs } = RTCRtpReceiver.getCapabilities(kind)!
  const names = [mimeType.toLowerCase(), `${kind}/rtx`]
  transceiver.setCodecPreferences(codecs.filter((codec) => names.includes(codec.mimeType.toLowerCase())))
}

/** What the browser's camera and microphone send, recorded, and what ffmpeg makes of the files. */
export function recording(kind: BrowserKind, cases: readonly Recorded[]): void {
  describe(`recordings of ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    let folder = ''
    let page: MediaPage
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kaon-recording-'))
      page = await mediaPage(await newPage())
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    for (const { video, audio, chosenBy, decoders, samples, files } of cases) {
      const codecs = new Map<Kind, string>()
      if (video !== undefined) codecs.set('video', video)
      if (audio !== undefined) codecs.set('audio', audio)
      const kinds = [...codecs.keys()]

      describe(`${kinds.map((each) => codecs.get(each)).join(' and ')}, chosen by the ${chosenBy}`, () => {
        // Both at once: neither has much to do.
        it.concurrent.for(sides(kind))('offered by $who', async ({ side: offerer }, { expect }) => {
          const kaonChooses = (offerer === 'kaon') === (chosenBy === 'offerer')
          const call = await MediaCall.create(page, {
            send: kinds,
            ...(kaonChooses ? {} : { prefer: Object.fromEntries(codecs) }),
          })
          try {
            await call.negotiate(offerer, (kaon) => {
              if (offerer === 'kaon') for (const each of kinds) kaon.addTransceiver(each, { direction: 'recvonly' })
              if (kaonChooses) for (const each of kinds) prefer(transceiverOf(kaon, each), each, codecs.get(each)!)
            })
            const tracks = kinds.map((each) => transceiverOf(call.kaon, each).receiver.track)
            const seen = new Map(tracks.map((track) => [track, 0]))
            for (const track of tracks) track.listen({ frame: () => void seen.set(track, seen.get(track)! + 1) })
            const path = join(folder, files[offerer])
            const recorder = await recordFile(tracks, path)
            await call.connected()
            await expect.poll(() => Math.min(...seen.values()), { timeout: 20_000 }).toBeGreaterThanOrEqual(ENOUGH)
            const sent = kinds.map((each) => call.pageStats('outbound-rtp', each))
            for (const stats of await Promise.all(sent)) {
              expect(stats).toMatchObject({ mimeType: codecs.get(stats!.kind!) })
            }
            // The tracks end with the connection, and the recording with the tracks.
            call.kaon.close()
            const { tracks: written, dropped } = await recorder.ended
            expect(written.map(({ mimeType }) => mimeType)).toEqual(kinds.map((each) => codecs.get(each)))
            const arrived = [...seen.values()].reduce((sum, frames) => sum + frames, 0)
            const total = written.reduce((sum, { frames }) => sum + frames, 0)
            expect(dropped).toMatchObject({ sinkTooSlow: 0, notTaken: 0 })
            expect(total + dropped.waitingForKeyFrame).toBe(arrived)

            expect(await decodeErrors(path)).toBe('')
            const streams = await probe(path)
            expect(streams.map(({ codec }) => codec)).toEqual(decoders)
            if (samples === undefined)
              expect(streams.map(({ frames }) => frames)).toEqual(written.map((one) => one.frames))
            else expect(await countSamples(path)).toBe(written[0]!.frames * samples)

            const type = PLAYABLE[extname(path)]
            if (type === undefined) return
            const { width, height, duration } = await page.playFile(await dataUrl(path, type))
            expect({ width, height }).toEqual({ width: 320, height: 240 })
            expect(duration).toBeGreaterThan(1)
          } finally {
            await call.close()
          }
        })
      })
    }
  })
}

function transceiverOf(kaon: RTCPeerConnection, kind: Kind): RTCRtpTransceiver {
  return kaon.getTransceivers().find(({ receiver }) => receiver.track.kind === kind)!
}

async function dataUrl(path: string, type: string): Promise<string> {
  return `data:${type};base64,${(await readFile(path)).toString('base64')}`
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MediaFormat } from '@kaon/media'
import { launchChromium } from '../../../tools/peers/chromium.ts'
import type { Chromium } from '../../../tools/peers/chromium.ts'
import { fixture, readAll, writeAll } from './media.ts'

// What is written here plays in a <video> from beginning to end, and every frame of it is shown or at least decoded.

let browser: Chromium

beforeAll(async () => {
  browser = await launchChromium({ args: ['--autoplay-policy=no-user-gesture-required'] })
})
afterAll(() => browser?.close())

async function playInPage(bytes: Uint8Array, type: string) {
  const page = await browser.newPage()
  try {
    return await page.evaluate(
      async ([base64, mime]) => {
        const data = Uint8Array.from(atob(base64!), (character) => character.charCodeAt(0))
        const video = document.createElement('video')
        video.muted = true
        video.src = URL.createObjectURL(new Blob([data], { type: mime! }))
        document.body.append(video)
        await new Promise<void>((resolve, reject) => {
          video.addEventListener('ended', () => resolve())
          video.addEventListener('error', () => reject(new Error(video.error?.message ?? 'error')))
          video.play().catch(reject)
        })
        const { videoWidth, videoHeight, duration, currentTime } = video
        const canvas = document.createElement('canvas')
        canvas.width = 96
        canvas.height = 64
        const context = canvas.getContext('2d')!
        let brightest = 0
        if (videoWidth > 0) {
          context.drawImage(video, 0, 0)
          brightest = Math.max(...context.getImageData(0, 0, 96, 64).data.filter((_, index) => index % 4 !== 3))
        }
        const frames = video.getVideoPlaybackQuality().totalVideoFrames
        return { videoWidth, videoHeight, duration, currentTime, frames, brightest }
      },
      [Buffer.from(bytes).toString('base64'), type],
    )
  } finally {
    await page.close()
  }
}

describe('files for Chromium', () => {
  it.each<[MediaFormat, string, string[]]>([
    ['webm', 'video/webm', ['vp8.ivf', 'opus.ogg']],
    ['webm', 'video/webm', ['vp9.ivf', 'opus.ogg']],
    ['webm', 'video/webm', ['av1.ivf', 'opus.ogg']],
    ['mkv', 'video/x-matroska', ['h264.h264', 'opus.ogg']],
    ['mp4', 'video/mp4', ['h264.h264', 'opus.ogg']],
    ['mp4', 'video/mp4', ['vp9.ivf', 'opus.ogg']],
    ['mp4', 'video/mp4', ['av1.ivf', 'opus.ogg']],
  ])('%s (%s) of %s', async (format, type, names) => {
    const tracks = (await Promise.all(names.map((name) => readAll(fixture(name))))).flat()
    for (const seekable of [true, false]) {
      const played = await playInPage(await writeAll(format, tracks, { seekable }), type)
      expect(played).toMatchObject({ videoWidth: 96, videoHeight: 64 })
      expect(played.frames).toBeGreaterThanOrEqual(9)
      expect(played.currentTime).toBeGreaterThan(0.9)
      expect(played.brightest).toBeGreaterThan(200)
      if (seekable) expect(played.duration).toBeCloseTo(1, 0)
    }
  })

  it.each<[MediaFormat, string]>([
    ['ogg', 'audio/ogg'],
    ['webm', 'audio/webm'],
    ['mp4', 'audio/mp4'],
  ])('%s of sound alone', async (format, type) => {
    const played = await playInPage(await writeAll(format, await readAll(fixture('opus.ogg'))), type)
    expect(played.duration).toBeCloseTo(1, 0)
    expect(played.currentTime).toBeGreaterThan(0.9)
  })
})

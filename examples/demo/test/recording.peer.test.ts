import { openMedia } from '@kaon/media'
import { expect, it } from 'vitest'
import { Recording } from '../src/recording.ts'

/** Opus frames of 20 ms, as fast as they are taken, or at their own pace. */
function track(pace: number): ConstructorParameters<typeof Recording>[0][number] {
  return {
    kind: 'audio',
    id: 'a',
    async *frames({ signal } = {}) {
      for (let index = 0; ; index++) {
        if (signal?.aborted) return
        yield {
          payload: new Uint8Array(100).fill(index, 1),
          mimeType: 'audio/opus',
          timestamp: index * 20_000,
          keyFrame: true,
          receiveTime: index * 20,
          discontinuity: false,
          rtpTimestamp: index * 960,
          ssrc: 1,
          payloadType: 111,
        }
        await new Promise((resolve) => setTimeout(resolve, pace))
      }
    },
  }
}

it.each([
  ['large', { seconds: 60, bytes: 20_000 }, 0],
  ['long', { seconds: 0.5, bytes: 1e9 }, 20],
])('a recording that becomes too %s ends by itself, and its file is whole', async (_how, limits, pace) => {
  const { bytes, name, seconds, summary } = await new Recording([track(pace)], 'webm', limits).ended
  expect(bytes.length).toBeLessThan(40_000)
  expect(name).toMatch(/^kaon-[\dT-]+\.webm$/)
  expect(seconds).toBeGreaterThan(0.1)
  const reader = await openMedia(bytes)
  let frames = 0
  for await (const { frame } of reader.frames()) {
    expect(frame.payload.length).toBe(100)
    frames++
  }
  await reader.close()
  expect(summary).toBe(`${frames} frames of opus`)
})

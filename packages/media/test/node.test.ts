import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFile, FileSource, openFile, playFile, recordFile } from '@kaon/media/node'
import type { EncodedFrame } from '@kaon/media'
import { collect, essence, fixture, readAll } from './media.ts'
import { PushedTrack } from './sources.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kaon-media-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function onDisk(name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, fixture(name))
  return path
}

describe('files on disk', () => {
  it('are told by their bytes, and by their names where those say nothing', async () => {
    const raw = await openFile(await onDisk('tone.g722'))
    expect(raw.format).toBe('g722')
    await raw.close()
    const misnamed = join(folder, 'webm.mp4')
    await writeFile(misnamed, fixture('vp9-opus.webm'))
    const reader = await openFile(pathToFileURL(misnamed))
    expect(reader.format).toBe('webm')
    expect(essence(await collect(reader))).toEqual(essence(await readAll(fixture('vp9-opus.webm'))))
    await expect(openFile(join(folder, 'none.webm'))).rejects.toMatchObject({ code: 'ENOENT' })
    const text = join(folder, 'a.txt')
    await writeFile(text, 'no media')
    await expect(openFile(text)).rejects.toMatchObject({ code: 'ERR_MEDIA_FORMAT' })
  })

  it('are read where asked, and not after they are closed', async () => {
    const source = await FileSource.open(await onDisk('vp8.ivf'))
    const bytes = fixture('vp8.ivf')
    expect(await source.read(10, 20)).toEqual(bytes.slice(10, 30))
    expect(await source.read(source.size - 4, 20)).toEqual(bytes.slice(-4))
    expect(await source.read(source.size + 4, 20)).toHaveLength(0)
    await source.close()
    await source.close()
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'ERR_MEDIA_STATE' })
  })

  it('are written', async () => {
    const original = await readAll(fixture('vp8.ivf'))
    for (const name of ['new.ivf', 'new.webm', 'new.mkv']) {
      const path = join(folder, name)
      const writer = await createFile(path, [{ mimeType: 'video/VP8' }])
      for (const frame of original[0]!.frames) await writer.write(writer.tracks[0]!, frame)
      await writer.finish()
      expect(essence(await readAll(new Uint8Array(await readFile(path))))).toEqual(essence(original))
    }
    await expect(createFile(join(folder, 'new.txt'), [])).rejects.toMatchObject({ code: 'ERR_MEDIA_FORMAT' })
    await expect(createFile(join(folder, 'new.webm'), [{ mimeType: 'video/H264' }])).rejects.toMatchObject({
      code: 'ERR_MEDIA_CODEC',
    })
    expect(await readAll(new Uint8Array(await readFile(join(folder, 'new.webm'))))).toHaveLength(1) // still there
  })

  it('play by the clock of this machine, and are recorded', async () => {
    const video = new PushedTrack('video/VP8')
    const recorder = await recordFile([video], join(folder, 'recorded.webm'))
    const played: EncodedFrame[] = []
    const sink = {
      kind: 'video',
      writeFrame: (frame: EncodedFrame) => {
        played.push(frame)
        video.push(frame, performance.now())
      },
    }
    const playback = await playFile(await onDisk('vp8.ivf'), { video: sink }, { rate: 10 })
    await playback.ended
    expect(played.map(({ timestamp }) => timestamp)).toEqual(played.map((_, index) => index * 10_000))
    const info = await recorder.stop()
    expect(info.tracks[0]!.frames).toBe(10)
    const [track] = await collect(await openFile(join(folder, 'recorded.webm')))
    expect(track!.frames).toHaveLength(10)
    await expect(recordFile([video], join(folder, 'a.ogg'))).rejects.toMatchObject({ code: 'ERR_MEDIA_TRACK' })
    await expect(recordFile([video], join(folder, 'a.txt'))).rejects.toMatchObject({ code: 'ERR_MEDIA_FORMAT' })
  })
})

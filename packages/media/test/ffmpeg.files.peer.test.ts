import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemorySink, record } from '@kaon/media'
import type { MediaFormat } from '@kaon/media'
import { createFile, openFile, recordFile } from '@kaon/media/node'
import { collect, essence, fixture, readAll, writeAll } from './media.ts'
import type { ReadTrack } from './media.ts'
import { PushedTrack } from './sources.ts'

// Whatever is written here, ffmpeg decodes without a word, and counts the frames that were put in.

const run = promisify(execFile)
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kaon-media-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** ffmpeg decodes the whole file; what it has to say, which should be nothing. */
async function complaints(path: string, options: string[] = []): Promise<string> {
  const { stderr } = await run('ffmpeg', ['-v', 'error', ...options, '-i', path, '-map', '0', '-f', 'null', '-'])
  return stderr
}

interface Probed {
  codec_name: string
  nb_read_frames: string
  start_time?: string
  width?: number
  height?: number
}

async function probe(path: string, options: string[] = []): Promise<Probed[]> {
  const show = ['-count_frames', '-show_streams', '-of', 'json']
  const { stdout } = await run('ffprobe', ['-v', 'error', ...options, ...show, path])
  return (JSON.parse(stdout) as { streams: Probed[] }).streams
}

const CODEC_NAMES: Record<string, string> = {
  'video/VP8': 'vp8',
  'video/VP9': 'vp9',
  'video/AV1': 'av1',
  'video/H264': 'h264',
  'video/H265': 'hevc',
  'audio/opus': 'opus',
  'audio/PCMU': 'pcm_mulaw',
  'audio/PCMA': 'pcm_alaw',
  'audio/G722': 'adpcm_g722',
}

async function source(name: string): Promise<ReadTrack[]> {
  return readAll(fixture(name), name.endsWith('.g722') ? { format: 'g722' } : {})
}

describe('files for ffmpeg', () => {
  it.each<[MediaFormat, string[]]>([
    ['ivf', ['vp8.ivf']],
    ['ivf', ['vp9.ivf']],
    ['ivf', ['av1.ivf']],
    ['h264', ['h264.h264']],
    ['h265', ['h265.h265']],
    ['ogg', ['opus.ogg']],
    ['wav', ['pcmu.wav']],
    ['wav', ['pcma.wav']],
    ['wav', ['tone.g722']],
    ['g722', ['tone.g722']],
    ['webm', ['vp8.ivf', 'opus.ogg']],
    ['webm', ['vp9.ivf', 'opus.ogg']],
    ['webm', ['av1.ivf', 'opus.ogg']],
    ['webm', ['opus.ogg']],
    ['mkv', ['h264.h264', 'opus.ogg']],
    ['mkv', ['h265.h265', 'pcmu.wav']],
    ['mkv', ['vp8.ivf', 'pcma.wav', 'tone.g722']],
    ['mkv', ['h264-aac.mp4']],
    ['mp4', ['h264.h264', 'opus.ogg']],
    ['mp4', ['h265.h265', 'opus.ogg']],
    ['mp4', ['av1.ivf', 'opus.ogg']],
    ['mp4', ['vp9.ivf', 'opus.ogg']],
    ['mp4', ['h264-aac.mp4']],
  ])('%s of %s', async (format, names) => {
    const tracks = (await Promise.all(names.map(source))).flat()
    for (const seekable of [true, false]) {
      const path = join(folder, `${names.join('-')}.${seekable}.${format}`)
      await writeFile(path, await writeAll(format, tracks, { seekable }))
      const options = format === 'g722' ? ['-f', 'g722'] : []
      expect(await complaints(path, options)).toBe('')
      const streams = await probe(path, options)
      expect(streams.map(({ codec_name }) => codec_name)).toEqual(tracks.map(({ mimeType }) => CODEC_NAMES[mimeType]))
      streams.forEach((stream, index) => {
        if (tracks[index]!.mimeType.startsWith('video')) {
          expect(stream).toMatchObject({ width: 96, height: 64, nb_read_frames: `${tracks[index]!.frames.length}` })
        } else if (tracks[index]!.mimeType === 'audio/opus') {
          expect(stream.nb_read_frames).toBe(`${tracks[index]!.frames.length}`)
        }
      })
    }
  })

  it('a file that is never finished plays as far as it goes', async () => {
    const tracks = [...(await source('vp8.ivf')), ...(await source('opus.ogg'))]
    const [whole] = [await writeAll('webm', tracks)]
    const path = join(folder, 'cut.webm')
    await writeFile(path, whole!.subarray(0, whole!.length - 2000))
    const [video] = await probe(path)
    expect(Number(video!.nb_read_frames)).toBeGreaterThan(4)
  })

  it('pauses of audio without timestamps last as long as they lasted', async () => {
    const [opus] = await source('opus.ogg')
    const frames = opus!.frames.map((frame, index) => ({
      ...frame,
      timestamp: frame.timestamp + (index < 20 ? 0 : 2e6),
    }))
    const path = join(folder, 'pause.ogg')
    await writeFile(path, await writeAll('ogg', [{ mimeType: 'audio/opus', frames }]))
    expect(await complaints(path)).toBe('')
    const [stream] = await probe(path)
    expect(stream!.nb_read_frames).toBe('151')
  })

  it.each([
    ['video/VP8', 'libvpx', 'ivf', 'webm'],
    ['video/H264', 'libx264', 'h264', 'mp4'],
    ['video/H264', 'libx264', 'h264', 'mkv'],
  ] as const)(
    'a picture of %s that changes its size decodes to the end (%s, %s, %s)',
    async (codec, encoder, from, to) => {
      const video = new PushedTrack(codec)
      const sink = new MemorySink()
      const recorder = record([video], sink, { format: to })
      for (const [index, size] of ['96x64', '160x120'].entries()) {
        const input = join(folder, `${size}.${from}`)
        const pattern = ['-f', 'lavfi', '-i', `testsrc=s=${size}:r=10:d=1`, '-pix_fmt', 'yuv420p']
        await run('ffmpeg', ['-v', 'error', '-y', ...pattern, '-c:v', encoder, '-bf', '0', input])
        const [track] = await collect(await openFile(input))
        for (const frame of track!.frames) {
          const timestamp = frame.timestamp + index * 1_000_000
          video.push({ ...frame, timestamp }, timestamp / 1000)
        }
      }
      video.end()
      await recorder.ended
      const path = join(folder, `resized.${to}`)
      await writeFile(path, sink.bytes)
      expect(await complaints(path)).toBe('')
      const [stream] = await probe(path)
      expect(stream!.nb_read_frames).toBe('20')
    },
  )

  it('files on disk: made, opened, recorded', async () => {
    const [vp8] = await source('vp8.ivf')
    const path = join(folder, 'made.webm')
    const writer = await createFile(path, [{ mimeType: 'video/VP8' }])
    for (const frame of vp8!.frames) await writer.write(writer.tracks[0]!, frame)
    await writer.finish()
    expect(await complaints(path)).toBe('')
    const [again] = await collect(await openFile(path))
    expect(essence([again!])).toEqual(essence([vp8!]))
    const video = new PushedTrack('video/VP8')
    const recorder = await recordFile([video], join(folder, 'recorded.mkv'))
    vp8!.frames.forEach((frame) => video.push(frame, frame.timestamp / 1000))
    video.end()
    await recorder.ended
    expect(await complaints(join(folder, 'recorded.mkv'))).toBe('')
    await expect(openFile(join(folder, 'nothing.webm'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(createFile(join(folder, 'a.txt'), [])).rejects.toMatchObject({ code: 'ERR_MEDIA_FORMAT' })
  })
})

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { peers } from '../../../../tools/peers/catalogue.mjs'
import type { Colour } from './media-call.ts'

const run = promisify(execFile)

/** Runs ffmpeg; rejects when it fails. Resolves to what it complained about. */
async function ffmpeg(args: readonly string[]): Promise<string> {
  const path = peers.find((peer) => peer.name === 'ffmpeg')?.find()
  if (path === undefined) throw new Error('ffmpeg is not installed')
  const env = { ...process.env, SVT_LOG: '1' }
  const { stderr } = await run(path, ['-v', 'error', '-y', ...args], { env })
  return stderr
}

/** Moving numbers and bars, and below them a red and a blue half. */
const PICTURE =
  'drawbox=x=0:y=ih/2:w=iw/2:h=ih/2:color=red:t=fill,drawbox=x=iw/2:y=ih/2:w=iw/2:h=ih/2:color=blue:t=fill,format=yuv420p'

export const COLOURS: readonly Colour[] = [
  { x: 0.25, y: 0.75, rgb: [255, 0, 0] },
  { x: 0.75, y: 0.75, rgb: [0, 0, 255] },
]

export const FRAME_RATE = 25

const ENCODERS: Readonly<Record<string, readonly string[]>> = {
  'video/VP8': ['libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k'],
  'video/VP9': ['libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k'],
  'video/H264': ['libx264', '-profile:v', 'baseline', '-preset', 'veryfast', '-b:v', '400k'],
  'video/AV1': ['libsvtav1', '-preset', '12'],
}

export interface TestFile {
  /** Seconds. */
  readonly duration: number
  /** Of the picture, which has `COLOURS`, `FRAME_RATE` frames a second and a key frame each second. */
  readonly video?: string
  /** A tone in Opus. */
  readonly opus?: boolean
}

/** Makes a file whose name tells its format. */
export async function makeFile(path: string, { duration, video, opus }: TestFile): Promise<void> {
  const inputs: string[] = []
  const codecs: string[] = []
  if (video !== undefined) {
    inputs.push('-f', 'lavfi', '-i', `testsrc=size=320x240:rate=${FRAME_RATE}:duration=${duration},${PICTURE}`)
    codecs.push('-c:v', ...ENCODERS[video]!, '-g', String(FRAME_RATE))
  }
  if (opus) {
    inputs.push('-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${duration}`)
    codecs.push('-c:a', 'libopus')
  }
  await ffmpeg([...inputs, ...codecs, path])
}

/** What ffmpeg complains about when it decodes all of a file. */
export function decodeErrors(path: string): Promise<string> {
  return ffmpeg(['-i', path, '-f', 'null', '-'])
}

export interface ProbedStream {
  readonly codec: string
  /** Decoded. */
  readonly frames: number
}

/** Decodes all of a file and counts the frames of each stream. */
export async function probe(path: string): Promise<ProbedStream[]> {
  const args = [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=codec_name,nb_read_frames',
    '-of',
    'json',
    path,
  ]
  const { stdout } = await run('ffprobe', args)
  const { streams } = JSON.parse(stdout) as { streams: { codec_name: string; nb_read_frames?: string }[] }
  return streams.map((stream) => ({ codec: stream.codec_name, frames: Number(stream.nb_read_frames ?? 0) }))
}

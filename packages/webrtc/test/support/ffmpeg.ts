import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { peers } from '../../../../tools/peers/catalogue.mjs'
import type { Colour } from './media-call.ts'

const run = promisify(execFile)

interface Output {
  readonly stdout: Buffer
  /** What it complained about. */
  readonly stderr: Buffer
}

/** Runs ffmpeg; rejects when it fails. */
async function ffmpeg(args: readonly string[]): Promise<Output> {
  const path = peers.find((peer) => peer.name === 'ffmpeg')?.find()
  if (path === undefined) throw new Error('ffmpeg is not installed')
  const env = { ...process.env, SVT_LOG: '1' }
  return run(path, ['-v', 'error', '-y', ...args], { env, encoding: 'buffer', maxBuffer: 1 << 26 })
}

/** Moving numbers and bars, and below them a red and a blue half. */
const PICTURE =
  'drawbox=x=0:y=ih/2:w=iw/2:h=ih/2:color=red:t=fill,drawbox=x=iw/2:y=ih/2:w=iw/2:h=ih/2:color=blue:t=fill,format=yuv420p'

const NOISE = 'noise=alls=40:allf=t:all_seed=1,'

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
  'audio/opus': ['libopus'],
  'audio/PCMU': ['pcm_mulaw', '-ar', '8000'],
  'audio/PCMA': ['pcm_alaw', '-ar', '8000'],
  'audio/G722': ['g722', '-ar', '16000'],
}

export interface TestFile {
  /** Seconds. */
  readonly duration: number
  /** Of the picture, which has `COLOURS`, `FRAME_RATE` frames a second and a key frame each second. */
  readonly video?: string
  /** Frames from one key frame to the next, if that shall not be a second. */
  readonly keyFrameInterval?: number
  /** Noise in the upper half, so that each frame is worth several packets. */
  readonly noise?: boolean
  /** Of a tone. */
  readonly audio?: string
}

/** Makes a file whose name tells its format. */
export async function makeFile(path: string, file: TestFile): Promise<void> {
  const { duration, video, audio, keyFrameInterval = FRAME_RATE, noise } = file
  const inputs: string[] = []
  const codecs: string[] = []
  if (video !== undefined) {
    inputs.push(
      '-f',
      'lavfi',
      '-i',
      `testsrc=size=320x240:rate=${FRAME_RATE}:duration=${duration},${noise ? NOISE : ''}${PICTURE}`,
    )
    codecs.push('-c:v', ...ENCODERS[video]!, '-g', String(keyFrameInterval))
  }
  if (audio !== undefined) {
    inputs.push('-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${duration}`)
    codecs.push('-c:a', ...ENCODERS[audio]!)
  }
  await ffmpeg([...inputs, ...codecs, path])
}

/** What ffmpeg complains about when it decodes all of a file. */
export async function decodeErrors(path: string): Promise<string> {
  // In the time base of the file: a camera's frames do not come at one rate, and two may share a tick of the rate that ffmpeg guesses.
  const { stderr } = await ffmpeg(['-i', path, '-map', '0', '-enc_time_base', '-1', '-f', 'null', '-'])
  return stderr.toString()
}

/** The samples of a file with one channel of sound. */
export async function countSamples(path: string): Promise<number> {
  const { stdout } = await ffmpeg(['-i', path, '-f', 's16le', '-'])
  return stdout.length / 2
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

import { codecOf } from '../formats.ts'
import { MediaError } from '../errors.ts'
import { ByteReader } from '../io/byte-source.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { BaseReader } from '../reader-base.ts'
import type { MediaFrame, MediaTrackInfo } from '../types.ts'
import { readWave } from './riff.ts'

/** G.711 and G.722 alike: 8000 octets a second and channel (RFC 3551 §4.5). */
const OCTETS_PER_FRAME = 160 // 20 ms

export class OctetsReader extends BaseReader {
  readonly format: 'wav' | 'pcmu' | 'pcma' | 'g722'
  readonly tracks: readonly MediaTrackInfo[]
  readonly #start: number
  readonly #length: number

  private constructor(
    source: ByteSource,
    format: OctetsReader['format'],
    track: Omit<MediaTrackInfo, 'id' | 'kind' | 'duration'>,
    start: number,
    length: number,
  ) {
    super(source)
    this.format = format
    this.#start = start
    this.#length = length
    const duration = Math.round((length * 125) / (track.channels ?? 1))
    this.tracks = [{ id: 1, kind: 'audio', ...track, duration }]
  }

  /** Octets without a header, of one channel. */
  static openRaw(source: ByteSource, format: 'pcmu' | 'pcma' | 'g722'): OctetsReader {
    const { mimeType, sampleRate, channels } = codecOf(`audio/${format}`)!
    return new OctetsReader(source, format, { mimeType, sampleRate, channels }, 0, source.size)
  }

  static async openWave(source: ByteSource): Promise<OctetsReader> {
    const wave = await readWave(new ByteReader(source))
    if (wave === undefined) throw new MediaError('ERR_MEDIA_MALFORMED', 'No sound in this WAVE file')
    const { mimeType, tag, sampleRate, channels } = wave
    if (mimeType === '' || sampleRate !== codecOf(mimeType)!.sampleRate || channels < 1 || channels > 2) {
      const what = `format tag ${tag}, ${sampleRate} Hz, ${channels} channels`
      throw new MediaError(
        'ERR_MEDIA_CODEC',
        `RTP carries G.711 of 8000 Hz and G.722 of 16000 Hz out of WAVE files, not ${what}`,
      )
    }
    return new OctetsReader(source, 'wav', { mimeType, sampleRate, channels }, wave.start, wave.length)
  }

  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const track = tracks[0]!
    const channels = track.channels ?? 1
    const reader = new ByteReader(this.source, this.#start)
    for (let offset = 0; offset < this.#length;) {
      const payload = await reader.readSome(Math.min(OCTETS_PER_FRAME * channels, this.#length - offset))
      if (payload.length === 0) return
      const timestamp = Math.round((offset * 125) / channels)
      offset += payload.length
      const duration = Math.round((offset * 125) / channels) - timestamp
      yield { track, frame: { payload, timestamp, duration, keyFrame: true } }
    }
  }
}

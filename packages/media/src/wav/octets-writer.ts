import type { ByteSink } from '../io/byte-sink.ts'
import { MAX_FILLED_GAP } from '../limits.ts'
import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'
import { buildWaveHeader } from './riff.ts'

/** Octets that sound as nothing. */
const SILENCE: Readonly<Record<string, number>> = { 'audio/PCMU': 0xff, 'audio/PCMA': 0xd5, 'audio/G722': 0xff }
/** µs: jitter of timestamps below this is not taken for a pause. */
const SHORTEST_GAP = 10_000
const PIECE = 8000

/** G.711 and G.722, with a WAVE header or without. There are no timestamps: pauses are filled with silence. */
export class OctetsWriter extends BaseWriter {
  readonly acceptsLateTracks = false
  readonly format: 'wav' | 'pcmu' | 'pcma' | 'g722'
  protected readonly maxTracks = 1
  #first: number | undefined
  #octets = 0
  #hasHeader = false

  constructor(sink: ByteSink, format: OctetsWriter['format']) {
    super(sink)
    this.format = format
  }

  protected async writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    await this.#writeHeader()
    const channels = track.channels!
    this.#first ??= frame.timestamp
    const written = (this.#octets * 125) / channels
    const gap = Math.min(frame.timestamp - this.#first - written, MAX_FILLED_GAP)
    if (gap >= SHORTEST_GAP) await this.#fill(Math.round(gap / 125) * channels, SILENCE[track.mimeType]!)
    this.#octets += frame.payload.length
    await this.out.append(frame.payload)
  }

  async #fill(count: number, value: number): Promise<void> {
    this.#octets += count
    for (let rest = count; rest > 0; rest -= PIECE) {
      await this.out.append(new Uint8Array(Math.min(rest, PIECE)).fill(value))
    }
  }

  async #writeHeader(length?: number): Promise<void> {
    if (this.format !== 'wav' || (this.#hasHeader && length === undefined)) return
    const { mimeType, sampleRate, channels } = this.tracks[0]!
    const header = buildWaveHeader(mimeType, sampleRate!, channels!, length)
    if (this.#hasHeader) await this.out.patch(header, 0)
    else await this.out.append(header)
    this.#hasHeader = true
  }

  protected async writeEnd(): Promise<void> {
    if (this.tracks.length === 0) return
    if (this.format === 'wav' && (this.#octets & 1) === 1) await this.out.append(new Uint8Array(1)) // chunks have even lengths
    await this.#writeHeader(this.#octets)
  }
}

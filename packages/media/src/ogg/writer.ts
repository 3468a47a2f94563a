import { concat } from '../bytes.ts'
import { buildOpusHead, buildOpusTags, FILLER_SAMPLES, opusFiller, opusSamples, PRE_SKIP } from '../codecs/opus.ts'
import { MediaError } from '../errors.ts'
import { MAX_FILLED_GAP } from '../limits.ts'
import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'
import { buildPage, FIRST, LAST } from './page.ts'

const SERIAL = 0x6b61_6f6e
const SAMPLES_PER_PAGE = 48_000
const MAX_SEGMENTS = 255
/** µs: a pause is filled with packets of 20 ms when at least one fits. */
const FILLER_DURATION = 20_000

/** Pages of a second. Ogg has no timestamps: pauses are filled with packets that the decoder conceals (RFC 7845 §4.1). */
export class OggWriter extends BaseWriter {
  readonly format = 'ogg'
  readonly acceptsLateTracks = false
  protected readonly maxTracks = 1
  #sequence = 0
  #samples = 0
  #first: number | undefined
  #last: Uint8Array | undefined
  #packets: Uint8Array[] = []
  #lacing: number[] = []
  #pageSamples = 0

  protected async writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    const samples = opusSamples(frame.payload)
    if (samples === undefined || frame.payload.length > MAX_SEGMENTS * 255 - 1) {
      throw new MediaError('ERR_MEDIA_ARGUMENT', 'The frame is no Opus packet')
    }
    if (this.#sequence === 0) await this.#writeHeaders(track)
    this.#first ??= frame.timestamp
    const due = Math.min(frame.timestamp - this.#first, (this.#samples * 1000) / 48 + MAX_FILLED_GAP)
    while (due - (this.#samples * 1000) / 48 >= FILLER_DURATION) await this.#add(opusFiller(this.#last), FILLER_SAMPLES)
    await this.#add(frame.payload, samples)
    this.#last = frame.payload.subarray(0, 1)
  }

  protected async writeEnd(): Promise<void> {
    if (this.tracks.length === 0) return
    if (this.#sequence === 0) await this.#writeHeaders(this.tracks[0]!)
    await this.#flush(LAST)
  }

  async #writeHeaders(track: MediaTrackInfo): Promise<void> {
    this.#packets = [buildOpusHead(track.channels!, PRE_SKIP)]
    this.#lacing = [this.#packets[0]!.length]
    await this.#flush(FIRST)
    this.#packets = [buildOpusTags('kaon')]
    this.#lacing = [this.#packets[0]!.length]
    await this.#flush(0)
  }

  // A page is written when the next packet comes, so that the last one, with its flag, is never empty.
  async #add(packet: Uint8Array, samples: number): Promise<void> {
    const segments = Math.floor(packet.length / 255) + 1
    const full = this.#lacing.length + segments > MAX_SEGMENTS || this.#pageSamples >= SAMPLES_PER_PAGE
    if (full && this.#packets.length > 0) await this.#flush(0)
    for (let index = 1; index < segments; index++) this.#lacing.push(255)
    this.#lacing.push(packet.length % 255)
    this.#packets.push(packet)
    this.#samples += samples
    this.#pageSamples += samples
  }

  async #flush(flags: number): Promise<void> {
    const lacing = Uint8Array.from(this.#lacing)
    const body = concat(this.#packets)
    this.#packets = []
    this.#lacing = []
    this.#pageSamples = 0
    const granulePosition = this.#samples
    await this.out.append(
      buildPage({ flags, granulePosition, serial: SERIAL, sequence: this.#sequence++, lacing, body }),
    )
  }
}

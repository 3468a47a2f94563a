/** What a local track is made of, as the application says it. */
import { parseRtp, type RtpPacket } from '@kaon/rtp'
import { payloadFormat } from '@kaon/rtp/formats'
import { toDOMString } from '../webidl.ts'
import type { TrackCodec, TrackEncoding } from './track-source.ts'

export interface LocalCodecInit {
  /** `video/VP8` and its like. */
  mimeType: string
  /** Hz. Default: what the payload format has. */
  clockRate?: number
  channels?: number
  /** Of `a=fmtp`, such as `{ 'packetization-mode': '1' }`. */
  parameters?: Readonly<Record<string, string>> | ReadonlyMap<string, string>
  /** Of the packets given to `writeRtp`. Needed when there are several codecs. */
  payloadType?: number
  /** URIs of header extensions in the packets given to `writeRtp`, by id. */
  extensions?: ReadonlyMap<number, string>
}

const NO_EXTENSIONS: ReadonlyMap<number, string> = new Map()

export class LocalCodecs {
  readonly first: TrackCodec | undefined
  readonly #any: TrackEncoding | undefined
  readonly #byPayloadType = new Map<number, TrackEncoding>()

  constructor(kind: 'audio' | 'video', inits: readonly LocalCodecInit[]) {
    for (const init of inits) {
      const encoding = toEncoding(kind, init)
      this.first ??= encoding.codec
      if (init.payloadType === undefined) this.#any ??= encoding
      else this.#byPayloadType.set(init.payloadType, encoding)
    }
  }

  parse(datagram: Uint8Array): RtpPacket | undefined {
    return parseRtp(datagram)
  }

  encoding(payloadType: number): TrackEncoding | undefined {
    return this.#byPayloadType.get(payloadType) ?? this.#any
  }
}

function toEncoding(kind: 'audio' | 'video', init: LocalCodecInit): TrackEncoding {
  const mimeType = toDOMString(init.mimeType)
  if (!mimeType.toLowerCase().startsWith(`${kind}/`)) throw new TypeError(`${mimeType} is no codec of ${kind}`)
  const format = payloadFormat(mimeType)
  const clockRate = init.clockRate ?? format?.clockRate
  if (clockRate === undefined) throw new TypeError(`${mimeType} needs a clockRate`)
  const { parameters = {}, channels } = init
  const entries = parameters instanceof Map ? parameters.entries() : Object.entries(parameters)
  const lower = new Map([...entries].map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]))
  const codec: TrackCodec = { mimeType, clockRate, parameters: lower, ...(channels === undefined ? {} : { channels }) }
  return { rid: undefined, codec, format, extensions: init.extensions ?? NO_EXTENSIONS }
}

/** Throws `TypeError` for a codec of another kind, or one without a clock rate that is not known here. */
export function localCodecs(
  kind: 'audio' | 'video',
  codec: string | LocalCodecInit | readonly LocalCodecInit[] | undefined,
): LocalCodecs {
  if (codec === undefined) return new LocalCodecs(kind, [])
  if (typeof codec === 'string') return new LocalCodecs(kind, [{ mimeType: codec }])
  return new LocalCodecs(kind, Array.isArray(codec) ? codec : [codec as LocalCodecInit])
}

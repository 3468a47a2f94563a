/** The codecs that this stack can carry, and when two descriptions of a codec mean the same one. */
import { headerExtensionUris } from '@kaon/rtp'
import { parseFormatParameters, type Codec } from '@kaon/sdp'
import { h264Profile } from '../media/codec-match.ts'
import type { MediaKind, RTCRtpCodec, RTCRtpHeaderExtensionCapability } from './types.ts'

/** A codec before it has a payload type. */
export interface CodecCapability {
  readonly kind: MediaKind
  readonly name: string
  /** Hz */
  readonly clockRate: number
  readonly channels?: number
  readonly fmtp?: string
  readonly feedback: readonly string[]
  /** Where it is usually found; another one is taken when that is in use. */
  readonly payloadType?: number
  /** Only for who asks for it with `setCodecPreferences`. */
  readonly isOptional?: boolean
}

const VIDEO_FEEDBACK: readonly string[] = ['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli']
const AUDIO_FEEDBACK: readonly string[] = ['transport-cc', 'nack']
const NO_FEEDBACK: readonly string[] = []

/** What repairs losses without asking: it costs bandwidth all the time, and retransmissions are there. Received only. */
const repair = (name: string, fmtp?: string): CodecCapability => ({
  kind: 'video',
  name,
  clockRate: 90_000,
  feedback: NO_FEEDBACK,
  isOptional: true,
  ...(fmtp === undefined ? {} : { fmtp }),
})

const h264 = (mode: 0 | 1, profile: string): CodecCapability => ({
  kind: 'video',
  name: 'H264',
  clockRate: 90_000,
  fmtp: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
  feedback: VIDEO_FEEDBACK,
})

const video = (name: string, fmtp?: string): CodecCapability => ({
  kind: 'video',
  name,
  clockRate: 90_000,
  feedback: VIDEO_FEEDBACK,
  ...(fmtp === undefined ? {} : { fmtp }),
})

const audio = (name: string, clockRate: number, more: Partial<CodecCapability> = {}): CodecCapability => ({
  kind: 'audio',
  name,
  clockRate,
  feedback: NO_FEEDBACK,
  ...more,
})

/** In order of preference. Levels are the highest there are: nothing is decoded here, whatever comes is carried. */
export const CODECS: readonly CodecCapability[] = [
  audio('opus', 48_000, {
    channels: 2,
    fmtp: 'minptime=10;useinbandfec=1',
    feedback: AUDIO_FEEDBACK,
    payloadType: 111,
  }),
  audio('G722', 8000, { payloadType: 9 }),
  audio('PCMU', 8000, { payloadType: 0 }),
  audio('PCMA', 8000, { payloadType: 8 }),
  audio('telephone-event', 48_000, { payloadType: 110, fmtp: '0-16' }),
  audio('telephone-event', 8000, { payloadType: 126, fmtp: '0-16' }),
  video('VP8'),
  video('VP9', 'profile-id=0'),
  video('VP9', 'profile-id=2'),
  h264(1, '42e01f'),
  h264(0, '42e01f'),
  h264(1, '42001f'),
  h264(0, '42001f'),
  h264(1, '4d001f'),
  h264(0, '4d001f'),
  h264(1, '64001f'),
  h264(1, '640c1f'),
  video('AV1', 'level-idx=5;profile=0;tier=0'),
  video('H265', 'level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST'),
  repair('red'),
  repair('ulpfec'),
  repair('flexfec-03', 'repair-window=10000000'),
]

/** Retransmissions (RFC 4588). There is one beside each codec of video. */
export const RTX: CodecCapability = { kind: 'video', name: 'rtx', clockRate: 90_000, feedback: NO_FEEDBACK }

export function mimeTypeOf(kind: string, name: string): string {
  return `${kind}/${name}`
}

/** What of a codec's description makes it another codec (RFC 8866 §6.6 and each payload format's RFC). */
export function codecKey(kind: string, codec: Omit<CodecCapability, 'kind' | 'feedback'>): string {
  const name = codec.name.toLowerCase()
  return `${kind}/${name}/${codec.clockRate}/${codec.channels ?? 1}/${formatKey(name, codec.fmtp)}`
}

function formatKey(name: string, fmtp: string | undefined): string {
  if (name !== 'h264' && name !== 'vp9' && name !== 'av1' && name !== 'h265') return ''
  const parameters = parseFormatParameters(fmtp)
  switch (name) {
    case 'h264':
      return `${parameters.get('packetization-mode') ?? '0'}/${h264Profile(parameters.get('profile-level-id'))}`
    case 'vp9':
      return parameters.get('profile-id') ?? '0'
    case 'av1':
      return parameters.get('profile') ?? '0'
    default:
      return `${parameters.get('profile-id') ?? '1'}/${(parameters.get('tx-mode') ?? 'SRST').toUpperCase()}`
  }
}

/** The same of a codec as applications see it. */
export function exposedKey(kind: string, { mimeType, clockRate, channels, sdpFmtpLine }: RTCRtpCodec): string {
  return codecKey(kind, {
    name: mimeType.slice(kind.length + 1),
    clockRate,
    ...(channels === undefined ? {} : { channels }),
    ...(sdpFmtpLine === undefined ? {} : { fmtp: sdpFmtpLine }),
  })
}

/** Our codec that an offered one is, if we have it. */
export function findCapability(
  kind: string,
  codec: Pick<Codec, 'name' | 'clockRate' | 'channels' | 'fmtp'>,
  capabilities: readonly CodecCapability[] = CODECS,
): CodecCapability | undefined {
  const key = codecKey(kind, codec)
  return capabilities.find((capability) => codecKey(capability.kind, capability) === key)
}

/** As `getCapabilities` and `setCodecPreferences` have it: one `rtx` for all. */
export function exposeCapability(capability: CodecCapability): RTCRtpCodec {
  const { kind, name, clockRate, channels, fmtp } = capability
  return {
    mimeType: mimeTypeOf(kind, name),
    clockRate,
    ...(kind === 'audio' ? { channels: channels ?? 1 } : {}),
    ...(fmtp === undefined ? {} : { sdpFmtpLine: fmtp }),
  }
}

export function capabilitiesOf(kind: MediaKind): readonly CodecCapability[] {
  const own = CODECS.filter((capability) => capability.kind === kind)
  return kind === 'video' ? [...own, RTX] : own
}

/** What is negotiated when the application does not say. */
export function defaultsOf(kind: MediaKind): readonly CodecCapability[] {
  return capabilitiesOf(kind).filter(({ isOptional }) => isOptional !== true)
}

const URIS = headerExtensionUris
const HEADER_EXTENSIONS: Record<MediaKind, readonly string[]> = {
  audio: [URIS.audioLevel, URIS.absSendTime, URIS.transportSequenceNumber, URIS.mid, URIS.absCaptureTime],
  video: [
    URIS.transmissionOffset,
    URIS.absSendTime,
    URIS.videoOrientation,
    URIS.transportSequenceNumber,
    URIS.playoutDelay,
    URIS.mid,
    URIS.rid,
    URIS.repairedRid,
    URIS.dependencyDescriptor,
    URIS.absCaptureTime,
  ],
}

/** The URIs of the header extensions of a kind, in the order in which they are offered. */
export function headerExtensionsOf(kind: MediaKind): readonly string[] {
  return HEADER_EXTENSIONS[kind]
}

export function exposeHeaderExtensions(kind: MediaKind): RTCRtpHeaderExtensionCapability[] {
  return HEADER_EXTENSIONS[kind].map((uri) => ({ uri }))
}

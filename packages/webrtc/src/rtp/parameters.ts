/** `RTCRtpParameters`, shown and compared: W3C WebRTC 1.0 §5.2.6 and following. */
import type { MediaCodec, MediaExtension } from '../media/parameters.ts'
import type { RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters, RTCRtpParameters } from './types.ts'

export function exposeParameters(
  codecs: readonly MediaCodec[],
  extensions: readonly MediaExtension[],
  cname: string | undefined,
  reducedSize: boolean,
): RTCRtpParameters {
  return {
    codecs: codecs.flatMap(exposeCodec),
    headerExtensions: extensions.map(({ id, uri }): RTCRtpHeaderExtensionParameters => ({ id, uri, encrypted: false })),
    rtcp: { ...(cname === undefined ? {} : { cname }), reducedSize },
  }
}

/** A codec, and the retransmissions of it as the codec of its own that they are there. */
function exposeCodec(codec: MediaCodec): RTCRtpCodecParameters[] {
  const { payloadType, rtxPayloadType, clockRate } = codec
  const own = { payloadType, ...describeCodec(codec) }
  if (rtxPayloadType === undefined) return [own]
  const kind = codec.mimeType.slice(0, codec.mimeType.indexOf('/'))
  return [own, { payloadType: rtxPayloadType, mimeType: `${kind}/rtx`, clockRate, sdpFmtpLine: `apt=${payloadType}` }]
}

export function describeCodec({ mimeType, clockRate, channels, parameters }: MediaCodec): RTCRtpCodec {
  const fmtp = Array.from(parameters, ([name, value]) => (value === '' ? name : `${name}=${value}`)).join(';')
  return {
    mimeType,
    clockRate,
    ...(mimeType.startsWith('audio/') ? { channels: channels ?? 1 } : {}),
    ...(fmtp === '' ? {} : { sdpFmtpLine: fmtp }),
  }
}

/** "Codec dictionary match", order of format parameters aside. */
export function isSameCodec(a: RTCRtpCodec, b: RTCRtpCodec): boolean {
  return (
    a.mimeType.toLowerCase() === b.mimeType.toLowerCase() &&
    a.clockRate === b.clockRate &&
    (a.channels ?? 1) === (b.channels ?? 1) &&
    normalFmtp(a.sdpFmtpLine) === normalFmtp(b.sdpFmtpLine)
  )
}

function normalFmtp(fmtp: string | undefined): string {
  return (fmtp ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '')
    .toSorted()
    .join(';')
}

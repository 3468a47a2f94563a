/** Codecs, header extensions and directions of an offer and of its answer (RFC 3264 §6, RFC 9429 §5.2.1 and §5.3.1). */
import { parseFormatParameters, type Codec, type Direction, type Extmap } from '@kaon/sdp'
import { isAuxiliary } from '../media/codec-match.ts'
import type { MediaCodec } from '../media/parameters.ts'
import { codecKey, findCapability, headerExtensionsOf, mimeTypeOf, RTX, type CodecCapability } from './codecs.ts'
import { aptOf, type ExtensionIds, type PayloadTypes } from './numbering.ts'
import type { MediaKind } from './types.ts'

/** The codecs of an offer, in the order of preference, each of video with its retransmissions. */
export function offerCodecs(preferences: readonly CodecCapability[], numbers: PayloadTypes): Codec[] {
  const hasRtx = preferences.includes(RTX)
  const codecs: Codec[] = []
  for (const capability of preferences) {
    if (capability === RTX) continue
    const payloadType = numbers.of(capability)
    if (payloadType === undefined) continue
    const { kind, name, clockRate, channels, fmtp, feedback } = capability
    codecs.push({
      payloadType,
      name,
      clockRate,
      ...(channels === undefined ? {} : { channels }),
      ...(fmtp === undefined ? {} : { fmtp }),
      feedback,
    })
    if (kind !== 'video' || !hasRtx || isAuxiliary(name)) continue
    const rtx = numbers.ofRtx(payloadType)
    if (rtx !== undefined) codecs.push(rtxCodec(rtx, payloadType))
  }
  return codecs
}

/** Capabilities in the order of a section's codecs, behind them what it does not have. */
export function inOrderOf(
  codecs: readonly Codec[],
  kind: MediaKind,
  capabilities: readonly CodecCapability[],
): CodecCapability[] {
  const first = codecs.flatMap((codec) => findCapability(kind, codec, capabilities) ?? [])
  return [...new Set([...first, ...capabilities])]
}

function rtxCodec(payloadType: number, apt: number): Codec {
  const { name, clockRate } = RTX
  return { payloadType, name, clockRate, fmtp: `apt=${apt}`, feedback: [] }
}

/**
 * What of an offer is taken: with the offer's payload types and, as nothing is decoded here, its format parameters. In the
 * offer's order, or in that of `preferences` when the application set some.
 */
export function answerCodecs(
  kind: MediaKind,
  offered: readonly Codec[],
  preferences: readonly CodecCapability[],
  isOrdered: boolean,
): Codec[] {
  const taken: { codec: Codec; rank: number }[] = []
  const hasRtx = preferences.includes(RTX)
  for (const codec of offered) {
    const capability = findCapability(kind, codec, preferences)
    if (capability === undefined || aptOf(codec) !== undefined) continue
    const feedback = codec.feedback.filter((message) => capability.feedback.includes(message))
    taken.push({ codec: { ...codec, feedback }, rank: preferences.indexOf(capability) })
  }
  if (!taken.some(({ codec }) => !isAuxiliary(codec.name))) return []
  if (isOrdered) taken.sort((a, b) => a.rank - b.rank)
  return taken.flatMap(({ codec }) => {
    const rtx = hasRtx ? offered.find((other) => aptOf(other) === codec.payloadType) : undefined
    return rtx === undefined ? [codec] : [codec, rtxCodec(rtx.payloadType, codec.payloadType)]
  })
}

/** What the media transport works with: the codecs of one side that the other one has too, with the feedback that both have. */
export function mediaCodecs(kind: MediaKind, own: readonly Codec[], other: readonly Codec[]): MediaCodec[] {
  const others = new Map(other.map((codec) => [codecKey(kind, codec), codec]))
  return own.flatMap((codec): MediaCodec[] => {
    const agreed = others.get(codecKey(kind, codec))
    if (agreed === undefined || aptOf(codec) !== undefined) return []
    const rtx = own.find((one) => aptOf(one) === codec.payloadType)
    const capability = findCapability(kind, codec)
    return [
      {
        payloadType: codec.payloadType,
        mimeType: mimeTypeOf(kind, capability?.name ?? codec.name),
        clockRate: codec.clockRate,
        ...(codec.channels === undefined ? {} : { channels: codec.channels }),
        parameters: parseFormatParameters(codec.fmtp),
        feedback: codec.feedback.filter((message) => agreed.feedback.includes(message)),
        ...(rtx === undefined ? {} : { rtxPayloadType: rtx.payloadType }),
      },
    ]
  })
}

/**
 * The codecs of a section that only sends. Nothing here adapts to transport-wide feedback yet, which would be a fifth of all the
 * packets that a forwarder has to do with; what only receives it keeps it, since browsers adapt to ours.
 */
export function withoutTransportFeedback(codecs: readonly Codec[], direction: Direction): readonly Codec[] {
  if (direction !== 'sendonly') return codecs
  return codecs.map((codec) => ({
    ...codec,
    feedback: codec.feedback.filter((message) => message !== 'transport-cc'),
  }))
}

export function offerExtensions(kind: MediaKind, ids: ExtensionIds): Extmap[] {
  return headerExtensionsOf(kind).map((uri) => ({ id: ids.of(uri, kind), uri }))
}

/** With the offer's ids; each URI once. */
export function answerExtensions(kind: MediaKind, offered: readonly Extmap[]): Extmap[] {
  const known = headerExtensionsOf(kind)
  const seen = new Set<string>()
  return offered.flatMap(({ id, uri, direction }) => {
    if (!known.includes(uri) || seen.has(uri) || id > 255 || direction === 'inactive') return []
    seen.add(uri)
    return [{ id, uri, ...(direction === undefined ? {} : { direction: reverse(direction) }) }]
  })
}

/** The other side's word for a direction (RFC 3264 §6.1). */
export function reverse(direction: Direction): Direction {
  return direction === 'sendonly' ? 'recvonly' : direction === 'recvonly' ? 'sendonly' : direction
}

/** What is left of a direction where the other side allows only `allowed`, both from our point of view. */
export function intersect(direction: Direction, allowed: Direction): Direction {
  return toDirection(sends(direction) && sends(allowed), receives(direction) && receives(allowed))
}

export function toDirection(send: boolean, receive: boolean): Direction {
  return send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive'
}

export function sends(direction: string | null): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

export function receives(direction: string | null): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

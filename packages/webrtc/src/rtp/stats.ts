/** Statistics of RTP streams in both directions, as both sides tell them, and of their codecs (webrtc-stats §6). */
import type { MediaCodec } from '../media/parameters.ts'
import type { ReceiverStats } from '../media/media-receiver.ts'
import type { SenderStats } from '../media/media-sender.ts'
import type { Picture } from '../media/picture.ts'
import type { AddStats } from '../stats.ts'
import type { Transport } from '../transport/transport.ts'
import { describeCodec } from './parameters.ts'
import type { ReceiverCore } from './receiver.ts'
import type { SenderCore } from './sender.ts'
import type { TransceiverCore } from './transceiver.ts'

export interface MediaStatsContext {
  readonly transceivers: readonly TransceiverCore[]
  readonly transportIds: ReadonlyMap<Transport, string>
  readonly selector: SenderCore | ReceiverCore | undefined
  /** ms to add to monotonic time. */
  readonly epoch: number
  /** Monotonic ms. */
  readonly now: number
  id(kind: string, name: string | number): string
  readonly add: AddStats
}

/** Returns the ids of the entries that are the selector's own. */
export function addMediaStats(context: MediaStatsContext): string[] {
  const roots: string[] = []
  for (const { sender, receiver } of context.transceivers) {
    const sent = sender.handle?.stats() ?? []
    const sourceId = sent.length === 0 ? undefined : addSource(context, sender)
    for (const stream of sent) {
      const id = addSent(context, stream, sender, sourceId)
      if (context.selector === sender) roots.push(id)
    }
    for (const stream of receiver.handle?.stats() ?? []) {
      const id = addReceived(context, stream, receiver)
      if (context.selector === receiver) roots.push(id)
    }
  }
  return roots
}

function addSource({ id, add }: MediaStatsContext, { track, kind }: SenderCore): string | undefined {
  return track === null ? undefined : add('media-source', id('S', track.id), { trackIdentifier: track.id, kind })
}

function addCodec({ id, add }: MediaStatsContext, transportId: string | undefined, codec: MediaCodec): string {
  const { payloadType } = codec
  // A payload type may have other parameters in each direction; the same number is one entry where they are the same.
  const { mimeType, clockRate, channels, sdpFmtpLine } = describeCodec(codec)
  const name = `${transportId?.split('_').at(-1) ?? ''}_${payloadType}_${sdpFmtpLine ?? ''}`
  return add('codec', id('C', name), { payloadType, transportId, mimeType, clockRate, channels, sdpFmtpLine })
}

function pictureStats(picture: Picture | undefined, now: number): Record<string, unknown> {
  if (picture === undefined) return {}
  return {
    frameWidth: picture.width,
    frameHeight: picture.height,
    framesPerSecond: picture.framesPerSecond(now),
  }
}

type RoundTrip = Pick<
  SenderStats['stats']['remote'],
  'roundTripTime' | 'totalRoundTripTime' | 'roundTripTimeMeasurements'
>

function roundTripStats({ roundTripTime, totalRoundTripTime, roundTripTimeMeasurements }: RoundTrip): RoundTrip {
  return { roundTripTime, totalRoundTripTime, roundTripTimeMeasurements }
}

function addSent(
  context: MediaStatsContext,
  { ssrc, rtxSsrc, rid, kind, mid, active, codec, picture, stats }: SenderStats,
  { transport }: SenderCore,
  mediaSourceId: string | undefined,
): string {
  const { add, id } = context
  const transportId = transport === undefined ? undefined : context.transportIds.get(transport)
  const codecId = addCodec(context, transportId, codec)
  const localId = id(kind === 'audio' ? 'OTA' : 'OTV', ssrc)
  const { remote } = stats
  const isVideo = kind === 'video'
  const remoteId =
    remote.reportsReceived === 0
      ? undefined
      : add('remote-inbound-rtp', id(isVideo ? 'RIV' : 'RIA', ssrc), {
          ssrc,
          kind,
          transportId,
          codecId,
          localId,
          packetsLost: remote.packetsLost,
          jitter: remote.jitter,
          fractionLost: remote.fractionLost,
          ...roundTripStats(remote),
        })
  return add('outbound-rtp', localId, {
    ssrc,
    kind,
    transportId,
    codecId,
    mid,
    rid,
    mediaSourceId,
    remoteId,
    active,
    rtxSsrc: codec.rtxPayloadType === undefined ? undefined : rtxSsrc,
    packetsSent: stats.packetsSent,
    bytesSent: stats.bytesSent,
    headerBytesSent: stats.headerBytesSent,
    retransmittedPacketsSent: stats.retransmittedPacketsSent,
    retransmittedBytesSent: stats.retransmittedBytesSent,
    totalPacketSendDelay: stats.totalPacketSendDelay,
    nackCount: stats.nackCount,
    ...pictureStats(picture, context.now),
    framesSent: isVideo ? stats.framesSent : undefined,
    pliCount: isVideo ? stats.pliCount : undefined,
    firCount: isVideo ? stats.firCount : undefined,
  })
}

function addReceived(
  context: MediaStatsContext,
  { ssrc, rtxSsrc, fecSsrc, rid, kind, mid, codec, picture, stats }: ReceiverStats,
  { transport, track }: ReceiverCore,
): string {
  const { add, id, epoch } = context
  const transportId = transport === undefined ? undefined : context.transportIds.get(transport)
  const codecId = codec === undefined ? undefined : addCodec(context, transportId, codec)
  const localId = id(kind === 'audio' ? 'ITA' : 'ITV', ssrc)
  const { remote } = stats
  const isVideo = kind === 'video'
  const remoteId =
    remote.reportsSent === 0
      ? undefined
      : add('remote-outbound-rtp', id(isVideo ? 'ROV' : 'ROA', ssrc), {
          ssrc,
          kind,
          transportId,
          codecId,
          localId,
          packetsSent: remote.packetsSent,
          bytesSent: remote.bytesSent,
          remoteTimestamp: remote.remoteTimestamp,
          reportsSent: remote.reportsSent,
          ...roundTripStats(remote),
        })
  const last = stats.lastPacketReceivedTimestamp
  return add('inbound-rtp', localId, {
    ssrc,
    kind,
    transportId,
    codecId,
    mid,
    rid,
    remoteId,
    trackIdentifier: track.id,
    rtxSsrc,
    fecSsrc,
    packetsReceived: stats.packetsReceived,
    packetsLost: stats.packetsLost,
    jitter: stats.jitter,
    bytesReceived: stats.bytesReceived,
    headerBytesReceived: stats.headerBytesReceived,
    lastPacketReceivedTimestamp: last === undefined ? undefined : epoch + last,
    retransmittedPacketsReceived: stats.retransmittedPacketsReceived,
    retransmittedBytesReceived: stats.retransmittedBytesReceived,
    fecPacketsReceived: stats.fecPacketsReceived,
    fecBytesReceived: stats.fecBytesReceived,
    packetsDiscarded: stats.packetsDiscarded,
    jitterBufferDelay: stats.jitterBufferDelay,
    jitterBufferEmittedCount: stats.jitterBufferEmittedCount,
    nackCount: stats.nackCount,
    pliCount: isVideo ? stats.pliCount : undefined,
    firCount: isVideo ? stats.firCount : undefined,
    ...pictureStats(picture, context.now),
    framesReceived: isVideo ? stats.framesReceived : undefined,
    framesDropped: isVideo ? stats.framesDropped : undefined,
    framesAssembledFromMultiplePackets: isVideo ? stats.framesAssembledFromMultiplePackets : undefined,
    totalAssemblyTime: isVideo ? stats.totalAssemblyTime : undefined,
  })
}

/** What was agreed on, put into effect: senders and receivers of the media transports (RFC 9429 §5.11). */
import type { MediaSection } from '@kaon/sdp'
import type { Connection } from '../connection.ts'
import type { Description } from '../jsep/description.ts'
import type { MediaCodec, ReceiveParameters, RemoteSource, SendParameters } from '../media/parameters.ts'
import { exposedKey } from './codecs.ts'
import { takesReferenceTimes } from './media-content.ts'
import { mediaCodecs, receives, sends } from './negotiate.ts'
import { describeCodec } from './parameters.ts'
import { receivedRids } from './simulcast.ts'
import type { SenderCore } from './sender.ts'
import type { TransceiverCore } from './transceiver.ts'

export function startMedia(
  connection: Connection,
  transceiver: TransceiverCore,
  local: Description,
  remote: Description,
): void {
  const { mid, kind, sender, receiver, currentDirection, stopping } = transceiver
  if (mid === null || stopping || currentDirection === null) return
  const [ours, theirs] = [local.section(mid), remote.section(mid)]
  const transport = connection.transports.of(mid)
  if (ours === undefined || theirs === undefined || transport === undefined) return
  if (ours.isRejected || theirs.isRejected) return

  const known = new Set(ours.extmaps.map(({ uri }) => uri))
  sender.extensions = theirs.extmaps.filter(({ uri, id }) => known.has(uri) && id <= 255)
  receiver.extensions = ours.extmaps
  // To the peer go the payload types that it said; to us come those that we said (RFC 3264 §5.1).
  sender.codecs = mediaCodecs(kind, theirs.codecs, ours.codecs)
  receiver.codecs = mediaCodecs(kind, ours.codecs, theirs.codecs)
  sender.reducedSize = receiver.reducedSize = ours.rtcpReducedSize && theirs.rtcpReducedSize

  const { media } = transport.peer
  if (transceiver.media !== media) {
    sender.handle?.remove()
    receiver.handle?.remove()
    sender.handle = receiver.handle = undefined
    transceiver.media = media
  }
  const receiving = receiveParameters(connection, transceiver, ours, theirs, receives(currentDirection))
  if (receiver.handle !== undefined) receiver.handle.update(receiving)
  else if (receiving.active === true) receiver.handle = media.addReceiver(mid, receiving, receiver.source)
  const sending = sendParameters(connection, sender, sends(currentDirection))
  sender.isSending = sends(currentDirection)
  if (sender.handle !== undefined) sender.handle.update(sending)
  else if (sender.isSending) {
    sender.handle = media.addSender(mid, sending)
    sender.handle.setTrack(sender.track)
    sender.handle.selectLayer(sender.layer)
  }
  transport.peer.scheduleDrain()
}

function receiveParameters(
  connection: Connection,
  { kind, receiver }: TransceiverCore,
  ours: MediaSection,
  theirs: MediaSection,
  active: boolean,
): ReceiveParameters {
  const { codecs, extensions, reducedSize } = receiver
  const agreed = new Set(codecs.map(({ payloadType }) => payloadType))
  const others = mediaCodecs(kind, ours.codecs, ours.codecs).filter(({ payloadType }) => !agreed.has(payloadType))
  return {
    kind,
    // RFC 3264 §7 allows an offerer to stop listening for what the answer left out, and RFC 9429 §5.11 does not ask for it:
    // Chromium sends by the order of the offer, even what `setCodecPreferences` has taken out of its answer.
    codecs: [...codecs, ...others],
    headerExtensions: extensions,
    rtcpReducedSize: reducedSize,
    cname: connection.transceivers.cname,
    active,
    sources: declaredSources(theirs),
    rids: receivedRids(theirs),
    receiverReferenceTime: takesReferenceTimes(ours) && takesReferenceTimes(theirs),
  }
}

/** RFC 5576 §4.2, RFC 4588 §8.3, RFC 8627 §5.1.2.1. */
function declaredSources(section: MediaSection): RemoteSource[] {
  const { ssrcGroups } = section
  const secondary = new Set<number>()
  const partner = (semantics: string, primary: number): number | undefined => {
    const group = ssrcGroups.find(({ semantics: name, ssrcs }) => name === semantics && ssrcs[0] === primary)
    return group?.ssrcs[1]
  }
  for (const { semantics, ssrcs } of ssrcGroups) {
    if (semantics === 'FID' || semantics === 'FEC-FR') for (const ssrc of ssrcs.slice(1)) secondary.add(ssrc)
  }
  return section.ssrcs
    .filter(({ ssrc }) => !secondary.has(ssrc))
    .map(({ ssrc }) => {
      const rtxSsrc = partner('FID', ssrc)
      const fecSsrc = partner('FEC-FR', ssrc)
      return {
        ssrc,
        ...(rtxSsrc === undefined ? {} : { rtxSsrc }),
        ...(fecSsrc === undefined ? {} : { fecSsrc }),
      }
    })
}

function sendParameters(connection: Connection, sender: SenderCore, active: boolean): SendParameters {
  const { kind, codecs, extensions, reducedSize, encodings } = sender
  // `encodings[].codec` chooses among what was agreed on.
  const chosen = encodings[0]?.codec
  const isChosen = (codec: MediaCodec): boolean =>
    chosen !== undefined && exposedKey(kind, describeCodec(codec)) === exposedKey(kind, chosen)
  return {
    kind,
    codecs: codecs.toSorted((a, b) => Number(isChosen(b)) - Number(isChosen(a))),
    headerExtensions: extensions,
    rtcpReducedSize: reducedSize,
    cname: connection.transceivers.cname,
    active,
    encodings: encodings.map(({ ssrc, rtxSsrc, rid, active: isActive }) => ({
      ssrc,
      rtxSsrc,
      active: isActive,
      // A single layer is not announced by its rid.
      ...(rid === undefined || encodings.length === 1 ? {} : { rid }),
    })),
  }
}

/** `setParameters` changed the encodings. */
export function updateSender(connection: Connection, sender: SenderCore): void {
  sender.handle?.update(sendParameters(connection, sender, sender.isSending))
  sender.transport?.peer.scheduleDrain()
}

/** The transceivers of a connection: W3C WebRTC 1.0 §5.1 and what descriptions do to them (§4.4.1.5). */
import type { Direction, MediaSection } from '@kaon/sdp'
import type { Connection } from '../connection.ts'
import type { Description } from '../jsep/description.ts'
import type { MediaContent } from '../jsep/generate.ts'
import type { OfferedMedia } from '../jsep/offer.ts'
import { isMediaSection, sectionKey } from '../jsep/sections.ts'
import type { MediaStream } from '../media/media-stream.ts'
import { createRemoteStream } from '../media/media-stream.ts'
import { MediaStreamTrack } from '../media/media-stream-track.ts'
import { domError } from '../rtc-error.ts'
import { checkSendEncodings, type Encoding, type EncodingInit } from './encodings.ts'
import { createHost } from './host.ts'
import { answerContent, offerContent } from './media-content.ts'
import { receives, reverse, sends, toDirection } from './negotiate.ts'
import { ExtensionIds, PayloadTypes } from './numbering.ts'
import { ReceiverCore } from './receiver.ts'
import { MediaChanges } from './remote-tracks.ts'
import { SenderCore, type RTCRtpSender } from './sender.ts'
import { applySimulcast, proposedRids } from './simulcast.ts'
import { startMedia } from './start-media.ts'
import { TransceiverCore, type TransceiverHost } from './transceiver.ts'
import type { MediaKind } from './types.ts'

export class Transceivers {
  readonly cname: string
  readonly payloadTypes: PayloadTypes = new PayloadTypes()
  readonly extensionIds: ExtensionIds = new ExtensionIds()
  readonly #connection: Connection
  readonly #host: TransceiverHost
  #all: TransceiverCore[] = []
  readonly #senders = new WeakSet<RTCRtpSender>()
  #streams = new Map<string, WeakRef<MediaStream>>()

  constructor(connection: Connection) {
    this.#connection = connection
    // RFC 7022 §4.2: 96 random bits, another one for each connection.
    this.cname = btoa(String.fromCharCode(...connection.crypto.random(12)))
    this.#host = createHost(connection, this.cname)
  }

  get all(): readonly TransceiverCore[] {
    return this.#all
  }

  /** A sender of this connection, even if its transceiver is gone. */
  owns(sender: RTCRtpSender): boolean {
    return this.#senders.has(sender)
  }

  // -- made by the application

  /** The steps of `addTrack`. Throws `InvalidAccessError`. */
  addTrack(track: MediaStreamTrack, streamIds: string[]): TransceiverCore {
    if (this.#all.some(({ sender, stopping }) => !stopping && sender.track === track))
      throw domError('InvalidAccessError', 'The track has a sender already')
    // §5.1: a sender that has never sent is used again.
    const reused = this.#all.find(
      ({ kind, stopping, sender, currentDirection }) =>
        kind === track.kind && !stopping && sender.track === null && !hasSent.has(sender) && !sends(currentDirection),
    )
    if (reused === undefined) {
      const transceiver = this.#create(track.kind, track, streamIds, checkSendEncodings(track.kind, undefined), true)
      transceiver.direction = 'sendrecv'
      this.#connection.negotiationMayBeNeeded()
      return transceiver
    }
    reused.sender.streamIds = streamIds
    reused.sender.setTrack(track)
    reused.isFromAddTrack = true
    reused.direction = toDirection(true, receives(reused.direction))
    this.#connection.negotiationMayBeNeeded()
    return reused
  }

  /** The steps of `addTransceiver`, its arguments being converted. */
  addTransceiver(
    kind: MediaKind,
    track: MediaStreamTrack | null,
    direction: Direction,
    streamIds: string[],
    encodings: EncodingInit[],
  ): TransceiverCore {
    const transceiver = this.#create(kind, track, streamIds, encodings, false)
    transceiver.direction = direction
    this.#connection.negotiationMayBeNeeded()
    return transceiver
  }

  /** The steps of `removeTrack`. */
  removeTrack(sender: SenderCore): void {
    const transceiver = this.#all.find((one) => one.sender === sender)
    if (transceiver === undefined || transceiver.stopping || sender.track === null) return
    sender.setTrack(null)
    if (!sends(transceiver.direction)) return
    transceiver.direction = toDirection(false, receives(transceiver.direction))
    this.#connection.negotiationMayBeNeeded()
  }

  #create(
    kind: MediaKind,
    track: MediaStreamTrack | null,
    streamIds: string[],
    encodings: EncodingInit[],
    isFromAddTrack: boolean,
    remoteTrackId?: string,
  ): TransceiverCore {
    const sender = new SenderCore(kind, track, streamIds, this.withSsrcs(encodings), this.#host)
    const receiver = new ReceiverCore(kind, remoteTrackId, this.#host)
    const transceiver = new TransceiverCore(sender, receiver, 'recvonly', isFromAddTrack, this.#host)
    this.#all.push(transceiver)
    this.#senders.add(sender.facade)
    return transceiver
  }

  withSsrcs(encodings: readonly EncodingInit[]): Encoding[] {
    const used = new Set(
      this.#all.flatMap(({ sender }) => sender.encodings.flatMap(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc])),
    )
    const next = (): number => {
      for (;;) {
        const [a, b, c, d] = this.#connection.crypto.random(4)
        const ssrc = ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0
        if (ssrc === 0 || used.has(ssrc)) continue
        used.add(ssrc)
        return ssrc
      }
    }
    return encodings.map((encoding) => ({ ...encoding, ssrc: next(), rtxSsrc: next() }))
  }

  // -- descriptions that are made here

  /** Media for the sections of an offer. */
  offered(): OfferedMedia[] {
    return this.#all.filter(({ stopping }) => !stopping).map((transceiver) => this.#offered(transceiver))
  }

  readonly #offeredMedia = new WeakMap<TransceiverCore, OfferedMedia>()
  readonly #offeredBy = new WeakMap<OfferedMedia, TransceiverCore>()

  #offered(transceiver: TransceiverCore): OfferedMedia {
    const known = this.#offeredMedia.get(transceiver)
    if (known !== undefined) return known
    const made: OfferedMedia = {
      kind: transceiver.kind,
      get mid() {
        return transceiver.mid
      },
      content: (mid, previous) => offerContent(this, transceiver, mid, previous),
    }
    this.#offeredMedia.set(transceiver, made)
    this.#offeredBy.set(made, transceiver)
    return made
  }

  /** What is answered to an offered section; undefined refuses it. */
  answer(key: string, offered: MediaSection): MediaContent | undefined {
    const transceiver = this.byMid(key)
    if (transceiver === undefined || transceiver.stopping || !isMediaSection(offered)) return undefined
    return answerContent(this, transceiver, offered)
  }

  byMid(key: string): TransceiverCore | undefined {
    return this.#all.find(({ mid, stopped }) => mid === key && !stopped)
  }

  // -- descriptions that are set

  apply(description: Description, remote: boolean, mids: ReadonlyMap<OfferedMedia, string>): MediaChanges {
    const changes = new MediaChanges()
    const isOffer = description.type === 'offer'
    if (!remote && isOffer) {
      for (const [media, mid] of mids) {
        const transceiver = this.#offeredBy.get(media)
        if (transceiver !== undefined) transceiver.mid = mid
      }
    }
    for (const [i, section] of description.model.media.entries()) {
      if (!isMediaSection(section)) continue
      const key = sectionKey(section, i)
      if (remote) this.payloadTypes.observe(section)
      if (remote) this.extensionIds.observe(section.extmaps)
      const transceiver = this.byMid(key) ?? (remote && isOffer ? this.#associate(key, section) : undefined)
      if (transceiver === undefined) continue
      const transport = this.#connection.transports.of(key)
      // From here on what comes early is kept.
      void transport?.peer.media
      transceiver.sender.transport = transceiver.receiver.transport = transport
      if (remote) this.#applyRemote(transceiver, description, section, changes)
      else if (!isOffer) this.#applyLocalAnswer(transceiver, section, changes)
    }
    if (description.type === 'answer') this.#dropStopped(description)
    return changes
  }

  /** RFC 9429 §5.10: a transceiver that `addTrack` made and that has no section yet, or a new one. */
  #associate(key: string, section: MediaSection): TransceiverCore | undefined {
    if (section.isRejected) return undefined
    const kind = section.kind as MediaKind
    const waiting = this.#all.find(
      (one) => one.kind === kind && one.mid === null && one.isFromAddTrack && sends(one.direction) && !one.stopping,
    )
    const receiving = receives(reverse(section.direction))
    if (waiting !== undefined && (receiving || receives(section.direction))) {
      waiting.mid = key
      return waiting
    }
    const rids = proposedRids(section)
    const inits = rids.length > 0 ? rids.map((rid) => ({ rid })) : undefined
    const trackId = this.#freeTrackId(section.msids.find(({ trackId }) => trackId !== undefined)?.trackId)
    const transceiver = this.#create(kind, null, [], checkSendEncodings(kind, inits), false, trackId)
    transceiver.mid = key
    transceiver.isFromOffer = true
    return transceiver
  }

  /** The peer's name for a track, unless it has given it to another one. */
  #freeTrackId(trackId: string | undefined): string | undefined {
    return this.#all.some(({ receiver }) => receiver.track.id === trackId) ? undefined : trackId
  }

  #applyRemote(
    transceiver: TransceiverCore,
    description: Description,
    section: MediaSection,
    changes: MediaChanges,
  ): void {
    const direction = section.isRejected ? 'inactive' : reverse(section.direction)
    const ids = section.msids.map(({ streamId }) => streamId).filter((id) => id !== '-')
    const streams = receives(direction) ? [...new Set(ids)].map((id) => this.#stream(id)) : []
    const cameIn = changes.setStreams(transceiver, streams)
    const wasReceiving = receives(transceiver.firedDirection)
    if (receives(direction) && (!wasReceiving || cameIn)) changes.trackAdded(transceiver)
    if (!receives(direction) && wasReceiving) changes.trackRemoved(transceiver)
    transceiver.firedDirection = direction
    applySimulcast(transceiver.sender, section, description.type)
    if (description.type === 'offer') return
    transceiver.currentDirection = direction
    if (section.isRejected) this.#finish(transceiver, changes)
  }

  #applyLocalAnswer(transceiver: TransceiverCore, section: MediaSection, changes: MediaChanges): void {
    const { direction } = section
    if (!receives(direction) && receives(transceiver.firedDirection)) {
      changes.setStreams(transceiver, [])
      changes.trackRemoved(transceiver)
    }
    transceiver.currentDirection = direction
    transceiver.firedDirection = direction
    if (section.isRejected) this.#finish(transceiver, changes)
  }

  #finish(transceiver: TransceiverCore, changes: MediaChanges): void {
    transceiver.finish()
    changes.stopped(transceiver)
  }

  /** §4.4.1.5: a stopped transceiver leaves the connection when its section is refused by agreement. */
  #dropStopped({ model }: Description): void {
    const refused = new Set(model.media.flatMap((section, i) => (section.isRejected ? [sectionKey(section, i)] : [])))
    for (const transceiver of this.#all) {
      if (transceiver.stopping && !transceiver.stopped && transceiver.mid !== null && refused.has(transceiver.mid))
        transceiver.finish()
    }
    this.#all = this.#all.filter(({ stopped }) => !stopped)
  }

  /** A stream of the peer by its msid: the same object as long as anyone has it. */
  #stream(id: string): MediaStream {
    const known = this.#streams.get(id)?.deref()
    if (known !== undefined) return known
    for (const [name, reference] of this.#streams) if (reference.deref() === undefined) this.#streams.delete(name)
    const made = createRemoteStream(id)
    this.#streams.set(id, new WeakRef(made))
    return made
  }

  /** An answer is there: media goes as agreed. */
  start(local: Description, remote: Description): void {
    for (const transceiver of this.#all) {
      if (sends(transceiver.currentDirection)) hasSent.add(transceiver.sender)
      startMedia(this.#connection, transceiver, local, remote)
    }
  }

  // -- rollback

  remember(): void {
    for (const transceiver of this.#all) {
      const { mid, currentDirection, firedDirection, receiver, sender } = transceiver
      const { streams } = receiver
      transceiver.stable = { mid, currentDirection, firedDirection, streams, encodings: sender.encodings }
      transceiver.isFromOffer = false
    }
  }

  /** §4.4.1.5, the steps for a rollback. */
  rollback(): MediaChanges {
    const changes = new MediaChanges()
    for (const transceiver of this.#all) {
      const { stable, sender, receiver } = transceiver
      const [received, receiving] = [receives(stable.firedDirection), receives(transceiver.firedDirection)]
      changes.setStreams(transceiver, stable.streams)
      if (receiving && !received) changes.trackRemoved(transceiver)
      if (received && !receiving) changes.trackAdded(transceiver)
      if (stable.encodings !== undefined) sender.encodings = stable.encodings
      transceiver.mid = stable.mid
      transceiver.currentDirection = stable.currentDirection
      transceiver.firedDirection = stable.firedDirection
      const transport = stable.mid === null ? undefined : sender.transport
      sender.transport = receiver.transport = transport
      if (!transceiver.isFromOffer) continue
      transceiver.isFromOffer = false
      // What only the offer had brought, and nobody has used, goes with it.
      if (transceiver.isFromAddTrack) continue
      this.#all = this.#all.filter((one) => one !== transceiver)
      transceiver.finish()
      changes.stopped(transceiver)
    }
    return changes
  }

  /** "Check if negotiation is needed" (§4.7.3), the steps about transceivers. */
  get negotiationNeeded(): boolean {
    const { currentLocal, currentRemote } = this.#connection.session
    return this.#all.some((transceiver) => {
      const { mid, stopping, stopped, direction, sender } = transceiver
      if (stopping && !stopped) {
        return mid !== null && (currentLocal?.section(mid) !== undefined || currentRemote?.section(mid) !== undefined)
      }
      if (stopped) return false
      const local = mid === null ? undefined : currentLocal?.section(mid)
      const remote = mid === null ? undefined : currentRemote?.section(mid)
      if (local === undefined || remote === undefined) return true
      if (sends(direction)) {
        const said = local.msids.map(({ streamId }) => streamId).filter((id) => id !== '-')
        const isSame = said.length === sender.streamIds.length && said.every((id) => sender.streamIds.includes(id))
        if (local.msids.length === 0 || !isSame) return true
      }
      if (currentLocal!.type === 'offer') {
        return local.direction !== direction && reverse(remote.direction) !== direction
      }
      return (
        local.direction !==
        toDirection(sends(direction) && receives(remote.direction), receives(direction) && sends(remote.direction))
      )
    })
  }

  close(): void {
    for (const { sender, receiver } of this.#all) {
      sender.stopped = true
      sender.handle = undefined
      receiver.handle = undefined
      receiver.source.end()
    }
  }
}

/** `[[CurrentDirection]]` has been one that sends at some time: such a sender is not used again by `addTrack`. */
const hasSent = new WeakSet<SenderCore>()

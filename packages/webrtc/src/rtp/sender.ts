/** W3C WebRTC 1.0 §5.2. */
import type { RTCDtlsTransport } from '../dtls-transport.ts'
import { defineInterface } from '../interface.ts'
import { MediaStream } from '../media/media-stream.ts'
import { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { MediaSender } from '../media/media-sender.ts'
import type { MediaCodec, MediaExtension } from '../media/parameters.ts'
import { domError } from '../rtc-error.ts'
import type { RTCStatsReport } from '../stats-report.ts'
import type { Transport } from '../transport/transport.ts'
import { assertInternal, INTERNAL, toDictionary, toDOMString, toEnum, toInterface, toSequence } from '../webidl.ts'
import { capabilitiesOf, exposeCapability, exposeHeaderExtensions } from './codecs.ts'
import { exposeEncoding, refuseModification, toEncoding, type Encoding } from './encodings.ts'
import { describeCodec, exposeParameters, isSameCodec } from './parameters.ts'
import type { TransceiverHost } from './transceiver.ts'
import type { MediaKind, RTCRtpCapabilities, RTCRtpSendParameters } from './types.ts'

/** What a sender is inside. */
export class SenderCore {
  readonly kind: MediaKind
  readonly host: TransceiverHost
  readonly facade: RTCRtpSender
  /** The track's name in descriptions, which stays when the track is replaced. */
  readonly trackId: string
  track: MediaStreamTrack | null
  streamIds: string[]
  encodings: Encoding[]
  /** `[[SendCodecs]]` and what else was agreed on. */
  codecs: readonly MediaCodec[] = []
  extensions: readonly MediaExtension[] = []
  reducedSize = false
  /** The direction that was agreed on has us send. */
  isSending = false
  transport: Transport | undefined
  handle: MediaSender | undefined
  stopped = false
  /** The layer of a track of several that is forwarded. */
  layer: string | undefined
  /** `[[LastReturnedParameters]]`. */
  lastReturned: RTCRtpSendParameters | null = null
  #transactions = 0

  constructor(
    kind: MediaKind,
    track: MediaStreamTrack | null,
    streamIds: string[],
    encodings: Encoding[],
    host: TransceiverHost,
  ) {
    this.kind = kind
    this.track = track
    this.trackId = track?.id ?? crypto.randomUUID()
    this.streamIds = streamIds
    this.encodings = encodings
    this.host = host
    this.facade = new RTCRtpSender(INTERNAL, this)
  }

  /** The source of what is sent, or nothing while there is no track. */
  setTrack(track: MediaStreamTrack | null): void {
    this.track = track
    this.handle?.setTrack(track)
  }

  selectLayer(rid: string | undefined): void {
    this.layer = rid
    this.handle?.selectLayer(rid)
  }

  stop(): void {
    this.stopped = true
    this.handle?.remove()
    this.handle = undefined
  }

  parameters(): RTCRtpSendParameters {
    const rtp = exposeParameters(this.codecs, this.extensions, this.host.cname, this.reducedSize)
    return {
      ...rtp,
      transactionId: String(++this.#transactions),
      encodings: this.encodings.map(exposeEncoding),
    }
  }

  /** The checks of `setParameters`, and then the change. Throws as `RTCRtpSender.setParameters` rejects. */
  setParameters(value: unknown): void {
    const parameters = toDictionary(value as RTCRtpSendParameters, 'RTCRtpSendParameters')
    if (parameters.encodings === undefined || parameters.transactionId === undefined)
      throw new TypeError('RTCRtpSendParameters needs transactionId and encodings')
    const encodings = toSequence<unknown>(parameters.encodings, 'encodings').map(toEncoding)
    const last = this.lastReturned
    if (this.stopped) throw domError('InvalidStateError', 'The transceiver is stopped')
    if (last === null) throw domError('InvalidStateError', 'getParameters was not called in this task')
    if (encodings.length !== this.encodings.length) refuseModification('The number of encodings cannot change')
    if (encodings.some(({ rid }, i) => rid !== this.encodings[i]!.rid)) refuseModification('A rid cannot change')
    for (const key of ['transactionId', 'codecs', 'headerExtensions', 'rtcp'] as const) {
      if (JSON.stringify(parameters[key]) !== JSON.stringify(last[key])) refuseModification(`${key} cannot change`)
    }
    for (const { codec } of encodings) {
      const isKnown =
        codec === undefined ||
        (this.codecs.length === 0
          ? capabilitiesOf(this.kind).some((one) => isSameCodec(exposeCapability(one), codec))
          : this.codecs.some((one) => isSameCodec(describeCodec(one), codec)))
      if (!isKnown) refuseModification(`The codec '${codec.mimeType}' was not negotiated`)
    }
    for (const [i, encoding] of encodings.entries()) Object.assign(this.encodings[i]!, encoding)
    this.host.updateSender(this)
  }
}

export class RTCRtpSender {
  readonly #core: SenderCore

  /** Not for scripts. */
  constructor(token: symbol, core: SenderCore) {
    assertInternal(token)
    this.#core = core
  }

  get track(): MediaStreamTrack | null {
    return this.#core.track
  }

  /** Null before a description with the sender's section is applied. */
  get transport(): RTCDtlsTransport | null {
    return this.#core.transport?.dtlsTransport ?? null
  }

  /** Null: tones are sent as a track of `audio/telephone-event` packets (`writeRtp`). */
  get dtmf(): null {
    void this.#core // Web IDL: not of another object
    return null
  }

  /** Null for a kind that is neither. */
  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    return capabilities(kind)
  }

  getParameters(): RTCRtpSendParameters {
    const core = this.#core
    const parameters = core.parameters()
    core.lastReturned = structuredClone(parameters)
    core.host.queueTask(() => (core.lastReturned = null))
    return parameters
  }

  /**
   * Rejects with `InvalidModificationError` for what cannot change, `InvalidStateError` when the parameters are not those
   * that `getParameters` returned in this task, `RangeError` and `TypeError`.
   */
  async setParameters(parameters: RTCRtpSendParameters): Promise<void> {
    const core = this.#core
    core.setParameters(parameters)
    core.lastReturned = null
    await core.host.nextTask()
  }

  /**
   * Sends another track, or none, from now on, without negotiation. Rejects with `TypeError` for a track of another kind and
   * `InvalidStateError` when the sender is stopped.
   */
  async replaceTrack(withTrack: MediaStreamTrack | null): Promise<void> {
    const core = this.#core
    if (withTrack !== null) toInterface(withTrack, MediaStreamTrack)
    if (withTrack !== null && withTrack.kind !== core.kind) throw new TypeError(`The track is not of ${core.kind}`)
    return core.host.chain(async () => {
      if (core.stopped) throw domError('InvalidStateError', 'The transceiver is stopped')
      await core.host.nextTask()
      core.setTrack(withTrack)
    })
  }

  /** The streams that the peer shall put the track into. */
  setStreams(...streams: MediaStream[]): void {
    const ids = streams.map((stream) => toInterface(stream, MediaStream).id)
    const core = this.#core
    core.host.assertOpen()
    core.streamIds = [...new Set(ids)]
    core.host.negotiationMayBeNeeded()
  }

  /** The statistics of what this sender sends. */
  getStats(): Promise<RTCStatsReport> {
    return this.#core.host.stats(this.#core)
  }

  /**
   * Extension: of a track that another peer sends in several layers, the one that is forwarded; undefined for the first. The
   * switch happens at the next key frame of that layer, which is asked for.
   */
  selectLayer(rid: string | undefined): void {
    this.#core.selectLayer(rid === undefined ? undefined : toDOMString(rid))
  }
}

export function capabilities(kind: string): RTCRtpCapabilities | null {
  const name = toDOMString(kind)
  if (name !== 'audio' && name !== 'video') return null
  const checked = toEnum<MediaKind>(name, ['audio', 'video'], 'audio', 'kind')
  return { codecs: capabilitiesOf(checked).map(exposeCapability), headerExtensions: exposeHeaderExtensions(checked) }
}

defineInterface(RTCRtpSender, 'RTCRtpSender', { isInternal: true })

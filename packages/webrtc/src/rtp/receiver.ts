/** W3C WebRTC 1.0 §5.3. */
import type { RTCDtlsTransport } from '../dtls-transport.ts'
import { defineInterface } from '../interface.ts'
import { createRemoteTrack, type MediaStreamTrack } from '../media/media-stream-track.ts'
import type { MediaStream } from '../media/media-stream.ts'
import type { MediaCodec, MediaExtension } from '../media/parameters.ts'
import type { MediaReceiver } from '../media/media-receiver.ts'
import { TrackSource } from '../media/track-source.ts'
import type { RTCStatsReport } from '../stats-report.ts'
import type { Transport } from '../transport/transport.ts'
import { assertInternal, INTERNAL } from '../webidl.ts'
import { exposeParameters } from './parameters.ts'
import { capabilities } from './sender.ts'
import type { TransceiverHost } from './transceiver.ts'
import type {
  MediaKind,
  RTCRtpCapabilities,
  RTCRtpContributingSource,
  RTCRtpReceiveParameters,
  RTCRtpSynchronizationSource,
} from './types.ts'

/** What a receiver is inside. */
export class ReceiverCore {
  readonly kind: MediaKind
  readonly host: TransceiverHost
  readonly source: TrackSource
  readonly track: MediaStreamTrack
  readonly facade: RTCRtpReceiver
  /** `[[AssociatedRemoteMediaStreams]]`. */
  streams: MediaStream[] = []
  /** `[[ReceiveCodecs]]` and what else was agreed on. */
  codecs: readonly MediaCodec[] = []
  extensions: readonly MediaExtension[] = []
  reducedSize = false
  transport: Transport | undefined
  handle: MediaReceiver | undefined

  /** `trackId` is the peer's name for the track, when it said one. */
  constructor(kind: MediaKind, trackId: string | undefined, host: TransceiverHost) {
    this.kind = kind
    this.host = host
    this.source = new TrackSource(kind, true)
    this.track = createRemoteTrack(this.source, trackId ?? crypto.randomUUID(), `remote ${kind}`)
    this.facade = new RTCRtpReceiver(INTERNAL, this)
  }

  stop(): void {
    this.handle?.remove()
    this.handle = undefined
  }
}

export class RTCRtpReceiver {
  readonly #core: ReceiverCore

  /** Not for scripts. */
  constructor(token: symbol, core: ReceiverCore) {
    assertInternal(token)
    this.#core = core
  }

  get track(): MediaStreamTrack {
    return this.#core.track
  }

  /** Null before a description with the receiver's section is applied. */
  get transport(): RTCDtlsTransport | null {
    return this.#core.transport?.dtlsTransport ?? null
  }

  /** Null for a kind that is neither. */
  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    return capabilities(kind)
  }

  getParameters(): RTCRtpReceiveParameters {
    const { codecs, extensions, reducedSize } = this.#core
    return exposeParameters(codecs, extensions, undefined, reducedSize)
  }

  /** Those of the last 10 s, the last one heard first. */
  getContributingSources(): RTCRtpContributingSource[] {
    return this.#core.host.sources(this.#core, 'contributing')
  }

  getSynchronizationSources(): RTCRtpSynchronizationSource[] {
    return this.#core.host.sources(this.#core, 'synchronization')
  }

  /** The statistics of what this receiver receives. */
  getStats(): Promise<RTCStatsReport> {
    return this.#core.host.stats(this.#core)
  }
}

defineInterface(RTCRtpReceiver, 'RTCRtpReceiver', { isInternal: true })

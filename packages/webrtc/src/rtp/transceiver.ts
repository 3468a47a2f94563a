/** W3C WebRTC 1.0 §5.4. */
import type { Direction } from '@kaon/sdp'
import { defineInterface } from '../interface.ts'
import { isAuxiliary } from '../media/codec-match.ts'
import type { MediaStream } from '../media/media-stream.ts'
import type { MediaTransport } from '../media/media-transport.ts'
import { domError } from '../rtc-error.ts'
import type { RTCStatsReport } from '../stats-report.ts'
import { assertInternal, INTERNAL, toDictionary, toEnum, toSequence } from '../webidl.ts'
import { capabilitiesOf, defaultsOf, exposeCapability, type CodecCapability } from './codecs.ts'
import { refuseModification, type Encoding } from './encodings.ts'
import { isSameCodec } from './parameters.ts'
import type { ReceiverCore, RTCRtpReceiver } from './receiver.ts'
import type { RTCRtpSender, SenderCore } from './sender.ts'
import type { MediaKind, RTCRtpCodec, RTCRtpContributingSource, RTCRtpTransceiverDirection } from './types.ts'

/** What senders, receivers and transceivers need of their connection. */
export interface TransceiverHost {
  readonly cname: string
  queueTask(task: () => void): void
  nextTask(): Promise<void>
  chain<T>(operation: () => Promise<T>): Promise<T>
  /** Throws `InvalidStateError` when the connection is closed. */
  assertOpen(): void
  /** A description made now would be another one than before. */
  negotiationMayBeNeeded(): void
  /** The sender's encodings changed. */
  updateSender(sender: SenderCore): void
  stats(selector: SenderCore | ReceiverCore): Promise<RTCStatsReport>
  sources(receiver: ReceiverCore, kind: 'contributing' | 'synchronization'): RTCRtpContributingSource[]
}

const DIRECTIONS: readonly RTCRtpTransceiverDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive', 'stopped']

/** Web IDL conversion, and what `addTransceiver` and the attribute refuse. Throws `TypeError`. */
export function toTransceiverDirection(value: unknown): Direction {
  const direction = toEnum(value, DIRECTIONS, 'sendrecv', 'RTCRtpTransceiverDirection')
  if (direction === 'stopped') throw new TypeError("The direction 'stopped' cannot be set; stop() does it")
  return direction
}

/** What a rollback restores. */
export interface StableState {
  readonly mid: string | null
  readonly currentDirection: Direction | null
  readonly firedDirection: Direction | null
  readonly streams: readonly MediaStream[]
  /** Undefined for a transceiver that came since: it keeps what it has. */
  readonly encodings: Encoding[] | undefined
}

/** What a transceiver is inside. */
export class TransceiverCore {
  readonly kind: MediaKind
  readonly sender: SenderCore
  readonly receiver: ReceiverCore
  readonly facade: RTCRtpTransceiver
  mid: string | null = null
  direction: Direction
  currentDirection: Direction | null = null
  /** `[[FiredDirection]]`: what `track` events told about. */
  firedDirection: Direction | null = null
  stopping = false
  stopped = false
  /** `[[PreferredCodecs]]`; empty is the default. */
  preferred: readonly CodecCapability[] = []
  /** A track was added with `addTrack`: the peer's offer may use it (RFC 9429 §5.10), and rollback keeps it. */
  isFromAddTrack: boolean
  /** It came with the peer's offer. */
  isFromOffer = false
  /** Where its sender and its receiver are at work. */
  media: MediaTransport | undefined
  stable: StableState = {
    mid: null,
    currentDirection: null,
    firedDirection: null,
    streams: [],
    encodings: undefined,
  }
  readonly #host: TransceiverHost

  constructor(
    sender: SenderCore,
    receiver: ReceiverCore,
    direction: Direction,
    isFromAddTrack: boolean,
    host: TransceiverHost,
  ) {
    this.kind = sender.kind
    this.sender = sender
    this.receiver = receiver
    this.direction = direction
    this.isFromAddTrack = isFromAddTrack
    this.#host = host
    this.facade = new RTCRtpTransceiver(INTERNAL, this)
  }

  /** What is offered or accepted, in order. */
  get codecs(): readonly CodecCapability[] {
    return this.preferred.length > 0 ? this.preferred : defaultsOf(this.kind)
  }

  setDirection(direction: Direction): void {
    this.#host.assertOpen()
    if (this.stopping) throw domError('InvalidStateError', 'The transceiver is stopped')
    if (direction === this.direction) return
    this.direction = direction
    this.#host.negotiationMayBeNeeded()
  }

  /** "Stop sending and receiving": the peer hears of it with the next negotiation. */
  stop(): void {
    this.#host.assertOpen()
    if (this.stopping) return
    this.stopSendingAndReceiving()
    this.#host.negotiationMayBeNeeded()
  }

  stopSendingAndReceiving(): void {
    this.stopping = true
    this.direction = 'inactive'
    this.sender.stop()
    this.receiver.stop()
    this.#host.queueTask(() => this.receiver.source.end())
  }

  /** "Stop the RTCRtpTransceiver": a description made it final. */
  finish(): void {
    if (!this.stopping) this.stopSendingAndReceiving()
    this.stopped = true
    this.currentDirection = null
  }

  /** Throws `InvalidModificationError`. */
  setCodecPreferences(codecs: readonly RTCRtpCodec[]): void {
    const own = capabilitiesOf(this.kind)
    const chosen = codecs.map((codec) => {
      const found = own.find((capability) => isSameCodec(exposeCapability(capability), codec))
      return found ?? refuseModification(`'${codec.mimeType}' is not among the codecs of getCapabilities`)
    })
    if (chosen.length > 0 && chosen.every(({ name }) => isAuxiliary(name)))
      refuseModification('There is no codec among the preferences')
    this.preferred = [...new Set(chosen)]
    this.#host.negotiationMayBeNeeded()
  }
}

export class RTCRtpTransceiver {
  readonly #core: TransceiverCore

  /** Not for scripts. */
  constructor(token: symbol, core: TransceiverCore) {
    assertInternal(token)
    this.#core = core
  }

  /** Null before a description with its section is set. */
  get mid(): string | null {
    return this.#core.mid
  }

  get sender(): RTCRtpSender {
    return this.#core.sender.facade
  }

  get receiver(): RTCRtpReceiver {
    return this.#core.receiver.facade
  }

  /** What the next description asks for. Throws `TypeError` for `stopped`, `InvalidStateError` when it is stopped. */
  get direction(): RTCRtpTransceiverDirection {
    return this.#core.stopping ? 'stopped' : this.#core.direction
  }

  set direction(value: RTCRtpTransceiverDirection) {
    // Web IDL: an attribute of an enumeration ignores what is no value of it.
    if (DIRECTIONS.includes(value)) this.#core.setDirection(toTransceiverDirection(value))
  }

  /** What was agreed on; null before that. */
  get currentDirection(): RTCRtpTransceiverDirection | null {
    return this.#core.stopped ? 'stopped' : this.#core.currentDirection
  }

  /** For good. Its section is refused in the next descriptions. */
  stop(): void {
    this.#core.stop()
  }

  /** Which codecs are negotiated, and in which order; an empty list is the default. Throws `InvalidModificationError`. */
  setCodecPreferences(codecs: RTCRtpCodec[]): void {
    const list = toSequence<RTCRtpCodec>(codecs, 'codecs')
    this.#core.setCodecPreferences(list.map((codec) => toDictionary(codec, 'RTCRtpCodec') as RTCRtpCodec))
  }
}

defineInterface(RTCRtpTransceiver, 'RTCRtpTransceiver', { isInternal: true })

/** W3C WebRTC 1.0 §4.4: the interface. What it does is in `connection.ts` and `negotiation.ts`. */
import { generateCertificate, type CertificateAlgorithm, type RTCCertificate } from './certificate.ts'
import { legacy, overloaded, settle, type ErrorCallback } from './callback-forms.ts'
import { checkConfiguration, exposeConfiguration, toConfiguration } from './configuration.ts'
import { Connection, defaultNetwork } from './connection.ts'
import { toDataChannelInit } from './data-channel-init.ts'
import type { RTCDataChannel } from './data-channel.ts'
import type { RTCDataChannelEvent, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from './events.ts'
import { toCandidateInit } from './ice-candidate.ts'
import { defineInterface } from './interface.ts'
import { Negotiation } from './negotiation.ts'
import { RemoteCandidates } from './remote-candidates.ts'
import type { MediaStream } from './media/media-stream.ts'
import { MediaStreamTrack } from './media/media-stream-track.ts'
import { domError } from './rtc-error.ts'
import { streamIds, toKind } from './rtp/arguments.ts'
import { checkSendEncodings } from './rtp/encodings.ts'
import { receives, sends, toDirection } from './rtp/negotiate.ts'
import type { RTCRtpReceiver } from './rtp/receiver.ts'
import { RTCRtpSender } from './rtp/sender.ts'
import { toTransceiverDirection, type RTCRtpTransceiver, type TransceiverCore } from './rtp/transceiver.ts'
import type { MediaKind, RTCRtpTransceiverInit } from './rtp/types.ts'
import type { RTCTrackEvent } from './track-event.ts'
import type { RTCSctpTransport } from './sctp-transport.ts'
import { SDP_TYPES, toDescriptionInit, type RTCSessionDescription } from './session-description.ts'
import type { RTCStatsReport } from './stats-report.ts'
import type {
  Handler,
  RTCAnswerOptions,
  RTCConfiguration,
  RTCDataChannelInit,
  RTCIceCandidateInit,
  RTCIceConnectionState,
  RTCIceGatheringState,
  RTCLocalSessionDescriptionInit,
  RTCOfferOptions,
  RTCPeerConnectionState,
  RTCSdpType,
  RTCSessionDescriptionInit,
  RTCSignalingState,
} from './types.ts'
import { toDictionary, toDOMString, toEnum, toInterface, toSequence } from './webidl.ts'

type DescriptionCallback = (description: RTCSessionDescriptionInit) => void

// Optional arguments have defaults so that the `length` of every method is Web IDL's, which libraries look at.
export class RTCPeerConnection extends EventTarget {
  declare onnegotiationneeded: Handler<RTCPeerConnection>
  declare onicecandidate: Handler<RTCPeerConnection, RTCPeerConnectionIceEvent>
  declare onicecandidateerror: Handler<RTCPeerConnection, RTCPeerConnectionIceErrorEvent>
  declare onsignalingstatechange: Handler<RTCPeerConnection>
  declare oniceconnectionstatechange: Handler<RTCPeerConnection>
  declare onicegatheringstatechange: Handler<RTCPeerConnection>
  declare onconnectionstatechange: Handler<RTCPeerConnection>
  declare ondatachannel: Handler<RTCPeerConnection, RTCDataChannelEvent>
  declare ontrack: Handler<RTCPeerConnection, RTCTrackEvent>
  readonly #connection: Connection
  readonly #negotiation: Negotiation
  readonly #candidates: RemoteCandidates
  #localDescriptionSet = false

  /**
   * Throws `TypeError` for values of the wrong type, `SyntaxError` and `InvalidAccessError` for ICE servers, and
   * `InvalidAccessError` for an expired certificate.
   */
  constructor(configuration: RTCConfiguration | null | undefined = undefined) {
    super()
    const converted = toConfiguration(configuration)
    const network = converted.net ?? defaultNetwork()
    const now = network.wallClock()
    if (converted.certificates.some((certificate) => certificate.expires < now)) {
      throw domError('InvalidAccessError', 'A certificate has expired')
    }
    this.#connection = new Connection(this, checkConfiguration(converted, null, false), network)
    this.#negotiation = new Negotiation(this.#connection)
    this.#candidates = new RemoteCandidates(this.#connection)
    if (converted.iceCandidatePoolSize > 0) this.#connection.transports.ensurePrimary().gather()
  }

  /**
   * Makes a certificate with its key: ECDSA on P-256, or RSASSA-PKCS1-v1_5 with SHA-256. Rejects with
   * `NotSupportedError` or `TypeError`.
   */
  static generateCertificate(algorithm: CertificateAlgorithm): Promise<RTCCertificate> {
    if (arguments.length === 0) return Promise.reject(new TypeError('generateCertificate needs an algorithm'))
    return generateCertificate(algorithm)
  }

  // -- state

  get localDescription(): RTCSessionDescription | null {
    return this.#connection.session.local?.object ?? null
  }

  get currentLocalDescription(): RTCSessionDescription | null {
    return this.#connection.session.currentLocal?.object ?? null
  }

  get pendingLocalDescription(): RTCSessionDescription | null {
    return this.#connection.session.pendingLocal?.object ?? null
  }

  get remoteDescription(): RTCSessionDescription | null {
    return this.#connection.session.remote?.object ?? null
  }

  get currentRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.session.currentRemote?.object ?? null
  }

  get pendingRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.session.pendingRemote?.object ?? null
  }

  get signalingState(): RTCSignalingState {
    return this.#connection.session.signalingState
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#connection.iceGatheringState
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#connection.iceConnectionState
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#connection.connectionState
  }

  /** Null before a remote description is set. */
  get canTrickleIceCandidates(): boolean | null {
    return this.#connection.canTrickle
  }

  /** Null while no data section is negotiated or being so. */
  get sctp(): RTCSctpTransport | null {
    return this.#connection.data?.sctpTransport ?? null
  }

  // -- negotiation

  createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit>
  createOffer(success: DescriptionCallback, failure: ErrorCallback, options?: RTCOfferOptions): Promise<void>
  createOffer(
    first: RTCOfferOptions | DescriptionCallback | undefined = undefined,
    failure?: ErrorCallback,
    options?: RTCOfferOptions,
  ): Promise<RTCSessionDescriptionInit | void> {
    // Web IDL: how many arguments there are decides about the overload.
    const isLegacy = arguments.length > 1
    return settle<RTCSessionDescriptionInit | void>(() =>
      isLegacy
        ? legacy(() => this.#createOffer(options), first as DescriptionCallback, failure)
        : this.#createOffer(first as RTCOfferOptions | undefined),
    )
  }

  async #createOffer(options: RTCOfferOptions | undefined): Promise<RTCSessionDescriptionInit> {
    const { iceRestart, offerToReceiveAudio, offerToReceiveVideo } = toDictionary(options, 'RTCOfferOptions')
    if (!this.#connection.closed) {
      this.#offerToReceive('audio', offerToReceiveAudio)
      this.#offerToReceive('video', offerToReceiveVideo)
    }
    return this.#chain(() => this.#negotiation.createOffer(Boolean(iceRestart)))
  }

  /** §4.4.3.2: what older programs ask for instead of transceivers. */
  #offerToReceive(kind: MediaKind, value: boolean | undefined): void {
    if (value === undefined) return
    const { transceivers } = this.#connection
    const own = transceivers.all.filter((one) => one.kind === kind && !one.stopping)
    if (!value) {
      for (const one of own) {
        if (receives(one.direction)) one.setDirection(toDirection(sends(one.direction), false))
      }
    } else if (!own.some(({ direction }) => receives(direction))) {
      transceivers.addTransceiver(kind, null, 'recvonly', [], checkSendEncodings(kind, undefined))
    }
  }

  createAnswer(options?: RTCAnswerOptions): Promise<RTCSessionDescriptionInit>
  createAnswer(success: DescriptionCallback, failure: ErrorCallback): Promise<void>
  createAnswer(
    first: RTCAnswerOptions | DescriptionCallback | undefined = undefined,
    failure?: ErrorCallback,
  ): Promise<RTCSessionDescriptionInit | void> {
    const isLegacy = arguments.length > 1
    return settle<RTCSessionDescriptionInit | void>(() =>
      isLegacy
        ? legacy(() => this.#createAnswer(undefined), first as DescriptionCallback, failure)
        : this.#createAnswer(first as RTCAnswerOptions | undefined),
    )
  }

  async #createAnswer(options: RTCAnswerOptions | undefined): Promise<RTCSessionDescriptionInit> {
    toDictionary(options, 'RTCAnswerOptions')
    return this.#chain(() => this.#negotiation.createAnswer())
  }

  setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void>
  setLocalDescription(
    description: RTCLocalSessionDescriptionInit,
    success: () => void,
    failure: ErrorCallback,
  ): Promise<void>
  setLocalDescription(
    description: RTCLocalSessionDescriptionInit | undefined = undefined,
    success?: () => void,
    failure?: ErrorCallback,
  ): Promise<void> {
    const { length } = arguments
    return settle(() => overloaded(length, () => this.#setLocalDescription(description), success, failure))
  }

  async #setLocalDescription(description: RTCLocalSessionDescriptionInit | undefined): Promise<void> {
    const { type, sdp } = toDictionary(description, 'RTCLocalSessionDescriptionInit')
    const init: { type?: RTCSdpType; sdp: string } = {
      ...(type === undefined ? {} : { type: toEnum(type, SDP_TYPES, 'offer', 'RTCSdpType') }),
      sdp: sdp === undefined ? '' : toDOMString(sdp),
    }
    this.#localDescriptionSet = true
    return this.#chain(() => this.#negotiation.setLocal(init))
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void>
  setRemoteDescription(
    description: RTCSessionDescriptionInit,
    success: () => void,
    failure: ErrorCallback,
  ): Promise<void>
  setRemoteDescription(
    description: RTCSessionDescriptionInit,
    success: (() => void) | undefined = undefined,
    failure?: ErrorCallback,
  ): Promise<void> {
    const { length } = arguments
    return settle(() => overloaded(length, () => this.#setRemoteDescription(description), success, failure))
  }

  async #setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const init = toDescriptionInit(description)
    return this.#chain(() => this.#negotiation.setRemote(init))
  }

  addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void>
  addIceCandidate(candidate: RTCIceCandidateInit, success: () => void, failure: ErrorCallback): Promise<void>
  addIceCandidate(
    candidate: RTCIceCandidateInit | null | undefined = undefined,
    success?: () => void,
    failure?: ErrorCallback,
  ): Promise<void> {
    const { length } = arguments
    return settle(() => overloaded(length, () => this.#addIceCandidate(candidate), success, failure))
  }

  async #addIceCandidate(candidate: RTCIceCandidateInit | null | undefined): Promise<void> {
    const init = toCandidateInit(candidate)
    if (init.candidate !== '' && init.sdpMid === null && init.sdpMLineIndex === null) {
      throw new TypeError('sdpMid and sdpMLineIndex are both null')
    }
    return this.#chain(() => this.#candidates.add(init))
  }

  #chain<T>(operation: () => Promise<T>): Promise<T> {
    return this.#connection.chain.chain(operation)
  }

  restartIce(): void {
    if (this.#connection.closed) return
    this.#connection.session.replaceCredentials()
    this.#connection.updateNegotiationNeeded()
  }

  getConfiguration(): RTCConfiguration {
    return exposeConfiguration(this.#connection.configuration)
  }

  /** Throws as the constructor does, and `InvalidModificationError` for what cannot change any more. */
  setConfiguration(configuration: RTCConfiguration | null | undefined = undefined): void {
    const connection = this.#connection
    const converted = toConfiguration(configuration)
    if (connection.closed) throw domError('InvalidStateError', 'The connection is closed')
    const old = connection.configuration
    const checked = checkConfiguration(converted, old, this.#localDescriptionSet)
    connection.configuration = checked
    const { transports } = connection
    transports.setServers(checked, old)
    if (transports.primary === undefined && checked.iceCandidatePoolSize > 0) transports.ensurePrimary().gather()
  }

  // -- data

  createDataChannel(label: string, init: RTCDataChannelInit | null | undefined = undefined): RTCDataChannel {
    const connection = this.#connection
    if (arguments.length === 0) throw new TypeError('createDataChannel needs a label')
    const converted = toDataChannelInit(label, init)
    if (connection.closed) throw domError('InvalidStateError', 'The connection is closed')
    const core = connection.channels.create(converted)
    if (!connection.session.wantsData) {
      connection.session.wantsData = true
      connection.session.revision++
      connection.updateNegotiationNeeded()
    }
    return core.facade
  }

  // -- media

  /** Those of all transceivers that are not stopped, in the order in which they were added. */
  getSenders(): RTCRtpSender[] {
    return this.#transceivers.map(({ sender }) => sender.facade)
  }

  getReceivers(): RTCRtpReceiver[] {
    return this.#transceivers.map(({ receiver }) => receiver.facade)
  }

  getTransceivers(): RTCRtpTransceiver[] {
    return this.#transceivers.map(({ facade }) => facade)
  }

  get #transceivers(): TransceiverCore[] {
    return this.#connection.transceivers.all.filter(({ stopped }) => !stopped)
  }

  /**
   * Sends a track, which the peer shall put into `streams`. Throws `InvalidAccessError` when the track has a sender already,
   * `InvalidStateError` when the connection is closed.
   */
  addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
    toInterface(track, MediaStreamTrack)
    const ids = streamIds(streams)
    this.#assertOpen()
    return this.#connection.transceivers.addTrack(track, ids).sender.facade
  }

  /** Stops sending; the section stays. Throws `InvalidAccessError` for a sender of another connection. */
  removeTrack(sender: RTCRtpSender): void {
    toInterface(sender, RTCRtpSender)
    this.#assertOpen()
    const { transceivers } = this.#connection
    const core = transceivers.all.find((one) => one.sender.facade === sender)?.sender
    if (core !== undefined) transceivers.removeTrack(core)
    else if (!transceivers.owns(sender)) {
      throw domError('InvalidAccessError', 'The sender belongs to another connection')
    }
  }

  /** Throws `TypeError`, `OperationError`, `RangeError` for what `init` says, and `InvalidStateError` when closed. */
  addTransceiver(
    trackOrKind: MediaStreamTrack | MediaKind,
    init: RTCRtpTransceiverInit | null | undefined = undefined,
  ): RTCRtpTransceiver {
    const track = trackOrKind instanceof MediaStreamTrack ? trackOrKind : null
    const kind = track === null ? toKind(trackOrKind) : track.kind
    const { direction, streams, sendEncodings } = toDictionary(init, 'RTCRtpTransceiverInit')
    const wanted = toTransceiverDirection(direction)
    const encodings = checkSendEncodings(kind, sendEncodings)
    const ids = streams === undefined ? [] : streamIds(toSequence<MediaStream>(streams, 'streams'))
    this.#assertOpen()
    return this.#connection.transceivers.addTransceiver(kind, track, wanted, ids, encodings).facade
  }

  #assertOpen(): void {
    if (this.#connection.closed) throw domError('InvalidStateError', 'The connection is closed')
  }

  /**
   * W3C WebRTC Statistics, of the whole connection or of what concerns a track. Also after `close()`. Rejects with
   * `InvalidAccessError` for a track that is not exactly one sender's or receiver's.
   */
  async getStats(selector: MediaStreamTrack | null | undefined = null): Promise<RTCStatsReport> {
    if (selector === null) return this.#connection.stats(undefined)
    toInterface(selector, MediaStreamTrack)
    const found = this.#connection.transceivers.all.flatMap(({ sender, receiver }) =>
      [sender, receiver].filter(({ track }) => track === selector),
    )
    if (found.length !== 1) throw domError('InvalidAccessError', 'The track has not exactly one sender or receiver')
    return this.#connection.stats(found[0])
  }

  /** Silent and idempotent; may be called anywhere, and nothing fires or settles after it. */
  close(): void {
    this.#connection.close()
  }

  /** Extension: `using connection = new RTCPeerConnection()`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Extension: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

defineInterface(RTCPeerConnection, 'RTCPeerConnection', {
  handlers: [
    'negotiationneeded',
    'icecandidate',
    'icecandidateerror',
    'signalingstatechange',
    'iceconnectionstatechange',
    'icegatheringstatechange',
    'connectionstatechange',
    'datachannel',
    'track',
  ],
})

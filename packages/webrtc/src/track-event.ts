/** W3C WebRTC 1.0 §5.7. */
import { defineInterface } from './interface.ts'
import { MediaStream } from './media/media-stream.ts'
import { MediaStreamTrack } from './media/media-stream-track.ts'
import { RTCRtpReceiver } from './rtp/receiver.ts'
import { RTCRtpTransceiver } from './rtp/transceiver.ts'
import type { RTCEventInit } from './types.ts'
import { toDictionary, toInterface, toSequence } from './webidl.ts'

export interface RTCTrackEventInit extends RTCEventInit {
  receiver: RTCRtpReceiver
  track: MediaStreamTrack
  streams?: MediaStream[]
  transceiver: RTCRtpTransceiver
}

/** The peer sends a track. */
export class RTCTrackEvent extends Event {
  readonly #receiver: RTCRtpReceiver
  readonly #track: MediaStreamTrack
  readonly #streams: readonly MediaStream[]
  readonly #transceiver: RTCRtpTransceiver

  constructor(type: string, init: RTCTrackEventInit) {
    const { receiver, track, streams, transceiver } = toDictionary(init, 'RTCTrackEventInit')
    super(type, init)
    this.#receiver = toInterface(receiver, RTCRtpReceiver)
    this.#track = toInterface(track, MediaStreamTrack)
    this.#transceiver = toInterface(transceiver, RTCRtpTransceiver)
    const list = streams === undefined ? [] : toSequence<MediaStream>(streams, 'streams')
    this.#streams = Object.freeze(list.map((stream) => toInterface(stream, MediaStream)))
  }

  get receiver(): RTCRtpReceiver {
    return this.#receiver
  }

  get track(): MediaStreamTrack {
    return this.#track
  }

  /** Those that the peer put the track into. */
  get streams(): readonly MediaStream[] {
    return this.#streams
  }

  get transceiver(): RTCRtpTransceiver {
    return this.#transceiver
  }
}

defineInterface(RTCTrackEvent, 'RTCTrackEvent')

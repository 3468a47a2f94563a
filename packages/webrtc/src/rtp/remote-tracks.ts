/** What a remote description does to tracks and streams, told when it is applied: W3C WebRTC 1.0 §5.1.1. */
import type { Connection } from '../connection.ts'
import { MediaStreamTrackEvent, type MediaStream } from '../media/media-stream.ts'
import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import { RTCTrackEvent } from '../track-event.ts'
import type { TransceiverCore } from './transceiver.ts'

interface Member {
  readonly stream: MediaStream
  readonly track: MediaStreamTrack
}

/** `muteTracks`, `addList`, `removeList` and `trackEventInits` of the specification's text. */
export class MediaChanges {
  readonly #muted: TransceiverCore[] = []
  readonly #ended: TransceiverCore[] = []
  readonly #added: Member[] = []
  readonly #removed: Member[] = []
  readonly #tracks: { transceiver: TransceiverCore; streams: MediaStream[] }[] = []

  /** "Set the associated remote streams". True when the track came into a stream. */
  setStreams(transceiver: TransceiverCore, streams: readonly MediaStream[]): boolean {
    const { receiver } = transceiver
    const { track } = receiver
    for (const stream of receiver.streams) if (!streams.includes(stream)) this.#removed.push({ stream, track })
    const added = streams.filter((stream) => !receiver.streams.includes(stream))
    for (const stream of added) this.#added.push({ stream, track })
    receiver.streams = [...streams]
    return added.length > 0
  }

  /** "Process the addition of a remote track". */
  trackAdded(transceiver: TransceiverCore): void {
    this.#tracks.push({ transceiver, streams: [...transceiver.receiver.streams] })
  }

  /** "Process the removal of a remote track", after the streams were taken from it. */
  trackRemoved(transceiver: TransceiverCore): void {
    this.#muted.push(transceiver)
  }

  /** The transceiver was stopped by the description. */
  stopped(transceiver: TransceiverCore): void {
    this.#ended.push(transceiver)
  }

  /** The events, in the order of §4.4.1.5. */
  fire(connection: Connection): void {
    for (const { receiver } of this.#ended) receiver.source.end()
    for (const { receiver } of this.#muted) receiver.source.setMuted(true)
    for (const { stream, track } of this.#removed) {
      if (stream.getTrackById(track.id) === null) continue
      stream.removeTrack(track)
      connection.fire(new MediaStreamTrackEvent('removetrack', { track }), stream)
    }
    for (const { stream, track } of this.#added) {
      if (stream.getTrackById(track.id) !== null) continue
      stream.addTrack(track)
      connection.fire(new MediaStreamTrackEvent('addtrack', { track }), stream)
    }
    for (const { transceiver, streams } of this.#tracks) {
      const { facade, receiver } = transceiver
      const init = { receiver: receiver.facade, track: receiver.track, streams, transceiver: facade }
      connection.fire(new RTCTrackEvent('track', init))
    }
  }
}

/** What a description without media brings. */
export const NO_CHANGES: MediaChanges = new MediaChanges()

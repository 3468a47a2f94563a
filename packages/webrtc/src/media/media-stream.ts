/** mediacapture-main §4.2: tracks that belong together. */
import { defineInterface } from '../interface.ts'
import type { Handler, RTCEventInit } from '../types.ts'
import { toDictionary, toDOMString, toSequence } from '../webidl.ts'
import { MediaStreamTrack } from './media-stream-track.ts'

let withId: (stream: MediaStream, id: string) => void

export class MediaStream extends EventTarget {
  /** Only the peer's doing fires: `addTrack` and `removeTrack` are silent. */
  declare onaddtrack: Handler<MediaStream, MediaStreamTrackEvent>
  declare onremovetrack: Handler<MediaStream, MediaStreamTrackEvent>
  readonly #tracks = new Map<string, MediaStreamTrack>()
  #id: string = crypto.randomUUID()

  static {
    withId = (stream, id) => {
      stream.#id = id
    }
  }

  /** Throws `TypeError` for what is neither a stream nor a sequence of tracks. */
  constructor(source: MediaStream | Iterable<MediaStreamTrack> | undefined = undefined) {
    super()
    if (source === undefined) return
    const tracks = source instanceof MediaStream ? source.getTracks() : toSequence<MediaStreamTrack>(source, 'tracks')
    for (const track of tracks) this.addTrack(track)
  }

  get id(): string {
    return this.#id
  }

  /** One of its tracks has not ended. */
  get active(): boolean {
    for (const track of this.#tracks.values()) if (track.readyState === 'live') return true
    return false
  }

  getTracks(): MediaStreamTrack[] {
    return [...this.#tracks.values()]
  }

  getAudioTracks(): MediaStreamTrack[] {
    return this.getTracks().filter((track) => track.kind === 'audio')
  }

  getVideoTracks(): MediaStreamTrack[] {
    return this.getTracks().filter((track) => track.kind === 'video')
  }

  getTrackById(trackId: string): MediaStreamTrack | null {
    return this.#tracks.get(toDOMString(trackId)) ?? null
  }

  addTrack(track: MediaStreamTrack): void {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError('Expected a MediaStreamTrack')
    if (!this.#tracks.has(track.id)) this.#tracks.set(track.id, track)
  }

  removeTrack(track: MediaStreamTrack): void {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError('Expected a MediaStreamTrack')
    if (this.#tracks.get(track.id) === track) this.#tracks.delete(track.id)
  }

  /** A stream of clones of its tracks. */
  clone(): MediaStream {
    return new MediaStream(this.getTracks().map((track) => track.clone()))
  }
}

/** A stream of the peer's, whose id is the `msid`. */
export function createRemoteStream(id: string): MediaStream {
  const stream = new MediaStream()
  withId(stream, id)
  return stream
}

export interface MediaStreamTrackEventInit extends RTCEventInit {
  track: MediaStreamTrack
}

/** mediacapture-main §4.4. */
export class MediaStreamTrackEvent extends Event {
  readonly #track: MediaStreamTrack

  constructor(type: string, init: MediaStreamTrackEventInit) {
    const { track } = toDictionary(init, 'MediaStreamTrackEventInit')
    super(type, init)
    if (!(track instanceof MediaStreamTrack)) throw new TypeError('Expected a MediaStreamTrack')
    this.#track = track
  }

  get track(): MediaStreamTrack {
    return this.#track
  }
}

defineInterface(MediaStream, 'MediaStream', { handlers: ['addtrack', 'removetrack'] })
defineInterface(MediaStreamTrackEvent, 'MediaStreamTrackEvent')

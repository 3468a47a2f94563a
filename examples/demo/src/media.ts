import { fileURLToPath } from 'node:url'
import type { Playback } from '@kaon/media'
import { playFile } from '@kaon/media/node'
import {
  MediaStream,
  MediaStreamTrack,
  type RTCPeerConnection,
  type RTCRtpTransceiver,
  type RTCStats,
  type RTCTrackEvent,
} from '@kaon/webrtc'
import { Recording, type Recorded } from './recording.ts'

/** VP8 and Opus, 480×270, eight seconds whose end meets their beginning; `clip/make.mjs` made it. */
export const clip: string = fileURLToPath(new URL('../clip/kaon.webm', import.meta.url))

/** What the page shows of this half, told after every change. */
export interface MediaState {
  /** Id of the stream in which the file comes. */
  playing: string | null
  recording: boolean
  recorded: { name: string; bytes: number; seconds: number; summary: string } | null
  /** What went wrong last, until something else succeeds. */
  error: string | null
}

interface PlayingFile {
  readonly stream: MediaStream
  readonly tracks: readonly MediaStreamTrack[]
  readonly transceivers: readonly RTCRtpTransceiver[]
  playback: Playback | undefined
}

/** The wish cannot be fulfilled as things stand; the message is for the page. */
export class MediaRefusal extends Error {}

/** The media half of a session: what the page sends goes back to it, a file is played to it, what it sends is recorded. */
export class SessionMedia {
  readonly #connection: RTCPeerConnection
  readonly #onChange: (state: MediaState) => void
  /** The page's tracks that have not ended. */
  readonly #received = new Set<MediaStreamTrack>()
  #file: PlayingFile | undefined
  #recording: Recording | undefined
  #recorded: Recorded | undefined
  #error: string | null = null

  constructor(connection: RTCPeerConnection, onChange: (state: MediaState) => void) {
    this.#connection = connection
    this.#onChange = onChange
    connection.ontrack = (event) => this.#echo(event)
  }

  /** The last recording, when it is complete. */
  get recorded(): Recorded | undefined {
    return this.#recorded
  }

  /** Sends a track back in the section in which it came: forwarded as it is, not decoded. */
  #echo({ track, transceiver, streams }: RTCTrackEvent): void {
    if (this.#received.has(track)) return // it came before, and was paused
    this.#received.add(track)
    track.addEventListener('ended', () => this.#received.delete(track))
    transceiver.sender.setStreams(...streams)
    transceiver.direction = 'sendrecv'
    transceiver.sender.replaceTrack(track).catch((error: unknown) => this.#fail(error))
  }

  /** Sends the file, over and over, in sections of its own: negotiation follows. */
  async play(): Promise<void> {
    if (this.#file !== undefined) return
    const stream = new MediaStream()
    const tracks = [
      new MediaStreamTrack({ kind: 'video', codec: 'video/VP8' }),
      new MediaStreamTrack({ kind: 'audio', codec: 'audio/opus' }),
    ]
    const transceivers = tracks.map((track) =>
      this.#connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] }),
    )
    const file: PlayingFile = { stream, tracks, transceivers, playback: undefined }
    this.#file = file
    this.#error = null
    this.#tell() // before the offer: the page knows which stream it is when the track comes
    await this.#negotiated(transceivers[0]!)
    if (this.#file !== file) return // stopped meanwhile
    const playback = await playFile(clip, { video: tracks[0], audio: tracks[1] }, { loop: true }).catch(
      (error: unknown) => {
        this.stopPlaying()
        throw error
      },
    )
    if (this.#file !== file) return playback.stop()
    file.playback = playback
    playback.onended = (error) => {
      if (error !== undefined) this.#fail(error)
      this.stopPlaying()
    }
  }

  /** The beginning of a file that plays before anyone listens is lost, and its key frame with it. */
  #negotiated(transceiver: RTCRtpTransceiver): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (transceiver.currentDirection === null && this.#connection.signalingState !== 'closed') return
        this.#connection.removeEventListener('signalingstatechange', check)
        resolve()
      }
      this.#connection.addEventListener('signalingstatechange', check)
    })
  }

  stopPlaying(): void {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    file.playback?.stop()
    for (const transceiver of file.transceivers) transceiver.stop()
    for (const track of file.tracks) track.stop()
    this.#tell()
  }

  /** Throws `MediaRefusal` when nothing comes that could be recorded. */
  async record(): Promise<void> {
    if (this.#recording !== undefined) return
    const tracks = [...this.#received].filter((track) => !track.muted)
    const codecs = await this.#receivedCodecs()
    if (this.#recording !== undefined) return
    if (tracks.length === 0) throw new MediaRefusal('nothing comes that could be recorded: start the camera first')
    // WebM has no place for H.264 and H.265; MP4, which browsers play as well, has.
    const recording = new Recording(tracks, codecs.some((codec) => /H26[45]/i.test(codec)) ? 'mp4' : 'webm')
    this.#recording = recording
    this.#recorded = undefined
    this.#error = null
    this.#tell()
    recording.ended
      .then(
        (recorded) => (this.#recorded = recorded),
        (error: unknown) => (this.#error = message(error)),
      )
      .finally(() => {
        this.#recording = undefined
        this.#tell()
      })
  }

  /** Resolves when the file is complete. */
  async stopRecording(): Promise<void> {
    const recording = this.#recording
    recording?.stop()
    await recording?.ended
  }

  async #receivedCodecs(): Promise<string[]> {
    const stats = await this.stats()
    const codecs = stats.filter(({ type }) => type === 'inbound-rtp').map(({ codecId }) => codecId)
    return stats.filter(({ id }) => codecs.includes(id)).map(({ mimeType }) => String(mimeType))
  }

  /** The entries of `getStats` that concern media. */
  async stats(): Promise<(RTCStats & Record<string, unknown>)[]> {
    const report = await this.#connection.getStats()
    const entries = [...report.values()] as (RTCStats & Record<string, unknown>)[]
    return entries.filter(({ type }) => type === 'codec' || /^(remote-)?(in|out)bound-rtp$/.test(type))
  }

  close(): void {
    this.#recording?.stop()
    this.#file?.playback?.stop()
    this.#file = undefined
  }

  #fail(error: unknown): void {
    this.#error = message(error)
    this.#tell()
  }

  #tell(): void {
    const recorded = this.#recorded
    this.#onChange({
      playing: this.#file?.stream.id ?? null,
      recording: this.#recording !== undefined,
      recorded: recorded === undefined ? null : { ...recorded, bytes: recorded.bytes.length },
      error: this.#error,
    })
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

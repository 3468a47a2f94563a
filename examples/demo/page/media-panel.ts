import { Meters } from './meters.js'
import type { Negotiation } from './negotiation.js'
import type { NodeMedia, Signaling, Stats } from './signaling.js'
import { drawPicture, openCamera, type Source } from './sources.js'
import { formatBytes } from './tables.js'
import type { Side } from './waterfall.js'

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

const nothing: NodeMedia = { playing: null, recording: false, recorded: null, error: null }
type ButtonName = 'camera' | 'drawn' | 'picture' | 'microphone' | 'play' | 'record' | 'sound'
const codecs = ['VP8', 'VP9', 'H264', 'AV1']

/** The panel of camera, microphone and files: what is sent, what comes back, and what both ends measure. */
export class MediaPanel {
  readonly #log: (text: string) => void
  readonly #meters = new Meters(byId('meters'), { browser: byId('flows-browser'), node: byId('flows-node') })
  readonly #preview = byId<HTMLVideoElement>('preview')
  readonly #returned = byId<HTMLVideoElement>('returned')
  readonly #codec = byId<HTMLSelectElement>('codec')
  readonly #link = byId<HTMLAnchorElement>('recording')
  readonly #buttons: Record<ButtonName, HTMLButtonElement>
  #connection: RTCPeerConnection | undefined
  #signaling: Signaling | undefined
  #negotiation: Negotiation | undefined
  #source: Source | undefined
  #transceivers: RTCRtpTransceiver[] = []
  #echo: MediaStream | undefined
  #file: MediaStream | undefined
  #node = nothing
  /** Counts wishes for a source: a camera that comes after another wish is not used. */
  #wishes = 0

  constructor(log: (text: string) => void) {
    this.#log = log
    const button = (id: string, work: () => Promise<void> | void): HTMLButtonElement => {
      const element = byId<HTMLButtonElement>(id)
      element.addEventListener('click', () => void this.#run(work))
      return element
    }
    this.#buttons = {
      camera: button('camera', () => this.#toggleSource('camera')),
      drawn: button('drawn', () => this.#toggleSource('drawn')),
      picture: button('picture', () => this.#toggleTracks('video')),
      microphone: button('microphone', () => this.#toggleTracks('audio')),
      play: button('play', () => this.#signaling!.command(this.#node.playing === null ? 'play' : 'stop-playing')),
      record: button('record', () => this.#signaling!.command(this.#node.recording ? 'stop-recording' : 'record')),
      sound: button('sound', () => {
        this.#returned.muted = !this.#returned.muted
      }),
    }
    const capabilities = RTCRtpSender.getCapabilities('video')?.codecs ?? []
    for (const name of codecs)
      if (capabilities.some(({ mimeType }) => mimeType === `video/${name}`)) this.#codec.add(new Option(name))
    this.#codec.addEventListener('change', () => void this.#run(() => this.#changeCodec()))
    for (const video of [this.#preview, this.#returned]) video.addEventListener('resize', () => this.#show())
    this.#show()
  }

  attach(connection: RTCPeerConnection, signaling: Signaling, negotiation: Negotiation): void {
    this.#connection = connection
    this.#signaling = signaling
    this.#negotiation = negotiation
    connection.addEventListener('track', (event) => this.#adopt(event))
    connection.addEventListener('connectionstatechange', () => this.#show())
    this.#show()
  }

  detach(): void {
    this.#wishes++
    this.#source?.stop()
    this.#source = this.#connection = this.#signaling = this.#negotiation = this.#echo = this.#file = undefined
    this.#transceivers = []
    this.#node = nothing
    this.#meters.clear()
    this.#say('Connect, then start the camera; without one, send a drawn picture.')
    this.#show()
  }

  /** Node's half has changed. */
  showNode(state: NodeMedia): void {
    const before = this.#node
    this.#node = state
    if (state.playing === null) this.#file = undefined
    if (state.error !== null) this.#say(`Node: ${state.error}.`)
    else if (state.recording && !before.recording) this.#say('Recording, for a minute at most.')
    else if (state.recorded !== null && before.recorded === null) {
      const { bytes, seconds, summary } = state.recorded
      this.#say(`Recorded ${seconds.toFixed(1)} s, ${formatBytes(bytes)}: ${summary}.`)
    }
    this.#show()
  }

  measure(side: Side, entries: readonly Stats[], time: number): void {
    if (this.#connection !== undefined) this.#meters.add(side, entries, time)
  }

  async #run(work: () => Promise<void> | void): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error))
    }
    this.#show()
  }

  async #toggleSource(name: Source['name']): Promise<void> {
    if (this.#source?.name === name) return this.#stopSending()
    const wish = ++this.#wishes
    let source: Source
    try {
      source = name === 'camera' ? await openCamera() : drawPicture()
    } catch (error) {
      throw new Error(`${(error as Error).message} “Drawn picture” works without one.`, { cause: error })
    }
    if (this.#connection === undefined || wish !== this.#wishes) return source.stop()
    const before = this.#source
    this.#source = source
    before?.stop()
    await this.#send(source.stream, this.#connection)
    source.stream.getVideoTracks()[0]!.onended = () => {
      if (this.#source === source) void this.#run(() => this.#stopSending())
    }
    this.#say(name === 'camera' ? 'The camera goes to Node and comes back.' : 'A picture drawn here goes to Node.')
  }

  /** Tracks of another source take the place of those before them, without negotiation. */
  async #send(stream: MediaStream, connection: RTCPeerConnection): Promise<void> {
    for (const kind of ['video', 'audio'] as const) {
      const track = stream.getTracks().find((candidate) => candidate.kind === kind) ?? null
      const transceiver = this.#transceivers.find(({ receiver }) => receiver.track.kind === kind)
      if (transceiver !== undefined) await transceiver.sender.replaceTrack(track)
      else if (track !== null)
        this.#transceivers.push(connection.addTransceiver(track, { direction: 'sendrecv', streams: [stream] }))
    }
    this.#preferCodec()
  }

  #stopSending(): void {
    this.#wishes++
    this.#source?.stop()
    this.#source = undefined
    for (const transceiver of this.#transceivers.splice(0)) transceiver.stop()
    this.#echo = undefined
    this.#say('Nothing is sent any more.')
  }

  #toggleTracks(kind: 'audio' | 'video'): void {
    for (const track of this.#source?.stream.getTracks() ?? []) if (track.kind === kind) track.enabled = !track.enabled
  }

  #preferCodec(): void {
    const all = RTCRtpReceiver.getCapabilities('video')?.codecs ?? []
    const isChosen = ({ mimeType }: RTCRtpCodec): boolean => mimeType === `video/${this.#codec.value}`
    const order = [...all.filter(isChosen), ...all.filter((codec) => !isChosen(codec))]
    for (const transceiver of this.#transceivers)
      if (transceiver.receiver.track.kind === 'video') transceiver.setCodecPreferences(order)
  }

  /** Only the first codec of an answer is sent, and a new order is no reason for a browser to negotiate. */
  async #changeCodec(): Promise<void> {
    if (this.#source === undefined) return
    this.#preferCodec()
    await this.#negotiation!.renegotiate()
  }

  #adopt({ track, transceiver, streams: [stream] }: RTCTrackEvent): void {
    this.#log(`track of Node: ${track.kind}`)
    if (this.#transceivers.includes(transceiver)) this.#echo = stream
    else if (stream?.id === this.#node.playing) this.#file = stream
    this.#show()
  }

  #say(text: string): void {
    byId('media-note').textContent = text
  }

  #show(): void {
    const connected = this.#connection?.connectionState === 'connected'
    const source = this.#source
    const returned = this.#file ?? this.#echo
    const { playing, recording, recorded } = this.#node
    showStream(this.#preview, source?.stream)
    showStream(this.#returned, returned)
    const size = ({ videoWidth, videoHeight }: HTMLVideoElement): string =>
      videoWidth === 0 ? '' : `, ${videoWidth}×${videoHeight}`
    byId('preview-note').textContent =
      source === undefined
        ? 'nothing yet'
        : `${source.name === 'camera' ? 'the camera' : 'a drawn picture'}${size(this.#preview)}`
    byId('returned-note').textContent =
      returned === undefined ? 'nothing yet' : `${this.#file ? 'a file' : 'what you send'}${size(this.#returned)}`

    const toggle = (name: ButtonName, on: boolean, enabled: boolean, text: string): void => {
      const button = this.#buttons[name]
      button.classList.toggle('on', on)
      button.disabled = !enabled
      button.textContent = text
    }
    const paused = (kind: string): boolean =>
      source?.stream.getTracks().some((track) => track.kind === kind && !track.enabled) ?? false
    toggle('camera', source?.name === 'camera', connected, source?.name === 'camera' ? 'Stop camera' : 'Camera')
    toggle('drawn', source?.name === 'drawn', connected, source?.name === 'drawn' ? 'Stop picture' : 'Drawn picture')
    toggle('picture', paused('video'), source !== undefined, paused('video') ? 'Go on' : 'Pause picture')
    const hasSound = (source?.stream.getAudioTracks().length ?? 0) > 0
    toggle('microphone', paused('audio'), hasSound, paused('audio') ? 'Unmute' : 'Mute')
    toggle('play', playing !== null, connected, playing === null ? 'Play a file from Node' : 'Stop the file')
    toggle(
      'record',
      recording,
      connected && (recording || source !== undefined),
      recording ? 'Stop recording' : 'Record',
    )
    toggle('sound', !this.#returned.muted, true, this.#returned.muted ? 'Sound is off' : 'Sound is on')
    this.#codec.disabled = !connected || recording
    this.#link.hidden = recorded === null
    if (recorded !== null && this.#signaling !== undefined) {
      this.#link.href = this.#signaling.recordingUrl
      this.#link.download = recorded.name
      this.#link.textContent = `Download ${recorded.name}`
    }
  }
}

function showStream(video: HTMLVideoElement, stream: MediaStream | undefined): void {
  if (video.srcObject !== (stream ?? null)) video.srcObject = stream ?? null
}

import { randomUUID } from 'node:crypto'
import { RTCPeerConnection, type RTCDataChannel } from '@kaon/webrtc'
import { SessionMedia, type MediaState } from './media.ts'
import { PhaseWatch } from './phases.ts'

/** What the page is told while it watches, as JSON in server-sent events. Times are ms since the Unix epoch. */
export type SessionEvent =
  | { type: 'description'; description: RTCSessionDescriptionInit }
  | { type: 'candidate'; candidate: RTCIceCandidateInit | null }
  | { type: 'mark'; phase: string; start: number; end: number }
  | { type: 'state'; name: string; value: string; at: number }
  | ({ type: 'media' } & MediaState)
  | { type: 'stats'; entries: object[] }

type Listener = (event: SessionEvent) => void

const chunk = new Uint8Array(65_536)
const highWater = 4 << 20
const reportEvery = 200 // ms between the byte counts that the page draws during an upload
const statsEvery = 500 // ms

/**
 * Node's half of one page's connection: chat, echo for round-trip times, throughput in both directions, and media. Negotiation is that of W3C
 * WebRTC §10.7 with Node as the polite peer: Chromium cannot be it before both have agreed on the ids of header extensions, since it holds on to those
 * of an offer that was rolled back, and refuses another's.
 */
export class Session {
  readonly id: string = randomUUID()
  readonly connection: RTCPeerConnection
  readonly media: SessionMedia
  readonly #began = performance.now()
  readonly #origin = performance.timeOrigin + this.#began
  readonly #history: SessionEvent[] = []
  readonly #listeners = new Set<Listener>()
  readonly #watch: PhaseWatch
  readonly #statsTimer: ReturnType<typeof setInterval>
  #messages = 0

  constructor(onEnd: (session: Session) => void) {
    this.connection = new RTCPeerConnection({ ice: { includeLoopback: true } })
    this.#watch = new PhaseWatch(this.connection, this.#began, ({ phase, start, end }) =>
      this.#tell({ type: 'mark', phase, start: this.#origin + start, end: this.#origin + end }),
    )
    // An empty candidate ends one generation, null all of them: the page is told the latter.
    this.connection.onicecandidate = ({ candidate }) =>
      candidate?.candidate !== '' && this.#tell({ type: 'candidate', candidate: candidate?.toJSON() ?? null })
    const states = {
      signalingstatechange: 'signalingState',
      icegatheringstatechange: 'iceGatheringState',
      iceconnectionstatechange: 'iceConnectionState',
      connectionstatechange: 'connectionState',
    } as const
    for (const [event, name] of Object.entries(states)) {
      this.connection.addEventListener(event, () => {
        this.#tell({
          type: 'state',
          name,
          value: this.connection[name],
          at: performance.timeOrigin + performance.now(),
        })
        if (this.connection.connectionState === 'failed') onEnd(this)
      })
    }
    this.connection.ondatachannel = ({ channel }) => this.#serve(channel)
    this.connection.onnegotiationneeded = () => void this.#negotiate()
    this.media = new SessionMedia(this.connection, (state) => this.#tell({ type: 'media', ...state }))
    this.#statsTimer = setInterval(() => void this.#tellStats(), statsEvery)
    this.#statsTimer.unref()
  }

  /** Makes this side the offerer: the channels are opened here. */
  async offer(): Promise<RTCSessionDescriptionInit> {
    this.#serve(this.connection.createDataChannel('chat'))
    this.#serve(this.connection.createDataChannel('ping', { ordered: false, maxRetransmits: 0 }))
    this.#serve(this.connection.createDataChannel('bulk'))
    this.#serve(this.connection.createDataChannel('control'))
    await this.connection.setLocalDescription()
    return plain(this.connection.localDescription)
  }

  async #negotiate(): Promise<void> {
    try {
      await this.connection.setLocalDescription()
      const description = this.connection.localDescription
      if (description?.type === 'offer') this.#tell({ type: 'description', description: plain(description) })
    } catch (error) {
      if (this.connection.signalingState !== 'closed') console.error(error)
    }
  }

  /** Applies a description of the page; the answer where it was an offer. Where offers crossed, ours is rolled back, and comes again. */
  async describe(description: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit | undefined> {
    await this.connection.setRemoteDescription(description)
    if (description.type !== 'offer') return undefined
    await this.connection.setLocalDescription()
    return plain(this.connection.localDescription)
  }

  /** The same for a page that listens: the answer goes the way of everything that Node tells, so that it keeps its place among it. */
  async receive(description: RTCSessionDescriptionInit): Promise<void> {
    const answer = await this.describe(description)
    if (answer !== undefined) this.#tell({ type: 'description', description: answer })
  }

  /** Hears everything, the first listener also what was before it. The returned function ends it. */
  subscribe(listener: Listener): () => void {
    for (const event of this.#history.splice(0)) listener(event)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether a page is listening. */
  get watched(): boolean {
    return this.#listeners.size > 0
  }

  close(): void {
    clearInterval(this.#statsTimer)
    this.media.close()
    this.connection.close()
    this.#listeners.clear()
  }

  #tell(event: SessionEvent): void {
    if (!this.watched) this.#history.push(event)
    for (const listener of this.#listeners) listener(event)
  }

  async #tellStats(): Promise<void> {
    if (!this.watched || this.connection.connectionState !== 'connected') return
    const entries = await this.media.stats()
    if (this.watched) this.#tell({ type: 'stats', entries })
  }

  #serve(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer'
    if (channel.label === 'chat') this.#serveChat(channel)
    else if (channel.label === 'ping') channel.onmessage = ({ data }) => channel.send(data as ArrayBuffer)
    else if (channel.label === 'bulk') this.#bulk = channel
    else if (channel.label === 'control') this.#serveControl(channel)
  }

  #serveChat(channel: RTCDataChannel): void {
    this.#watch.watchChannel(channel)
    channel.addEventListener('open', () =>
      channel.send(`Hello from Node ${process.versions.node} on ${process.platform}. Say something, or /help.`),
    )
    channel.onmessage = ({ data }) => {
      this.#messages++
      channel.send(this.#reply(String(data)))
    }
  }

  #reply(text: string): string {
    switch (text.trim()) {
      case '/help':
        return '/time: the clock of the Node process. /memory: what it uses. Anything else comes back.'
      case '/time':
        return new Date().toLocaleTimeString('en-GB')
      case '/memory':
        return `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB resident, ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)} MB of heap in use`
      default:
        return `Message ${this.#messages}, ${Buffer.byteLength(text)} bytes: “${text}”`
    }
  }

  #bulk: RTCDataChannel | undefined
  #stopSending = false

  #serveControl(channel: RTCDataChannel): void {
    channel.onmessage = ({ data }) => {
      const command = JSON.parse(String(data)) as { type: string }
      if (command.type === 'send') void this.#send()
      else if (command.type === 'stop') this.#stopSending = true
      else if (command.type === 'receive') this.#receive(channel)
    }
  }

  async #send(): Promise<void> {
    const bulk = this.#bulk
    if (bulk === undefined) return
    this.#stopSending = false
    bulk.bufferedAmountLowThreshold = highWater / 4
    while (!this.#stopSending && bulk.readyState === 'open') {
      if (bulk.bufferedAmount > highWater)
        await new Promise((resolve) => bulk.addEventListener('bufferedamountlow', resolve, { once: true }))
      else bulk.send(chunk)
    }
  }

  /** Counts what the page sends and reports it now and then until nothing comes any more. */
  #receive(control: RTCDataChannel): void {
    let bytes = 0
    let reported = performance.now()
    this.#bulk!.onmessage = ({ data }) => {
      bytes += (data as ArrayBuffer).byteLength
      const now = performance.now()
      if (now - reported < reportEvery) return
      control.send(JSON.stringify({ type: 'received', bytes, ms: now - reported }))
      bytes = 0
      reported = now
    }
  }
}

function plain(description: RTCSessionDescriptionInit | null): RTCSessionDescriptionInit {
  return { type: description!.type, sdp: description!.sdp }
}

import { RTCPeerConnection, type MediaStreamTrack, type RTCRtpTransceiver } from '../../src/index.ts'
import { once } from './browser-pair.ts'
import type { Carry } from './media-call.ts'
import type { MediaPage, Stats } from './media-page.ts'
import type { PublisherPage } from './publisher-page.ts'

const create = (): RTCPeerConnection => new RTCPeerConnection({ ice: { includeLoopback: true } })

async function localDescription(pc: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  await pc.setLocalDescription()
  while (pc.iceGatheringState !== 'complete') await once(pc, 'icegatheringstatechange')
  const { type, sdp } = pc.localDescription!
  return { type, sdp }
}

/** ms. A camera gives a frame each 50 ms, and Chromium speaks of a freeze when one takes 150 ms more than they do on average. */
const STALL = 120

let connections = 0

/** One who looks on: a connection of Kaon's and one of a page. */
export class Viewer {
  readonly pc: RTCPeerConnection = create()
  readonly #page: MediaPage
  readonly #id = `viewer ${++connections}`
  readonly #transceivers = new Map<MediaStreamTrack, RTCRtpTransceiver>()

  private constructor(page: MediaPage) {
    this.#page = page
  }

  static async join(page: MediaPage, tracks: Iterable<MediaStreamTrack>): Promise<Viewer> {
    const viewer = new Viewer(page)
    await page.create(viewer.#id, { receive: ['audio', 'video'] })
    for (const track of tracks) viewer.add(track)
    await viewer.negotiate()
    await page.connected(viewer.#id)
    return viewer
  }

  /** Forwarded from the next negotiation on. */
  add(track: MediaStreamTrack): RTCRtpTransceiver {
    const transceiver = this.pc.addTransceiver(track, { direction: 'sendonly' })
    this.#transceivers.set(track, transceiver)
    return transceiver
  }

  remove(track: MediaStreamTrack): void {
    this.pc.removeTrack(this.transceiver(track).sender)
    this.#transceivers.delete(track)
  }

  transceiver(track: MediaStreamTrack): RTCRtpTransceiver {
    return this.#transceivers.get(track)!
  }

  async negotiate(): Promise<void> {
    await this.pc.setRemoteDescription(await this.#page.answer(this.#id, await localDescription(this.pc)))
  }

  /** What the page says of a track; what it says of nothing while nothing of it has come. */
  async received(track: MediaStreamTrack): Promise<Stats> {
    const { mid } = this.transceiver(track)
    const all = await this.#page.stats(this.#id)
    return all.find((entry) => entry.type === 'inbound-rtp' && entry.mid === mid) ?? { type: 'inbound-rtp' }
  }

  async count(track: MediaStreamTrack, name: string): Promise<number> {
    return Number((await this.received(track))[name] ?? 0)
  }

  async leave(): Promise<void> {
    this.pc.close()
    await this.#page.close(this.#id).catch(() => {})
  }
}

/** A publisher's tracks, forwarded to viewers without being decoded. */
export class Room {
  readonly pc: RTCPeerConnection = create()
  readonly #page: PublisherPage
  readonly #tracks = new Map<string, MediaStreamTrack>()
  readonly #viewers = new Set<Viewer>()
  /** Times that Kaon had no packet of a video track for longer than a frame or two: whoever looks on can only freeze then. */
  readonly stalls: Map<MediaStreamTrack, number> = new Map()

  readonly #carry: Carry

  private constructor(page: PublisherPage, carry: Carry) {
    this.#page = page
    this.#carry = carry
    this.pc.ontrack = ({ track, transceiver }) => {
      this.#tracks.set(transceiver.mid!, track)
      this.#watch(track)
    }
  }

  #watch(track: MediaStreamTrack): void {
    if (track.kind !== 'video' || this.stalls.has(track)) return
    this.stalls.set(track, 0)
    let last = performance.now()
    track.listen({
      packet: () => {
        const now = performance.now()
        if (now - last > STALL) this.stalls.set(track, this.stalls.get(track)! + 1)
        last = now
      },
    })
  }

  /** `carry`: what becomes of descriptions between the publisher and Kaon. */
  static async open(page: PublisherPage, carry: Carry = (description) => description): Promise<Room> {
    await page.create()
    return new Room(page, carry)
  }

  /** The publisher's tracks have changed: Kaon learns of it, and then the viewers. */
  async update(): Promise<void> {
    const { pc } = this
    const before = new Set(this.#tracks.values())
    await pc.setRemoteDescription(this.#carry(await this.#page.offer(), 'browser'))
    await this.#page.accept(this.#carry(await localDescription(pc), 'kaon'))
    await this.#page.connected()
    for (const { mid, currentDirection } of pc.getTransceivers()) {
      if (currentDirection === 'inactive') this.#tracks.delete(mid!)
    }
    const now = new Set(this.#tracks.values())
    await Promise.all(
      Array.from(this.#viewers, async (viewer) => {
        for (const track of now) if (!before.has(track)) viewer.add(track)
        for (const track of before) if (!now.has(track)) viewer.remove(track)
        await viewer.negotiate()
      }),
    )
  }

  get tracks(): MediaStreamTrack[] {
    return [...this.#tracks.values()]
  }

  async join(page: MediaPage): Promise<Viewer> {
    const viewer = await Viewer.join(page, this.#tracks.values())
    this.#viewers.add(viewer)
    return viewer
  }

  async leave(viewer: Viewer): Promise<void> {
    this.#viewers.delete(viewer)
    await viewer.leave()
  }

  async close(): Promise<void> {
    for (const viewer of this.#viewers) await this.leave(viewer)
    this.pc.close()
    await this.#page.close().catch(() => {})
  }
}

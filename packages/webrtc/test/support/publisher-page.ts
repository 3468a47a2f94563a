import type { DrivenPage } from './browser-peer.ts'
import type { Kind, Stats } from './media-page.ts'
import { type InPage, installInPage } from './page-proxy.ts'
import { installPageTools, type WindowWithTools } from './page-tools.ts'

export interface CameraPlan {
  readonly width: number
  readonly height: number
  /** Simulcast layers, from the smallest: each is twice as wide and high as the one before. */
  readonly rids?: readonly string[]
  /** The only codec, by its MIME type. */
  readonly prefer?: string
}

/** The half of a page that publishes: one connection, whose tracks come and go. */
export interface PublisherPagePeer {
  create(): void
  /** Names are the page's own. */
  addCamera(name: string, plan: CameraPlan): Promise<void>
  addMicrophone(name: string): Promise<void>
  /** `RTCPeerConnection.removeTrack`. */
  remove(name: string): void
  offer(): Promise<RTCSessionDescriptionInit>
  accept(answer: RTCSessionDescriptionInit): Promise<void>
  connected(): Promise<void>
  /** Statistics of what is sent under that name: an entry for each layer. */
  sent(name: string): Promise<Stats[]>
  close(): void
}

/** Runs in the page: puts a `PublisherPagePeer` on `window.publisher`. Travels as source text: it calls nothing but `window.tools`. */
function installPublisherPage(): void {
  const { tools } = window as unknown as WindowWithTools
  let pc: RTCPeerConnection
  const senders = new Map<string, RTCRtpSender>()

  function add(name: string, kind: Kind, track: MediaStreamTrack, plan?: CameraPlan): void {
    const rids = plan?.rids ?? []
    // Without a mode Chromium takes several encodings of VP9 and AV1 for spatial layers of one.
    const sendEncodings = rids.map((rid, i) => ({
      rid,
      scaleResolutionDownBy: 2 ** (rids.length - 1 - i),
      scalabilityMode: 'L1T1',
      // Little, so that all of them are sent soon.
      maxBitrate: 80_000 * 3 ** i,
    }))
    const transceiver = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings })
    tools.prefer(transceiver, kind, plan?.prefer)
    senders.set(name, transceiver.sender)
  }

  const publisher: PublisherPagePeer = {
    create() {
      pc = new RTCPeerConnection()
    },
    async addCamera(name, plan) {
      const { width, height } = plan
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height } })
      add(name, 'video', stream.getVideoTracks()[0]!, plan)
    },
    async addMicrophone(name) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      add(name, 'audio', stream.getAudioTracks()[0]!)
    },
    remove(name) {
      const sender = senders.get(name)!
      senders.delete(name)
      const { track } = sender
      pc.removeTrack(sender)
      track?.stop()
    },
    offer: () => tools.local(pc),
    accept: (answer) => pc.setRemoteDescription(answer),
    connected: () => tools.connected(pc),
    async sent(name) {
      const report = await senders.get(name)!.getStats()
      return [...(report.values() as Iterable<Stats>)].filter(({ type }) => type === 'outbound-rtp')
    },
    close() {
      pc.close()
      for (const { track } of senders.values()) track?.stop()
      senders.clear()
    },
  }
  ;(window as unknown as { publisher: PublisherPagePeer }).publisher = publisher
}

export type PublisherPage = InPage<PublisherPagePeer>

/** Installs the page's half and gives a proxy whose methods run in the page. */
export async function publisherPage(page: DrivenPage): Promise<PublisherPage> {
  await installPageTools(page)
  return installInPage<PublisherPagePeer>(page, 'publisher', installPublisherPage)
}

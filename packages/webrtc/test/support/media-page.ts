import type { DrivenPage } from './browser-peer.ts'
import { type InPage, installInPage } from './page-proxy.ts'
import { installPageTools, type WindowWithTools } from './page-tools.ts'

export type Kind = 'audio' | 'video'

/** What one connection of the page sends and receives, and with which codecs it would like to. */
export interface PagePlan {
  /** Kinds that its fake camera and microphone are sent in. */
  readonly send?: readonly Kind[]
  readonly receive?: readonly Kind[]
  /** Given to `setCodecPreferences`: the MIME types of each kind, none other than these. */
  readonly prefer?: { readonly [kind in Kind]?: string }
}

/** One entry of a stats report. */
export type Stats = Record<string, unknown> & { type: string; kind?: Kind }

/** The page's half: several connections side by side, each with a `<video>` for what it receives. */
export interface MediaPagePeer {
  create(id: string, plan: PagePlan): void
  offer(id: string): Promise<RTCSessionDescriptionInit>
  answer(id: string, offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit>
  accept(id: string, answer: RTCSessionDescriptionInit): Promise<void>
  connected(id: string): Promise<void>
  stats(id: string): Promise<Stats[]>
  /** Red, green and blue at a place of the picture (0 to 1 from the left and from the top); nothing while there is no picture. */
  pixel(id: string, x: number, y: number): readonly [number, number, number] | undefined
  close(id: string): void
  /** Plays a whole file, given as a `data:` URL, faster than it lasts. Rejects when the browser cannot. */
  playFile(url: string): Promise<PlayedFile>
}

/** What the browser made of a file. */
export interface PlayedFile {
  readonly width: number
  readonly height: number
  /** Seconds. */
  readonly duration: number
}

/** Runs in the page: puts a `MediaPagePeer` on `window.media`. Travels as source text: it calls nothing but `window.tools`. */
function installMediaPage(): void {
  const { tools } = window as unknown as WindowWithTools
  interface Entry {
    readonly pc: RTCPeerConnection
    readonly plan: PagePlan
    readonly video: HTMLVideoElement
  }
  const entries = new Map<string, Entry>()
  let devices: Promise<MediaStream> | undefined

  /** One camera and one microphone for all connections: small pictures, so that software encoders keep up. */
  function capture(): Promise<MediaStream> {
    devices ??= navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } })
    return devices
  }

  /** Chromium answers by its preferences and sends by the offer's: it has to be told. */
  async function choose({ sender }: RTCRtpTransceiver, plan: PagePlan): Promise<void> {
    const { track } = sender
    const wanted = track === null ? undefined : plan.prefer?.[track.kind as Kind]?.toLowerCase()
    if (wanted === undefined) return
    const parameters = sender.getParameters()
    const codec = parameters.codecs.find(({ mimeType }) => mimeType.toLowerCase() === wanted)!
    // Newer than TypeScript's library.
    Object.assign(parameters.encodings[0]!, { codec })
    await sender.setParameters(parameters)
  }

  const has = (kinds: readonly Kind[] | undefined, kind: Kind): boolean => kinds?.includes(kind) ?? false
  function direction(plan: PagePlan, kind: Kind): RTCRtpTransceiverDirection {
    if (!has(plan.send, kind)) return has(plan.receive, kind) ? 'recvonly' : 'inactive'
    return has(plan.receive, kind) ? 'sendrecv' : 'sendonly'
  }

  const trackOf = async (kind: Kind): Promise<MediaStreamTrack> =>
    (await capture()).getTracks().find((track) => track.kind === kind)!

  const media: MediaPagePeer = {
    create(id, plan) {
      const pc = new RTCPeerConnection()
      const video = document.createElement('video')
      video.autoplay = true
      video.playsInline = true
      const received = new MediaStream()
      video.srcObject = received
      document.body.append(video)
      pc.ontrack = ({ track }) => {
        received.addTrack(track)
        void video.play().catch(() => {})
      }
      entries.set(id, { pc, plan, video })
    },
    async offer(id) {
      const { pc, plan } = entries.get(id)!
      for (const kind of ['audio', 'video'] as const) {
        const wanted = direction(plan, kind)
        if (wanted === 'inactive') continue
        const source = has(plan.send, kind) ? await trackOf(kind) : kind
        tools.prefer(pc.addTransceiver(source, { direction: wanted }), kind, plan.prefer?.[kind])
      }
      return tools.local(pc)
    },
    async answer(id, offer) {
      const { pc, plan } = entries.get(id)!
      await pc.setRemoteDescription(offer)
      for (const transceiver of pc.getTransceivers()) {
        const kind = transceiver.receiver.track.kind as Kind
        if (has(plan.send, kind)) await transceiver.sender.replaceTrack(await trackOf(kind))
        transceiver.direction = direction(plan, kind)
        tools.prefer(transceiver, kind, plan.prefer?.[kind])
      }
      const answer = await tools.local(pc)
      for (const transceiver of pc.getTransceivers()) await choose(transceiver, plan)
      return answer
    },
    accept: (id, answer) => entries.get(id)!.pc.setRemoteDescription(answer),
    connected: (id) => tools.connected(entries.get(id)!.pc),
    async stats(id) {
      return [...((await entries.get(id)!.pc.getStats()).values() as Iterable<Stats>)]
    },
    pixel(id, x, y) {
      const { video } = entries.get(id)!
      const { videoWidth: width, videoHeight: height } = video
      if (width === 0 || height === 0) return undefined
      const canvas = document.createElement('canvas')
      canvas.width = width
      canvas.height = height
      const context = canvas.getContext('2d', { willReadFrequently: true })!
      context.drawImage(video, 0, 0)
      const { data } = context.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1)
      return [data[0]!, data[1]!, data[2]!]
    },
    close(id) {
      const { pc, video } = entries.get(id)!
      entries.delete(id)
      pc.close()
      video.remove()
    },
    async playFile(url) {
      const video = document.createElement('video')
      document.body.append(video)
      await new Promise<void>((resolve, reject) => {
        video.onended = () => resolve()
        video.onerror = () => reject(new Error(video.error!.message))
        video.src = url
        video.playbackRate = 4
        video.play().catch(reject)
      })
      const { videoWidth: width, videoHeight: height, duration } = video
      video.remove()
      return { width, height, duration }
    },
  }
  ;(window as unknown as { media: MediaPagePeer }).media = media
}

export type MediaPage = InPage<MediaPagePeer>

/** Installs the page's half and gives a proxy whose methods run in the page. */
export async function mediaPage(page: DrivenPage): Promise<MediaPage> {
  await installPageTools(page)
  return installInPage<MediaPagePeer>(page, 'media', installMediaPage)
}

import { RTCPeerConnection, type RTCDataChannel } from '../../src/index.ts'
import { pagePeer, type DrivenPage, type RemotePeer } from './browser-peer.ts'

export type KaonConfiguration = ConstructorParameters<typeof RTCPeerConnection>[0]

export type Side = 'kaon' | 'browser'

export interface PairOptions {
  /** Who makes the offer. */
  offerer: Side
  /** Candidates travel as they are found; otherwise inside the descriptions. */
  trickle: boolean
  kaon?: KaonConfiguration
  browser?: RTCConfiguration
}

/** A Kaon peer in this process and a browser peer in a page, and the signalling between them. */
export class BrowserPair {
  readonly kaon: RTCPeerConnection
  readonly page: RemotePeer
  readonly channels: Map<string, RTCDataChannel> = new Map()
  readonly #options: PairOptions

  private constructor(kaon: RTCPeerConnection, page: RemotePeer, options: PairOptions) {
    this.kaon = kaon
    this.page = page
    this.#options = options
  }

  static async create(page: DrivenPage, options: PairOptions): Promise<BrowserPair> {
    const kaon = new RTCPeerConnection(options.kaon)
    // Candidates of the page may come before its description: a signalling channel keeps their order, so hold them back as it would.
    const early: (RTCIceCandidateInit | null)[] = []
    const deliver = (candidate: RTCIceCandidateInit | null): void => {
      if (!options.trickle) return
      if (kaon.remoteDescription === null) early.push(candidate)
      else void kaon.addIceCandidate(candidate ?? undefined)
    }
    const peer = await pagePeer(page, deliver)
    const pair = new BrowserPair(kaon, peer, options)
    pair.#flushEarly = async () => {
      for (const candidate of early.splice(0)) await kaon.addIceCandidate(candidate ?? undefined)
    }
    kaon.ondatachannel = (event) => pair.#adopt(event.channel)
    await peer.create(options.browser)
    return pair
  }

  #flushEarly: () => Promise<void> = async () => {}
  #channelArrived: (() => void) | undefined
  #remoteReady = false
  readonly #heldForPage: (RTCIceCandidateInit | null)[] = []

  #adopt(channel: RTCDataChannel): RTCDataChannel {
    channel.binaryType = 'arraybuffer'
    this.channels.set(channel.label, channel)
    this.#channelArrived?.()
    return channel
  }

  /** A channel opened by Kaon. */
  createChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel {
    return this.#adopt(this.kaon.createDataChannel(label, init))
  }

  /** The channel of that label on Kaon's side, once it is there and open. */
  async channel(label: string): Promise<RTCDataChannel> {
    while (!this.channels.has(label)) await new Promise<void>((resolve) => (this.#channelArrived = resolve))
    const channel = this.channels.get(label)!
    if (channel.readyState === 'connecting') await once(channel, 'open')
    return channel
  }

  /** One offer and one answer. */
  async negotiate(offerer: Side = this.#options.offerer): Promise<void> {
    const { trickle } = this.#options
    this.kaon.onicecandidate = (event) => {
      if (!trickle) return
      const candidate = event.candidate?.toJSON() ?? null
      if (this.#remoteReady) void this.page.candidate(candidate)
      else this.#heldForPage.push(candidate)
    }
    if (offerer === 'kaon') {
      await this.kaon.setLocalDescription()
      const offer = await this.#localDescription()
      const answer = await this.page.answer(offer, !trickle)
      await this.#pageHasRemote()
      await this.kaon.setRemoteDescription(answer)
      await this.#flushEarly()
    } else {
      const offer = await this.page.offer(!trickle)
      await this.kaon.setRemoteDescription(offer)
      await this.#flushEarly()
      await this.kaon.setLocalDescription()
      await this.page.accept(await this.#localDescription())
      await this.#pageHasRemote()
    }
  }

  async #pageHasRemote(): Promise<void> {
    this.#remoteReady = true
    for (const candidate of this.#heldForPage.splice(0)) await this.page.candidate(candidate)
  }

  async #localDescription(): Promise<RTCSessionDescriptionInit> {
    if (!this.#options.trickle) {
      while (this.kaon.iceGatheringState !== 'complete') await once(this.kaon, 'icegatheringstatechange')
    }
    const { type, sdp } = this.kaon.localDescription!
    return { type, sdp }
  }

  async connected(): Promise<void> {
    while (this.kaon.connectionState !== 'connected') {
      if (this.kaon.connectionState === 'failed') throw new Error('the connection failed')
      await once(this.kaon, 'connectionstatechange')
    }
    await this.page.connectionState('connected')
  }

  async close(): Promise<void> {
    this.kaon.close()
    await this.page.close().catch(() => {})
  }
}

/** The next event of that type. */
export function once<E extends Event = Event>(target: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) => target.addEventListener(type, (event) => resolve(event as E), { once: true }))
}

/** The next `count` messages of a channel; the listener is in place when this returns. */
export function messages(channel: RTCDataChannel, count: number): Promise<(string | ArrayBuffer)[]> {
  return new Promise((resolve) => {
    const got: (string | ArrayBuffer)[] = []
    const listener = (event: Event): void => {
      got.push((event as MessageEvent<string | ArrayBuffer>).data)
      if (got.length < count) return
      channel.removeEventListener('message', listener)
      resolve(got)
    }
    channel.addEventListener('message', listener)
  })
}

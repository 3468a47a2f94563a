import { RTCPeerConnection, type RTCConfiguration, type RTCStatsReport } from '../../src/index.ts'
import type { Side } from './browser-pair.ts'
import { once } from './browser-pair.ts'
import type { Kind, MediaPage, PagePlan, Stats } from './media-page.ts'

/** What becomes of a description on its way to the other side. */
export type Carry = (description: RTCSessionDescriptionInit, from: Side) => RTCSessionDescriptionInit

let calls = 0

/** A Kaon peer in this process and a connection of the page, with the signalling between them: candidates inside the descriptions. */
export class MediaCall {
  readonly kaon: RTCPeerConnection
  readonly page: MediaPage
  /** The name of the page's connection. */
  readonly id: string = `call ${++calls}`
  readonly #carry: Carry

  private constructor(page: MediaPage, carry: Carry, configuration: RTCConfiguration) {
    this.kaon = new RTCPeerConnection(configuration)
    this.page = page
    this.#carry = carry
  }

  /** `carry`: what becomes of descriptions on their way. */
  static async create(
    page: MediaPage,
    plan: PagePlan,
    carry: Carry = (description) => description,
    configuration: RTCConfiguration = { ice: { includeLoopback: true } },
  ): Promise<MediaCall> {
    const call = new MediaCall(page, carry, configuration)
    await page.create(call.id, plan)
    return call
  }

  /**
   * One offer and one answer. `prepare` is told what Kaon sends and receives: before it offers, or when it has the offer and
   * is about to answer.
   */
  async negotiate(offerer: Side, prepare: (kaon: RTCPeerConnection) => void): Promise<void> {
    const { kaon, page, id } = this
    if (offerer === 'kaon') {
      prepare(kaon)
      const answer = await page.answer(id, await this.#local())
      await kaon.setRemoteDescription(this.#carry(answer, 'browser'))
    } else {
      await kaon.setRemoteDescription(this.#carry(await page.offer(id), 'browser'))
      prepare(kaon)
      await page.accept(id, await this.#local())
    }
  }

  async #local(): Promise<RTCSessionDescriptionInit> {
    const { kaon } = this
    await kaon.setLocalDescription()
    while (kaon.iceGatheringState !== 'complete') await once(kaon, 'icegatheringstatechange')
    const { type, sdp } = kaon.localDescription!
    return this.#carry({ type, sdp }, 'kaon')
  }

  async connected(): Promise<void> {
    const { kaon } = this
    while (kaon.connectionState !== 'connected') {
      if (kaon.connectionState === 'failed') throw new Error('the connection failed')
      await once(kaon, 'connectionstatechange')
    }
    await this.page.connected(this.id)
  }

  /** The page's statistics of one stream, with the MIME type of its codec. */
  pageStats(type: 'inbound-rtp' | 'outbound-rtp', kind: Kind): Promise<Stats | undefined> {
    return this.page.stats(this.id).then((all) => streamStats(all, type, kind))
  }

  async kaonStats(type: 'inbound-rtp' | 'outbound-rtp', kind: Kind): Promise<Stats | undefined> {
    return streamStats(entriesOf(await this.kaon.getStats()), type, kind)
  }

  /** How far the page's picture is from having these colours: 0 when it has them, 255 at most; `Infinity` when there is none. */
  async colourDistance(colours: readonly Colour[]): Promise<number> {
    let most = 0
    for (const { x, y, rgb } of colours) {
      const pixel = await this.page.pixel(this.id, x, y)
      if (pixel === undefined) return Infinity
      most = Math.max(most, ...rgb.map((value, i) => Math.abs(value - pixel[i]!)))
    }
    return most
  }

  async close(): Promise<void> {
    this.kaon.close()
    await this.page.close(this.id).catch(() => {})
  }
}

/** A place in a picture, 0 to 1 from the left and from the top, and what colour is there. */
export interface Colour {
  readonly x: number
  readonly y: number
  readonly rgb: readonly [number, number, number]
}

function entriesOf(report: RTCStatsReport): Stats[] {
  return [...report.values()] as unknown as Stats[]
}

function streamStats(all: readonly Stats[], type: string, kind: Kind): Stats | undefined {
  const stream = all.find((one) => one.type === type && one.kind === kind)
  if (stream === undefined) return undefined
  const codec = all.find((one) => one.type === 'codec' && one.id === stream.codecId)
  return { ...stream, mimeType: codec?.mimeType }
}

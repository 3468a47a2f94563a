import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MediaStreamTrack, RTCPeerConnection } from '../src/index.ts'
import { launched, mediaChromium } from './support/browsers.ts'
import { FRAME_RATE, makeFile } from './support/ffmpeg.ts'
import { FAULTS, LossyRelay } from './support/lossy-relay.ts'
import { MediaCall } from './support/media-call.ts'
import { mediaPage, type MediaPage, type Stats } from './support/media-page.ts'
import { publisherPage, type PublisherPage } from './support/publisher-page.ts'
import { Reel } from './support/reel.ts'
import { Room } from './support/room.ts'

/** From the smallest. Chromium makes three layers of pictures of this size at least. */
const RIDS = ['q', 'h', 'f'] as const
const WIDTHS = { q: 240, h: 480, f: 960 } as const
const CAMERA = { width: 960, height: 540, rids: RIDS }

describe('simulcast', () => {
  const newPage = launched(() => mediaChromium.launch({ mdns: false }))
  let folder = ''
  let publisher: PublisherPage
  let page: MediaPage
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kaon-simulcast-'))
    publisher = await publisherPage(await newPage())
    page = await mediaPage(await newPage())
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What Kaon has of each layer. */
  async function received(pc: RTCPeerConnection): Promise<Map<string, Stats>> {
    const entries = [...(await pc.getStats()).values()] as unknown as Stats[]
    return new Map(entries.filter(({ type }) => type === 'inbound-rtp').map((entry) => [entry.rid as string, entry]))
  }

  async function framesSent(rid: string): Promise<number> {
    const layers = await publisher.sent('camera')
    return Number(layers.find((layer) => layer.rid === rid)!.framesSent)
  }

  it.each(['video/VP8', 'video/VP9', 'video/H264', 'video/AV1'])(
    'of Chromium’s camera in %s is received in three layers, and a viewer is switched between them',
    async (codec) => {
      const room = await Room.open(publisher)
      try {
        await publisher.addCamera('camera', { ...CAMERA, prefer: codec })
        await room.update()
        const [track] = room.tracks as [MediaStreamTrack]
        // Frames of each layer, as the track gives them.
        const frames = new Map<string, number>()
        const stopListening = track.listen({
          frame: ({ rid = 'none', mimeType }) => {
            expect(mimeType).toBe(codec)
            frames.set(rid, (frames.get(rid) ?? 0) + 1)
          },
        })
        const least = () => Math.min(...RIDS.map((rid) => frames.get(rid) ?? 0))
        await expect.poll(least, { timeout: 15_000 }).toBeGreaterThan(20)
        expect([...frames.keys()].toSorted()).toEqual(RIDS.toSorted())
        stopListening()
        const layers = await received(room.pc)
        expect([...layers.keys()].toSorted()).toEqual(RIDS.toSorted())
        expect(new Set(Array.from(layers.values(), ({ ssrc }) => ssrc)).size).toBe(3)

        const viewer = await room.join(page)
        const { sender } = viewer.transceiver(track)
        const width = () => viewer.count(track, 'frameWidth')
        const decoded = () => viewer.count(track, 'framesDecoded')
        sender.selectLayer('q')
        await expect.poll(width, { timeout: 10_000 }).toBe(WIDTHS.q)

        for (const rid of ['f', 'h', 'q', 'f'] as const) {
          const before = await viewer.received(track)
          const sent = await framesSent(rid)
          const stalls = room.stalls.get(track)!
          sender.selectLayer(rid)
          await expect.poll(width, { timeout: 10_000, interval: 20 }).toBe(WIDTHS[rid])
          await delay(800)
          const target = Number(before.framesDecoded) + ((await framesSent(rid)) - sent) * 0.9
          await expect.poll(decoded, { timeout: 3000 }).toBeGreaterThanOrEqual(target)
          const after = await viewer.received(track)
          const since = (name: string): number => Number(after[name] ?? 0) - Number(before[name] ?? 0)
          expect(after).toMatchObject({ packetsLost: 0, frameWidth: WIDTHS[rid], ssrc: before.ssrc })
          // It always had what it needed: it asked for nothing.
          expect(since('pliCount')).toBe(0)
          expect(since('nackCount')).toBe(0)
          expect(since('keyFramesDecoded')).toBeGreaterThanOrEqual(1)
          expect(since('freezeCount')).toBeLessThanOrEqual(room.stalls.get(track)! - stalls + 1)
        }
      } finally {
        await room.close()
      }
    },
  )

  it('of Chromium is repaired layer by layer where the path loses and reorders', async () => {
    const relay = await LossyRelay.open(FAULTS, 33)
    const room = await Room.open(publisher, (description, from) => relay.carry(description, from))
    try {
      await publisher.addCamera('camera', { ...CAMERA, prefer: 'video/VP8' })
      await room.update()
      const frames = new Map<string | undefined, number>()
      let discontinuities = 0
      room.tracks[0]!.listen({
        frame: ({ rid, discontinuity }) => {
          frames.set(rid, (frames.get(rid) ?? 0) + 1)
          if (discontinuity) discontinuities++
        },
      })
      const least = () => Math.min(...RIDS.map((rid) => frames.get(rid) ?? 0))
      await expect.poll(least, { timeout: 20_000 }).toBeGreaterThan(80)
      for (const { rid, framesSent } of await publisher.sent('camera')) {
        const received = () => frames.get(rid as string)
        await expect.poll(received, { timeout: 3000 }).toBeGreaterThanOrEqual(Number(framesSent) * 0.95)
      }
      expect(discontinuities).toBeLessThanOrEqual(4)
      const layers = [...(await room.pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp')
      const sum = (name: string): number => layers.reduce((all, layer) => all + Number(layer[name]), 0)
      expect(new Set(layers.flatMap(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc ?? ssrc])).size).toBe(6)
      expect(sum('nackCount')).toBeGreaterThan(10)
      expect(sum('retransmittedPacketsReceived')).toBeGreaterThan(10)
    } finally {
      await room.close()
      relay.close()
    }
  })

  it('of Kaon is one layer for Chromium, which takes no more', async () => {
    const path = join(folder, 'reel.ivf')
    await makeFile(path, { duration: 2, video: 'video/VP8' })
    const call = await MediaCall.create(page, { receive: ['video'] })
    const reel = await Reel.load(path, FRAME_RATE)
    try {
      await call.negotiate('kaon', (kaon) => {
        const sendEncodings = [{ rid: 'low' }, { rid: 'high' }]
        kaon.addTransceiver(reel.track, { direction: 'sendonly', sendEncodings })
      })
      await call.connected()
      const [sender] = call.kaon.getSenders()
      expect(sender!.getParameters().encodings.map(({ rid }) => rid)).toEqual(['low'])
      reel.start('low', 'high')
      const decoded = async () => Number((await call.pageStats('inbound-rtp', 'video'))?.framesDecoded ?? 0)
      await expect.poll(decoded, { timeout: 5000 }).toBeGreaterThan(40)
      reel.stop()
      // Each frame once.
      await expect.poll(decoded, { timeout: 3000 }).toBeGreaterThanOrEqual(reel.sent * 0.95)
      expect(await call.kaonStats('outbound-rtp', 'video')).toMatchObject({ framesSent: reel.sent })
      expect(await call.pageStats('inbound-rtp', 'video')).toMatchObject({ packetsLost: 0, pliCount: 0 })
    } finally {
      reel.stop()
      await call.close()
    }
  })
})

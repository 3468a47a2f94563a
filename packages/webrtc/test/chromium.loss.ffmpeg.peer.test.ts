import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { RTCPeerConnection } from '../src/index.ts'
import type { Side } from './support/browser-pair.ts'
import { launched, mediaChromium, sides } from './support/browsers.ts'
import { FRAME_RATE, makeFile } from './support/ffmpeg.ts'
import { FAULTS, LossyRelay, type LinkFaults } from './support/lossy-relay.ts'
import { MediaCall } from './support/media-call.ts'
import { mediaPage, type MediaPage } from './support/media-page.ts'
import { Reel } from './support/reel.ts'

/** Seconds. The file has one key frame, its first: it comes again when it is over, or when the browser asks for one. */
const REEL_DURATION = 8
/** ms that media flows before it is judged. */
const WATCHED = 8500

/** What Kaon sees of the page's camera. */
interface Watched {
  frames: number
  discontinuities: number
  keyFrames: number
  isInOrder: boolean
}

function watch(kaon: RTCPeerConnection): Watched {
  const seen: Watched = { frames: 0, discontinuities: 0, keyFrames: 0, isInOrder: true }
  let last: number | undefined
  kaon.ontrack = ({ track }) =>
    void track.listen({
      frame: ({ rtpTimestamp, keyFrame, discontinuity }) => {
        seen.frames++
        if (keyFrame) seen.keyFrames++
        if (discontinuity) seen.discontinuities++
        if (last !== undefined && ((rtpTimestamp - last) | 0) <= 0) seen.isInOrder = false
        last = rtpTimestamp
      },
    })
  return seen
}

/** Video both ways through a relay with faults. */
class FaultyCall {
  readonly relay: LossyRelay
  readonly call: MediaCall
  readonly reel: Reel
  readonly seen: Watched

  private constructor(relay: LossyRelay, call: MediaCall, reel: Reel) {
    this.relay = relay
    this.call = call
    this.reel = reel
    this.seen = watch(call.kaon)
  }

  static async create(page: MediaPage, path: string, faults: LinkFaults, seed: number): Promise<FaultyCall> {
    const relay = await LossyRelay.open(faults, seed)
    const plan = { send: ['video'], receive: ['video'], prefer: { video: 'video/VP8' } } as const
    const call = await MediaCall.create(page, plan, (description, from) => relay.carry(description, from))
    return new FaultyCall(relay, call, await Reel.load(path, FRAME_RATE))
  }

  async start(offerer: Side): Promise<void> {
    const { call, reel } = this
    await call.negotiate(offerer, (kaon) => kaon.addTrack(reel.track))
    await call.connected()
    reel.start()
  }

  /** A counter of one side's statistics of a stream. */
  async count(side: Side, type: 'inbound-rtp' | 'outbound-rtp', name: string): Promise<number> {
    const stats = side === 'kaon' ? this.call.kaonStats(type, 'video') : this.call.pageStats(type, 'video')
    return Number((await stats)?.[name] ?? 0)
  }

  async close(): Promise<void> {
    this.reel.stop()
    await this.call.close()
    this.relay.close()
  }
}

describe('video through a path with faults, with Chromium', () => {
  const newPage = launched(() => mediaChromium.launch({ mdns: false }))
  let folder = ''
  let path = ''
  let page: MediaPage
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kaon-loss-'))
    path = join(folder, 'reel.ivf')
    const keyFrameInterval = REEL_DURATION * FRAME_RATE
    await makeFile(path, { duration: REEL_DURATION, video: 'video/VP8', keyFrameInterval, noise: true })
    page = await mediaPage(await newPage())
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  // Both sides at once, one description after the other: each takes as long as it takes.
  describe('in both directions', () => {
    it.concurrent.for(sides(mediaChromium))(
      'goes on with a twentieth lost and another one late, offered by $who',
      async ({ side: offerer }, { expect }) => {
        const faulty = await FaultyCall.create(page, path, FAULTS, offerer === 'kaon' ? 11 : 22)
        try {
          const { call, reel, seen, relay } = faulty
          await faulty.start(offerer)
          await delay(WATCHED)
          reel.stop()
          expect(relay.toBrowser.dropped).toBeGreaterThan(10)
          expect(relay.toKaon.dropped).toBeGreaterThan(5)

          const decoded = () => faulty.count('browser', 'inbound-rtp', 'framesDecoded')
          await expect.poll(decoded, { timeout: 3000 }).toBeGreaterThanOrEqual(reel.sent * 0.95)
          const shown = (await call.pageStats('inbound-rtp', 'video'))!
          expect(shown.nackCount).toBeGreaterThan(0)
          expect(shown.retransmittedPacketsReceived).toBeGreaterThan(0)
          // A picture is late when its retransmission is lost too.
          expect(shown.freezeCount).toBeLessThanOrEqual(3)
          expect(shown.totalFreezesDuration).toBeLessThan(1)
          const sent = (await call.kaonStats('outbound-rtp', 'video'))!
          expect(sent.nackCount).toBeGreaterThan(0)
          expect(sent.retransmittedPacketsSent).toBeGreaterThan(0)

          const shot = (await call.pageStats('outbound-rtp', 'video'))!
          const framesShot = Number(shot.framesSent)
          expect(framesShot).toBeGreaterThan(60)
          await expect.poll(() => seen.frames, { timeout: 3000 }).toBeGreaterThanOrEqual(framesShot * 0.95)
          expect(seen.isInOrder).toBe(true)
          expect(seen.discontinuities).toBeLessThanOrEqual(framesShot * 0.02)
          expect(shot.retransmittedPacketsSent).toBeGreaterThan(0)
          const received = (await call.kaonStats('inbound-rtp', 'video'))!
          expect(received.nackCount).toBeGreaterThan(0)
          expect(received.retransmittedPacketsReceived).toBeGreaterThan(0)
        } finally {
          await faulty.close()
        }
      },
    )
  })
  describe('with frames that never arrive', () => {
    it.concurrent.for(sides(mediaChromium))(
      'begins again when a key frame is lost with all its repetitions, offered by $who',
      async ({ side: offerer }, { expect }) => {
        const faulty = await FaultyCall.create(page, path, { ...FAULTS, loss: 0, reorder: 0 }, 1)
        try {
          const { call, reel, seen, relay } = faulty
          const decoded = () => faulty.count('browser', 'inbound-rtp', 'framesDecoded')
          const askedByPage = () => faulty.count('browser', 'inbound-rtp', 'pliCount')
          const askedByKaon = () => faulty.count('kaon', 'inbound-rtp', 'pliCount')

          // The first frame of both sides is a key frame.
          relay.toKaon.doom()
          relay.toBrowser.doom()
          await faulty.start(offerer)
          await expect.poll(decoded, { timeout: 10_000 }).toBeGreaterThan(25)
          await expect.poll(() => seen.frames, { timeout: 10_000 }).toBeGreaterThan(25)
          expect(relay.toBrowser.doomed).toBeGreaterThan(0)
          expect(relay.toKaon.doomed).toBeGreaterThan(0)
          const asked = { byPage: await askedByPage(), byKaon: await askedByKaon() }
          expect(asked.byPage).toBeGreaterThan(0)
          expect(asked.byKaon).toBeGreaterThan(0)
          expect(reel.keyFramesAsked).toBeGreaterThan(0)
          expect(seen.keyFrames).toBe(1)

          // A later one of Kaon's, and what follows it cannot be decoded.
          const before = { decoded: await decoded(), sent: reel.keyFramesSent }
          reel.onKeyFrame = () => {
            reel.onKeyFrame = undefined
            relay.toBrowser.doom()
          }
          reel.wind()
          // One that comes when it is asked for, somewhere in these frames.
          const doomed = seen.frames
          relay.toKaon.doom(12)
          const { track } = call.kaon.getReceivers().find(({ track: { kind } }) => kind === 'video')!
          track.requestKeyFrame()

          await expect.poll(askedByPage, { timeout: 10_000 }).toBeGreaterThan(asked.byPage)
          await expect.poll(decoded, { timeout: 10_000 }).toBeGreaterThan(before.decoded + 50)
          expect(reel.keyFramesSent).toBeGreaterThanOrEqual(before.sent + 2)
          await expect.poll(() => seen.frames, { timeout: 10_000 }).toBeGreaterThan(doomed + 25)
          // Once by the application, then by what was missing.
          expect(await askedByKaon()).toBeGreaterThanOrEqual(asked.byKaon + 2)
          expect(await faulty.count('browser', 'outbound-rtp', 'pliCount')).toBeGreaterThanOrEqual(asked.byKaon + 2)
          expect(seen.isInOrder).toBe(true)
        } finally {
          await faulty.close()
        }
      },
    )
  })
})

import { beforeAll, describe, it } from 'vitest'
import type { RTCPeerConnection, RTCTrackEvent } from '../../../src/index.ts'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { MediaCall } from '../media-call.ts'
import { mediaPage, type MediaPage } from '../media-page.ts'

/** Frames of video, and packets of sound, that come and go back. */
const ENOUGH = 50

export interface Echoed {
  readonly video: string
  readonly audio: string
}

/** The browser's camera and microphone, forwarded back to it packet by packet. */
export function echo(kind: BrowserKind, cases: readonly Echoed[]): void {
  describe(`the camera and microphone of ${kind.name}, echoed`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    let page: MediaPage
    beforeAll(async () => {
      page = await mediaPage(await newPage())
    })

    describe.each(cases)('$video and $audio', ({ video, audio }) => {
      // Both at once: neither has much to do.
      it.concurrent.for(sides(kind))('offered by $who', async ({ side: offerer }, { expect }) => {
        const both = ['audio', 'video'] as const
        const call = await MediaCall.create(page, { send: both, receive: both, prefer: { video, audio } })
        try {
          let frames = 0
          call.kaon.ontrack = ({ track }: RTCTrackEvent) => {
            if (track.kind === 'video') track.listen({ frame: () => void frames++ })
          }
          await call.negotiate(offerer, (kaon) => sendBack(kaon, offerer === 'kaon'))
          await call.connected()
          const stat = async (type: 'inbound-rtp' | 'outbound-rtp', of: 'audio' | 'video', name: string) =>
            Number((await call.pageStats(type, of))?.[name] ?? 0)
          const timeout = 15_000
          await expect.poll(() => frames, { timeout }).toBeGreaterThanOrEqual(ENOUGH)
          await expect
            .poll(() => stat('inbound-rtp', 'video', 'framesDecoded'), { timeout })
            .toBeGreaterThanOrEqual(ENOUGH)
          await expect
            .poll(() => stat('inbound-rtp', 'audio', 'packetsReceived'), { timeout })
            .toBeGreaterThanOrEqual(ENOUGH)
          for (const [of, mimeType] of [
            ['video', video],
            ['audio', audio],
          ] as const) {
            const [out, back] = [await call.pageStats('outbound-rtp', of), await call.pageStats('inbound-rtp', of)]
            // What was sent is read first: more arrives meanwhile.
            const [sent, received] = [await call.kaonStats('outbound-rtp', of), await call.kaonStats('inbound-rtp', of)]
            for (const stats of [out, back, received, sent]) expect(stats).toMatchObject({ mimeType })
            expect(back!.packetsLost).toBe(0)
            expect(received!.packetsLost).toBe(0)
            expect(sent!.packetsSent).toBeLessThanOrEqual(received!.packetsReceived as number)
          }
        } finally {
          await call.close()
        }
      })
    })
  })
}

/** Every transceiver sends what it receives. */
function sendBack(kaon: RTCPeerConnection, isOfferer: boolean): void {
  if (isOfferer) for (const kind of ['audio', 'video'] as const) kaon.addTransceiver(kind)
  for (const transceiver of kaon.getTransceivers()) {
    transceiver.direction = 'sendrecv'
    void transceiver.sender.replaceTrack(transceiver.receiver.track)
  }
}

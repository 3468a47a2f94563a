import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MediaStreamTrack, RTCPeerConnection } from '../src/index.ts'
import type { DrivenPage } from './support/browser-peer.ts'
import { launched, mediaChromium } from './support/browsers.ts'

// The camera, the microphone and a data channel at once, whichever way the sides want them bundled.

const POLICIES = ['balanced', 'max-compat', 'max-bundle'] as const

interface Everything {
  make(policy: RTCBundlePolicy): Promise<void>
  offer(): Promise<RTCSessionDescriptionInit>
  answer(offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit>
  accept(answer: RTCSessionDescriptionInit): Promise<void>
  seen(): Promise<{ frames: number; transports: number; echoed: string; state: string }>
  close(): void
}

/** Runs in the page. Self-contained, since it travels as source text. */
function install(): void {
  let pc: globalThis.RTCPeerConnection
  let echoed = ''
  const described = async (): Promise<RTCSessionDescriptionInit> => {
    await pc.setLocalDescription()
    while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 10))
    return { type: pc.localDescription!.type, sdp: pc.localDescription!.sdp }
  }
  const everything: Everything = {
    async make(bundlePolicy) {
      pc = new globalThis.RTCPeerConnection({ bundlePolicy })
      echoed = ''
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } })
      for (const track of stream.getTracks()) pc.addTrack(track, stream)
      const channel = pc.createDataChannel('x', { negotiated: true, id: 0 })
      channel.onopen = () => channel.send('hello')
      channel.onmessage = ({ data }) => (echoed = String(data))
    },
    offer: described,
    async answer(offer) {
      await pc.setRemoteDescription(offer)
      return described()
    },
    accept: (answer) => pc.setRemoteDescription(answer),
    async seen() {
      const entries = [...((await pc.getStats()).values() as Iterable<Record<string, unknown>>)]
      const video = entries.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')
      const transports = entries.filter(({ type }) => type === 'transport').length
      return { frames: Number(video?.framesDecoded ?? 0), transports, echoed, state: pc.connectionState }
    },
    close: () => pc.close(),
  }
  Object.assign(window, { everything })
}

describe('everything over one transport', () => {
  const newPage = launched(() => mediaChromium.launch({ mdns: false }))
  let page: DrivenPage
  const call = <K extends keyof Everything>(
    method: K,
    ...values: Parameters<Everything[K]>
  ): Promise<Awaited<ReturnType<Everything[K]>>> =>
    page.evaluate(
      ([name, all]) =>
        (window as unknown as { everything: Record<string, (...values: unknown[]) => unknown> }).everything[name]!(
          ...all,
        ),
      [method, values],
    ) as Promise<Awaited<ReturnType<Everything[K]>>>
  beforeAll(async () => {
    page = await newPage()
    await page.evaluate(install, ['install', []])
  })

  let kaon: RTCPeerConnection
  afterEach(async () => {
    kaon.close()
    await call('close')
  })

  async function described(): Promise<RTCSessionDescriptionInit> {
    await kaon.setLocalDescription()
    while (kaon.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 5))
    return kaon.localDescription!.toJSON()
  }

  it.each(POLICIES.flatMap((ours) => POLICIES.map((theirs) => [ours, theirs] as const)))(
    'Kaon %s, Chromium %s: both ways round',
    async (ours, theirs) => {
      for (const offerer of ['kaon', 'chromium']) {
        kaon = new RTCPeerConnection({ bundlePolicy: ours })
        const channel = kaon.createDataChannel('x', { negotiated: true, id: 0 })
        channel.onmessage = ({ data }) => channel.send(`${data as string}, you too`)
        kaon.ontrack = ({ track, transceiver }) => void transceiver.sender.replaceTrack(track)
        await call('make', theirs)
        if (offerer === 'kaon') {
          for (const kind of ['audio', 'video'] as const) kaon.addTrack(new MediaStreamTrack({ kind }))
          await kaon.setRemoteDescription(await call('answer', await described()))
        } else {
          await kaon.setRemoteDescription(await call('offer'))
          for (const transceiver of kaon.getTransceivers()) transceiver.direction = 'sendrecv'
          await call('accept', await described())
        }
        await expect
          .poll(() => call('seen'), { timeout: 15_000 })
          .toMatchObject({
            frames: expect.toSatisfy((frames: number) => frames > 5),
            transports: 1,
            echoed: 'hello, you too',
            state: 'connected',
          })
        const ofKaon = [...(await kaon.getStats()).values()].filter(({ type }) => type === 'transport')
        expect(ofKaon).toHaveLength(1)
        if (offerer === 'kaon') {
          kaon.close()
          await call('close')
        }
      }
    },
  )
})

import type { ReceivedFrame } from '@kaon/rtp/formats'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RTCPeerConnection, type RTCTrackEvent } from '../src/index.ts'
import { AiortcPeer } from './support/aiortc-peer.ts'
import { once } from './support/browser-pair.ts'

// aiortc encodes and decodes in Python, with libvpx, x264 and libopus; it retransmits, and knows REMB but no TWCC.

interface Decoded {
  readonly audio: number
  readonly video: number
  readonly colour: readonly number[] | null
}

/** Frames that come and go back, of each kind. */
const ENOUGH = 40

async function localDescription(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  await connection.setLocalDescription()
  while (connection.iceGatheringState !== 'complete') await once(connection, 'icegatheringstatechange')
  const { type, sdp } = connection.localDescription!
  return { type, sdp }
}

describe.each([
  { video: 'video/VP8', audio: 'audio/opus' },
  { video: 'video/H264', audio: 'audio/PCMU' },
])('$video and $audio of aiortc, echoed', ({ video, audio }) => {
  let kaon: RTCPeerConnection
  let aiortc: AiortcPeer

  beforeEach(async () => {
    kaon = new RTCPeerConnection()
    aiortc = new AiortcPeer()
    await aiortc.call('media', { codecs: { video, audio } })
  })
  afterEach(async () => {
    kaon?.close()
    await aiortc?.stop()
  })

  it.each([
    { offerer: 'kaon', who: 'Kaon' },
    { offerer: 'aiortc', who: 'aiortc' },
  ])('offered by $who', async ({ offerer }) => {
    const frames: ReceivedFrame[] = []
    kaon.ontrack = ({ track }: RTCTrackEvent) => void track.listen({ frame: (frame) => void frames.push(frame) })
    if (offerer === 'kaon') {
      for (const kind of ['audio', 'video'] as const) kaon.addTransceiver(kind)
      sendBack(kaon)
      const answer = await aiortc.call<RTCSessionDescriptionInit>('answer', { offer: await localDescription(kaon) })
      await kaon.setRemoteDescription(answer)
    } else {
      await kaon.setRemoteDescription(await aiortc.call<RTCSessionDescriptionInit>('offer'))
      sendBack(kaon)
      await aiortc.call('accept', { answer: await localDescription(kaon) })
    }
    for (const mimeType of [video, audio]) {
      const seen = (): number => frames.filter((frame) => frame.mimeType === mimeType).length
      await expect.poll(seen, { timeout: 15_000 }).toBeGreaterThanOrEqual(ENOUGH)
    }
    const decoded = () => aiortc.call<Decoded>('decoded')
    const least = async () => Math.min((await decoded()).audio, (await decoded()).video)
    await expect.poll(least, { timeout: 15_000 }).toBeGreaterThanOrEqual(ENOUGH)
    // Its green is what an empty picture is in YUV.
    const [red, green, blue] = (await decoded()).colour!
    expect(green! - Math.max(red!, blue!)).toBeGreaterThan(100)
  })
})

/** Every transceiver sends what it receives. */
function sendBack(kaon: RTCPeerConnection): void {
  for (const transceiver of kaon.getTransceivers()) {
    transceiver.direction = 'sendrecv'
    void transceiver.sender.replaceTrack(transceiver.receiver.track)
  }
}

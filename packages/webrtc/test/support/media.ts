import type { Network } from '@kaon/net'
import { MediaStreamTrack, type RTCPeerConnection } from '../../src/index.ts'
import type { RTCTrackEvent } from '../../src/track-event.ts'

/** A made-up VP8 frame of that size: its header says whether it is a key frame of 320 by 240, its end which frame it is. */
export function vp8Frame(number: number, keyFrame: boolean, size = 1000): Uint8Array {
  const frame = new Uint8Array(Math.max(size, 14))
  if (keyFrame) frame.set([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00])
  else frame[0] = 0x11
  new DataView(frame.buffer).setUint32(frame.length - 4, number)
  return frame
}

export function frameNumber(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(payload.length - 4)
}

export interface Camera {
  readonly track: MediaStreamTrack
  readonly sent: number
  readonly keyFramesAsked: number
  stop(): void
}

/** A local track of video that gives a frame each `interval` ms of the network's time, and a key frame when asked. */
export function camera(net: Network, { interval = 40, size = 1500 } = {}): Camera {
  const track = new MediaStreamTrack({ kind: 'video', codec: 'video/VP8' })
  let number = 0
  let isStopped = false
  let wantsKeyFrame = true
  let keyFramesAsked = 0
  track.onkeyframerequest = () => {
    wantsKeyFrame = true
    keyFramesAsked++
  }
  const shoot = (): void => {
    if (isStopped) return
    const keyFrame = wantsKeyFrame
    wantsKeyFrame = false
    track.writeFrame({ payload: vp8Frame(number, keyFrame, size), timestamp: net.now() * 1000, keyFrame })
    number++
    net.setTimer(net.now() + interval, shoot)
  }
  net.setTimer(net.now() + 1, shoot)
  return {
    track,
    get sent() {
      return number
    },
    get keyFramesAsked() {
      return keyFramesAsked
    },
    stop: () => {
      isStopped = true
    },
  }
}

export interface Seen {
  readonly track: MediaStreamTrack
  readonly frames: number[]
  discontinuities: number
}

/** What comes of every remote track of a connection, by the numbers of its frames. */
export function watch(pc: RTCPeerConnection): Seen[] {
  const all: Seen[] = []
  pc.addEventListener('track', (event) => {
    const { track } = event as unknown as RTCTrackEvent
    if (all.some((seen) => seen.track === track)) return
    const seen: Seen = { track, frames: [], discontinuities: 0 }
    all.push(seen)
    track.listen({
      frame: (frame) => {
        seen.frames.push(frameNumber(frame.payload))
        if (frame.discontinuity) seen.discontinuities++
      },
    })
  })
  return all
}

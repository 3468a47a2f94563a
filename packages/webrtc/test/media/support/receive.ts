import type { ReceivedFrame } from '@kaon/rtp/formats'
import type { MediaReceiver } from '../../../src/media/media-receiver.ts'
import { createRemoteTrack, MediaStreamTrack, trackCore } from '../../../src/media/media-stream-track.ts'
import type { MediaCodec, ReceiveParameters } from '../../../src/media/parameters.ts'
import { TrackSource } from '../../../src/media/track-source.ts'
import { receiving, type Node } from './world.ts'

/** What arrives at a remote track. */
export interface Sink {
  readonly source: TrackSource
  readonly track: MediaStreamTrack
  readonly receiver: MediaReceiver
  readonly frames: ReceivedFrame[]
}

export function receive(
  node: Node,
  codecs: readonly MediaCodec[],
  more: Partial<ReceiveParameters> = {},
  mid = '0',
): Sink {
  const parameters = receiving(codecs, more)
  const source = new TrackSource(parameters.kind, true)
  const frames: ReceivedFrame[] = []
  const track = createRemoteTrack(source, `remote ${mid}`)
  trackCore(track).subscribe({ frame: (frame) => void frames.push(frame as ReceivedFrame) })
  return { source, track, receiver: node.transport.addReceiver(mid, parameters, source), frames }
}

export function local(mimeType: string): MediaStreamTrack {
  return new MediaStreamTrack({ kind: mimeType.startsWith('video/') ? 'video' : 'audio', codec: mimeType })
}

export function hex(frames: readonly { payload: Uint8Array }[]): string[] {
  return frames.map(({ payload }) => Buffer.from(payload).toString('hex'))
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

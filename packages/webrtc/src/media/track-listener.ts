/** Application code that takes the media of a track by callback. */
import type { RtpPacket } from '@kaon/rtp'
import type { ReceivedFrame } from '@kaon/rtp/formats'
import type { TrackSink } from './track-source.ts'

export interface TrackListener {
  /** Only this simulcast layer. Default: every one. */
  rid?: string
  /** Each complete frame, in decoding order. */
  frame?(frame: ReceivedFrame): void
  /** Each RTP packet, as it arrived or was recovered. It is shared: clone it before you change it. */
  packet?(packet: RtpPacket): void
}

/**
 * Calls a listener after the drain that brought the media, once for a burst: the transport is never entered in the middle
 * of its work. What the listener throws is an uncaught exception, as it is of event listeners.
 */
export function listenerSink(listener: TrackListener): TrackSink & { stop(): void } {
  let pending: (ReceivedFrame | RtpPacket)[] = []
  let isStopped = false
  const flush = (): void => {
    const items = pending
    pending = []
    for (const item of items) {
      if (isStopped) return
      try {
        if ('keyFrame' in item) listener.frame!(item)
        else listener.packet!(item)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
  const take = (item: ReceivedFrame | RtpPacket): void => {
    pending.push(item)
    if (pending.length === 1) queueMicrotask(flush)
  }
  const sink: TrackSink & { stop(): void } = {
    stop: () => {
      isStopped = true
    },
  }
  const { rid } = listener
  if (listener.frame !== undefined) {
    sink.frame = (frame, of) => {
      if (rid === undefined || of === rid) take(frame as ReceivedFrame)
    }
  }
  if (listener.packet !== undefined) {
    sink.packet = (packet, encoding) => {
      if (rid === undefined || encoding.rid === rid) take(packet)
    }
  }
  return sink
}

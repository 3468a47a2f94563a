import { RtpPacket, writeRtp } from '@kaon/rtp'
import type { EncodedFrame, ReceivedFrame } from '@kaon/rtp/formats'
import { describe, expect, it, vi } from 'vitest'
import {
  createRemoteTrack,
  KeyFrameRequestEvent,
  MediaStreamTrack,
  trackCore,
} from '../../src/media/media-stream-track.ts'
import { TrackSource, type TrackEncoding, type TrackSink } from '../../src/media/track-source.ts'

const microtasks = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

const frame = (timestamp: number, keyFrame: boolean): EncodedFrame => ({
  payload: new Uint8Array([1]),
  timestamp,
  keyFrame,
})

const received = (timestamp: number, keyFrame: boolean, rid?: string): ReceivedFrame => ({
  ...frame(timestamp, keyFrame),
  rtpTimestamp: timestamp,
  ssrc: 1,
  payloadType: 96,
  mimeType: 'video/VP8',
  receiveTime: 0,
  discontinuity: false,
  ...(rid === undefined ? {} : { rid }),
})

const rtp = (payloadType: number, sequenceNumber: number): RtpPacket =>
  new RtpPacket({ payloadType, sequenceNumber, timestamp: 0, ssrc: 5, payload: new Uint8Array([0x10, 0, 0]) })

function collect(): TrackSink & {
  frames: [EncodedFrame, string | undefined][]
  packets: [RtpPacket, TrackEncoding][]
} {
  const frames: [EncodedFrame, string | undefined][] = []
  const packets: [RtpPacket, TrackEncoding][] = []
  return {
    frames,
    packets,
    frame: (value, rid) => void frames.push([value, rid]),
    packet: (value, encoding) => void packets.push([value, encoding]),
  }
}

describe('a local track', () => {
  it('has the attributes of the specification', () => {
    const track = new MediaStreamTrack({ kind: 'video', codec: 'video/VP8', id: 'x', label: 'a file' })
    expect(track.kind).toBe('video')
    expect(track.id).toBe('x')
    expect(track.label).toBe('a file')
    expect(track.codec).toBe('video/VP8')
    expect(track.enabled).toBe(true)
    expect(track.muted).toBe(false)
    expect(track.readyState).toBe('live')
    expect(track.getCapabilities()).toEqual({})
    expect(track.getSettings()).toEqual({})
    expect(Object.prototype.toString.call(track)).toBe('[object MediaStreamTrack]')
    expect(new MediaStreamTrack({ kind: 'audio' }).id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('refuses what is no kind and no codec of it', () => {
    expect(() => new MediaStreamTrack({} as never)).toThrow(TypeError)
    expect(() => new MediaStreamTrack({ kind: 'text' as never })).toThrow(TypeError)
    expect(() => new MediaStreamTrack({ kind: 'audio', codec: 'video/VP8' })).toThrow(TypeError)
    expect(() => new MediaStreamTrack({ kind: 'video', codec: 'video/none' })).toThrow(TypeError)
    expect(new MediaStreamTrack({ kind: 'video', codec: { mimeType: 'video/none', clockRate: 9 } }).codec).toBe(
      'video/none',
    )
  })

  it('keeps constraints and valid content hints', async () => {
    const track = new MediaStreamTrack({ kind: 'video' })
    await track.applyConstraints({ width: 1 })
    expect(track.getConstraints()).toEqual({ width: 1 })
    track.contentHint = 'detail'
    track.contentHint = 'speech'
    expect(track.contentHint).toBe('detail')
  })

  it('gives frames to its sinks while it is enabled and live', () => {
    const track = new MediaStreamTrack({ kind: 'audio' })
    const sink = collect()
    trackCore(track).subscribe(sink)
    track.writeFrame(frame(1, true))
    track.enabled = false
    track.writeFrame(frame(2, true))
    track.enabled = true
    track.writeFrame({ ...frame(3, true), rid: 'h' })
    track.stop()
    track.writeFrame(frame(4, true))
    expect(sink.frames.map(([{ timestamp }, rid]) => [timestamp, rid])).toEqual([
      [1, undefined],
      [3, 'h'],
    ])
  })

  it('goes on with a key frame in each layer after it was disabled, and asks for one', async () => {
    const track = new MediaStreamTrack({ kind: 'video' })
    const requests: (string | null)[] = []
    track.onkeyframerequest = (event) => void requests.push(event.rid)
    const sink = collect()
    trackCore(track).subscribe(sink)
    track.enabled = false
    track.enabled = true
    track.writeFrame({ ...frame(1, false), rid: 'a' })
    track.writeFrame({ ...frame(2, true), rid: 'a' })
    track.writeFrame({ ...frame(3, false), rid: 'b' })
    track.writeFrame({ ...frame(4, false), rid: 'a' })
    track.writeFrame({ ...frame(5, true), rid: 'b' })
    expect(sink.frames.map(([{ timestamp }]) => timestamp)).toEqual([2, 4, 5])
    await microtasks()
    expect(requests).toEqual([null])
  })

  it('fires keyframerequest with the layer', async () => {
    const track = new MediaStreamTrack({ kind: 'video' })
    const events: Event[] = []
    track.addEventListener('keyframerequest', (event) => events.push(event))
    track.requestKeyFrame('q')
    expect(events).toHaveLength(0)
    await microtasks()
    expect(events).toHaveLength(1)
    expect(events[0]).toBeInstanceOf(KeyFrameRequestEvent)
    expect((events[0] as KeyFrameRequestEvent).rid).toBe('q')
    new MediaStreamTrack({ kind: 'audio' }).requestKeyFrame()
  })

  it('takes RTP packets and bytes, and knows their codec by payload type', () => {
    const track = new MediaStreamTrack({
      kind: 'video',
      codec: [
        { mimeType: 'video/VP8', payloadType: 96 },
        { mimeType: 'video/H264', payloadType: 97, parameters: { 'Packetization-Mode': '1' } },
      ],
    })
    const sink = collect()
    trackCore(track).subscribe(sink)
    track.writeRtp(rtp(96, 1))
    track.writeRtp(writeRtp(rtp(97, 2)))
    track.writeRtp(rtp(98, 3))
    track.writeRtp(new Uint8Array([1, 2, 3]))
    expect(sink.packets.map(([{ sequenceNumber }, { codec }]) => [sequenceNumber, codec.mimeType])).toEqual([
      [1, 'video/VP8'],
      [2, 'video/H264'],
    ])
    expect(sink.packets[1]![1].codec.parameters.get('packetization-mode')).toBe('1')
  })

  it('is not read', () => {
    const track = new MediaStreamTrack({ kind: 'video' })
    expect(() => track.frames()).toThrow(DOMException)
    expect(() => track.packets()).toThrow(DOMException)
    expect(() => track.listen({})).toThrow(DOMException)
  })

  it('has clones with a state of their own on the same source', () => {
    const track = new MediaStreamTrack({ kind: 'audio', codec: 'audio/opus' })
    track.enabled = false
    const clone = track.clone()
    expect(clone.id).not.toBe(track.id)
    expect(clone.enabled).toBe(false)
    expect(clone.codec).toBe('audio/opus')
    const sink = collect()
    trackCore(clone).subscribe(sink)
    clone.enabled = true
    track.writeFrame(frame(1, true))
    track.stop()
    expect(clone.readyState).toBe('live')
    clone.writeFrame(frame(2, true))
    expect(sink.frames).toHaveLength(2)
    expect(track.clone().readyState).toBe('ended')
  })
})

describe('a remote track', () => {
  const remote = (kind: 'audio' | 'video' = 'video'): { source: TrackSource; track: MediaStreamTrack } => {
    const source = new TrackSource(kind, true)
    return { source, track: createRemoteTrack(source, 'id') }
  }

  it('cannot be written to', () => {
    const { track } = remote()
    expect(() => track.writeFrame(frame(0, true))).toThrow(DOMException)
    expect(() => track.writeRtp(rtp(96, 1))).toThrow(DOMException)
  })

  it('is muted until media comes, and fires mute, unmute and ended', async () => {
    const { source, track } = remote()
    const events: string[] = []
    track.onmute = () => events.push('mute')
    track.onunmute = () => events.push('unmute')
    track.onended = () => events.push('ended')
    expect(track.muted).toBe(true)
    source.setMuted(false)
    expect(track.muted).toBe(false)
    source.setMuted(false)
    source.setMuted(true)
    source.end()
    expect(track.readyState).toBe('ended')
    await microtasks()
    expect(events).toEqual(['unmute', 'mute', 'ended'])
  })

  it('stops without an event and tells its source when the last one is stopped', async () => {
    const { source, track } = remote()
    const stopped = vi.fn()
    source.owner = { requestKeyFrame: () => {}, stopped }
    const ended = vi.fn()
    track.onended = ended
    const clone = track.clone()
    track.stop()
    expect(stopped).not.toHaveBeenCalled()
    clone.stop()
    expect(stopped).toHaveBeenCalledOnce()
    source.end()
    await microtasks()
    expect(ended).not.toHaveBeenCalled()
  })

  it('gives frames to an iterator until it ends', async () => {
    const { source, track } = remote()
    const frames = track.frames()
    source.frame(received(1, true), undefined)
    source.frame(received(2, false), undefined)
    const seen: number[] = []
    const done = (async () => {
      for await (const { timestamp } of frames) seen.push(timestamp)
    })()
    await microtasks()
    source.frame(received(3, false), undefined)
    source.end()
    await done
    expect(seen).toEqual([1, 2, 3])
    expect(await track.frames().next()).toEqual({ done: true, value: undefined })
  })

  it('gives one layer to those who ask for one', async () => {
    const { source, track } = remote()
    const frames = track.frames({ rid: 'h' })
    source.frame(received(1, true, 'l'), 'l')
    source.frame(received(2, true, 'h'), 'h')
    expect((await frames.next()).value.timestamp).toBe(2)
  })

  it('sheds the oldest frames up to a key frame when nobody reads', async () => {
    const { source, track } = remote()
    const requests: (string | undefined)[] = []
    source.owner = { requestKeyFrame: (rid) => void requests.push(rid) }
    const frames = track.frames({ maxQueue: 4 })
    for (const [timestamp, key] of [
      [1, true],
      [2, false],
      [3, false],
      [4, true],
      [5, false],
    ] as const) {
      source.frame(received(timestamp, key), undefined)
    }
    expect(requests).toEqual([])
    const first = (await frames.next()).value as ReceivedFrame
    expect([first.timestamp, first.discontinuity]).toEqual([4, true])
    expect((await frames.next()).value.timestamp).toBe(5)
    // Without a key frame in the queue all goes, one is asked for, and nothing is taken before it.
    for (let timestamp = 6; timestamp < 20; timestamp++) source.frame(received(timestamp, false), undefined)
    expect(requests).toEqual([undefined])
    source.frame(received(20, true), undefined)
    const next = (await frames.next()).value as ReceivedFrame
    expect([next.timestamp, next.discontinuity]).toEqual([20, true])
  })

  it('sheds frames of one layer without touching the other', async () => {
    const { source, track } = remote()
    const frames = track.frames({ maxQueue: 3 })
    source.frame(received(1, true, 'l'), 'l')
    source.frame(received(2, true, 'h'), 'h')
    source.frame(received(3, false, 'l'), 'l')
    source.frame(received(4, false, 'h'), 'h')
    const kept: (number | undefined)[] = []
    for (let i = 0; i < 2; i++) kept.push((await frames.next()).value.timestamp)
    expect(kept).toEqual([2, 4])
  })

  it('bounds the bytes of waiting frames', async () => {
    const { source, track } = remote()
    const frames = track.frames()
    const payload = new Uint8Array(20 * 1024 * 1024)
    source.frame({ ...received(1, true), payload }, undefined)
    source.frame({ ...received(2, true), payload }, undefined)
    expect((await frames.next()).value.timestamp).toBe(2)
    source.frame({ ...received(3, true), payload }, undefined)
    expect((await frames.next()).value.timestamp).toBe(3)
  })

  it('sheds audio one frame at a time', async () => {
    const { source, track } = remote('audio')
    const frames = track.frames({ maxQueue: 2 })
    for (let timestamp = 1; timestamp <= 4; timestamp++) source.frame(received(timestamp, true), undefined)
    const first = (await frames.next()).value as ReceivedFrame
    expect([first.timestamp, first.discontinuity]).toEqual([3, true])
  })

  it('ends an iterator by its signal', async () => {
    const { track } = remote()
    const controller = new AbortController()
    const frames = track.frames({ signal: controller.signal })
    const waiting = frames.next()
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(await frames.next()).toEqual({ done: true, value: undefined })
    await expect(track.frames({ signal: controller.signal }).next()).rejects.toThrow('enough')
  })

  it('keeps the newest packets when they are not read', async () => {
    const { source, track } = remote()
    const packets = track.packets({ maxQueue: 2 })
    const encoding: TrackEncoding = {
      rid: undefined,
      codec: { mimeType: 'video/VP8', clockRate: 90_000, parameters: new Map() },
      format: undefined,
      extensions: new Map(),
    }
    for (let i = 0; i < 5; i++) source.packet(rtp(96, i), encoding)
    expect((await packets.next()).value.sequenceNumber).toBe(3)
    expect((await packets.next()).value.sequenceNumber).toBe(4)
  })

  it('calls listeners after the drain, in order, and not any more once they stopped', async () => {
    const { source, track } = remote()
    const seen: number[] = []
    const stop = track.listen({
      frame: ({ timestamp }) => {
        seen.push(timestamp)
        if (timestamp === 2) stop()
      },
    })
    source.frame(received(1, true), undefined)
    source.frame(received(2, false), undefined)
    source.frame(received(3, false), undefined)
    expect(seen).toEqual([])
    await microtasks()
    expect(seen).toEqual([1, 2])
  })

  it('asks its receiver for key frames', () => {
    const { source, track } = remote()
    const requestKeyFrame = vi.fn()
    source.owner = { requestKeyFrame }
    track.requestKeyFrame()
    track.requestKeyFrame('h')
    expect(requestKeyFrame.mock.calls).toEqual([[undefined], ['h']])
    track.stop()
    track.requestKeyFrame()
    expect(requestKeyFrame).toHaveBeenCalledTimes(2)
  })
})

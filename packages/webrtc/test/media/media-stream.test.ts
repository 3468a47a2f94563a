import { describe, expect, it } from 'vitest'
import { MediaStreamTrack } from '../../src/media/media-stream-track.ts'
import { createRemoteStream, MediaStream, MediaStreamTrackEvent } from '../../src/media/media-stream.ts'

const video = (): MediaStreamTrack => new MediaStreamTrack({ kind: 'video' })
const audio = (): MediaStreamTrack => new MediaStreamTrack({ kind: 'audio' })

describe('MediaStream', () => {
  it('is made of nothing, of tracks or of a stream', () => {
    const [a, v] = [audio(), video()]
    const stream = new MediaStream([a, v, a])
    expect(stream.getTracks()).toEqual([a, v])
    expect(stream.getAudioTracks()).toEqual([a])
    expect(stream.getVideoTracks()).toEqual([v])
    expect(stream.getTrackById(v.id)).toBe(v)
    expect(stream.getTrackById('none')).toBeNull()
    expect(new MediaStream(stream).getTracks()).toEqual([a, v])
    expect(new MediaStream().getTracks()).toEqual([])
    expect(new MediaStream().id).not.toBe(stream.id)
    expect(() => new MediaStream(5 as never)).toThrow(TypeError)
    expect(() => new MediaStream([5] as never)).toThrow(TypeError)
  })

  it('is active while a track of it lives', () => {
    const v = video()
    const stream = new MediaStream()
    expect(stream.active).toBe(false)
    stream.addTrack(v)
    expect(stream.active).toBe(true)
    v.stop()
    expect(stream.active).toBe(false)
  })

  it('adds and removes tracks silently', () => {
    const stream = new MediaStream()
    stream.onaddtrack = () => expect.unreachable()
    stream.onremovetrack = () => expect.unreachable()
    const v = video()
    stream.addTrack(v)
    stream.removeTrack(video())
    expect(stream.getTracks()).toEqual([v])
    stream.removeTrack(v)
    expect(stream.getTracks()).toEqual([])
  })

  it('clones its tracks', () => {
    const v = video()
    const stream = new MediaStream([v])
    const clone = stream.clone()
    expect(clone.id).not.toBe(stream.id)
    expect(clone.getTracks()).toHaveLength(1)
    expect(clone.getTracks()[0]).not.toBe(v)
  })

  it('has the id of a msid when it is remote', () => {
    expect(createRemoteStream('msid').id).toBe('msid')
  })

  it('has an event for tracks', () => {
    const v = video()
    expect(new MediaStreamTrackEvent('addtrack', { track: v }).track).toBe(v)
    expect(() => new MediaStreamTrackEvent('addtrack', {} as never)).toThrow(TypeError)
  })
})

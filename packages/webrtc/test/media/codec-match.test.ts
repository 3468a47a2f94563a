import { describe, expect, it } from 'vitest'
import { isAuxiliary, matchCodec } from '../../src/media/codec-match.ts'
import type { MediaCodec } from '../../src/media/parameters.ts'

const codec = (payloadType: number, mimeType: string, parameters: Record<string, string> = {}): MediaCodec => ({
  payloadType,
  mimeType,
  clockRate: mimeType.startsWith('video/') ? 90_000 : 48_000,
  parameters: new Map(Object.entries(parameters)),
  feedback: [],
})

const match = (one: MediaCodec, ...others: MediaCodec[]): number | undefined => matchCodec(one, others)?.payloadType

describe('matchCodec', () => {
  it('compares names without case, clock rates and channels', () => {
    expect(match(codec(1, 'video/vp8'), codec(2, 'video/H264'), codec(3, 'video/VP8'))).toBe(3)
    expect(match(codec(1, 'video/VP8'), { ...codec(2, 'video/VP8'), clockRate: 1 })).toBeUndefined()
    const stereo = { ...codec(2, 'audio/opus'), channels: 2 }
    expect(match(codec(1, 'audio/opus'), stereo)).toBe(2)
    expect(match({ ...codec(1, 'audio/opus'), channels: 1 }, stereo)).toBeUndefined()
  })

  it('tells profiles of VP9, AV1 and H.265', () => {
    expect(match(codec(1, 'video/VP9'), codec(2, 'video/VP9', { 'profile-id': '2' }), codec(3, 'video/VP9'))).toBe(3)
    expect(match(codec(1, 'video/AV1', { profile: '1' }), codec(2, 'video/AV1'))).toBeUndefined()
    expect(match(codec(1, 'video/H265'), codec(2, 'video/H265', { 'profile-id': '1' }))).toBe(2)
    expect(match(codec(1, 'video/H265', { 'tier-flag': '1' }), codec(2, 'video/H265'))).toBeUndefined()
  })

  it('tells profiles and packetization modes of H.264, not levels', () => {
    const h264 = (payloadType: number, profile?: string, mode?: string): MediaCodec =>
      codec(payloadType, 'video/H264', {
        ...(profile === undefined ? {} : { 'profile-level-id': profile }),
        ...(mode === undefined ? {} : { 'packetization-mode': mode }),
      })
    expect(match(h264(1, '42e01f', '1'), h264(2, '42e01f', '0'), h264(3, '42e034', '1'))).toBe(3)
    expect(match(h264(1, '42c01f', '1'), h264(2, '4d801f', '1'))).toBe(2)
    expect(match(h264(1, '42001f', '1'), h264(2, '42e01f', '1'))).toBeUndefined()
    expect(match(h264(1, '640c1f', '1'), h264(2, '64001f', '1'))).toBeUndefined()
    expect(match(h264(1), h264(2, '64001f', '1'))).toBe(2)
  })

  it('knows what is no codec of a stream', () => {
    for (const name of [
      'video/rtx',
      'audio/red',
      'video/ulpfec',
      'video/flexfec-03',
      'audio/CN',
      'audio/telephone-event',
    ]) {
      expect(isAuxiliary(name)).toBe(true)
    }
    expect(isAuxiliary('video/H264')).toBe(false)
  })
})

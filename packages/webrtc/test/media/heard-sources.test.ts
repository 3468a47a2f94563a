import { headerExtensionUris, RtpPacket } from '@kaon/rtp'
import { describe, expect, it } from 'vitest'
import { HeardSources } from '../../src/media/heard-sources.ts'
import type { TrackEncoding } from '../../src/media/track-source.ts'

const encoding = {
  extensions: new Map([
    [1, headerExtensionUris.audioLevel],
    [2, headerExtensionUris.csrcAudioLevels],
  ]),
} as unknown as TrackEncoding

const packet = (ssrc: number, csrcs: number[] = [], levels: [id: number, ...data: number[]][] = []): RtpPacket =>
  new RtpPacket({
    payloadType: 111,
    sequenceNumber: 1,
    timestamp: 960,
    ssrc,
    csrcs,
    extensions: levels.map(([id, ...data]) => ({ id, data: new Uint8Array(data) })),
    payload: new Uint8Array(1),
  })

describe('HeardSources', () => {
  it('lists who was heard in the last ten seconds, the last first, with the level', () => {
    const heard = new HeardSources()
    heard.note(
      packet(
        1,
        [7, 8],
        [
          [1, 20],
          [2, 0, 127],
        ],
      ),
      encoding,
      1000,
    )
    heard.note(packet(2), encoding, 5000)
    expect(heard.list('synchronization', 6000)).toEqual([
      { source: 2, rtpTimestamp: 960, time: 5000, audioLevel: undefined },
      { source: 1, rtpTimestamp: 960, time: 1000, audioLevel: 0.1 },
    ])
    expect(heard.list('contributing', 6000).map(({ source, audioLevel }) => [source, audioLevel])).toEqual([
      [8, 0],
      [7, 1],
    ])
    expect(heard.list('synchronization', 11_001).map(({ source }) => source)).toEqual([2])
    expect(heard.list('contributing', 11_001)).toEqual([])
  })

  it('keeps a limited number of those that a peer names', () => {
    const heard = new HeardSources()
    for (let i = 0; i < 1000; i++) heard.note(packet(i, [i]), encoding, i)
    expect(heard.list('synchronization', 1000)).toHaveLength(64)
    expect(heard.list('contributing', 1000)).toHaveLength(64)
  })
})

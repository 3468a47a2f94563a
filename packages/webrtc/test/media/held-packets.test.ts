import { RtpPacket } from '@kaon/rtp'
import { describe, expect, it } from 'vitest'
import { HeldPackets } from '../../src/media/held-packets.ts'

const packet = (ssrc: number, sequenceNumber: number): RtpPacket =>
  new RtpPacket({ ssrc, sequenceNumber, payloadType: 96, timestamp: 0, payload: new Uint8Array(1) })

describe('HeldPackets', () => {
  it('gives back what it held, in the order of arrival', () => {
    const held = new HeldPackets(4, 4, 1000)
    held.hold(packet(1, 1), 0)
    held.hold(packet(2, 1), 1)
    held.hold(packet(1, 2), 2)
    expect(held.take().map(({ packet: { ssrc, sequenceNumber }, arrival }) => [ssrc, sequenceNumber, arrival])).toEqual(
      [
        [1, 1, 0],
        [2, 1, 1],
        [1, 2, 2],
      ],
    )
    expect(held.take()).toEqual([])
  })

  it('keeps the first packets of a source and counts the rest', () => {
    const held = new HeldPackets(4, 3, 1000)
    let dropped = 0
    for (let i = 0; i < 10; i++) dropped += held.hold(packet(1, i), i)
    expect(dropped).toBe(7)
    expect(held.take().map(({ packet: { sequenceNumber } }) => sequenceNumber)).toEqual([0, 1, 2])
  })

  it('gives up the oldest source for a new one', () => {
    const held = new HeldPackets(2, 3, 1000)
    held.hold(packet(1, 0), 0)
    held.hold(packet(1, 1), 0)
    held.hold(packet(2, 0), 0)
    expect(held.hold(packet(3, 0), 0)).toBe(2)
    expect(held.sources).toBe(2)
  })

  it('begins again with what is fresh after a while', () => {
    const held = new HeldPackets(2, 3, 1000)
    for (let i = 0; i < 3; i++) held.hold(packet(1, i), 0)
    expect(held.hold(packet(1, 9), 1001)).toBe(3)
    expect(held.take().map(({ packet: { sequenceNumber } }) => sequenceNumber)).toEqual([9])
  })
})

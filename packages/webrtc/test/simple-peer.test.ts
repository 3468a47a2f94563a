import { describe, expect, it } from 'vitest'
import SimplePeer from 'simple-peer'
import { RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } from '../src/index.ts'

// simple-peer as npm has it, given Kaon through its `wrtc` option.

const options: SimplePeer.Options = {
  // Its types ask for the whole of the DOM's classes, media included.
  wrtc: { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate } as unknown as SimplePeer.Options['wrtc'],
  config: { iceServers: [], ice: { includeLoopback: true } } as RTCConfiguration,
}

function peers(extra: SimplePeer.Options): [SimplePeer.Instance, SimplePeer.Instance] {
  const a = new SimplePeer({ ...options, ...extra, initiator: true })
  const b = new SimplePeer({ ...options, ...extra })
  a.on('signal', (data) => b.signal(data))
  b.on('signal', (data) => a.signal(data))
  return [a, b]
}

const event = (peer: SimplePeer.Instance, name: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    peer.once(name, resolve)
    peer.once('error', reject)
  })

describe('simple-peer over Kaon', () => {
  it.each([{ trickle: true }, { trickle: false }])(
    'connects and exchanges text and binary, trickle $trickle',
    async (extra) => {
      const [a, b] = peers(extra)
      try {
        await Promise.all([event(a, 'connect'), event(b, 'connect')])
        const atB = event(b, 'data')
        a.send('text')
        expect(String(await atB)).toBe('text')
        const atA = event(a, 'data')
        b.send(Uint8Array.of(1, 2, 3))
        expect([...((await atA) as Uint8Array)]).toEqual([1, 2, 3])
        expect(a.address()).toBeDefined()
      } finally {
        const closed = [event(a, 'close'), event(b, 'close')]
        a.destroy()
        b.destroy()
        await Promise.all(closed)
      }
    },
  )

  it('carries a stream of a few megabytes', async () => {
    const [a, b] = peers({})
    try {
      await Promise.all([event(a, 'connect'), event(b, 'connect')])
      const chunk = new Uint8Array(16_384).fill(7)
      const total = 200 * chunk.length
      let received = 0
      const all = new Promise<void>((resolve) =>
        b.on('data', (data: Uint8Array) => {
          received += data.length
          if (received === total) resolve()
        }),
      )
      for (let i = 0; i < 200; i++) {
        if (!a.write(chunk)) await new Promise((resolve) => a.once('drain', resolve))
      }
      await all
      expect(received).toBe(total)
    } finally {
      a.destroy()
      b.destroy()
    }
  })

  it('tells the other side when one is destroyed', async () => {
    const [a, b] = peers({})
    await Promise.all([event(a, 'connect'), event(b, 'connect')])
    const closed = new Promise((resolve) => b.once('close', resolve))
    b.on('error', () => {}) // simple-peer reports a closed channel as an error as well
    a.destroy()
    await closed
    expect(b.destroyed).toBe(true)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { RTCPeerConnection } from '../src/index.ts'
import { closeAll, connect, once, peer, stillPeer, trickle } from './support/peers.ts'
import { expectNoLeak, resources } from './support/resources.ts'

afterEach(closeAll)

describe('close leaves no socket and no timer', () => {
  it('that these tests could see', async () => {
    const before = resources()
    await connect()
    expect(resources().length).toBeGreaterThan(before.length)
    expect(resources().some((name) => /^udp/i.test(name))).toBe(true)
  })

  it('after twenty connected pairs', async () => {
    const before = resources()
    for (let i = 0; i < 20; i++) {
      const { a, b, channel } = await connect()
      channel.send(new Uint8Array(50_000))
      a.close()
      b.close()
    }
    await expectNoLeak(before)
  })

  it('at every step of a connection', async () => {
    const before = resources()
    const steps: ((a: RTCPeerConnection, b: RTCPeerConnection) => Promise<unknown>)[] = [
      async (a) => a.createOffer(),
      async (a) => a.setLocalDescription(),
      async (a, b) => b.setRemoteDescription(a.localDescription!),
      async (_a, b) => b.setLocalDescription(),
      async (a, b) => a.setRemoteDescription(b.localDescription!),
      async (a) => once(a.sctp!.transport.iceTransport, 'statechange'),
      async (a) => once(a.sctp!.transport, 'statechange'),
    ]
    for (let last = 0; last <= steps.length; last++) {
      const [a, b] = [0, 1].map(() => peer({ ice: { includeLoopback: true } })) as [
        RTCPeerConnection,
        RTCPeerConnection,
      ]
      trickle(a, b)
      a.createDataChannel('x')
      for (const step of steps.slice(0, last)) await step(a, b)
      a.close()
      b.close()
      await expectNoLeak(before)
    }
  })

  it('in the middle of a burst, from every callback of the channel', async () => {
    const before = resources()
    const { a, b, channel, remote } = await connect()
    await new Promise<void>((resolve) => {
      remote.onmessage = () => {
        b.close()
        a.close()
        resolve()
      }
      for (let i = 0; i < 100; i++) channel.send(new Uint8Array(5000))
    })
    expect([a.connectionState, b.connectionState]).toEqual(['closed', 'closed'])
    await expectNoLeak(before)
  })

  it('with a pool of candidates that was never used', async () => {
    const before = resources()
    const pc = peer({ iceCandidatePoolSize: 1, ice: { includeLoopback: true } })
    await new Promise((resolve) => setTimeout(resolve, 20))
    pc.close()
    await expectNoLeak(before)
  })
})

describe('a connection that was never negotiated', () => {
  it('holds no resource at all', async () => {
    const before = resources()
    const pc = stillPeer()
    pc.createDataChannel('x')
    await pc.createOffer()
    await expectNoLeak(before)
    pc.close()
  })

  it('contacts nobody: there is no default server', () => {
    const pc = new RTCPeerConnection()
    expect(pc.getConfiguration().iceServers).toEqual([])
    pc.close()
  })
})

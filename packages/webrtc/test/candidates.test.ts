import { afterEach, describe, expect, it } from 'vitest'
import type { RTCPeerConnectionIceEvent } from '../src/index.ts'
import { closeAll, connect, negotiate, once, peer, trickle } from './support/peers.ts'

afterEach(closeAll)

const loopback = { ice: { includeLoopback: true } }

describe('gathering', () => {
  it('fires candidates, the end of candidates and null, in this order, and shows them in the description', async () => {
    const pc = peer(loopback)
    pc.createDataChannel('x')
    const events: (string | null)[] = []
    const states: string[] = []
    pc.onicegatheringstatechange = () => states.push(pc.iceGatheringState)
    const complete = new Promise<void>((resolve) => {
      pc.onicecandidate = ({ candidate }) => {
        events.push(candidate === null ? null : candidate.candidate)
        if (candidate === null) return resolve()
        expect(candidate).toMatchObject({ sdpMid: '0', sdpMLineIndex: 0 })
        const ufrag = /ice-ufrag:(\S+)/.exec(pc.localDescription!.sdp)![1]
        expect(candidate.usernameFragment).toBe(ufrag)
        if (candidate.candidate !== '') expect(pc.localDescription!.sdp).toContain(`a=${candidate.candidate}\r\n`)
      }
    })
    await pc.setLocalDescription()
    expect(pc.localDescription!.sdp).not.toContain('a=candidate')
    await complete
    expect(states).toEqual(['gathering', 'complete'])
    expect(events.slice(-2)).toEqual(['', null])
    expect(events.filter((text) => text !== null && text !== '').length).toBeGreaterThan(0)
    const { sdp } = pc.localDescription!
    expect(sdp).toContain('a=end-of-candidates\r\n')
    expect(sdp).not.toContain('m=application 9 ')
    expect((await pc.createOffer()).sdp).toContain('a=candidate:')
  })

  it('fills the pool before, and surfaces it with the first description', async () => {
    const pc = peer({ ...loopback, iceCandidatePoolSize: 2 })
    let early = 0
    pc.onicecandidate = () => early++
    pc.createDataChannel('x')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = early
    const { sdp } = await pc.createOffer()
    expect(sdp).not.toContain('a=candidate')
    const event = once<Event & RTCPeerConnectionIceEvent>(pc, 'icecandidate')
    await pc.setLocalDescription()
    expect((await event).candidate!.candidate).toMatch(/^candidate:/)
    expect(before).toBe(0)
  })

  it('tells of servers that cannot be reached', async () => {
    const url = 'stun:127.0.0.1:9'
    const pc = peer({ ice: { includeLoopback: true, gatherTimeoutMs: 50 }, iceServers: [{ urls: url }] })
    pc.createDataChannel('x')
    const error = once(pc, 'icecandidateerror')
    await pc.setLocalDescription()
    expect(await error).toMatchObject({ url, errorCode: 701 })
  })
})

describe('connecting', () => {
  it('without trickling: everything is in the descriptions', async () => {
    const [a, b] = [peer(loopback), peer(loopback)]
    const channel = a.createDataChannel('x')
    const complete = async (pc: typeof a): Promise<void> => {
      while (pc.iceGatheringState !== 'complete') await once(pc, 'icegatheringstatechange')
    }
    await a.setLocalDescription()
    await complete(a)
    await b.setRemoteDescription({ ...a.localDescription! })
    await b.setLocalDescription()
    await complete(b)
    await a.setRemoteDescription({ ...b.localDescription! })
    await once(channel, 'open')
    expect(b.sctp!.transport.iceTransport.getRemoteCandidates().length).toBeGreaterThan(0)
  })

  it('with the answerer’s candidates only', async () => {
    const [a, b] = [peer(loopback), peer(loopback)]
    b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate).catch(() => {})
    const channel = a.createDataChannel('x')
    await negotiate(a, b)
    await once(channel, 'open')
  })

  it('with the role of the answerer passive', async () => {
    const [a, b] = [peer(loopback), peer(loopback)]
    trickle(a, b)
    const channel = a.createDataChannel('x')
    await a.setLocalDescription()
    const { type, sdp } = a.localDescription!
    await b.setRemoteDescription({ type, sdp: sdp.replace('a=setup:actpass', 'a=setup:active') })
    await b.setLocalDescription()
    expect(b.localDescription!.sdp).toContain('a=setup:passive')
    await a.setRemoteDescription(b.localDescription!)
    await once(channel, 'open')
    expect(channel.id! % 2).toBe(0)
  })

  it('with RSA certificates', async () => {
    const { RTCPeerConnection } = await import('../src/index.ts')
    const certificate = await RTCPeerConnection.generateCertificate({
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
      hash: 'SHA-256',
    })
    const { a } = await connect({ certificates: [certificate] })
    expect(a.connectionState).toMatch(/connect/)
  })

  it('through a pranswer: the transport starts with it', async () => {
    const [a, b] = [peer(loopback), peer(loopback)]
    trickle(a, b)
    const channel = a.createDataChannel('x')
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    const answer = await b.createAnswer()
    await b.setLocalDescription({ type: 'pranswer', sdp: answer.sdp! })
    await a.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp! })
    await once(channel, 'open')
    expect(a.signalingState).toBe('have-remote-pranswer')
    await b.setLocalDescription({ type: 'answer', sdp: answer.sdp! })
    await a.setRemoteDescription({ type: 'answer', sdp: answer.sdp! })
    channel.send('still open')
    expect(channel.readyState).toBe('open')
  })

  it('again and again: renegotiation, restarts by either side, and the channel goes on', async () => {
    const { a, b, channel, remote } = await connect()
    const echo = async (text: string): Promise<void> => {
      const event = once<MessageEvent>(remote, 'message')
      channel.send(text)
      expect((await event).data).toBe(text)
    }
    const ufrag = (pc: typeof a): string => /ice-ufrag:(\S+)/.exec(pc.localDescription!.sdp)![1]!
    for (const [offerer, answerer, restart] of [
      [a, b, false],
      [b, a, false],
      [a, b, true],
      [b, a, true],
      [a, b, false],
    ] as const) {
      const before = [ufrag(a), ufrag(b)]
      if (restart) offerer.restartIce()
      const pair = a.sctp!.transport.iceTransport.getSelectedCandidatePair()
      await negotiate(offerer, answerer)
      await echo('meanwhile')
      const after = [ufrag(a), ufrag(b)]
      if (restart) {
        expect(after[0]).not.toBe(before[0])
        expect(after[1]).not.toBe(before[1])
        while (a.sctp!.transport.iceTransport.getSelectedCandidatePair() === pair) {
          await once(a.sctp!.transport.iceTransport, 'selectedcandidatepairchange')
        }
      } else {
        expect(after).toEqual(before)
      }
      await echo('afterwards')
      expect([a.connectionState, b.connectionState]).toEqual(['connected', 'connected'])
    }
  })
})

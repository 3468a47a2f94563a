import { afterEach, describe, expect, it } from 'vitest'
import type { RTCPeerConnection } from '../src/index.ts'
import { closeAll, negotiate, once, rejection, stillPeer, thrown } from './support/peers.ts'

afterEach(closeAll)

const task = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await task()
}

function offering(): RTCPeerConnection {
  const pc = stillPeer()
  pc.createDataChannel('x')
  return pc
}

describe('signalling states', () => {
  it('go the caller’s way', async () => {
    const [a, b] = [offering(), stillPeer()]
    const states: string[] = []
    a.onsignalingstatechange = () => states.push(a.signalingState)
    await a.setLocalDescription(await a.createOffer())
    expect(a.signalingState).toBe('have-local-offer')
    expect(a.pendingLocalDescription).not.toBe(null)
    expect(a.currentLocalDescription).toBe(null)
    expect(a.localDescription).toBe(a.pendingLocalDescription)
    await b.setRemoteDescription(a.localDescription!)
    const answer = await b.createAnswer()
    await a.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp! })
    expect(a.signalingState).toBe('have-remote-pranswer')
    await a.setRemoteDescription({ type: 'answer', sdp: answer.sdp! })
    expect(a.signalingState).toBe('stable')
    expect(a.pendingLocalDescription).toBe(null)
    expect(a.pendingRemoteDescription).toBe(null)
    expect(a.currentLocalDescription!.type).toBe('offer')
    expect(a.currentRemoteDescription!.type).toBe('answer')
    expect(states).toEqual(['have-local-offer', 'have-remote-pranswer', 'stable'])
  })

  it('go the callee’s way', async () => {
    const [a, b] = [offering(), stillPeer()]
    const states: string[] = []
    b.onsignalingstatechange = () => states.push(b.signalingState)
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    const answer = await b.createAnswer()
    await b.setLocalDescription({ type: 'pranswer', sdp: answer.sdp! })
    expect(b.pendingLocalDescription!.type).toBe('pranswer')
    await b.setLocalDescription({ type: 'answer', sdp: answer.sdp! })
    expect(states).toEqual(['have-remote-offer', 'have-local-pranswer', 'stable'])
    expect(b.currentRemoteDescription!.type).toBe('offer')
  })

  it('refuse what does not fit with InvalidStateError', async () => {
    const [a, b] = [offering(), stillPeer()]
    expect(await rejection(a.createAnswer())).toBe('InvalidStateError')
    const offer = await a.createOffer()
    expect(await rejection(a.setRemoteDescription({ type: 'answer', sdp: offer.sdp! }))).toBe('InvalidStateError')
    expect(await rejection(a.setLocalDescription({ type: 'rollback' }))).toBe('InvalidStateError')
    await a.setLocalDescription(offer)
    await b.setRemoteDescription(offer)
    expect(await rejection(b.createOffer())).toBe('InvalidStateError')
    expect(await rejection(b.setRemoteDescription({ type: 'answer', sdp: offer.sdp! }))).toBe('InvalidStateError')
    const answer = await b.createAnswer()
    expect(await rejection(a.setLocalDescription({ type: 'answer', sdp: '' }))).toBe('InvalidStateError')
    await b.setLocalDescription(answer)
    expect(await rejection(b.setLocalDescription({ type: 'rollback' }))).toBe('InvalidStateError')
  })

  it('are not left when an offer fails', async () => {
    const pc = stillPeer()
    expect(await rejection(pc.setRemoteDescription({ type: 'offer', sdp: 'nonsense' }))).toBe('OperationError')
    expect(pc.signalingState).toBe('stable')
    expect(pc.remoteDescription).toBe(null)
  })
})

describe('setLocalDescription', () => {
  it('makes the description that is due when there is none', async () => {
    const [a, b] = [offering(), stillPeer()]
    await a.setLocalDescription()
    expect(a.localDescription!.type).toBe('offer')
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription()
    expect(b.localDescription!.type).toBe('answer')
    await a.setRemoteDescription(b.localDescription!)
    await a.setLocalDescription({})
    expect(a.localDescription!.type).toBe('offer')
  })

  it('takes the last offer again unless something changed', async () => {
    const pc = offering()
    const offer = await pc.createOffer()
    await pc.setLocalDescription({ type: 'offer' })
    expect(pc.localDescription!.sdp).toBe(offer.sdp)
    const empty = stillPeer()
    const without = await empty.createOffer()
    empty.createDataChannel('x')
    await empty.setLocalDescription()
    expect(empty.localDescription!.sdp).not.toBe(without.sdp)
    expect(empty.localDescription!.sdp).toContain('m=application')
  })

  it('refuses an edited description with InvalidModificationError', async () => {
    const pc = offering()
    const offer = await pc.createOffer()
    const sdp = offer.sdp!.replace('s=-', 's=edited')
    expect(await rejection(pc.setLocalDescription({ type: 'offer', sdp }))).toBe('InvalidModificationError')
    expect(await rejection(pc.setLocalDescription({ type: 'nonsense' as never }))).toBe('TypeError')
  })

  it('is not disturbed by what the application does to a description', async () => {
    const [a, b] = [offering(), stillPeer()]
    await a.setLocalDescription()
    const signalled = { ...a.localDescription! }
    a.localDescription!.sdp = 'mutated'
    await b.setRemoteDescription(signalled)
    await b.setLocalDescription()
    await a.setRemoteDescription({ ...b.localDescription! })
    expect(a.signalingState).toBe('stable')
  })
})

describe('rollback', () => {
  it('undoes a local offer', async () => {
    const pc = offering()
    await pc.setLocalDescription()
    expect(pc.sctp).not.toBe(null)
    await pc.setLocalDescription({ type: 'rollback' })
    expect(pc.signalingState).toBe('stable')
    expect(pc.localDescription).toBe(null)
    expect(pc.sctp).toBe(null)
    expect(pc.iceGatheringState).toBe('new')
  })

  it('undoes a remote offer, from either side', async () => {
    const a = offering()
    await a.setLocalDescription()
    for (const side of ['setLocalDescription', 'setRemoteDescription'] as const) {
      const b = stillPeer()
      await b.setRemoteDescription(a.localDescription!)
      expect(b.sctp).not.toBe(null)
      await b[side]({ type: 'rollback' })
      expect(b.signalingState).toBe('stable')
      expect(b.remoteDescription).toBe(null)
      expect(b.sctp).toBe(null)
    }
  })

  it('keeps what was stable', async () => {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    const { sctp, currentLocalDescription } = a
    await a.setLocalDescription(await a.createOffer({ iceRestart: true }))
    await a.setLocalDescription({ type: 'rollback' })
    expect(a.sctp).toBe(sctp)
    expect(a.localDescription).toBe(currentLocalDescription)
  })

  it('happens by itself when an offer comes in over a local one, and asks for negotiation again', async () => {
    const [a, b] = [offering(), offering()]
    await Promise.all([a.setLocalDescription(), b.setLocalDescription()])
    const states: string[] = []
    b.onsignalingstatechange = () => states.push(b.signalingState)
    await b.setRemoteDescription(a.localDescription!)
    expect(states).toEqual(['stable', 'have-remote-offer'])
    expect(b.pendingLocalDescription).toBe(null)
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    expect([a.signalingState, b.signalingState]).toEqual(['stable', 'stable'])
  })

  it('does not happen to the offerer when the incoming offer is nonsense', async () => {
    const a = offering()
    await a.setLocalDescription()
    expect(await rejection(a.setRemoteDescription({ type: 'offer', sdp: 'nonsense' }))).toBe('OperationError')
    // As the steps have it, the rollback itself has happened by then.
    expect(a.signalingState).toBe('stable')
  })
})

describe('the operations chain', () => {
  it('runs one operation at a time, in order', async () => {
    const pc = offering()
    const order: string[] = []
    const first = pc.createOffer().then(() => order.push('offer'))
    const second = pc.setLocalDescription().then(() => order.push('set'))
    const third = pc.addIceCandidate().catch(() => order.push('candidate'))
    await Promise.all([first, second, third])
    expect(order).toEqual(['offer', 'set', 'candidate'])
  })

  it('does not end the process when nobody looks at a failure', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const pc = stillPeer()
    void pc.addIceCandidate({ candidate: 'x', sdpMid: '0' })
    void pc.setRemoteDescription({ type: 'answer', sdp: '' })
    void pc.createAnswer()
    await settle()
    pc.close()
    void pc.addIceCandidate()
    void pc.createOffer()
    void pc.setLocalDescription()
    await settle()
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('goes on after a failure', async () => {
    const pc = offering()
    const failed = rejection(pc.setRemoteDescription({ type: 'answer', sdp: '' }))
    const works = pc.createOffer()
    expect(await failed).toBe('InvalidStateError')
    expect((await works).type).toBe('offer')
  })

  it('lets setRemoteDescription, setLocalDescription and candidates be called without waiting', async () => {
    const [a, b] = [offering(), stillPeer()]
    await a.setLocalDescription()
    const done = Promise.all([
      b.setRemoteDescription(a.localDescription!),
      b.setLocalDescription(),
      b.addIceCandidate(),
    ])
    await done
    expect(b.signalingState).toBe('stable')
  })
})

describe('negotiationneeded', () => {
  it('fires once for the first channel, in a task', async () => {
    const pc = stillPeer()
    let fired = 0
    pc.onnegotiationneeded = () => fired++
    pc.createDataChannel('a')
    pc.createDataChannel('b')
    expect(fired).toBe(0)
    await settle()
    expect(fired).toBe(1)
    pc.createDataChannel('c')
    await settle()
    expect(fired).toBe(1)
  })

  it('does not fire when the negotiation that is under way takes care of it', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    let fired = 0
    a.onnegotiationneeded = () => fired++
    a.createDataChannel('a')
    await negotiate(a, b)
    await settle()
    expect(fired).toBe(0)
  })

  it('fires after the answer when a channel came too late for the offer', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    let fired = 0
    a.onnegotiationneeded = () => fired++
    await a.setLocalDescription()
    a.createDataChannel('late')
    await settle()
    expect(fired).toBe(0)
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    await settle()
    expect(fired).toBe(1)
  })

  it('fires for restartIce, until the credentials are replaced', async () => {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    await settle()
    let fired = 0
    a.onnegotiationneeded = () => fired++
    a.restartIce()
    a.restartIce()
    await settle()
    expect(fired).toBe(1)
    const ufrag = /ice-ufrag:(\S+)/.exec(a.localDescription!.sdp)![1]
    await negotiate(a, b)
    await settle()
    expect(/ice-ufrag:(\S+)/.exec(a.localDescription!.sdp)![1]).not.toBe(ufrag)
    expect(fired).toBe(1)
    a.restartIce()
    await settle()
    expect(fired).toBe(2)
  })

  it('fires again after the peer’s offer won over ours and did not restart', async () => {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    await settle()
    a.restartIce()
    await a.setLocalDescription()
    let fired = 0
    a.onnegotiationneeded = () => fired++
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    await settle()
    expect(fired).toBe(1)
  })
})

describe('addIceCandidate', () => {
  const candidate = 'candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host'

  async function answered(): Promise<RTCPeerConnection> {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    return b
  }

  it('needs a mid or an index', async () => {
    expect(await rejection((await answered()).addIceCandidate({ candidate }))).toBe('TypeError')
  })

  it('needs a remote description', async () => {
    expect(await rejection(stillPeer().addIceCandidate({ candidate, sdpMid: '0' }))).toBe('InvalidStateError')
    expect(await rejection(stillPeer().addIceCandidate())).toBe('InvalidStateError')
  })

  it.each([
    [{ sdpMid: 'x' }],
    [{ sdpMLineIndex: 1 }],
    [{ sdpMid: '0', usernameFragment: 'unknown' }],
    [{ sdpMid: '0', candidate: 'candidate:nonsense' }],
  ])('rejects %j with OperationError', async (init) => {
    expect(await rejection((await answered()).addIceCandidate({ candidate, ...init }))).toBe('OperationError')
  })

  it('shows the candidate in the remote description, once', async () => {
    const b = await answered()
    const before = b.remoteDescription
    for (let i = 0; i < 2; i++) await b.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 })
    expect(b.remoteDescription!.sdp.split(`a=${candidate}\r\n`)).toHaveLength(2)
    expect(b.remoteDescription).toBe(before)
    expect(b.sctp!.transport.iceTransport.getRemoteCandidates().map((each) => each.candidate)).toEqual([candidate])
  })

  it.each([[undefined], [null], [{ candidate: '' }], [{ candidate: '', sdpMid: '0' }]])(
    'takes %j as the end of candidates',
    async (init) => {
      const b = await answered()
      await b.addIceCandidate(init)
      expect(b.remoteDescription!.sdp).toContain('a=end-of-candidates\r\n')
    },
  )

  it('stops keeping candidates at a limit', async () => {
    const b = await answered()
    for (let i = 0; i < 300; i++) {
      await b.addIceCandidate({ candidate: candidate.replace('5000', String(5000 + i)), sdpMid: '0' })
    }
    expect(b.remoteDescription!.sdp.match(/a=candidate/g)).toHaveLength(256)
    expect(b.sctp!.transport.iceTransport.getRemoteCandidates().length).toBeLessThan(260)
  })

  it('leaves a candidate of an earlier generation aside', async () => {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    a.restartIce()
    const old = /ice-ufrag:(\S+)/.exec(a.localDescription!.sdp)![1]!
    await negotiate(a, b)
    await b.addIceCandidate({ candidate: `${candidate} ufrag ${old}`, sdpMid: '0' })
    expect(b.remoteDescription!.sdp).not.toContain(candidate)
    const error = await rejection(b.addIceCandidate({ candidate, sdpMid: '0', usernameFragment: old }))
    expect(error).toBe('OperationError')
  })

  it('keeps candidates of an offer for its answer', async () => {
    const [a, b] = [offering(), stillPeer()]
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    await b.addIceCandidate({ candidate, sdpMid: '0' })
    await b.setLocalDescription()
    expect(b.sctp!.transport.iceTransport.getRemoteCandidates()).toHaveLength(1)
  })
})

describe('canTrickleIceCandidates', () => {
  it('follows the remote description', async () => {
    const a = offering()
    const offer = await a.createOffer()
    const b = stillPeer()
    await b.setRemoteDescription(offer)
    expect(b.canTrickleIceCandidates).toBe(true)
    const c = stillPeer()
    await c.setRemoteDescription({ type: 'offer', sdp: offer.sdp!.replace(/a=ice-options.*\r\n/, '') })
    expect(c.canTrickleIceCandidates).toBe(false)
  })
})

describe('the callback forms', () => {
  it('call back and settle with undefined', async () => {
    const pc = offering()
    const offer = await new Promise<RTCSessionDescriptionInit>((resolve, reject) => {
      void pc.createOffer(resolve, reject).then((value) => expect(value).toBe(undefined))
    })
    expect(offer.type).toBe('offer')
    await new Promise<void>((resolve, reject) => void pc.setLocalDescription(offer, resolve, reject))
    const error = await new Promise<DOMException>((resolve) => void pc.createAnswer(() => {}, resolve))
    expect(error.name).toBe('InvalidStateError')
    const none = await new Promise<DOMException>(
      (resolve) => void pc.setRemoteDescription({ type: 'answer', sdp: 'x' }, () => {}, resolve),
    )
    expect(none.name).toBe('OperationError')
  })
})

describe('close', () => {
  it('is silent, idempotent and returns nothing', async () => {
    const [a, b] = [offering(), stillPeer()]
    await negotiate(a, b)
    const { sctp } = a
    const channel = a.createDataChannel('y')
    let fired = 0
    for (const type of ['signalingstatechange', 'connectionstatechange', 'iceconnectionstatechange', 'icecandidate']) {
      a.addEventListener(type, () => fired++)
    }
    channel.onclose = () => fired++
    expect(a.close()).toBe(undefined)
    a.close()
    expect(a).toMatchObject({ signalingState: 'closed', connectionState: 'closed', iceConnectionState: 'closed' })
    expect(channel.readyState).toBe('closed')
    expect(sctp).toMatchObject({ state: 'closed', transport: { state: 'closed', iceTransport: { state: 'closed' } } })
    await settle()
    expect(fired).toBe(0)
  })

  it('makes everything fail with InvalidStateError, and leaves what was under way unsettled', async () => {
    const pc = offering()
    let settled = false
    pc.createOffer().then(
      () => (settled = true),
      () => (settled = true),
    )
    pc.close()
    await settle()
    expect(settled).toBe(false)
    for (const promise of [
      pc.createOffer(),
      pc.createAnswer(),
      pc.setLocalDescription(),
      pc.setRemoteDescription({ type: 'offer', sdp: '' }),
      pc.addIceCandidate(),
    ]) {
      expect(await rejection(promise)).toBe('InvalidStateError')
    }
    expect(thrown(() => pc.createDataChannel('x'))).toBe('InvalidStateError')
    expect(thrown(() => pc.restartIce())).toBe('returned')
    expect((await pc.getStats()).size).toBeGreaterThan(0)
  })

  it('may be called from any event', async () => {
    const pc = offering()
    pc.onsignalingstatechange = () => pc.close()
    void pc.setLocalDescription()
    await once(pc, 'signalingstatechange')
    await settle()
    expect(pc.signalingState).toBe('closed')
    const other = stillPeer()
    other.onnegotiationneeded = () => other.close()
    other.createDataChannel('x')
    await settle()
    expect(other.connectionState).toBe('closed')
  })
})

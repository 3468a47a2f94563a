import { describe, expect, it } from 'vitest'
import {
  RTCDataChannel,
  RTCDataChannelEvent,
  RTCDtlsTransport,
  RTCError,
  RTCErrorEvent,
  RTCIceCandidate,
  RTCIceTransport,
  RTCPeerConnection,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
  RTCSctpTransport,
  RTCSessionDescription,
  RTCStatsReport,
} from '../src/index.ts'
import { stillPeer, thrown } from './support/peers.ts'

describe('RTCSessionDescription', () => {
  it('is a plain, mutable dictionary with a class', () => {
    const description = new RTCSessionDescription({ type: 'offer', sdp: 'v=0' })
    expect({ ...description }).toEqual({ type: 'offer', sdp: 'v=0' })
    expect(JSON.parse(JSON.stringify(description))).toEqual({ type: 'offer', sdp: 'v=0' })
    expect(structuredClone({ ...description })).toEqual({ type: 'offer', sdp: 'v=0' })
    description.sdp = 'changed'
    expect(description.toJSON().sdp).toBe('changed')
    expect(new RTCSessionDescription({ type: 'rollback' }).sdp).toBe('')
  })

  it('throws TypeError without a type', () => {
    expect(thrown(() => new RTCSessionDescription({} as never))).toBe('TypeError')
    expect(thrown(() => new RTCSessionDescription({ type: 'nonsense' as never }))).toBe('TypeError')
  })
})

describe('RTCIceCandidate', () => {
  it('parses the attribute', () => {
    const candidate = new RTCIceCandidate({
      candidate: 'candidate:1 1 UDP 2122 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 6000 generation 0 ufrag abcd',
      sdpMid: '0',
    })
    expect(candidate).toMatchObject({
      foundation: '1',
      component: 'rtp',
      priority: 2122,
      protocol: 'udp',
      address: '192.0.2.1',
      port: 5000,
      type: 'srflx',
      tcpType: null,
      relatedAddress: '10.0.0.1',
      relatedPort: 6000,
      sdpMid: '0',
      sdpMLineIndex: null,
      usernameFragment: null,
      url: null,
      relayProtocol: null,
    })
    expect(candidate.toJSON()).toEqual({
      candidate: candidate.candidate,
      sdpMid: '0',
      sdpMLineIndex: null,
      usernameFragment: null,
    })
  })

  it('keeps what it cannot parse, and leaves the rest null', () => {
    const candidate = new RTCIceCandidate({ candidate: 'nonsense', sdpMLineIndex: 0 })
    expect(candidate.candidate).toBe('nonsense')
    expect(candidate.foundation).toBe(null)
    expect(candidate.port).toBe(null)
  })

  it('throws TypeError without mid and index', () => {
    expect(thrown(() => new RTCIceCandidate({ candidate: 'candidate:1 1 udp 1 1.2.3.4 1 typ host' }))).toBe('TypeError')
    expect(thrown(() => new RTCIceCandidate())).toBe('TypeError')
    expect(new RTCIceCandidate({ sdpMLineIndex: 0 }).candidate).toBe('')
  })
})

describe('RTCError', () => {
  it('is a DOMException with its details', () => {
    const error = new RTCError({ errorDetail: 'sdp-syntax-error', sdpLineNumber: 7 }, 'what')
    expect(error).toBeInstanceOf(DOMException)
    expect(error).toMatchObject({
      name: 'OperationError',
      message: 'what',
      errorDetail: 'sdp-syntax-error',
      sdpLineNumber: 7,
      sctpCauseCode: null,
      receivedAlert: null,
      sentAlert: null,
    })
    expect(error.code).toBe(0)
    expect(thrown(() => new RTCError({} as never))).toBe('TypeError')
    expect(thrown(() => new RTCError({ errorDetail: 'nonsense' as never }))).toBe('TypeError')
  })
})

describe('events', () => {
  it('carry what they are made with', () => {
    const pc = stillPeer()
    const channel = pc.createDataChannel('x')
    expect(new RTCDataChannelEvent('datachannel', { channel }).channel).toBe(channel)
    expect(thrown(() => new RTCDataChannelEvent('x', {} as never))).toBe('TypeError')
    const error = new RTCError({ errorDetail: 'dtls-failure' })
    expect(new RTCErrorEvent('error', { error }).error).toBe(error)
    expect(thrown(() => new RTCErrorEvent('error', {} as never))).toBe('TypeError')
    expect(new RTCPeerConnectionIceEvent('icecandidate')).toMatchObject({ candidate: null, url: null })
    expect(new RTCPeerConnectionIceErrorEvent('e', { errorCode: 701 })).toMatchObject({
      address: null,
      port: null,
      url: '',
      errorCode: 701,
      errorText: '',
    })
    expect(thrown(() => new RTCPeerConnectionIceErrorEvent('e', {} as never))).toBe('TypeError')
    pc.close()
  })
})

describe('interfaces without a constructor', () => {
  it.each([RTCDataChannel, RTCDtlsTransport, RTCIceTransport, RTCSctpTransport, RTCStatsReport])('%o', (Interface) => {
    expect(thrown(() => new (Interface as unknown as new () => unknown)())).toBe('TypeError')
  })
})

describe('event handler attributes', () => {
  it('are null at first, take functions and objects, and ignore the rest', () => {
    const pc = stillPeer()
    expect(pc.onicecandidate).toBe(null)
    const handler = (): void => {}
    pc.onicecandidate = handler
    expect(pc.onicecandidate).toBe(handler)
    pc.onicecandidate = 5 as never
    expect(pc.onicecandidate).toBe(null)
    expect('onnegotiationneeded' in pc).toBe(true)
    pc.close()
  })

  it('keep their place among the listeners, and `this`', () => {
    const pc = stillPeer()
    const calls: unknown[] = []
    pc.onsignalingstatechange = function () {
      calls.push(this === pc)
    }
    pc.addEventListener('signalingstatechange', () => calls.push('listener'))
    pc.onsignalingstatechange = () => calls.push('replaced')
    pc.dispatchEvent(new Event('signalingstatechange'))
    pc.onsignalingstatechange = null
    pc.dispatchEvent(new Event('signalingstatechange'))
    expect(calls).toEqual(['replaced', 'listener', 'listener'])
    pc.close()
  })
})

describe('RTCPeerConnection', () => {
  it.each([
    ['createOffer', 0],
    ['createAnswer', 0],
    ['setLocalDescription', 0],
    ['setRemoteDescription', 1],
    ['addIceCandidate', 0],
    ['restartIce', 0],
    ['getConfiguration', 0],
    ['setConfiguration', 0],
    ['createDataChannel', 1],
    ['getStats', 0],
    ['close', 0],
  ] as const)('%s has the length of Web IDL', (name, length) => {
    expect(RTCPeerConnection.prototype[name]).toHaveLength(length)
  })

  it('is an EventTarget in its initial state', () => {
    const pc = stillPeer()
    expect(pc).toBeInstanceOf(EventTarget)
    expect(pc).toMatchObject({
      signalingState: 'stable',
      iceGatheringState: 'new',
      iceConnectionState: 'new',
      connectionState: 'new',
      canTrickleIceCandidates: null,
      localDescription: null,
      currentLocalDescription: null,
      pendingLocalDescription: null,
      remoteDescription: null,
      currentRemoteDescription: null,
      pendingRemoteDescription: null,
      sctp: null,
    })
    expect(pc.getTransceivers()).toEqual([])
    expect(String(pc)).toBe('[object RTCPeerConnection]')
    expect(thrown(() => (RTCPeerConnection as unknown as () => unknown)())).toBe('TypeError')
    pc.close()
  })
})

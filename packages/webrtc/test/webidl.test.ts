import { afterEach, describe, expect, it } from 'vitest'
import * as kaon from '../src/index.ts'
import {
  RTCDataChannelEvent,
  RTCError,
  RTCIceCandidate,
  RTCPeerConnection,
  RTCPeerConnectionIceEvent,
} from '../src/index.ts'
import { closeAll, rejection, stillPeer, thrown } from './support/peers.ts'

// What Web IDL makes of the interfaces, as `idlharness` of the Web Platform Tests looks at it.

afterEach(closeAll)

type Interface = { readonly prototype: object; readonly length: number; readonly name: string }
const interfaces = Object.values(kaon) as Interface[]

/** Members of the specification, per interface; handlers left out. */
const MEMBERS: Record<string, string[]> = {
  RTCPeerConnection: [
    'createOffer',
    'createAnswer',
    'setLocalDescription',
    'localDescription',
    'currentLocalDescription',
    'pendingLocalDescription',
    'setRemoteDescription',
    'remoteDescription',
    'currentRemoteDescription',
    'pendingRemoteDescription',
    'addIceCandidate',
    'signalingState',
    'iceGatheringState',
    'iceConnectionState',
    'connectionState',
    'canTrickleIceCandidates',
    'restartIce',
    'getConfiguration',
    'setConfiguration',
    'close',
    'sctp',
    'createDataChannel',
    'getStats',
    'getSenders',
    'getReceivers',
    'getTransceivers',
    'addTrack',
    'removeTrack',
    'addTransceiver',
  ],
  RTCDataChannel: [
    'label',
    'ordered',
    'maxPacketLifeTime',
    'maxRetransmits',
    'protocol',
    'negotiated',
    'id',
    'priority',
    'readyState',
    'bufferedAmount',
    'bufferedAmountLowThreshold',
    'binaryType',
    'send',
    'close',
  ],
  RTCSctpTransport: ['transport', 'state', 'maxMessageSize', 'maxChannels'],
  RTCDtlsTransport: ['iceTransport', 'state', 'getRemoteCertificates'],
  RTCIceTransport: [
    'role',
    'component',
    'state',
    'gatheringState',
    'getLocalCandidates',
    'getRemoteCandidates',
    'getSelectedCandidatePair',
    'getLocalParameters',
    'getRemoteParameters',
  ],
  RTCIceCandidatePair: ['local', 'remote'],
  RTCCertificate: ['expires', 'getFingerprints'],
  RTCError: ['errorDetail', 'sdpLineNumber', 'sctpCauseCode', 'receivedAlert', 'sentAlert'],
  RTCErrorEvent: ['error'],
  RTCDataChannelEvent: ['channel'],
  RTCPeerConnectionIceEvent: ['candidate', 'url'],
  RTCPeerConnectionIceErrorEvent: ['address', 'port', 'url', 'errorCode', 'errorText'],
  RTCRtpSender: [
    'track',
    'transport',
    'dtmf',
    'getParameters',
    'setParameters',
    'replaceTrack',
    'setStreams',
    'getStats',
  ],
  RTCRtpReceiver: [
    'track',
    'transport',
    'getParameters',
    'getContributingSources',
    'getSynchronizationSources',
    'getStats',
  ],
  RTCRtpTransceiver: ['mid', 'sender', 'receiver', 'direction', 'currentDirection', 'stop', 'setCodecPreferences'],
  RTCTrackEvent: ['receiver', 'track', 'streams', 'transceiver'],
  MediaStream: [
    'id',
    'active',
    'getAudioTracks',
    'getVideoTracks',
    'getTracks',
    'getTrackById',
    'addTrack',
    'removeTrack',
    'clone',
  ],
  MediaStreamTrack: [
    'kind',
    'id',
    'label',
    'enabled',
    'muted',
    'readyState',
    'clone',
    'stop',
    'getCapabilities',
    'getConstraints',
    'getSettings',
    'applyConstraints',
    'contentHint',
  ],
  MediaStreamTrackEvent: ['track'],
  RTCStatsReport: ['size', 'get', 'has', 'keys', 'values', 'entries', 'forEach'],
}

const HANDLERS: Record<string, string[]> = {
  RTCPeerConnection: [
    'onnegotiationneeded',
    'onicecandidate',
    'onicecandidateerror',
    'onsignalingstatechange',
    'oniceconnectionstatechange',
    'onicegatheringstatechange',
    'onconnectionstatechange',
    'ondatachannel',
    'ontrack',
  ],
  RTCDataChannel: ['onopen', 'onbufferedamountlow', 'onerror', 'onclosing', 'onclose', 'onmessage'],
  MediaStream: ['onaddtrack', 'onremovetrack'],
  MediaStreamTrack: ['onmute', 'onunmute', 'onended'],
  RTCSctpTransport: ['onstatechange'],
  RTCDtlsTransport: ['onstatechange', 'onerror'],
  RTCIceTransport: ['onstatechange', 'ongatheringstatechange', 'onselectedcandidatepairchange'],
}

describe('every interface', () => {
  it.each(interfaces.map((value) => [value.name, value] as const))('%s has its name as tag', (name, value) => {
    const descriptor = Object.getOwnPropertyDescriptor(value.prototype, Symbol.toStringTag)
    expect(descriptor).toEqual({ value: name, writable: false, enumerable: false, configurable: true })
    expect(Object.prototype.toString.call(value.prototype)).toBe(`[object ${name}]`)
  })

  it.each(Object.entries({ ...MEMBERS }))('%s has its members on the prototype, enumerable', (name, members) => {
    const { prototype } = interfaces.find((value) => value.name === name)!
    for (const member of [...members, ...(HANDLERS[name] ?? [])]) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, member)
      expect(descriptor, member).toBeDefined()
      expect([member, descriptor!.enumerable, descriptor!.configurable]).toEqual([member, true, true])
    }
  })

  it('has the length of its constructor', () => {
    const lengths = Object.fromEntries(interfaces.map((value) => [value.name, value.length]))
    expect(lengths).toEqual({
      RTCPeerConnection: 0,
      KeyFrameRequestEvent: 1,
      MediaStream: 0,
      MediaStreamTrack: 1,
      MediaStreamTrackEvent: 2,
      RTCCertificate: 0,
      RTCDataChannel: 0,
      RTCDataChannelEvent: 2,
      RTCDtlsTransport: 0,
      RTCError: 1,
      RTCErrorEvent: 2,
      RTCIceCandidate: 0,
      RTCIceCandidatePair: 0,
      RTCIceTransport: 0,
      RTCPeerConnectionIceErrorEvent: 2,
      RTCPeerConnectionIceEvent: 1,
      RTCRtpReceiver: 0,
      RTCRtpSender: 0,
      RTCRtpTransceiver: 0,
      RTCSctpTransport: 0,
      RTCSessionDescription: 1,
      RTCStatsReport: 0,
      RTCTrackEvent: 2,
    })
    expect(RTCPeerConnection.generateCertificate).toHaveLength(1)
    expect(Object.keys(RTCPeerConnection)).toEqual(['generateCertificate'])
  })

  it.each([
    'RTCDataChannel',
    'RTCDtlsTransport',
    'RTCIceTransport',
    'RTCSctpTransport',
    'RTCStatsReport',
    'RTCCertificate',
    'RTCIceCandidatePair',
  ])('%s cannot be constructed by scripts', (name) => {
    const value = interfaces.find((one) => one.name === name) as unknown as new () => unknown
    expect(thrown(() => new value())).toBe('TypeError')
  })

  it('throws TypeError for attributes of another object', () => {
    for (const [name, members] of Object.entries(MEMBERS)) {
      const { prototype } = interfaces.find((value) => value.name === name)!
      for (const member of members) {
        const get = Object.getOwnPropertyDescriptor(prototype, member)!.get
        if (get === undefined || name === 'RTCIceTransport') continue
        expect([name, member, thrown(() => get.call({}) as unknown)]).toEqual([name, member, 'TypeError'])
      }
    }
  })

  it('RTCStatsReport iterates its entries', () => {
    const { prototype } = kaon.RTCStatsReport
    expect(prototype[Symbol.iterator]).toBe(prototype.entries)
  })
})

describe('operations that return a promise never throw', () => {
  const names = [
    'createOffer',
    'createAnswer',
    'setLocalDescription',
    'setRemoteDescription',
    'addIceCandidate',
    'getStats',
  ] as const
  it.each(names)('%s of another object', async (name) => {
    const operation = RTCPeerConnection.prototype[name] as (this: unknown) => Promise<unknown>
    expect(await rejection(operation.call({}))).toBe('TypeError')
  })

  it.each<[string, (pc: RTCPeerConnection) => Promise<unknown>]>([
    ['setRemoteDescription()', (pc) => (pc.setRemoteDescription as () => Promise<void>)()],
    ['setRemoteDescription(5)', (pc) => pc.setRemoteDescription(5 as never)],
    ['setRemoteDescription({ type: null })', (pc) => pc.setRemoteDescription({ type: null as never })],
    ['setLocalDescription(5)', (pc) => pc.setLocalDescription(5 as never)],
    ['setLocalDescription({ type: "x" })', (pc) => pc.setLocalDescription({ type: 'x' as never })],
    ['createOffer(5)', (pc) => pc.createOffer(5 as never)],
    ['createAnswer(5)', (pc) => pc.createAnswer(5 as never)],
    ['addIceCandidate(5)', (pc) => pc.addIceCandidate(5 as never)],
    ['addIceCandidate with a BigInt', (pc) => pc.addIceCandidate({ sdpMLineIndex: 1n as never })],
    ['getStats({})', (pc) => pc.getStats({} as never)],
    ['generateCertificate()', () => (RTCPeerConnection.generateCertificate as () => Promise<unknown>)()],
  ])('%s rejects with TypeError', async (_name, call) => {
    expect(await rejection(call(stillPeer()))).toBe('TypeError')
  })
})

describe('overloads', () => {
  const nothing = (): void => {}

  it('a function alone is a dictionary, and the promise form', async () => {
    const called: unknown[] = []
    const offer = await stillPeer().createOffer(((value: unknown) => called.push(value)) as never)
    expect(offer).toMatchObject({ type: 'offer' })
    expect(called).toEqual([])
  })

  it('two arguments where one or three are expected', async () => {
    const pc = stillPeer()
    const { setLocalDescription, setRemoteDescription, addIceCandidate } = pc as unknown as Record<
      string,
      (...values: unknown[]) => Promise<void>
    >
    expect(await rejection(setLocalDescription!.call(pc, {}, nothing))).toBe('TypeError')
    expect(await rejection(setRemoteDescription!.call(pc, { type: 'offer' }, nothing))).toBe('TypeError')
    expect(await rejection(addIceCandidate!.call(pc, {}, nothing))).toBe('TypeError')
  })

  it('callbacks that are none', async () => {
    const pc = stillPeer()
    expect(await rejection(pc.createOffer(nothing, null as never))).toBe('TypeError')
    expect(await rejection(pc.createAnswer(null as never, nothing))).toBe('TypeError')
    expect(await rejection(pc.setLocalDescription({}, nothing, 5 as never))).toBe('TypeError')
    expect(pc.signalingState).toBe('stable')
  })

  it('fulfil at once, before the operation is through', async () => {
    const pc = stillPeer()
    const order: string[] = []
    const told = new Promise<void>((resolve) => {
      void pc
        .createOffer(
          () => {
            order.push('callback')
            resolve()
          },
          nothing,
          { iceRestart: true },
        )
        .then((value) => order.push(`promise ${String(value)}`))
    })
    await told
    expect(order).toEqual(['promise undefined', 'callback'])
  })

  it('tell failures', async () => {
    const pc = stillPeer()
    const error = await new Promise<DOMException>((resolve) => void pc.createAnswer(nothing, resolve))
    expect(error.name).toBe('InvalidStateError')
  })
})

describe('order of checks', () => {
  it('createDataChannel converts before it looks at the connection', () => {
    const pc = stillPeer()
    pc.close()
    expect(thrown(() => pc.createDataChannel(Symbol('x') as never))).toBe('TypeError')
    expect(thrown(() => pc.createDataChannel('x', { id: -1 }))).toBe('TypeError')
    expect(thrown(() => pc.createDataChannel('x', { priority: 'x' as never }))).toBe('TypeError')
    // These are steps of the method.
    expect(thrown(() => pc.createDataChannel('x'.repeat(65536)))).toBe('InvalidStateError')
    expect(thrown(() => pc.createDataChannel('x', { negotiated: true }))).toBe('InvalidStateError')
  })

  it('setConfiguration converts before it looks at the connection', () => {
    const pc = stillPeer()
    pc.close()
    expect(thrown(() => pc.setConfiguration({ iceServers: [{} as never] }))).toBe('TypeError')
    expect(thrown(() => pc.setConfiguration({ iceServers: [{ urls: 'nonsense' }] }))).toBe('InvalidStateError')
  })

  it('an argument that cannot be converted comes before the closed connection, in promises too', async () => {
    const pc = stillPeer()
    pc.close()
    expect(await rejection(pc.setRemoteDescription({} as never))).toBe('TypeError')
    expect(await rejection(pc.setRemoteDescription({ type: 'offer', sdp: 'x' }))).toBe('InvalidStateError')
    expect(await rejection(pc.addIceCandidate({ candidate: 'x' }))).toBe('TypeError')
    expect(await rejection(pc.addIceCandidate({ candidate: 'x', sdpMid: '0' }))).toBe('InvalidStateError')
  })
})

describe('conversions', () => {
  it('null is 0 for numbers, as in browsers', () => {
    const channel = stillPeer().createDataChannel('x', {
      maxRetransmits: null as never,
      ordered: null as never,
      protocol: null as never,
    })
    expect(channel).toMatchObject({ maxRetransmits: 0, ordered: false, protocol: 'null' })
  })

  it('numbers are truncated, and may be given as text', () => {
    const init = { maxPacketLifeTime: '12.9', negotiated: 1, id: 3.7 } as never
    expect(stillPeer().createDataChannel('x', init)).toMatchObject({ maxPacketLifeTime: 12, negotiated: true, id: 3 })
    expect(thrown(() => stillPeer().createDataChannel('x', { maxRetransmits: 1n as never }))).toBe('TypeError')
  })

  it('sdpMLineIndex wraps, candidates keep what they are told', () => {
    const candidate = new RTCIceCandidate({ sdpMLineIndex: 65537, url: 'a\ud800', relayProtocol: 'tls' })
    expect(candidate).toMatchObject({ sdpMLineIndex: 1, url: 'a\ufffd', relayProtocol: 'tls', sdpMid: null })
    expect(thrown(() => new RTCIceCandidate({ sdpMid: '', relayProtocol: 'sctp' as never }))).toBe('TypeError')
  })

  it('members of events are of their type', () => {
    const channel = {}
    expect(thrown(() => new RTCDataChannelEvent('x', { channel: channel as never }))).toBe('TypeError')
    expect(thrown(() => new RTCPeerConnectionIceEvent('x', { candidate: {} as never }))).toBe('TypeError')
    expect(new RTCPeerConnectionIceEvent('x', { candidate: null, url: 'u', bubbles: true })).toMatchObject({
      candidate: null,
      url: 'u',
      bubbles: true,
    })
  })

  it('RTCError is a DOMException with attributes', () => {
    const init = { errorDetail: 'dtls-failure', receivedAlert: -1, sctpCauseCode: 2 ** 32 + 12 } as const
    expect(new RTCError(init)).toMatchObject({ receivedAlert: 2 ** 32 - 1, sctpCauseCode: 12, message: '', code: 0 })
    expect(Object.keys(new RTCError(init))).toEqual([])
  })
})

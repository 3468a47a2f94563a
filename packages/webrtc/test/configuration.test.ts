import { afterEach, describe, expect, it } from 'vitest'
import { checkConfiguration, toConfiguration } from '../src/configuration.ts'
import { RTCPeerConnection, type RTCConfiguration } from '../src/index.ts'
import { closeAll, stillPeer, thrown } from './support/peers.ts'

afterEach(closeAll)

const usableUrls = (urls: string): unknown =>
  checkConfiguration(toConfiguration({ iceServers: [{ urls, username: '', credential: '' }] }), null, false)
    .usableServers[0]!.urls

const construct = (configuration: unknown): string => thrown(() => stillPeer(configuration as RTCConfiguration))

describe('RTCConfiguration', () => {
  it('has the defaults of the specification', () => {
    const { net: _net, ...configuration } = stillPeer().getConfiguration()
    expect(configuration).toEqual({
      iceServers: [],
      iceTransportPolicy: 'all',
      bundlePolicy: 'balanced',
      rtcpMuxPolicy: 'require',
      certificates: [],
      iceCandidatePoolSize: 0,
    })
  })

  it('takes nothing, undefined and null', () => {
    for (const value of [undefined, null]) {
      const pc = new RTCPeerConnection(value)
      expect(pc.getConfiguration().iceServers).toEqual([])
      pc.close()
    }
  })

  it.each([
    [{ iceServers: null }],
    [{ iceServers: 1 }],
    [{ iceServers: [{}] }],
    [{ iceTransportPolicy: 'none' }],
    [{ iceTransportPolicy: null }],
    [{ bundlePolicy: 'max' }],
    [{ rtcpMuxPolicy: 'negotiate' }],
    [{ iceCandidatePoolSize: -1 }],
    [{ iceCandidatePoolSize: 256 }],
    [{ certificates: [{}] }],
    [{ certificates: null }],
  ])('throws TypeError for %j', (configuration) => {
    expect(construct(configuration)).toBe('TypeError')
  })

  it('throws TypeError for what is no object', () => {
    expect(thrown(() => new RTCPeerConnection(5 as never))).toBe('TypeError')
  })

  it.each([
    'stun:',
    'stun://example.org',
    'http://example.org',
    'example.org',
    '',
    'stun:user@example.org',
    'stun:example.org/path',
    'stun:example.org#fragment',
    'stun:example.org?transport=udp',
    'stun:example.org:65536',
    'turn:example.org?transport=sctp',
    'turn:example.org?transport=udp&x=y',
    'turn:example.org:abc',
  ])('throws SyntaxError for %s', (urls) => {
    expect(construct({ iceServers: [{ urls, username: 'u', credential: 'c' }] })).toBe('SyntaxError')
  })

  it('throws SyntaxError for a server without URLs', () => {
    expect(construct({ iceServers: [{ urls: [] }] })).toBe('SyntaxError')
  })

  it.each([
    'stun:example.org',
    'stun:192.0.2.1:3478',
    'stuns:example.org:5349',
    'stun:[2001:db8::1]:3478',
    'turn:example.org?transport=tcp',
    'turns:example.org:443?transport=tcp',
  ])('takes %s', (urls) => {
    expect(construct({ iceServers: [{ urls, username: 'u', credential: 'c' }] })).toBe('returned')
  })

  // What a URL parser takes though no STUN client does: names of other alphabets, white space from a settings file.
  it.each([
    ['stun:stun.exämple.org', 'stun:stun.xn--exmple-cua.org'],
    ['stun:example.org:3478\n', 'stun:example.org:3478'],
    ['stun:example.org:', 'stun:example.org'],
    ['turns:exämple.org:443?transport=tcp', 'turns:xn--exmple-cua.org:443?transport=tcp'],
    ['STUN:example.org:80\t', 'stun:example.org:80'],
    ['stun:example.org:0', undefined],
    ['stun:a"b', undefined],
  ])('takes %j and uses %j', async (urls, used) => {
    const pc = stillPeer({ iceServers: [{ urls, username: '', credential: '' }] })
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    expect(pc.getConfiguration().iceServers![0]!.urls).toEqual([urls])
    expect(usableUrls(urls)).toEqual(used === undefined ? [] : [used])
  })

  it('ignores servers beyond 64', () => {
    const iceServers = Array.from({ length: 100 }, (_, i) => ({ urls: `stun:${i}.example.org` }))
    expect(stillPeer({ iceServers }).getConfiguration().iceServers).toHaveLength(64)
  })

  it('looks at certificates before it looks at servers', async () => {
    const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256', expires: 0 })
    await new Promise((resolve) => setTimeout(resolve, 2))
    expect(construct({ certificates: [certificate], iceServers: [{ urls: 'nonsense' }] })).toBe('InvalidAccessError')
  })

  it.each([{}, { username: 'u' }, { credential: 'c' }])('throws InvalidAccessError for TURN with %j', (credentials) => {
    expect(construct({ iceServers: [{ urls: 'turn:example.org', ...credentials }] })).toBe('InvalidAccessError')
  })

  it('hands out copies', () => {
    const pc = stillPeer({ iceServers: [{ urls: ['stun:example.org'] }] })
    const copy = pc.getConfiguration()
    ;(copy.iceServers![0]!.urls as string[]).push('stun:other.example')
    copy.iceServers!.push({ urls: 'stun:third.example' })
    expect(pc.getConfiguration().iceServers).toEqual([{ urls: ['stun:example.org'] }])
  })

  it('hands the settings of the layers through untouched', () => {
    const ice = { includeLoopback: true }
    const sctp = { maxMessageSize: 1000 }
    const { ice: iceBack, sctp: sctpBack } = stillPeer({ ice, sctp }).getConfiguration()
    expect(iceBack).toBe(ice)
    expect(sctpBack).toBe(sctp)
  })

  it('refuses an expired certificate', async () => {
    const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256', expires: 0 })
    await new Promise((resolve) => setTimeout(resolve, 2))
    expect(construct({ certificates: [certificate] })).toBe('InvalidAccessError')
  })
})

describe('what is handed through to ICE', () => {
  it.each([
    ['a port range that is none', { portRange: [5000, 4000] }],
    ['ports that are none', { portRange: [1, 70_000] }],
    ['a TCP type', { tcp: ['both'] }],
    ['an mDNS policy', { mdns: 'on' }],
    ['a nomination policy', { agent: { nominationPolicy: 'fastest' } }],
    ['a Ta', { checkIntervalMs: 1 }],
    ['an agent setting', { agent: { maxPairs: 0 } }],
    ['a mapping', { addressMapping: [{ external: 'outside' }] }],
    ['shared ports that are none', { sharedPorts: {} }],
    ['a timeout', { gatherTimeoutMs: -1 }],
  ])('is checked at once: %s', (_, ice) => {
    expect(() => stillPeer({ ice: ice as never })).toThrow(expect.objectContaining({ code: 'ERR_ICE_OPTION' }))
  })

  it('is returned as it was', () => {
    const ice = { portRange: [4000, 5000], tcp: ['active'], mdns: 'off', lite: true } as const
    expect(stillPeer({ ice }).getConfiguration().ice).toBe(ice)
  })
})

describe('setConfiguration', () => {
  it('replaces servers and policy', () => {
    const pc = stillPeer()
    pc.setConfiguration({ iceServers: [{ urls: 'stun:example.org' }], iceTransportPolicy: 'relay' })
    expect(pc.getConfiguration()).toMatchObject({
      iceServers: [{ urls: ['stun:example.org'] }],
      iceTransportPolicy: 'relay',
    })
  })

  it('throws InvalidModificationError for what is fixed', async () => {
    const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })
    const pc = stillPeer({ certificates: [certificate] })
    const set = (configuration: RTCConfiguration): string =>
      thrown(() => pc.setConfiguration({ certificates: [certificate], ...configuration }))
    const other = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })
    expect(set({ bundlePolicy: 'max-bundle' })).toBe('InvalidModificationError')
    expect(set({ certificates: [] })).toBe('InvalidModificationError')
    expect(set({ certificates: [other] })).toBe('InvalidModificationError')
    expect(set({})).toBe('returned')
    expect(set({ iceCandidatePoolSize: 1 })).toBe('returned')
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    expect(set({ iceCandidatePoolSize: 2 })).toBe('InvalidModificationError')
  })

  it('keeps the old configuration when it throws', () => {
    const pc = stillPeer({ iceServers: [{ urls: 'stun:example.org' }] })
    expect(thrown(() => pc.setConfiguration({ iceServers: [{ urls: 'nonsense' }] }))).toBe('SyntaxError')
    expect(pc.getConfiguration().iceServers).toEqual([{ urls: ['stun:example.org'] }])
  })

  it('throws InvalidStateError when closed', () => {
    const pc = stillPeer()
    pc.close()
    expect(thrown(() => pc.setConfiguration({}))).toBe('InvalidStateError')
  })

  it('makes the next offer restart ICE when the servers changed after gathering began', async () => {
    const pc = stillPeer()
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    const before = /ice-ufrag:(\S+)/.exec(pc.localDescription!.sdp)![1]
    pc.setConfiguration({ iceTransportPolicy: 'relay' })
    const offer = await pc.createOffer()
    expect(/ice-ufrag:(\S+)/.exec(offer.sdp!)![1]).not.toBe(before)
  })
})

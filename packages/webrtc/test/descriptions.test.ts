import { readFileSync } from 'node:fs'
import { parse, type SessionDescription } from '@kaon/sdp'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCPeerConnection } from '../src/index.ts'
import { closeAll, rejection, stillPeer } from './support/peers.ts'

afterEach(closeAll)

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}.sdp`, import.meta.url), 'utf8')
const model = (sdp: string | undefined): SessionDescription => parse(sdp!)!
const lines = (sdp: string): string[] => sdp.split('\r\n')

function withoutData(name: string): string {
  return fixture(name)
    .replace(/m=application[^]*/, '')
    .replace(/(a=group:BUNDLE .*) \S+/, '$1')
}

/** A remote peer of a few lines. */
function remote(
  kind: 'offer' | 'answer',
  changes: { setup?: string; ufrag?: string; pwd?: string; fingerprint?: string; extra?: string[]; mid?: string } = {},
): string {
  const { ufrag = 'abcd', pwd = 'abcdefghijklmnopqrstuv' } = changes
  const fingerprint = changes.fingerprint ?? Array.from({ length: 32 }, () => 'AB').join(':')
  const setup = changes.setup ?? (kind === 'offer' ? 'actpass' : 'active')
  return [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    ...(changes.mid === '' ? [] : [`a=group:BUNDLE ${changes.mid ?? '0'}`]),
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    'a=ice-options:trickle',
    ...(fingerprint === '' ? [] : [`a=fingerprint:sha-256 ${fingerprint}`]),
    ...(setup === '' ? [] : [`a=setup:${setup}`]),
    ...(changes.mid === '' ? [] : [`a=mid:${changes.mid ?? '0'}`]),
    'a=sctp-port:5000',
    ...(changes.extra ?? []),
    '',
  ].join('\r\n')
}

async function answerTo(offer: string, pc: RTCPeerConnection = stillPeer()): Promise<string> {
  await pc.setRemoteDescription({ type: 'offer', sdp: offer })
  const answer = await pc.createAnswer()
  return answer.sdp!
}

describe('offers', () => {
  it('without a channel have no section', async () => {
    const offer = await stillPeer().createOffer()
    expect(offer.type).toBe('offer')
    expect(model(offer.sdp).media).toHaveLength(0)
  })

  it('describe the data channels', async () => {
    const pc = stillPeer()
    pc.createDataChannel('a')
    pc.createDataChannel('b')
    const { sdp } = await pc.createOffer()
    const [section, ...rest] = model(sdp).media
    expect(rest).toHaveLength(0)
    expect(section!.mediaLine).toEqual({
      kind: 'application',
      port: 9,
      protocol: 'UDP/DTLS/SCTP',
      formats: ['webrtc-datachannel'],
    })
    expect(section).toMatchObject({ mid: '0', setup: 'actpass', sctpPort: 5000, maxMessageSize: 262144 })
    expect(section!.iceOptions).toContain('trickle')
    expect(section!.fingerprints).toHaveLength(1)
    expect(section!.iceUfrag!.length).toBeGreaterThanOrEqual(4)
    expect(section!.icePwd!.length).toBeGreaterThanOrEqual(22)
    expect(model(sdp).groups).toEqual([{ semantics: 'BUNDLE', mids: ['0'] }])
    expect(lines(sdp!)).toContain('a=msid-semantic: WMS')
  })

  it('increment the version and keep the session id', async () => {
    const pc = stillPeer()
    pc.createDataChannel('a')
    const [one, two] = [model((await pc.createOffer()).sdp).origin!, model((await pc.createOffer()).sdp).origin!]
    expect(two.sessionId).toBe(one.sessionId)
    expect(BigInt(one.sessionId)).toBeLessThan(1n << 63n)
    expect(Number(two.sessionVersion)).toBe(Number(one.sessionVersion) + 1)
  })

  it('keep mid, credentials and fingerprint when repeated', async () => {
    const pc = stillPeer()
    pc.createDataChannel('a')
    const without = (sdp: string | undefined): string[] => lines(sdp!).filter((line) => !line.startsWith('o='))
    expect(without((await pc.createOffer()).sdp)).toEqual(without((await pc.createOffer()).sdp))
  })

  it('show the configured message size', async () => {
    const pc = stillPeer({ sctp: { maxMessageSize: 1_000_000 } })
    pc.createDataChannel('a')
    expect((await pc.createOffer()).sdp).toContain('a=max-message-size:1000000\r\n')
  })
})

describe('answers', () => {
  it.each([
    ['actpass', 'active'],
    ['active', 'passive'],
    ['passive', 'active'],
  ])('to a=setup:%s say %s', async (offered, answered) => {
    const answer = model(await answerTo(remote('offer', { setup: offered })))
    expect(answer.media[0]).toMatchObject({ setup: answered, mid: '0', sctpPort: 5000 })
    expect(answer.groups).toEqual([{ semantics: 'BUNDLE', mids: ['0'] }])
  })

  it('have neither mid nor group when the offer has none', async () => {
    const answer = model(await answerTo(remote('offer', { mid: '' })))
    expect(answer.media[0]!.mid).toBeUndefined()
    expect(answer.groups).toEqual([])
  })

  it('speak of trickling only when the offer does', async () => {
    const offer = remote('offer').replace('a=ice-options:trickle\r\n', '')
    expect(await answerTo(offer)).not.toContain('ice-options')
    expect(await answerTo(remote('offer'))).toContain('a=ice-options:trickle\r\n')
  })

  it.each(['chromium-offer', 'firefox-offer'])(
    'take audio, video and data of a real offer, with its payload types: %s',
    async (name) => {
      const offer = model(fixture(name))
      const answer = model(await answerTo(fixture(name)))
      expect(answer.media.map((section) => section.kind)).toEqual(['audio', 'video', 'application'])
      for (const [i, section] of answer.media.entries()) {
        const offered = offer.media[i]!
        expect(section.mid).toBe(offered.mid)
        expect(section.protocol).toBe(offered.protocol)
        expect(section.isRejected).toBe(false)
        expect(section.direction).toBe(section.isRtp ? 'recvonly' : 'sendrecv')
        for (const codec of section.codecs) {
          const { name: codecName, clockRate } = offered.codecs.find((one) => one.payloadType === codec.payloadType)!
          expect(codec).toMatchObject({ name: codecName, clockRate })
        }
        for (const { id, uri } of section.extmaps)
          expect(offered.extmaps).toContainEqual(expect.objectContaining({ id, uri }))
      }
      expect(answer.media[0]!.codecs.map((codec) => codec.name.toLowerCase())).toContain('opus')
      expect(answer.media[1]!.codecs.map((codec) => codec.name)).toEqual(
        expect.arrayContaining(['VP8', 'VP9', 'AV1', 'rtx']),
      )
      expect(answer.groups).toEqual(offer.groups)
    },
  )

  it('refuse media that is not of ours, and what has no codec in common', async () => {
    const offer = withoutData('chromium-offer')
      .replace(/^m=video/m, 'm=text')
      .replace(/a=rtpmap:\d+ (opus|G722|PCMU|PCMA|telephone-event)\//g, 'a=rtpmap:1 unknown/')
      .replace(/^m=audio.*$/m, 'm=audio 9 UDP/TLS/RTP/SAVPF 63')
    const answer = model(await answerTo(offer))
    expect(answer.media.map((section) => section.isRejected)).toEqual([true, true])
    expect(answer.groups).toEqual([])
    expect(answer.media[0]!.iceUfrag).toBeUndefined()
  })

  it('take a data section that is bundled without attributes of its own', async () => {
    const attributes = lines(remote('offer')).filter((line) => /^a=(ice|fingerprint|setup)/.test(line))
    const offer = [
      ...lines(remote('offer')).slice(0, 4),
      'a=group:BUNDLE 0 1',
      'm=text 9 UDP/TLS/RTP/SAVPF 98',
      'c=IN IP4 0.0.0.0',
      'a=mid:0',
      'a=rtcp-mux',
      'a=rtpmap:98 t140/1000',
      ...attributes,
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0',
      'a=bundle-only',
      'a=mid:1',
      'a=sctp-port:5000',
      '',
    ].join('\r\n')
    const answer = model(await answerTo(offer))
    expect(answer.media.map((section) => section.isRejected)).toEqual([true, false])
    expect(answer.media[1]!.iceUfrag).toBeDefined()
    expect(answer.media[1]!.bundleOnly).toBe(false)
  })

  it('echo the protocol of a peer of the draft days', async () => {
    const offer = remote('offer', { extra: [] })
      .replace('UDP/DTLS/SCTP webrtc-datachannel', 'DTLS/SCTP 5000')
      .replace('a=sctp-port:5000', 'a=sctpmap:5000 webrtc-datachannel 1024')
    const [section] = model(await answerTo(offer)).media
    expect(section).toMatchObject({ protocol: 'DTLS/SCTP', formats: ['5000'] })
  })
})

describe('remote descriptions that are refused', () => {
  const set = (sdp: string, pc = stillPeer()): Promise<string> =>
    rejection(pc.setRemoteDescription({ type: 'offer', sdp }))

  it('what is no SDP, with the line', async () => {
    const sdp = remote('offer').replace('t=0 0', 't=zero')
    const error = await stillPeer()
      .setRemoteDescription({ type: 'offer', sdp })
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'OperationError', errorDetail: 'sdp-syntax-error', sdpLineNumber: 4 })
  })

  it.each([
    ['no ufrag', remote('offer').replace(/a=ice-ufrag.*\r\n/, '')],
    ['a short ufrag', remote('offer', { ufrag: 'abc' })],
    ['no password', remote('offer').replace(/a=ice-pwd.*\r\n/, '')],
    ['a short password', remote('offer', { pwd: 'abcdefghijklmnopqrstu' })],
    ['no fingerprint', remote('offer', { fingerprint: '' })],
    ['no setup', remote('offer', { setup: '' })],
    ['holdconn', remote('offer', { setup: 'holdconn' })],
    ['a BUNDLE group with an unknown mid', remote('offer').replace('BUNDLE 0', 'BUNDLE 0 7')],
    ['the same mid twice', remote('offer') + lines(remote('offer')).slice(5).join('\r\n')],
    ['no rtcp-mux', fixture('chromium-offer').replaceAll('a=rtcp-mux\r\n', '').replaceAll('a=rtcp-mux\n', '')],
  ])('%s', async (_name, sdp) => {
    const name = await set(sdp)
    // Whether a length is syntax or content is the grammar's business.
    expect(['InvalidAccessError', 'OperationError']).toContain(name)
  })

  async function offered(): Promise<RTCPeerConnection> {
    const pc = stillPeer()
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    return pc
  }
  const answer = async (sdp: string): Promise<string> =>
    rejection((await offered()).setRemoteDescription({ type: 'answer', sdp }))

  it.each([
    ['actpass', remote('answer', { setup: 'actpass' })],
    ['another number of sections', lines(remote('answer')).slice(0, 4).join('\r\n') + '\r\n'],
    [
      'another kind',
      remote('answer')
        .replace('m=application', 'm=audio')
        .replace('UDP/DTLS/SCTP webrtc-datachannel', 'UDP/TLS/RTP/SAVPF 0'),
    ],
    ['another mid', remote('answer', { mid: '5' })],
  ])('an answer with %s', async (_name, sdp) => {
    expect(await answer(sdp)).toBe('InvalidAccessError')
  })

  it('an answer without a=setup means active', async () => {
    expect(await answer(remote('answer', { setup: '' }))).toBe('fulfilled')
  })

  it('a fingerprint that changes without an ICE restart', async () => {
    const pc = await offered()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer') })
    const fingerprint = Array.from({ length: 32 }, () => 'CD').join(':')
    const sdp = remote('offer', { fingerprint })
    expect(await rejection(pc.setRemoteDescription({ type: 'offer', sdp }))).toBe('InvalidAccessError')
    expect(pc.signalingState).toBe('stable')
  })

  it('an answer that restarts ICE on its own, and one that does not follow a restart', async () => {
    const pc = await offered()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer') })
    await pc.setLocalDescription()
    const other = { type: 'answer', sdp: remote('answer', { ufrag: 'efgh' }) } as const
    const same = { type: 'answer', sdp: remote('answer') } as const
    expect(await rejection(pc.setRemoteDescription(other))).toBe('InvalidAccessError')
    await pc.setRemoteDescription(same)
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }))
    expect(await rejection(pc.setRemoteDescription(same))).toBe('InvalidAccessError')
    await pc.setRemoteDescription(other)
    expect(pc.signalingState).toBe('stable')
  })

  it('an offer with fewer sections than before', async () => {
    const pc = stillPeer()
    await pc.setRemoteDescription({ type: 'offer', sdp: fixture('chromium-offer') })
    await pc.setLocalDescription()
    expect(await rejection(pc.setRemoteDescription({ type: 'offer', sdp: remote('offer') }))).toBe('InvalidAccessError')
  })
})

describe('renegotiation', () => {
  it('never moves a section: offers after a mixed one keep what was refused', async () => {
    const pc = stillPeer()
    await pc.setRemoteDescription({ type: 'offer', sdp: fixture('chromium-offer') })
    for (const transceiver of pc.getTransceivers()) transceiver.stop()
    await pc.setLocalDescription()
    const offer = model((await pc.createOffer()).sdp)
    expect(offer.media.map((section) => [section.kind, section.isRejected])).toEqual([
      ['audio', true],
      ['video', true],
      ['application', false],
    ])
    expect(offer.media.map((section) => section.mid)).toEqual(['0', '1', '2'])
    expect(offer.groups).toEqual([{ semantics: 'BUNDLE', mids: ['2'] }])
    expect(offer.media[2]!.setup).toBe('actpass')
  })

  it('adds a data section behind, with a mid of its own', async () => {
    const pc = stillPeer()
    await answerTo(withoutData('chromium-offer'), pc)
    await pc.setLocalDescription()
    pc.createDataChannel('x')
    const offer = model((await pc.createOffer()).sdp)
    expect(offer.media.map((section) => section.mid)).toEqual(['0', '1', '2'])
    expect(offer.media[2]!.kind).toBe('application')
  })

  it('answers with the role that is in use', async () => {
    const pc = stillPeer()
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer', { setup: 'active' }) })
    expect(model(await answerTo(remote('offer'), pc)).media[0]!.setup).toBe('passive')
  })

  it('keeps its role when a later answer says another one, as Firefox’s do after an ICE restart', async () => {
    const pc = stillPeer()
    pc.createDataChannel('x')
    await pc.setLocalDescription()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer', { setup: 'passive' }) })
    await pc.setLocalDescription()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer', { setup: 'active' }) })
    expect(model(await answerTo(remote('offer'), pc)).media[0]!.setup).toBe('active')
  })

  it('follows a restart of the peer with new credentials, and keeps them otherwise', async () => {
    const pc = stillPeer()
    const first = model(await answerTo(remote('offer'), pc)).media[0]!
    await pc.setLocalDescription()
    const same = model(await answerTo(remote('offer'), pc)).media[0]!
    expect(same.iceUfrag).toBe(first.iceUfrag)
    await pc.setLocalDescription()
    const restarted = model(await answerTo(remote('offer', { ufrag: 'efgh' }), pc)).media[0]!
    expect(restarted.iceUfrag).not.toBe(first.iceUfrag)
    expect(restarted.icePwd).not.toBe(first.icePwd)
  })

  it('restarts ICE with createOffer({ iceRestart: true })', async () => {
    const pc = stillPeer()
    pc.createDataChannel('x')
    const first = model((await pc.createOffer({ iceRestart: true })).sdp).media[0]!
    await pc.setLocalDescription()
    await pc.setRemoteDescription({ type: 'answer', sdp: remote('answer') })
    expect(model(pc.localDescription!.sdp).media[0]!.iceUfrag).toBe(first.iceUfrag)
    const restarted = model((await pc.createOffer({ iceRestart: true })).sdp).media[0]!
    expect(restarted.iceUfrag).not.toBe(first.iceUfrag)
    expect(model((await pc.createOffer()).sdp).media[0]!.iceUfrag).toBe(first.iceUfrag)
  })

  it('an answer that refuses data ends it, and a new channel asks for it again', async () => {
    const pc = stillPeer()
    const channel = pc.createDataChannel('x')
    await pc.setLocalDescription()
    const closed = new Promise((resolve) => (channel.onclose = resolve))
    const refused = remote('answer').replace('m=application 9', 'm=application 0').replace('a=group:BUNDLE 0\r\n', '')
    await pc.setRemoteDescription({ type: 'answer', sdp: refused })
    await closed
    expect(pc.sctp).toBe(null)
    expect(channel.readyState).toBe('closed')
    const needed = new Promise((resolve) => (pc.onnegotiationneeded = resolve))
    pc.createDataChannel('y')
    await needed
    const offer = model((await pc.createOffer()).sdp)
    expect(offer.media).toHaveLength(1)
    expect(offer.media[0]!.isRejected).toBe(false)
  })
})

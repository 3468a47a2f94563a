import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, parseFormatParameters, print, SessionDescription } from '../src/index.ts'

function load(name: string): SessionDescription {
  return parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))!
}

describe('Chromium', () => {
  const offer = load('chromium-offer.sdp')
  const [audio, video, data] = offer.media

  test('session level', () => {
    expect(offer.origin).toEqual({
      username: '-',
      sessionId: '8845082108989755154', // more than a double holds
      sessionVersion: '2',
      netType: 'IN',
      addressType: 'IP4',
      address: '127.0.0.1',
    })
    expect(offer.name).toBe('-')
    expect(offer.groups).toEqual([{ semantics: 'BUNDLE', mids: ['0', '1', '2'] }])
    expect(offer.bundleOf('1')?.mids).toEqual(['0', '1', '2'])
    expect(offer.bundleOf('7')).toBeUndefined()
    expect(offer.extmapAllowMixed).toBe(true)
    expect(offer.iceLite).toBe(false)
    expect(offer.mediaByMid('2')).toBe(data)
    expect(offer.mediaByMid('3')).toBeUndefined()
    expect(offer.media.map((m) => [m.kind, m.isRtp, m.isSctp])).toEqual([
      ['audio', true, false],
      ['video', true, false],
      ['application', false, true],
    ])
  })

  test('transport of the data section', () => {
    expect(data).toMatchObject({
      mid: '2',
      port: 39380,
      protocol: 'UDP/DTLS/SCTP',
      formats: ['webrtc-datachannel'],
      iceUfrag: 'AA24',
      icePwd: 'ISNPRlwmlW4UgrEmqWNQkyJ5',
      iceOptions: ['trickle'],
      setup: 'actpass',
      sctpPort: 5000,
      maxMessageSize: 262144,
      isRejected: false,
      endOfCandidates: false,
      connection: { netType: 'IN', addressType: 'IP4', address: '127.0.0.1' },
    })
    expect(data!.fingerprints).toEqual([
      {
        algorithm: 'sha-256',
        value: '48:50:69:3E:75:EB:BA:4D:14:E9:97:45:74:06:EB:2D:27:DC:6A:C1:B3:FF:B1:FC:27:9A:E9:A2:66:B0:7C:89',
      },
    ])
    expect(data!.candidates).toEqual([
      {
        foundation: '3449774145',
        component: 1,
        transport: 'udp',
        priority: 2122260223,
        address: '127.0.0.1',
        port: 39380,
        type: 'host',
        extensions: [
          ['generation', '0'],
          ['network-id', '1'],
          ['network-cost', '50'],
        ],
      },
    ])
  })

  test('codecs: rtpmap, fmtp and feedback together, in the order of the m= line', () => {
    expect(audio!.codecs.map((c) => c.payloadType)).toEqual([111, 63, 9, 0, 8, 13, 110, 126])
    expect(audio!.codecs[0]).toEqual({
      payloadType: 111,
      name: 'opus',
      clockRate: 48000,
      channels: 2,
      fmtp: 'minptime=10;useinbandfec=1',
      feedback: ['transport-cc'],
    })
    const h264 = video!.codecs.find((c) => c.name === 'H264')!
    expect(h264.feedback).toEqual(['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli'])
    expect([...parseFormatParameters(h264.fmtp)]).toEqual([
      ['level-asymmetry-allowed', '1'],
      ['packetization-mode', '1'],
      ['profile-level-id', '42001f'],
    ])
    const rtx = video!.codecs.filter((c) => c.name === 'rtx')
    expect(parseFormatParameters(rtx[0]!.fmtp).get('apt')).toBe('96')
    expect(data!.codecs).toEqual([])
  })

  test('streams', () => {
    expect(video!.msids).toEqual([
      { streamId: 'e107b2ac-1df5-4176-bc6e-645e0e68ef94', trackId: '355669df-df74-4894-9377-a9333bf0056d' },
    ])
    expect(video!.ssrcGroups).toEqual([{ semantics: 'FID', ssrcs: [1636774851, 1790949824] }])
    expect(video!.ssrcs.map((s) => s.ssrc)).toEqual([1636774851, 1790949824])
    expect(video!.ssrcs[0]!.attributes[0]).toEqual({ name: 'cname', value: 'P7BtPkHg3N9bWDAG' })
    expect(audio!.extmaps[3]).toEqual({ id: 4, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' })
    expect(audio).toMatchObject({ direction: 'sendrecv', rtcpMux: true, rtcpReducedSize: true, rtcpMuxOnly: false })
    expect(audio!.rtcp).toEqual({ port: 9, netType: 'IN', addressType: 'IP4', address: '0.0.0.0' })
  })

  test('attributes that are not typed are there by name', () => {
    const snap = load('chromium-offer-snap.sdp')
    expect(snap.mediaByMid('2')!.attribute('sctp-init')).toBe('AQAAHvCtZt0AUAAA/////+cAuiDAAAAEgAgABoLA')
    expect(load('chromium-offer-sped.sdp').media[0]!.iceOptions).toEqual(['trickle', 'sped', 'googspedv1'])
    expect(audio!.attributes('rtcp-xr')).toEqual(['rcvr-rtt=all'])
  })
})

describe('Firefox', () => {
  const answer = load('firefox-answer-to-chromium.sdp')

  test('takes from the session what the sections do not say', () => {
    expect(answer.attribute('fingerprint')).toMatch(/^sha-256 2F:AE/)
    for (const section of answer.media) {
      expect(section.hasAttribute('fingerprint')).toBe(false)
      expect(section.fingerprints[0]!.value).toMatch(/^2F:AE:74/)
      expect(section.iceOptions).toEqual(['trickle'])
      expect(section.setup).toBe('active')
    }
  })

  test('attributes in alphabetical order are put together all the same', () => {
    const audio = answer.media[0]!
    expect(audio.codecs.map((c) => `${c.payloadType} ${c.name}`)).toEqual([
      '111 opus',
      '9 G722',
      '0 PCMU',
      '8 PCMA',
      '126 telephone-event',
    ])
    expect(audio.codecs[1]!.channels).toBe(1)
    expect(audio.endOfCandidates).toBe(true)
    expect(audio.candidates.map((c) => [c.transport, c.address, c.tcpType])).toEqual([
      ['UDP', '10.99.0.1', undefined],
      ['UDP', 'fd99::1', undefined],
      ['TCP', '10.99.0.1', 'active'],
      ['TCP', 'fd99::1', 'active'],
    ])
    expect(answer.media[1]!.extmaps.find((e) => e.id === 5)).toEqual({
      id: 5,
      direction: 'recvonly',
      uri: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
    })
    expect(answer.media[2]!.maxMessageSize).toBe(1073741823)
  })
})

test('GStreamer: port 0 with bundle-only is not a rejection', () => {
  const offer = load('gst-offer.sdp')
  expect(offer.media.map((m) => [m.port, m.bundleOnly, m.isRejected])).toEqual([
    [9, false, false],
    [0, true, false],
    [0, true, false],
  ])
  expect(offer.media[0]!.rtcpMuxOnly).toBe(true)
})

const head = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'

function section(lines: string, session = ''): SessionDescription['media'][number] {
  return parse(
    head +
      session +
      lines
        .trim()
        .split(/\s*\n\s*/)
        .join('\r\n') +
      '\r\n',
  )!.media[0]!
}

describe('fallback to the session level', () => {
  const session = [
    'a=ice-ufrag:sess',
    'a=ice-pwd:sessionpasswordsessionpw',
    'a=setup:passive',
    'a=inactive',
    'a=extmap:1 urn:one',
    'a=extmap-allow-mixed',
    'a=end-of-candidates',
    '',
  ].join('\r\n')

  test('is taken when the section is silent', () => {
    const connected = head.replace('t=0', 'c=IN IP4 192.0.2.1\r\nt=0')
    const media = parse(`${connected}${session}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n`)!.media[0]!
    expect(media).toMatchObject({
      iceUfrag: 'sess',
      icePwd: 'sessionpasswordsessionpw',
      setup: 'passive',
      direction: 'inactive',
      extmapAllowMixed: true,
      endOfCandidates: true,
      extmaps: [{ id: 1, uri: 'urn:one' }],
      connection: { address: '192.0.2.1' },
    })
    expect(media.attribute('ice-ufrag')).toBeUndefined()
    media.direction = 'sendonly'
    media.setup = 'active'
    expect(media).toMatchObject({ direction: 'sendonly', setup: 'active' })
  })

  test('mid, ssrc, candidates and SCTP are never inherited; silence is sendrecv', () => {
    const media = parse(
      `${head}a=sctp-port:5000\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\nm=audio 9 RTP/AVP 0\r\n`,
    )!.media[0]!
    expect(media.mid).toBeUndefined()
    expect(media.sctpPort).toBeUndefined()
    expect(media.candidates).toEqual([])
    expect(media.direction).toBe('sendrecv')
  })
})

test('old SCTP: the port stands in sctpmap or in the m= line', () => {
  expect(section('m=application 9 DTLS/SCTP 5001\na=sctpmap:5001 webrtc-datachannel 1024').sctpPort).toBe(5001)
  expect(section('m=application 9 DTLS/SCTP 5002').sctpPort).toBe(5002)
  expect(section('m=application 9 UDP/DTLS/SCTP webrtc-datachannel').sctpPort).toBeUndefined()
  expect(section('m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=max-message-size:0').maxMessageSize).toBe(0)
})

test('feedback for every payload type reaches each codec once', () => {
  const media = section(`m=video 9 UDP/TLS/RTP/SAVPF 96 97
    a=rtpmap:96 VP8/90000
    a=rtpmap:97 rtx/90000
    a=rtcp-fb:* nack
    a=rtcp-fb:96 nack
    a=rtcp-fb:96 ccm fir`)
  expect(media.codecs.map((c) => c.feedback)).toEqual([['nack', 'ccm fir'], ['nack']])
})

test('several fmtp lines, static payload types and dynamic ones without rtpmap', () => {
  const media = section(`m=audio 49170/2 RTP/AVP 0 10 96 97
    a=rtpmap:97 opus/48000/2
    a=fmtp:97 a=1
    a=fmtp:97 b=2`)
  expect(media.mediaLine).toMatchObject({ port: 49170, portCount: 2 })
  expect(media.codecs).toEqual([
    { payloadType: 0, name: 'PCMU', clockRate: 8000, feedback: [] },
    { payloadType: 10, name: 'L16', clockRate: 44100, channels: 2, feedback: [] },
    { payloadType: 97, name: 'opus', clockRate: 48000, channels: 2, fmtp: 'a=1;b=2', feedback: [] },
  ])
})

test('rid and simulcast', () => {
  const media = section(`m=video 9 UDP/TLS/RTP/SAVPF 96 97
    a=rid:hi send pt=96,97;max-width=1280;max-br=500000
    a=rid:lo send
    a=rid:bad both
    a=simulcast:send hi;~lo,mid recv a`)
  expect(media.rids).toEqual([
    {
      id: 'hi',
      direction: 'send',
      formats: ['96', '97'],
      restrictions: [
        { name: 'max-width', value: '1280' },
        { name: 'max-br', value: '500000' },
      ],
    },
    { id: 'lo', direction: 'send', formats: [], restrictions: [] },
  ])
  expect(media.simulcast).toEqual({
    send: [
      [{ rid: 'hi', paused: false }],
      [
        { rid: 'lo', paused: true },
        { rid: 'mid', paused: false },
      ],
    ],
    recv: [[{ rid: 'a', paused: false }]],
  })
  const { rids, simulcast } = media
  media.rids = rids
  media.simulcast = simulcast
  expect(media.attributes('rid')).toEqual(['hi send pt=96,97;max-width=1280;max-br=500000', 'lo send'])
  expect(media.attribute('simulcast')).toBe('send hi;~lo,mid recv a')
  media.simulcast = undefined
  expect(media.hasAttribute('simulcast')).toBe(false)
})

test('bandwidth, ptime, tls-id, identity, group and flags are read and written', () => {
  const description = parse(`${head}m=audio 9 RTP/SAVPF 0\r\n`)!
  const media = description.media[0]!
  media.bandwidths = [
    { type: 'AS', value: 64 },
    { type: 'TIAS', value: 64000 },
  ]
  media.ptime = 20
  media.maxptime = 120
  media.tlsId = 'abc3de65cddef001be82'
  media.mid = 'a'
  media.rtcpMux = true
  media.rtcpMuxOnly = true
  media.rtcpReducedSize = true
  media.bundleOnly = true
  media.endOfCandidates = true
  media.extmapAllowMixed = true
  media.rtcp = { port: 9 }
  description.groups = [{ semantics: 'BUNDLE', mids: ['a'] }]
  description.identities = ['eyJpZHAi']
  description.iceLite = true
  expect(parse(print(description))!.media[0]).toMatchObject({
    bandwidths: [
      { type: 'AS', value: 64 },
      { type: 'TIAS', value: 64000 },
    ],
    ptime: 20,
    maxptime: 120,
    tlsId: 'abc3de65cddef001be82',
    rtcp: { port: 9 },
    rtcpMux: true,
    bundleOnly: true,
  })
  expect(parse(print(description))).toMatchObject({ iceLite: true, identities: ['eyJpZHAi'] })
  media.rtcpMux = false
  media.bundleOnly = false
  media.mid = undefined
  expect(print(description)).not.toMatch(/rtcp-mux\r|bundle-only|mid/)
})

test('pacing, frame rate and the INIT that Chromium offers', () => {
  const description = new SessionDescription()
  expect(description.icePacing).toBeUndefined()
  description.icePacing = 20
  expect(print(description)).toContain('\r\na=ice-pacing:20\r\n')
  expect(parse(print(description))!.icePacing).toBe(20)
  description.setAttribute('ice-pacing', 'soon')
  expect(description.icePacing).toBeUndefined()
  expect(load('gst-offer.sdp').media.find((section) => section.framerate !== undefined)?.framerate).toBe(15)
  expect(load('chromium-offer-snap.sdp').media.at(-1)!.sctpInit).toMatch(/^AQAAHv/)
})

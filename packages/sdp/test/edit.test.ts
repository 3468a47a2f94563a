import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, parseCandidate, formatCandidate, print, SdpError, SessionDescription } from '../src/index.ts'

describe('a description from scratch', () => {
  function offer(): SessionDescription {
    const description = new SessionDescription({ origin: { sessionId: '4611686018427387904' } })
    description.groups = [{ semantics: 'BUNDLE', mids: ['0'] }]
    const data = description.addMedia({
      kind: 'application',
      port: 9,
      protocol: 'UDP/DTLS/SCTP',
      formats: ['webrtc-datachannel'],
    })
    // Set in no particular order: the lines come out in the one people are used to.
    data.maxMessageSize = 262144
    data.mid = '0'
    data.setup = 'actpass'
    data.fingerprints = [{ algorithm: 'sha-256', value: 'AB:CD' }]
    data.sctpPort = 5000
    data.iceOptions = ['trickle']
    data.icePwd = 'abcdefghijklmnopqrstuvwx'
    data.iceUfrag = 'abcd'
    return description
  }

  test('has its lines in the usual order', () => {
    expect(print(offer()).split('\r\n')).toEqual([
      'v=0',
      'o=- 4611686018427387904 0 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'a=group:BUNDLE 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:abcdefghijklmnopqrstuvwx',
      'a=ice-options:trickle',
      'a=fingerprint:sha-256 AB:CD',
      'a=setup:actpass',
      'a=mid:0',
      'a=sctp-port:5000',
      'a=max-message-size:262144',
      '',
    ])
    expect(print(parse(print(offer()))!)).toBe(print(offer()))
  })

  test('candidates stand before the credentials, in the order added', () => {
    const description = offer()
    const data = description.media[0]!
    data.addCandidate('candidate:1 1 udp 2 192.0.2.1 9 typ host')
    data.addCandidate('a=candidate:2 1 udp 1 192.0.2.2 9 typ host')
    data.addCandidate(parseCandidate('3 1 udp 1 192.0.2.3 9 typ host')!)
    data.endOfCandidates = true
    expect(print(description)).toMatch(
      /c=IN IP4 0\.0\.0\.0\r\na=candidate:1 .*\r\na=candidate:2 .*\r\na=candidate:3 .*\r\na=end-of-candidates\r\na=ice-ufrag/,
    )
    data.candidates = data.candidates.slice(1)
    expect(data.candidates.map((c) => c.foundation)).toEqual(['2', '3'])
  })

  test('a random session id has at most 63 bits and differs each time', () => {
    const ids = [1, 2, 3].map(() => new SessionDescription().origin!.sessionId)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(BigInt(id) >> 63n).toBe(0n)
  })

  test('codecs write the m= line and grouped attributes', () => {
    const description = new SessionDescription()
    const video = description.addMedia({ kind: 'video', port: 9, protocol: 'UDP/TLS/RTP/SAVPF', formats: ['0'] })
    video.ssrcs = [{ ssrc: 1, attributes: [{ name: 'cname', value: 'x' }] }]
    video.codecs = [
      { payloadType: 96, name: 'VP8', clockRate: 90000, feedback: ['nack', 'nack pli'] },
      { payloadType: 97, name: 'rtx', clockRate: 90000, fmtp: 'apt=96', feedback: [] },
      { payloadType: 111, name: 'opus', clockRate: 48000, channels: 2, feedback: [] },
    ]
    expect(video.lines.map((l) => `${l.type}=${l.value}`)).toEqual([
      'm=video 9 UDP/TLS/RTP/SAVPF 96 97 111',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:96 VP8/90000',
      'a=rtcp-fb:96 nack',
      'a=rtcp-fb:96 nack pli',
      'a=rtpmap:97 rtx/90000',
      'a=fmtp:97 apt=96',
      'a=rtpmap:111 opus/48000/2',
      'a=ssrc:1 cname:x',
    ])
  })

  test('a section may be copied into another description', () => {
    const answer = new SessionDescription()
    const copy = answer.addMediaCopy(offer().media[0]!)
    copy.reject()
    expect(copy.isRejected).toBe(true)
    expect(print(answer)).toContain(
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag',
    )
  })
})

describe('changing a parsed description', () => {
  const text = readFileSync(new URL('vectors/firefox-offer.sdp', import.meta.url), 'utf8')

  function changedLines(change: (description: SessionDescription) => void): string[][] {
    const description = parse(text)!
    change(description)
    const before = text.split('\r\n')
    const after = print(description).split('\r\n')
    return [before.filter((l) => !after.includes(l)), after.filter((l) => !before.includes(l))]
  }

  test('touches the named lines only, in their place', () => {
    const description = parse(text)!
    description.media[0]!.setup = 'active'
    expect(print(description)).toBe(text.replace('a=setup:actpass', 'a=setup:active'))
    const second = parse(text)!
    second.media[0]!.direction = 'recvonly'
    expect(print(second)).toBe(text.replace(/(m=audio[^]*?)a=sendrecv/, '$1a=recvonly'))
    const third = parse(text)!
    third.origin = { ...third.origin!, sessionVersion: '1' }
    expect(print(third)).toBe(text.replace('3241299373326025037 0 IN', '3241299373326025037 1 IN'))
    const fourth = parse(text)!
    fourth.media[0]!.port = 0
    expect(print(fourth)).toBe(text.replace('m=audio 9', 'm=audio 0'))
  })

  test('adds lines that were missing without moving others', () => {
    expect(changedLines((d) => (d.media[2]!.tlsId = 'abcd'))).toEqual([[], ['a=tls-id:abcd']])
    expect(changedLines((d) => d.media[0]!.addAttribute('x-kaon', '1'))).toEqual([[], ['a=x-kaon:1']])
    expect(changedLines((d) => (d.iceLite = true))).toEqual([[], ['a=ice-lite']])
  })

  test('new lines take the line ends of the text, and a missing last one is made up', () => {
    const lf = 'v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=one'
    const description = parse(lf)!
    description.addAttribute('two')
    expect(print(description)).toBe(`${lf}\na=two\n`)
    const other = parse(lf)!
    other.addMedia({ kind: 'audio', port: 9, protocol: 'RTP/AVP', formats: ['0'] }, null)
    expect(print(other)).toBe(`${lf}\nm=audio 9 RTP/AVP 0\n`)
  })

  test('duplicates collapse into the first place', () => {
    const description = parse('v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=x:1\na=y:1\na=x:2\n')!
    expect(description.attributes('x')).toEqual(['1', '2'])
    description.setAttribute('x', '3')
    expect(description.lines.slice(4).map((l) => l.value)).toEqual(['x:3', 'y:1'])
    description.removeAttribute('y')
    description.removeAttribute('absent')
    expect(description.lines.slice(4).map((l) => l.value)).toEqual(['x:3'])
  })

  test('names that JavaScript objects have are just names', () => {
    const description = parse('v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=__proto__:1\na=constructor\n')!
    expect(description.attribute('__proto__')).toBe('1')
    expect(description.attribute('constructor')).toBe('')
    expect(description.attribute('toString')).toBeUndefined()
  })
})

test('what is remembered for sections below is forgotten with every change', () => {
  const description = new SessionDescription()
  const kind = { kind: 'audio', port: 9, protocol: 'UDP/TLS/RTP/SAVPF', formats: ['0'] }
  const first = description.addMedia(kind)
  first.mid = 'a'
  expect(description.mediaByMid('a')).toBe(first)
  first.mid = 'b'
  expect(description.mediaByMid('a')).toBeUndefined()
  const second = description.addMedia(kind)
  second.addAttribute('mid', 'a')
  expect(description.mediaByMid('a')).toBe(second)
  const third = description.addMediaCopy(first)
  expect(description.mediaByMid('b')).toBe(first)
  first.removeAttribute('mid')
  expect(description.mediaByMid('b')).toBe(third)

  expect(description.bundleOf('a')).toBeUndefined()
  description.groups = [{ semantics: 'BUNDLE', mids: ['a'] }]
  expect(description.bundleOf('a')?.mids).toEqual(['a'])
  description.addAttribute('group', 'BUNDLE b')
  expect(description.bundleOf('b')?.mids).toEqual(['b'])
  expect([third.direction, third.iceOptions, third.extmaps, third.fingerprints]).toEqual(['sendrecv', [], [], []])
  description.direction = 'inactive'
  description.iceOptions = ['trickle', 'ice2']
  description.extmaps = [{ id: 1, uri: 'urn:x' }]
  description.fingerprints = [{ algorithm: 'sha-256', value: 'AA' }]
  expect(third.direction).toBe('inactive')
  expect(third.iceOptions).toEqual(['trickle', 'ice2'])
  expect(third.extmaps).toEqual([{ id: 1, uri: 'urn:x' }])
  expect(third.fingerprints).toEqual([{ algorithm: 'sha-256', value: 'AA' }])
})

test('nothing can smuggle a line into a description', () => {
  const description = new SessionDescription()
  const media = description.addMedia({ kind: 'audio', port: 9, protocol: 'RTP/AVP', formats: ['0'] })
  const attempts: (() => void)[] = [
    () => (media.mid = '0\r\na=evil'),
    () => media.setAttribute('x', 'a\nb'),
    () => media.setAttribute('x\r\ny'),
    () => media.addAttribute('x', '\0'),
    () => media.addAttribute('', 'x'),
    () => media.addAttribute('a:b', 'x'),
    () => (description.name = 'a\rb'),
    () => description.setLines('ab', ['x']),
    () => (media.formats = ['0\r\na=evil']),
    () => new SessionDescription({ name: 'x\ny' }),
  ]
  for (const attempt of attempts) {
    expect(attempt).toThrow(SdpError)
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_SDP_VALUE' }))
  }
  expect(print(description).split('\r\n')).toHaveLength(7)
})

describe('candidates', () => {
  test.each([
    'candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host',
    'candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EEtu network-cost 999',
    'candidate:1 2 TCP 1019216383 2001:db8::1 9 typ host tcptype active',
    'candidate:0 1 UDP 2122187007 b66731f5-179e-4681-8c31-b09bb85e26be.local 34603 typ host',
    'candidate:/+aZ 1 sctp-x 0 relay.example 65535 typ newtype key value key value',
  ])('%s', (text) => {
    const candidate = parseCandidate(text)!
    expect(`candidate:${formatCandidate(candidate)}`).toBe(text)
    expect(parseCandidate(`a=${text}`)).toEqual(candidate)
    expect(parseCandidate(text.slice(10))).toEqual(candidate)
  })

  test.each([
    '',
    'candidate:',
    'candidate:1 1 UDP 1 192.0.2.1 3478',
    'candidate:1 1 UDP 1 192.0.2.1 3478 host typ',
    'candidate:1 0 UDP 1 192.0.2.1 3478 typ host',
    'a=a=candidate:1 1 UDP 1 192.0.2.1 3478 typ host',
    'candidate:1 257 UDP 1 192.0.2.1 3478 typ host',
    'candidate:1 1 UDP 4294967296 192.0.2.1 3478 typ host',
    'candidate:1 1 UDP -1 192.0.2.1 3478 typ host',
    'candidate:1 1 UDP 1 192.0.2.1 65536 typ host',
    'candidate:1 1 UDP 1 192.0.2.1 3478 typ host generation',
    'candidate:1 1 UDP 1 192.0.2.1 3478 typ srflx raddr 192.0.2.2 rport x',
    `candidate:${'1'.repeat(33)} 1 UDP 1 192.0.2.1 3478 typ host`,
  ])('is malformed: %s', (text) => expect(parseCandidate(text)).toBeUndefined())
})

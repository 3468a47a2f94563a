import { describe, expect, test } from 'vitest'
import { parse, print, tryParse } from '../src/index.ts'

const head = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'
const media = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n'

function problem(text: string): string | undefined {
  const result = tryParse(text)
  expect(parse(text) === undefined).toBe(!result.ok)
  // Whatever is wrong with it, leniently it goes through unchanged.
  expect(print(parse(text, { lenient: true })!)).toBe(text)
  return result.ok ? undefined : `${result.error.line}: ${result.error.reason}`
}

describe('well-formed', () => {
  test.each([
    ['the least there is', head],
    ['LF', head.replaceAll('\r\n', '\n')],
    ['mixed line ends', 'v=0\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\nt=0 0\r\n'],
    ['no last line end', head.slice(0, -2)],
    ['empty lines behind the end', `${head}\r\n\n`],
    ['an empty session name', head.replace('s=-', 's=')],
    ['a session name of a blank', head.replace('s=-', 's= ')],
    [
      'every line type in order',
      'v=0\r\no=- 1 2 IN IP6 ::1\r\ns=x\r\ni=a\r\nu=b\r\ne=c\r\ne=d\r\np=e\r\nc=IN IP4 224.2.1.1/127\r\nb=AS:1\r\nt=0 0\r\nr=7d 1h 0 25h\r\nt=1 2\r\nz=1 2\r\nk=x\r\na=x\r\n',
    ],
    ['unknown types', `${head}y=0100000001\r\nf=v/2/4\r\n${media}X=1\r\n`],
    ['unknown attributes, whatever they hold', `${head}a=x:\r\na=mystery: : \r\na=quite odd\r\n`],
    ['non-ASCII text', `${head.replace('s=-', 's=Grüße 🎈')}a=label:日本\r\n`],
    ['bandwidth where people put it', `${head}${media}a=mid:0\r\nb=AS:256\r\n`],
    ['the same attribute twice', `${head}${media}a=mid:0\r\na=mid:0\r\n`],
    ['runs of blanks', `${head}m=audio  9 UDP/TLS/RTP/SAVPF  111 \r\na=rtpmap:111  opus/48000/2\r\n`],
    ['broken rid and simulcast are discarded', `${head}${media}a=rid:!\r\na=simulcast:what\r\n`],
    ['a draft simulcast', `${head}${media}a=simulcast: send rid=1;2;3\r\n`],
    ['underscores in credentials', `${head}${media}a=ice-ufrag:a_-=\r\na=ice-pwd:${'x'.repeat(22)}\r\n`],
  ])('%s', (_, text) => expect(problem(text)).toBeUndefined())
})

const malformed: readonly (readonly [text: string, expected: string])[] = [
  ['', '1: a description starts with "v=0"'],
  ['hello', '1: a description starts with "v=0"'],
  ['{"sdp":""}', '1: a description starts with "v=0"'],
  ['v=1\r\n' + head.slice(5), '1: the version is not 0'],
  ['v=0\r\ns=-\r\nt=0 0\r\n', '2: "o=" is missing before'],
  ['v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nt=0 0\r\n', '3: "s=" is missing before'],
  ['v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\na=x\r\n', '4: "t=" is missing before'],
  ['v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n', '3: "t=" is missing'],
  ['v=0\r\n', '1: "o=" is missing'],
  [head + 'v=0\r\n', '5: "v=" stands too late'],
  [head + 'o=- 1 2 IN IP4 127.0.0.1\r\n', '5: "o=" stands too late'],
  ['v=0\r\nv=0\r\n' + head.slice(5), '2: a second "v=" line'],
  [head + 'c=IN IP4 0.0.0.0\r\n', '5: "c=" stands too late'],
  [head + 'a=x\r\nb=AS:1\r\n', '6: "b=" stands too late'],
  [head.replace('- 1 2', '- x 2'), '2: malformed "o="'],
  [head.replace('- 1 2', '1 2'), '2: malformed "o="'],
  [head.replace('t=0 0', 't=now'), '4: malformed "t="'],
  [head + 'garbage\r\n', '5: the line is not of the form "x=value"'],
  [head + '=x\r\n', '5: the line is not of the form "x=value"'],
  [head + ' a=x\r\n', '5: the line is not of the form "x=value"'],
  [head + '\r\na=x\r\n', '5: an empty line'],
  [`${head}\r\n${media}`, '5: an empty line'],
  [head + 'a=x\ry\r\n', '5: a carriage return or NUL within the line'],
  [head + 'a=x\0\r\n', '5: a carriage return or NUL within the line'],
  [head + 'm=audio\r\n', '5: malformed "m="'],
  [head + 'm=audio 9 RTP/AVP\r\n', '5: malformed "m="'],
  [head + 'm=audio 65536 RTP/AVP 0\r\n', '5: malformed "m="'],
  [head + 'm=audio x RTP/AVP 0\r\n', '5: malformed "m="'],
  [head + 'm=audio 9/x RTP/AVP 0\r\n', '5: malformed "m="'],
  [head + 'm=audio 9 RTP/AVP 0\r\nc=IN\r\n', '6: malformed "c="'],
  [head + media + 'b=AS\r\n', '7: malformed "b="'],
  [head + media + 'i=\r\n', '7: an empty "i="'],
  [head + media + 'v=0\r\n', '7: the version is not 0'],
  [head + 'a=\r\n', '5: an attribute without a name'],
  [head + 'a=:x\r\n', '5: an attribute without a name'],
  [head + 'a=group\r\n', '5: "a=group" has no value'],
  [head + 'a=mid:0\r\n', '5: "a=mid" belongs below an "m=" line'],
  [head + media + 'a=rtcp-mux:yes\r\n', '7: "a=rtcp-mux" takes no value'],
  [head + media + 'a=mid:0\r\na=mid:1\r\n', '8: a second "a=mid" that contradicts the first'],
  [head + media + 'a=setup:active\r\na=setup:passive\r\n', '8: a second "a=setup" that contradicts the first'],
  ...(
    [
      'ice-ufrag:abc',
      'ice-ufrag:ab cd',
      `ice-ufrag:${'x'.repeat(257)}`,
      'ice-pwd:123456789012345678901',
      'fingerprint:sha-256',
      'fingerprint:sha-256 AB:C',
      'fingerprint:sha-256 ABCD',
      'fingerprint:sha-256 AB:CG',
      'setup:both',
      'candidate:1',
      'mid:',
      'extmap:0 urn:x',
      'extmap:256 urn:x',
      'extmap:1',
      'extmap:1/both urn:x',
      'rtpmap:128 x/1',
      'rtpmap:1 x',
      'rtpmap:1 x/y',
      'fmtp:96',
      'rtcp-fb:96',
      'rtcp-fb:x nack',
      'rtcp:x',
      'ptime:0',
      'ptime:soon',
      'ssrc:1',
      'ssrc:4294967296 cname:x',
      'ssrc-group:FID',
      'ssrc-group:FID x',
      'msid:',
      'sctp-port:65536',
      'sctp-port:-1',
      'max-message-size:1e3',
      'sctpmap:5000',
      'group:',
    ] as const
  ).map((a) => [`${head}${media}a=${a}\r\n`, `7: malformed "a=${a.slice(0, a.indexOf(':'))}"`] as const),
]

describe('malformed, with the line', () => {
  test.each(malformed)('%j', (text, expected) => expect(problem(text)).toBe(expected))
})

describe('limits', () => {
  test('length, lines and sections', () => {
    expect(tryParse(head + 'a=x\r\n'.repeat(10), { maxLength: 90 })).toMatchObject({ ok: false, error: { line: 1 } })
    expect(tryParse(head + 'a=x\r\n'.repeat(10), { maxLines: 13 })).toMatchObject({ ok: false, error: { line: 14 } })
    expect(tryParse(head + 'a=x\r\n'.repeat(9), { maxLines: 13 }).ok).toBe(true)
    expect(tryParse(head + media.repeat(3), { maxMedia: 2 })).toMatchObject({ ok: false, error: { line: 9 } })
    expect(tryParse(head + media.repeat(3), { maxMedia: 3 }).ok).toBe(true)
    expect(tryParse('x'.repeat(5 * 1024 * 1024), { lenient: true }).ok).toBe(false)
    expect(tryParse('\n'.repeat(100_001), { lenient: true })).toMatchObject({ ok: false, error: { line: 100_001 } })
    expect(tryParse('m=\n'.repeat(2049), { lenient: true })).toMatchObject({ ok: false, error: { line: 2049 } })
  })

  // Work is counted, not timed: a quadratic parser would not come back from these within the test's timeout.
  test.each([
    ['one huge attribute', head + 'a=' + 'x'.repeat(4_000_000)],
    ['one huge group', head + 'a=group:BUNDLE' + ' 1'.repeat(2_000_000)],
    ['many blanks', head + 'a=group:BUNDLE' + ' '.repeat(4_000_000)],
    ['one huge candidate', head + media + 'a=candidate:1 1 udp 1 a 1 typ host' + ' x y'.repeat(900_000)],
    ['many candidates', head + media + 'a=candidate:1 1 udp 1 a 1 typ host\n'.repeat(99_000)],
    ['many lines', head + 'a=x\n'.repeat(99_000)],
    ['many sources', head + media + Array.from({ length: 90_000 }, (_, i) => `a=ssrc:${i} cname:x\n`).join('')],
    ['many payload types', head + `m=audio 9 RTP/AVP${' 96'.repeat(1_000_000)}\na=rtpmap:96 x/1\n`],
    ['many feedback lines', head + media + 'a=rtcp-fb:111 nack\n'.repeat(99_000)],
    ['many sections with much to inherit', head + 'a=extmap:1 u\n'.repeat(100) + media.repeat(2000)],
    ['many fingerprints to inherit', head + 'a=fingerprint:sha-256 AA:BB\n'.repeat(90_000) + media.repeat(1500)],
    ['many mids in a group', head + `a=group:BUNDLE${' x'.repeat(1_000_000)}\n` + media.repeat(1500)],
    ['many options to inherit', head + `a=ice-options:${'y '.repeat(500_000)}\n` + media.repeat(1500)],
    ['a fingerprint', head + 'a=fingerprint:sha-256 ' + 'AB:'.repeat(1_300_000) + 'AB'],
  ])('%s takes linear time', (_, text) => {
    const description = parse(text, { lenient: true })!
    tryParse(text)
    expect(print(description).length).toBe(text.length)
    for (const section of [description, ...description.media]) {
      for (const key of ['direction', 'fingerprints', 'iceOptions', 'extmaps', 'iceUfrag'] as const) void section[key]
    }
    for (const section of description.media) {
      expect(description.bundleOf('1')).toBe(description.bundleOf('1'))
      expect(description.mediaByMid('absent')).toBeUndefined()
      for (const key of ['codecs', 'ssrcs', 'candidates', 'mid', 'msids', 'rids'] as const) void section[key]
    }
  })
})

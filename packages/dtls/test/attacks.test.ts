// Forged and misplaced messages during the handshake: what somebody on the way, or a peer that does not play by the rules, could try.
import { describe, expect, it, vi } from 'vitest'
import { DtlsConnection, type DtlsEvent, type DtlsOptions } from '@kaon/dtls'
import { encodeCertificate } from '../src/handshake/certificate.ts'
import { encodeMessage } from '../src/handshake/header.ts'
import { encodeClientKeyExchange } from '../src/handshake/key-exchange.ts'
import { encodeServerHello, type ServerHello } from '../src/handshake/server-hello.ts'
import { HandshakeLink } from '../src/handshake-link.ts'
import { plainRecord } from './forger.ts'
import { bytes, dataOf, identity, Pair, seeded, text } from './pair.ts'

const HANDSHAKE = 22
const none = new Uint8Array(0)

function message(type: number, messageSeq: number, body: Uint8Array = none): Uint8Array {
  return plainRecord(HANDSHAKE, encodeMessage(type, messageSeq, body))
}

/** Replaces bytes, given as hexadecimal digits, by as many others. */
function replace(datagram: Uint8Array, from: string, to: string): boolean {
  const at = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).indexOf(Buffer.from(from, 'hex'))
  if (at >= 0) datagram.set(Buffer.from(to, 'hex'), at)
  return at >= 0
}

function failureOf(events: readonly DtlsEvent[]): { code: string; alert: string | undefined } | undefined {
  const event = events.at(-1)
  return event?.type === 'failed' ? { code: event.error.code, alert: event.error.alert } : undefined
}

describe('a hello that turns out to be malformed', () => {
  const SPOILED: readonly [string, string, string][] = [
    ['supported_groups', '000a00080006', '000a00080005'],
    ['signature_algorithms', '000d00120010', '000d0012000f'],
    ['use_srtp', '000e000500020007', '000e000500030007'],
    ['extended_master_secret', '0017', '0017'],
  ]
  it.each(SPOILED)('in %s, leaves no trace in the real one', (name, from, to) => {
    const pair = new Pair({ srtpProfiles: ['SRTP_AEAD_AES_128_GCM'] }, { srtpProfiles: ['SRTP_AEAD_AES_128_GCM'] })
    const forger = new DtlsConnection({
      role: 'client',
      now: 0,
      srtpProfiles: ['SRTP_AEAD_AES_128_GCM'],
      clientHello: (hello) => ({
        ...hello,
        extensions: hello.extensions.map((extension) =>
          name === 'extended_master_secret' && extension.type === 23 ? { type: 23, data: Uint8Array.of(1) } : extension,
        ),
      }),
    })
    forger.start(0)
    const hello = forger.pollTransmit(0)!
    expect(replace(hello, from, to)).toBe(true)
    pair.inject('server', hello)
    pair.run(1)
    expect([pair.server.state, pair.server.stats.droppedMalformed]).toEqual(['new', 1])
    pair.connect()
    expect(pair.server.selected?.srtpProfile).toBe('SRTP_AEAD_AES_128_GCM')
  })
})

describe('a client', () => {
  it('takes nothing before it has begun', () => {
    const pair = new Pair()
    for (const type of [0, 2, 3, 14]) pair.inject('client', message(type, 0, new Uint8Array(40)))
    pair.run(1)
    expect([pair.client.state, pair.client.stats.droppedUnexpected]).toEqual(['new', 4])
    pair.connect()
  })

  const CERTIFICATE = encodeCertificate(identity('ecdsa-p256', 'server').chain)
  const SERVER_HELLO: ServerHello = {
    version: 0xfefd,
    random: new Uint8Array(32),
    sessionId: none,
    cipherSuite: 0xc02b,
    compressionMethod: 0,
    extensions: [],
  }
  const hello = encodeServerHello(SERVER_HELLO)
  const SCRIPTS: readonly [string, readonly (readonly [number, Uint8Array?])[], string][] = [
    ['no ServerHello', [[11, CERTIFICATE]], 'unexpected_message'],
    [
      'a second ServerHello',
      [
        [2, hello],
        [2, hello],
      ],
      'unexpected_message',
    ],
    [
      'no Certificate',
      [
        [2, hello],
        [12, new Uint8Array(80)],
      ],
      'unexpected_message',
    ],
    [
      'no certificate in Certificate',
      [
        [2, hello],
        [11, Uint8Array.of(0, 0, 0)],
      ],
      'decode_error',
    ],
    ['no ServerKeyExchange', [[2, hello], [11, CERTIFICATE], [14]], 'unexpected_message'],
    [
      'CertificateRequest too early',
      [
        [2, hello],
        [11, CERTIFICATE],
        [13, Uint8Array.of(0, 0, 0, 0, 0)],
      ],
      'unexpected_message',
    ],
    [
      'a ticket that was not announced',
      [
        [2, hello],
        [4, new Uint8Array(6)],
      ],
      'unexpected_message',
    ],
    [
      'a HelloVerifyRequest after ServerHello',
      [
        [2, hello],
        [3, Uint8Array.of(0xfe, 0xff, 0)],
      ],
      'unexpected_message',
    ],
    ['a message of the client', [[1, new Uint8Array(60)]], 'unexpected_message'],
    ['an unknown message', [[99, none]], 'unexpected_message'],
    [
      'an extension that it offered for show',
      [[2, encodeServerHello({ ...SERVER_HELLO, extensions: [{ type: 22, data: none }] })]],
      'unsupported_extension',
    ],
    [
      'an extended_master_secret that is not empty',
      [[2, encodeServerHello({ ...SERVER_HELLO, extensions: [{ type: 23, data: Uint8Array.of(0) }] })]],
      'decode_error',
    ],
  ]
  it.each(SCRIPTS)('refuses a flight with %s', (_what, script, alert) => {
    const client = new DtlsConnection({
      role: 'client',
      now: 0,
      verifyPeer: () => true,
      clientHello: (own) => ({ ...own, extensions: [...own.extensions, { type: 22, data: none }] }), // encrypt_then_mac
    })
    client.start(0)
    client.pollTransmit(0)
    script.forEach(([type, body], seq) => client.receive(message(type, seq, body), 1))
    expect(client.state).toBe('failed')
    const event = client.pollEvent()!
    expect(failureOf([event])?.alert).toBe(alert)
  })

  const REWRITTEN: readonly [string, Partial<DtlsOptions>, string, string, string][] = [
    ['group', { groups: ['p256'] }, '000a000400020017', '000a000400020018', 'ERR_DTLS_NEGOTIATION'],
    [
      'signature scheme',
      { signatureSchemes: ['ecdsa_secp384r1_sha384'] },
      '000d000400020503',
      '000d000400020403',
      'ERR_DTLS_SIGNATURE',
    ],
  ]
  it.each(REWRITTEN)('refuses a %s that it has not offered', (_what, options, from, to, code) => {
    const pair = new Pair(options)
    pair.intercept = (side, datagram) => {
      if (side === 'client') replace(datagram, from, to)
      return [datagram]
    }
    pair.client.start(pair.now)
    pair.run()
    expect(failureOf(pair.clientEvents)).toEqual({ code, alert: 'illegal_parameter' })
  })
})

describe('a server', () => {
  /** A server that has just sent its flight. */
  function waiting(options: Partial<DtlsOptions> = {}): Pair {
    const pair = new Pair({}, { verifyPeer: () => true, ...options })
    pair.intercept = (side, datagram) => (side === 'client' && datagram[13] === 1 ? [datagram] : [])
    pair.client.start(pair.now)
    pair.run(50)
    expect(pair.server.state).toBe('connecting')
    return pair
  }

  const point = encodeClientKeyExchange(new Uint8Array(65).fill(4))
  const SCRIPTS: readonly [string, Partial<DtlsOptions>, readonly (readonly [number, Uint8Array?])[], string][] = [
    ['no Certificate', {}, [[16, point]], 'unexpected_message'],
    ['an empty Certificate', {}, [[11, Uint8Array.of(0, 0, 0)]], 'handshake_failure'],
    [
      'a Certificate nobody asked for',
      { requireClientCertificate: false },
      [[11, Uint8Array.of(0, 0, 0)]],
      'unexpected_message',
    ],
    ['a point that is not on the curve', { requireClientCertificate: false }, [[16, point]], 'illegal_parameter'],
    [
      'a key of the wrong length',
      { requireClientCertificate: false },
      [[16, Uint8Array.of(1, 4)]],
      'illegal_parameter',
    ],
    ['bytes behind the key', { requireClientCertificate: false }, [[16, Uint8Array.of(1, 4, 0)]], 'decode_error'],
    ['CertificateVerify first', {}, [[15, Uint8Array.of(4, 3, 0, 0)]], 'unexpected_message'],
  ]
  it.each(SCRIPTS)('refuses a flight with %s', (_what, options, script, alert) => {
    const pair = waiting(options)
    script.forEach(([type, body], i) => pair.inject('server', message(type, i + 1, body)))
    pair.run(1)
    expect(failureOf(pair.serverEvents)?.alert).toBe(alert)
  })

  it('refuses Finished without CertificateVerify', () => {
    const send = HandshakeLink.prototype.sendHandshake
    const spy = vi.spyOn(HandshakeLink.prototype, 'sendHandshake').mockImplementation(function (
      this: HandshakeLink,
      raw,
    ) {
      if (raw[0] === 15) return
      if (raw[0] === 20 && this.options.role === 'client') raw[5]!--
      send.call(this, raw)
    })
    try {
      const pair = new Pair()
      pair.client.start(pair.now)
      pair.run()
      expect(failureOf(pair.serverEvents)).toEqual({ code: 'ERR_DTLS_PROTOCOL', alert: 'unexpected_message' })
    } finally {
      spy.mockRestore()
    }
  })
})

describe('messages without protection', () => {
  it('do no harm once only Finished is to come', () => {
    for (const victim of ['client', 'server'] as const) {
      const pair = new Pair()
      let forged = 0
      // Whatever epoch 1 brings is delayed, and junk goes ahead of it.
      pair.intercept = (from, datagram) => {
        if (from === victim || !holdsEpoch1(datagram)) return [datagram]
        const plain = beforeEpoch1(datagram)
        const junk = []
        for (const type of [2, 4, 11, 14, 15, 20])
          for (let seq = 0; seq < 8; seq++) junk.push(message(type, seq, bytes('junk')))
        // The real end of the flight comes first; then the junk would meet a machine that waits for Finished.
        forged += junk.length
        return [plain, ...junk, datagram].filter(({ length }) => length > 0)
      }
      pair.client.start(pair.now)
      pair.run()
      expect(forged).toBeGreaterThan(0)
      expect([victim, pair.client.state, pair.server.state]).toEqual([victim, 'connected', 'connected'])
    }
  })
})

/** Whether a datagram has a record of epoch 1, and what is before the first one. */
function holdsEpoch1(datagram: Uint8Array): boolean {
  return beforeEpoch1(datagram).length < datagram.length
}

function beforeEpoch1(datagram: Uint8Array): Uint8Array {
  let at = 0
  while (at < datagram.length && datagram[at + 4] === 0) at += 13 + ((datagram[at + 11]! << 8) | datagram[at + 12]!)
  return datagram.slice(0, at)
}

describe('a server whose client may not be where it says', () => {
  /** Only hellos reach the server, and nothing reaches the client. */
  function spoofed(): { pair: Pair; hello: Uint8Array; sent: () => number } {
    const pair = new Pair({}, { pathValidated: false })
    pair.client.start(pair.now)
    pair.drain()
    pair.intercept = () => []
    const sent = (): number =>
      pair.sent.reduce((sum, { from, datagram }) => sum + (from === 'server' ? datagram.length : 0), 0)
    return { pair, hello: pair.sent[0]!.datagram, sent }
  }

  it('sends one flight for one hello, and gives up without a word more', () => {
    const { pair, sent } = spoofed()
    pair.run(20)
    const flight = sent()
    expect(flight).toBeGreaterThan(400)
    pair.run(59_000)
    expect(sent()).toBe(flight)
    pair.run(10_000)
    expect(pair.serverEvents).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_TIMEOUT' } }])
    expect(sent()).toBeLessThan(flight + 40) // and that is no flight
  })

  it('cannot be made to repeat it by less than a hello', () => {
    const { pair, hello, sent } = spoofed()
    pair.run(20)
    const flight = sent()
    // The end of the hello, of which nothing is in the datagram.
    const end = encodeMessage(1, 0, none)
    end.set([0, 0, 1], 6)
    end[3] = 1
    for (let i = 0; i < 100; i++) {
      pair.inject('server', plainRecord(HANDSHAKE, end))
      pair.run(25)
    }
    const copies = sent() / flight
    expect(copies).toBeLessThanOrEqual(1 + (100 * (13 + 12)) / hello.length)
    pair.inject('server', hello.slice())
    pair.run(25)
    expect(sent()).toBeGreaterThan(copies * flight)
  })

  it('connects all the same, through loss', () => {
    const random = seeded(11)
    for (let i = 0; i < 10; i++) {
      const pair = new Pair({}, { pathValidated: false }, { random, loss: 0.3, duplicate: 0.1, delay: [5, 40] })
      pair.connect()
    }
  })
})

describe('a server that waits', () => {
  it('is not limited in time, until it is started', () => {
    const server = new DtlsConnection({ role: 'server', now: 0, certificate: identity(), handshakeTimeout: 5000 })
    expect(server.deadline).toBe(Infinity)
    server.start(1000)
    server.start(1500) // it has begun
    server.receive(message(1, 0, new Uint8Array(50)).subarray(0, 40), 2000)
    expect([server.state, server.deadline]).toEqual(['new', 6000])
    server.tick(6000)
    expect(failureOf([server.pollEvent()!])?.code).toBe('ERR_DTLS_TIMEOUT')
    expect([server.state, server.deadline]).toEqual(['failed', Infinity])
  })

  it('sticks to its cookie, whoever asks for one in between', () => {
    const pair = new Pair({}, { cookie: true })
    pair.client.start(pair.now)
    pair.run(21) // the cookie is back at the client
    const strangers = new DtlsConnection({
      role: 'client',
      now: 0,
      clientHello: (hello) => ({ ...hello, cookie: new Uint8Array(20) }),
    })
    strangers.start(0)
    const hello = strangers.pollTransmit(0)!
    hello[13 + 5] = 1 // message_seq: the hello that the server waits for
    pair.inject('server', hello)
    pair.run()
    expect([pair.client.state, pair.server.state]).toEqual(['connected', 'connected'])
  })
})

describe('after the end', () => {
  const ENDS: readonly [string, (pair: Pair) => void, string][] = [
    ['closing before the start', (pair) => pair.client.close(), 'closed'],
    [
      'closing during the handshake',
      (pair) => (pair.client.start(pair.now), pair.run(25), pair.client.close()),
      'closed',
    ],
    ['closing when connected', (pair) => (pair.connect(), pair.client.close()), 'closed'],
    ['the peer has closed', (pair) => (pair.connect(), pair.server.close(), pair.run()), 'closed'],
    ['a failure', (pair) => (pair.client.start(pair.now), pair.client.receive(message(99, 0), pair.now)), 'failed'],
  ]
  it.each(ENDS)('nothing happens any more: %s', (_how, end, state) => {
    const pair = new Pair()
    end(pair)
    pair.drain()
    const { client } = pair
    const stats = { ...client.stats }
    client.close()
    client.receive(message(2, 0, new Uint8Array(50)), pair.now)
    client.setRemoteFingerprints([])
    client.tick(pair.now + 1e6)
    expect([client.state, client.deadline]).toEqual([state, Infinity])
    expect(client.pollTransmit(pair.now + 1e6)).toBeUndefined()
    expect(client.pollEvent()).toBeUndefined()
    expect(client.stats).toEqual(stats)
    const misuse = expect.objectContaining({ code: 'ERR_DTLS_STATE' })
    expect(() => client.send(bytes('too late'))).toThrow(misuse)
    expect(() => client.exportKeyingMaterial('x', 1)).toThrow(misuse)
    expect(() => client.start(pair.now)).toThrow(misuse)
  })

  it('what was negotiated can still be read, and the secret is gone', () => {
    let secret: Uint8Array | undefined
    const forget = HandshakeLink.prototype.forget
    const spy = vi.spyOn(HandshakeLink.prototype, 'forget').mockImplementation(function (this: HandshakeLink) {
      secret = this.handshake.keys?.masterSecret
      forget.call(this)
      expect(this.handshake.keys).toBeUndefined()
    })
    try {
      const pair = new Pair().connect()
      pair.client.close()
      expect(pair.client.selected?.group).toBe('p256')
      expect(pair.client.remoteCertificates).toHaveLength(1)
      expect(secret).toEqual(new Uint8Array(48))
    } finally {
      spy.mockRestore()
    }
  })
})

describe('data under the keys', () => {
  it('flows while plaintext of all kinds rains', () => {
    const pair = new Pair().connect()
    for (const side of ['client', 'server'] as const) {
      for (let type = 19; type < 26; type++) pair.inject(side, plainRecord(type, bytes('\x01\x00')))
      for (let type = 0; type < 24; type++) pair.inject(side, message(type, type, bytes('junk')))
    }
    pair.run()
    const before = pair.sent.length
    pair.client.send(bytes('dry'))
    pair.run()
    expect(dataOf(pair.serverEvents).map(text)).toEqual(['dry'])
    expect(pair.sent).toHaveLength(before + 1)
    expect(pair.clientEvents).toEqual([])
  })
})

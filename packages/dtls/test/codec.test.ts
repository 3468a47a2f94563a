import { readFileSync } from 'node:fs'
import { defaultProvider } from '@kaon/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CookieGate, DtlsConnection } from '@kaon/dtls'
import { decodeAlert } from '../src/alert.ts'
import { decodeCertificateRequest, encodeCertificateRequest } from '../src/handshake/certificate-request.ts'
import { decodeCertificate, encodeCertificate } from '../src/handshake/certificate.ts'
import { decodeClientHello, decodeClientHelloStart, encodeClientHello } from '../src/handshake/client-hello.ts'
import {
  decodeList16,
  decodeSupportedVersions,
  decodeUseSrtp,
  encodeList16,
  encodeUseSrtp,
  findExtension,
} from '../src/handshake/extensions.ts'
import { decodeFragment } from '../src/handshake/header.ts'
import { decodeHelloVerifyRequest, encodeHelloVerifyRequest } from '../src/handshake/hello-verify-request.ts'
import {
  decodeClientKeyExchange,
  decodeServerKeyExchange,
  encodeClientKeyExchange,
  encodeEcdhParameters,
  encodeServerKeyExchange,
} from '../src/handshake/key-exchange.ts'
import { decodeServerHello, encodeServerHello } from '../src/handshake/server-hello.ts'
import { decodeCertificateVerify, encodeCertificateVerify } from '../src/handshake/signature.ts'
import { Reassembler } from '../src/reassembler.ts'
import { identity, Pair, sha256Of } from './pair.ts'

fc.configureGlobal({ seed: 6347 })

const u16 = fc.nat(0xffff)
const small = fc.uint8Array({ maxLength: 40 })
const random = fc.uint8Array({ minLength: 32, maxLength: 32 })
const sessionId = fc.uint8Array({ maxLength: 32 })
const extensions = fc.uniqueArray(fc.record({ type: u16, data: small }), { selector: ({ type }) => type, maxLength: 6 })

/** Each message with a decoder, an encoder, and what the encoder takes. */
const CODECS: readonly [string, (body: Uint8Array) => unknown, (value: never) => Uint8Array, fc.Arbitrary<unknown>][] =
  [
    [
      'ClientHello',
      decodeClientHello,
      encodeClientHello,
      fc.record({
        version: u16,
        random,
        sessionId,
        cookie: small,
        cipherSuites: fc.array(u16, { minLength: 1, maxLength: 20 }),
        compressionMethods: fc.array(fc.nat(255), { minLength: 1, maxLength: 3 }),
        extensions,
      }),
    ],
    [
      'ServerHello',
      decodeServerHello,
      encodeServerHello,
      fc.record({ version: u16, random, sessionId, cipherSuite: u16, compressionMethod: fc.nat(255), extensions }),
    ],
    [
      'HelloVerifyRequest',
      decodeHelloVerifyRequest,
      encodeHelloVerifyRequest,
      fc.record({ version: u16, cookie: small }),
    ],
    [
      'Certificate',
      decodeCertificate,
      encodeCertificate,
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 4 }),
    ],
    [
      'CertificateRequest',
      decodeCertificateRequest,
      encodeCertificateRequest,
      fc.record({
        certificateTypes: fc.array(fc.nat(255), { maxLength: 4 }),
        signatureAlgorithms: fc.array(u16, { maxLength: 8 }),
        authorities: fc.array(small, { maxLength: 3 }),
      }),
    ],
    [
      'CertificateVerify',
      decodeCertificateVerify,
      encodeCertificateVerify,
      fc.record({ scheme: u16, signature: small }),
    ],
    [
      'ClientKeyExchange',
      decodeClientKeyExchange,
      encodeClientKeyExchange,
      fc.uint8Array({ minLength: 1, maxLength: 97 }),
    ],
    ['a list of numbers', decodeList16, encodeList16, fc.array(u16, { maxLength: 20 })],
    [
      'use_srtp',
      decodeUseSrtp,
      encodeUseSrtp,
      fc.record({ profiles: fc.array(u16, { minLength: 1, maxLength: 5 }), mki: small }),
    ],
  ]

describe.each(CODECS)('%s', (_name, decode, encode, arbitrary) => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decode(encode(value as never))).toEqual(value)
      }),
    )
  })

  it('is never half read: cut or lengthened, it is nothing', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(100), (value, cut) => {
        const encoded = encode(value as never)
        expect(decode(Buffer.concat([encoded, Uint8Array.of(0)]))).toBeUndefined()
        const shorter = encoded.subarray(0, Math.max(0, encoded.length - 1 - cut))
        const read = decode(shorter)
        // A hello may end before its extensions (RFC 5246 §7.4.1.2): then, and only then, a prefix is a whole message.
        if (read !== undefined) expect((read as { extensions?: unknown }).extensions).toEqual([])
      }),
    )
  })

  it('throws for no bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        decode(garbage)
      }),
    )
  })
})

describe('ServerKeyExchange', () => {
  it('comes back as it went, with what is signed', () => {
    const point = fc.uint8Array({ minLength: 1, maxLength: 97 })
    fc.assert(
      fc.property(u16, point, u16, small, (group, publicKey, scheme, signature) => {
        const parameters = encodeEcdhParameters(group, publicKey)
        const body = encodeServerKeyExchange(parameters, { scheme, signature })
        expect(decodeServerKeyExchange(body)).toEqual({ group, publicKey, parameters, signed: { scheme, signature } })
        expect(decodeServerKeyExchange(body.subarray(0, body.length - 1))).toBeUndefined()
      }),
    )
    expect(decodeServerKeyExchange(Uint8Array.of(1, 0, 29, 1, 1, 4, 3, 0, 0))).toBeUndefined() // explicit_prime
  })
})

describe('any bytes', () => {
  it('leave every decoder standing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (garbage) => {
        decodeServerKeyExchange(garbage)
        decodeClientHelloStart(garbage)
        decodeSupportedVersions(garbage)
        decodeAlert(garbage)
        decodeFragment(garbage, 0)
        decodeFragment(garbage, 7)
      }),
      { numRuns: 500 },
    )
  })

  it('leave machines of both roles standing, at any moment of the handshake', () => {
    const garbage = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 })
    fc.assert(
      fc.property(garbage, fc.nat(60), fc.constantFrom('client' as const, 'server' as const), (list, moment, side) => {
        const pair = new Pair()
        pair.client.start(pair.now)
        pair.run(moment)
        for (const datagram of list) pair.inject(side, datagram)
        pair.run()
        expect(['connected', 'failed']).toContain(pair[side].state)
      }),
      { numRuns: 60 },
    )
  })

  it('leave machines standing as mutations of the real thing', () => {
    const certificate = identity()
    const mutation = fc.tuple(fc.nat(5), fc.nat(1500), fc.nat(255), fc.boolean())
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 8 }), (mutations) => {
        const pair = new Pair({ handshakeTimeout: 5000 }, { handshakeTimeout: 5000, certificate })
        let count = 0
        pair.intercept = (_from, datagram) => {
          for (const [which, at, value, truncate] of mutations) {
            if (which !== count) continue
            if (truncate) datagram = datagram.slice(0, at % (datagram.length + 1))
            else if (datagram.length > 0) datagram[at % datagram.length] = value
          }
          count++
          return [datagram]
        }
        pair.client.start(pair.now)
        pair.run()
        for (const side of ['client', 'server'] as const) {
          expect(['new', 'connected', 'failed']).toContain(pair[side].state)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('a flood', () => {
  it('of ClientHellos that are none leaves a server waiting for a real one', () => {
    const pair = new Pair()
    const random = fc.sample(fc.uint8Array({ minLength: 20, maxLength: 120 }), { numRuns: 400, seed: 3 })
    for (const body of random) {
      const message = new Uint8Array(13 + 12 + body.length)
      message.set([22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 12 + body.length])
      message.set([1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length], 13)
      message.set(body, 25)
      pair.inject('server', message)
    }
    pair.run(1)
    expect(pair.server.state).toBe('new')
    expect(pair.server.stats.droppedMalformed).toBe(400)
    pair.connect()
  })

  it('of fragments that promise much is bounded, and ends with the real ones', () => {
    const pair = new Pair()
    for (let i = 0; i < 2000; i++) {
      // One byte each of messages of 16000.
      const seq = i % 40
      const fragment = [1, 0, 0x3e, 0x80, 0, seq, 0, i >> 8, i & 255, 0, 0, 1, 0]
      pair.inject('server', Uint8Array.from([22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, i & 255, 0, 13, ...fragment]))
    }
    pair.run(1)
    expect(pair.server.state).toBe('new')
    expect(pair.server.stats.droppedOverflow).toBeGreaterThan(1000)
    pair.connect()
  })

  it('of what no server waits for takes no memory', () => {
    const pair = new Pair()
    // Hellos of 60000 bytes, and other messages.
    for (const type of [1, 2, 11, 16, 20]) {
      const fragment = [type, 0, 0xea, 0x60, 0, 0, 0, 0, 0, 0, 0, 1, 0]
      pair.inject('server', Uint8Array.from([22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, type, 0, 13, ...fragment]))
    }
    pair.run(1)
    expect([pair.server.state, pair.server.stats.droppedUnexpected]).toEqual(['new', 5])
    pair.connect()
  })

  it('of records that are too early is bounded', () => {
    const pair = new Pair()
    for (let i = 0; i < 1000; i++) {
      pair.inject(
        'server',
        Uint8Array.from([23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, i & 255, 4, 0, ...new Uint8Array(1024)]),
      )
    }
    pair.run(1)
    expect(pair.server.stats.droppedOverflow).toBe(1000 - 32)
    pair.connect()
  })
})

describe('the ClientHello of Chromium 156, which offers 1.3 with ML-KEM', () => {
  const file = new URL('fixtures/chromium-156-client-hello.hex', import.meta.url)
  const datagrams = readFileSync(file, 'ascii')
    .trim()
    .split('\n')
    .map((line) => Uint8Array.from(Buffer.from(line, 'hex')))

  function server(options: object = {}): DtlsConnection {
    return new DtlsConnection({ role: 'server', now: 0, certificate: identity(), ...options })
  }

  it('comes in two datagrams, and can be read whole', () => {
    expect(datagrams.map(({ length }) => length)).toEqual([1200, 263])
    const reassembler = new Reassembler(65536)
    for (const datagram of datagrams) reassembler.add(decodeFragment(datagram, 13)!, 0)
    const hello = decodeClientHello(reassembler.next()!.body)!
    expect(hello.version).toBe(0xfefd)
    expect(hello.cipherSuites.slice(0, 4)).toEqual([0x1301, 0x1302, 0x1303, 0xc02b])
    expect(decodeSupportedVersions(findExtension(hello.extensions, 43)!)).toEqual([0xfefc, 0xfefd])
    expect(decodeList16(findExtension(hello.extensions, 10)!)).toEqual([0x11ec, 29, 23, 24])
    expect(decodeUseSrtp(findExtension(hello.extensions, 14)!)?.profiles).toEqual([1, 8, 7])
    expect(findExtension(hello.extensions, 51)).toHaveLength(1258)
    expect(encodeClientHello(hello)).toHaveLength(0x585)
  })

  for (const [name, order] of [
    ['in order', [0, 1]],
    ['swapped', [1, 0]],
    ['repeated', [0, 0, 1]],
  ] as const) {
    it(`is answered with plain 1.2 (${name})`, () => {
      const machine = server({ srtpProfiles: ['SRTP_AEAD_AES_128_GCM', 'SRTP_AES128_CM_HMAC_SHA1_80'] })
      for (const i of order) machine.receive(datagrams[i]!.slice(), 0)
      const flight = machine.pollTransmit(0)!
      expect(machine.selected).toEqual({
        version: 0xfefd,
        cipherSuite: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
        group: 'p256',
        srtpProfile: 'SRTP_AEAD_AES_128_GCM',
        extendedMasterSecret: true,
      })
      const message = decodeFragment(flight, 13)!
      expect(message.messageSeq).toBe(0)
      const hello = decodeServerHello(message.body)!
      expect(hello.version).toBe(0xfefd)
      // Only what was offered, nothing of 1.3, and no downgrade mark: we do not support 1.3 (RFC 8446 §4.1.3).
      expect(hello.extensions.map(({ type }) => type)).toEqual([0xff01, 23, 11, 14])
      expect(Buffer.from(hello.random).includes('DOWNGRD')).toBe(false)
      expect(hello.sessionId).toHaveLength(0)
    })
  }

  it('is not answered before it is whole', () => {
    const machine = server()
    machine.receive(datagrams[0]!.slice(), 0)
    expect(machine.pollTransmit(0)).toBeUndefined()
    expect([machine.state, machine.deadline]).toEqual(['new', Infinity])
  })

  it('is refused when it offers 1.3 only', () => {
    const machine = server()
    for (const datagram of datagrams) {
      const changed = Buffer.from(datagram)
      const at = changed.indexOf(Buffer.from('002b000504fefcfefd', 'hex'))
      if (at >= 0) changed[at + 8] = 0xfc
      machine.receive(changed, 0)
    }
    expect(machine.state).toBe('failed')
    expect(machine.pollEvent()).toMatchObject({ type: 'failed', error: { alert: 'protocol_version' } })
    expect(machine.pollTransmit(0)!.subarray(13)).toEqual(Uint8Array.of(2, 70))
  })

  it('passes a cookie gate by its first datagram', () => {
    const gate = new CookieGate()
    expect(gate.check(datagrams[1]!.slice(), 'someone', 0)).toBeUndefined()
    const verdict = gate.check(datagrams[0]!.slice(), 'someone', 0)
    if (verdict?.type !== 'reply') throw new Error('no reply')
    expect(verdict.datagram.length).toBeLessThan(datagrams[0]!.length)
    const { cookie } = decodeHelloVerifyRequest(verdict.datagram.subarray(25))!
    const again = Buffer.concat([
      datagrams[0]!.subarray(0, 60),
      Uint8Array.of(cookie.length),
      cookie,
      datagrams[0]!.subarray(61),
    ])
    again.writeUInt16BE(again.length - 13, 11)
    again.writeUIntBE(again.length - 25, 22, 3)
    const whole = again.readUIntBE(14, 3) + cookie.length
    again.writeUIntBE(whole, 14, 3)
    expect(gate.check(Uint8Array.from(again), 'someone', 1)).toMatchObject({ type: 'accept' })
    expect(gate.check(Uint8Array.from(again), 'someone else', 1)).toMatchObject({ type: 'reply' })
    expect(gate.check(Uint8Array.from(again), 'someone', 119_000)).toMatchObject({ type: 'accept' })
    expect(gate.check(Uint8Array.from(again), 'someone', 400_000)).toMatchObject({ type: 'reply' })
  })
})

describe('cookies', () => {
  it('are asked for once, by the connection itself, and leave no trace in the transcript', () => {
    const pair = new Pair({}, { cookie: true }).connect()
    expect(pair.sent.map(({ from, datagram }) => [from, datagram[13]])).toEqual([
      ['client', 1],
      ['server', 3],
      ['client', 1],
      ['server', 2],
      ['client', 11],
      ['server', 1],
    ])
  })

  it('are not followed for ever', () => {
    const client = new DtlsConnection({ role: 'client', now: 0, remoteFingerprints: [sha256Of(identity())] })
    client.start(0)
    let now = 0
    for (let i = 0; i < 10; i++) {
      now += 50
      client.pollTransmit(now)
      const body = encodeHelloVerifyRequest({ version: 0xfeff, cookie: defaultProvider.random(20) })
      const head = [
        22,
        0xfe,
        0xff,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        i,
        0,
        12 + body.length,
        3,
        0,
        0,
        body.length,
        0,
        i,
        0,
        0,
        0,
        0,
        0,
        body.length,
      ]
      client.receive(Uint8Array.from([...head, ...body]), now)
    }
    expect(client.state).toBe('failed')
  })
})

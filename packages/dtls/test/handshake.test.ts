import { nobleProvider } from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import { type CipherSuiteName, DtlsConnection, type DtlsOptions, type SrtpProfile } from '@kaon/dtls'
import { bytes, dataOf, identity, Pair, seeded, text } from './pair.ts'

const ECDSA: CipherSuiteName[] = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CCM',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CCM',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
]
const RSA: CipherSuiteName[] = [
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
]

describe('a full handshake', () => {
  for (const suite of [...ECDSA, ...RSA]) {
    it(`works with ${suite}, and carries records of any size`, () => {
      const certificate = identity(suite.includes('_RSA_') ? 'rsa-2048' : 'ecdsa-p256', 'server')
      const pair = new Pair({ cipherSuites: [suite] }, { certificate, cipherSuites: [suite] }).connect()
      expect(pair.client.selected).toMatchObject({ version: 0xfefd, cipherSuite: suite, extendedMasterSecret: true })
      expect(pair.server.selected).toEqual(pair.client.selected)
      for (const size of [1, 15, 16, 17, 1200, 16384]) {
        const data = new Uint8Array(size).fill(size)
        pair.client.send(data.slice())
        pair.server.send(data.slice())
        pair.run()
        expect(dataOf(pair.serverEvents.splice(0))).toEqual([data])
        expect(dataOf(pair.clientEvents.splice(0))).toEqual([data])
      }
    })
  }

  it('takes two round trips: six flights, four of them before the server has finished', () => {
    const pair = new Pair().connect()
    expect(pair.sent.map(({ from, at }) => [from, at - 1000])).toEqual([
      ['client', 0],
      ['server', 10],
      ['client', 20],
      ['server', 30],
    ])
    expect(pair.client.remoteCertificates).toEqual(identity('ecdsa-p256', 'server').chain)
    expect(pair.server.remoteCertificates).toEqual(identity('ecdsa-p256', 'client').chain)
    expect([pair.client.deadline, pair.server.deadline]).toEqual([Infinity, Infinity])
  })

  it('works between the two crypto backends', () => {
    const pair = new Pair({ crypto: nobleProvider }).connect()
    pair.client.send(bytes('noble'))
    pair.run()
    expect(dataOf(pair.serverEvents).map(text)).toEqual(['noble'])
  })

  it('takes the first of our groups that the client knows', () => {
    for (const group of ['x25519', 'p256', 'p384'] as const) {
      expect(new Pair({ groups: [group] }).connect().server.selected?.group).toBe(group)
      expect(new Pair({}, { groups: [group] }).connect().client.selected?.group).toBe(group)
    }
  })

  it('works with P-384 and RSA certificates on both sides', () => {
    for (const type of ['ecdsa-p384', 'rsa-2048'] as const) {
      const pair = new Pair({ certificate: identity(type, 'c') }, { certificate: identity(type, 's') }).connect()
      expect(pair.server.remoteCertificates).toEqual(identity(type, 'c').chain)
    }
  })

  it('fits into the smallest datagrams under every kind of protection', () => {
    for (const suite of [RSA[0]!, RSA[2]!, RSA[3]!]) {
      const options: Partial<DtlsOptions> = { mtu: 128, cipherSuites: [suite], certificate: identity('rsa-2048', 's') }
      const pair = new Pair(options, options).connect()
      expect(Math.max(...pair.sent.map(({ datagram }) => datagram.length))).toBeLessThanOrEqual(128)
      expect(pair.server.stats.datagramsSent).toBeGreaterThan(10)
    }
  })

  it('sends whole chains', () => {
    const own = identity('ecdsa-p256', 'server')
    const chain = [own.chain[0]!, identity('ecdsa-p384', 'between').chain[0]!, identity('rsa-2048', 'root').chain[0]!]
    const pair = new Pair({ verifyPeer: () => true }, { certificate: { ...own, chain } }).connect()
    expect(pair.client.remoteCertificates).toEqual(chain)
  })

  it('agrees on keying material, and with a context on other (RFC 5705)', () => {
    const { client, server } = new Pair().connect()
    const exported = client.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60)
    expect(exported).toHaveLength(60)
    expect(server.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60)).toEqual(exported)
    const empty = client.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60, new Uint8Array(0))
    expect(empty).not.toEqual(exported)
    expect(server.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60, new Uint8Array(0))).toEqual(empty)
    expect(client.exportKeyingMaterial('EXPORTER-x', 8, bytes('a'))).not.toEqual(
      client.exportKeyingMaterial('EXPORTER-x', 8, bytes('b')),
    )
  })

  it('writes the same key log on both sides', () => {
    const lines: string[] = []
    const keyLog = (line: string): void => void lines.push(line)
    new Pair({ keyLog }, { keyLog }).connect()
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/)
    expect(lines[1]).toBe(lines[0])
  })

  it('is deterministic but for the keys: the hello random is the option', () => {
    const random = seeded(7)
    const pair = new Pair({ random: (length) => Uint8Array.from({ length }, () => random() * 256) })
    pair.client.start(pair.now)
    pair.drain()
    const again = seeded(7)
    const expected = Uint8Array.from({ length: 32 }, () => again() * 256)
    expect(pair.sent[0]!.datagram.subarray(27, 59)).toEqual(expected)
  })
})

describe('use_srtp', () => {
  const cases: readonly [SrtpProfile[], SrtpProfile[], SrtpProfile | undefined][] = [
    [
      ['SRTP_AEAD_AES_128_GCM', 'SRTP_AES128_CM_HMAC_SHA1_80'],
      ['SRTP_AES128_CM_HMAC_SHA1_80'],
      'SRTP_AES128_CM_HMAC_SHA1_80',
    ],
    [
      ['SRTP_AES128_CM_HMAC_SHA1_32', 'SRTP_AEAD_AES_256_GCM'],
      ['SRTP_AEAD_AES_256_GCM', 'SRTP_AES128_CM_HMAC_SHA1_32'],
      'SRTP_AEAD_AES_256_GCM',
    ],
    [['SRTP_AEAD_AES_128_GCM'], ['SRTP_AES128_CM_HMAC_SHA1_80'], undefined],
    [['SRTP_AEAD_AES_128_GCM'], [], undefined],
    [[], ['SRTP_AEAD_AES_128_GCM'], undefined],
  ]
  it.each(cases)('client %j, server %j: %s', (client, server, chosen) => {
    const pair = new Pair({ srtpProfiles: client }, { srtpProfiles: server }).connect()
    expect(pair.client.selected?.srtpProfile).toBe(chosen)
    expect(pair.server.selected?.srtpProfile).toBe(chosen)
  })
})

describe('the ClientHello can be customised', () => {
  it('in its order, its extensions and its random', () => {
    const random = new Uint8Array(32).fill(9)
    const grease = { type: 0x0a0a, data: new Uint8Array(0) }
    const pair = new Pair({
      clientHello: (hello) => ({
        ...hello,
        random,
        cipherSuites: [0x1a1a, ...[...hello.cipherSuites].reverse()],
        extensions: [grease, ...[...hello.extensions].reverse()],
      }),
    }).connect()
    const hello = pair.sent[0]!.datagram
    expect(hello.subarray(27, 59)).toEqual(random)
    expect(pair.client.selected?.cipherSuite).toBe('TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256')
    expect(Buffer.from(hello).includes(Buffer.from('0a0a0000', 'hex'))).toBe(true)
  })

  it('down to what RFC 5746 and RFC 7627 do without', () => {
    const pair = new Pair({
      clientHello: (hello) => ({
        ...hello,
        cipherSuites: [...hello.cipherSuites, 0x00ff],
        extensions: hello.extensions.filter(({ type }) => type === 13 || type === 10),
      }),
    }).connect()
    expect(pair.client.selected?.extendedMasterSecret).toBe(false)
    pair.client.send(bytes('plain old'))
    pair.run()
    expect(dataOf(pair.serverEvents).map(text)).toEqual(['plain old'])
  })

  it('and what it leaves out is not taken from the server', () => {
    const pair = new Pair(
      { clientHello: (hello) => ({ ...hello, extensions: hello.extensions.filter(({ type }) => type !== 13) }) },
      {},
    )
    pair.client.start(pair.now)
    pair.run()
    // RFC 9155: no signature_algorithms, no handshake.
    expect(pair.serverEvents).toMatchObject([{ type: 'failed', error: { alert: 'handshake_failure' } }])
    expect(pair.clientEvents).toMatchObject([
      { type: 'failed', error: { code: 'ERR_DTLS_ALERT', alert: 'handshake_failure' } },
    ])
  })
})

describe('no agreement', () => {
  const cases: readonly [string, Partial<DtlsOptions>, Partial<DtlsOptions>][] = [
    ['suite', { cipherSuites: [ECDSA[0]!] }, { cipherSuites: [ECDSA[1]!] }],
    ['suite for the certificate', { cipherSuites: [RSA[0]!] }, {}],
    ['group', { groups: ['p256'] }, { groups: ['p384'] }],
    ['signature scheme', { signatureSchemes: ['rsa_pkcs1_sha256'] }, {}],
  ]
  it.each(cases)('on a %s: both fail', (_what, client, server) => {
    const pair = new Pair(client, server)
    pair.client.start(pair.now)
    pair.run()
    expect(pair.serverEvents).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_NEGOTIATION' } }])
    expect(pair.clientEvents).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_ALERT' } }])
  })
})

describe('a client of ours', () => {
  const cases: readonly [string, (hello: Uint8Array) => void, string][] = [
    ['version', (hello) => void (hello[26] = 0xff), 'protocol_version'],
    ['a suite that was not offered', (hello) => void (hello[61] = 0x2d), 'illegal_parameter'],
    ['compression', (hello) => void (hello[62] = 1), 'illegal_parameter'],
    ['an extension that was not offered', (hello) => void (hello[66] = 0x77), 'unsupported_extension'],
    ['a renegotiation_info that is not empty', (hello) => void (hello[69] = 1), 'handshake_failure'],
    ['lengths that do not fit', (hello) => void (hello[63] = 0xff), 'decode_error'],
  ]
  it.each(cases)('refuses a ServerHello with %s', (_what, change, alert) => {
    const pair = new Pair()
    pair.intercept = (from, datagram) => {
      // Record header 13, handshake header 12; version, 32 of random, session id length, suite, compression, extensions.
      if (from === 'server' && datagram[13] === 2) change(datagram)
      return [datagram]
    }
    pair.client.start(pair.now)
    pair.run()
    expect(pair.clientEvents).toMatchObject([{ type: 'failed', error: { alert } }])
  })

  it('notices when somebody removes the extended master secret on the way', () => {
    const pair = new Pair({ clientHello: (hello) => hello })
    pair.intercept = (from, datagram) => {
      const at = Buffer.from(datagram).indexOf(Buffer.from('00170000', 'hex'))
      if (from === 'client' && datagram[13] === 1) datagram[at + 1] = 0x77
      return [datagram]
    }
    pair.client.start(pair.now)
    pair.run()
    expect([pair.client.state, pair.server.state]).toEqual(['failed', 'failed'])
  })
})

describe('misuse by the caller', () => {
  const certificate = identity()
  const base: DtlsOptions = { role: 'client', now: 0, certificate }
  const cases: readonly [string, Partial<DtlsOptions>][] = [
    ['role', { role: 'peer' as never }],
    ['server without certificate', { role: 'server', certificate: undefined as never }],
    ['empty chain', { certificate: { ...certificate, chain: [] } }],
    ['mtu', { mtu: 100 }],
    ['mtu', { mtu: NaN }],
    ['timeout', { retransmissionTimeout: 0 }],
    ['suites', { cipherSuites: [] }],
    ['suite', { cipherSuites: ['TLS_NULL' as never] }],
    ['group', { groups: ['p521' as never] }],
    ['groups', { groups: [] }],
    ['scheme', { signatureSchemes: ['md5' as never] }],
    ['schemes', { signatureSchemes: [] }],
    ['profile', { srtpProfiles: ['SRTP' as never] }],
    ['replay window', { replayWindow: 32 }],
    ['replay window', { replayWindow: 100 }],
    ['contradiction', { requestClientCertificate: false }],
  ]
  it.each(cases)('throws ERR_DTLS_OPTIONS: %s', (_what, options) => {
    expect(() => new DtlsConnection({ ...base, ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_DTLS_OPTIONS' }),
    )
  })

  it('throws ERR_DTLS_STATE and ERR_DTLS_DATA_TOO_LARGE', () => {
    const pair = new Pair()
    const state = expect.objectContaining({ code: 'ERR_DTLS_STATE' })
    expect(() => pair.client.send(bytes('too early'))).toThrow(state)
    expect(() => pair.client.exportKeyingMaterial('x', 1)).toThrow(state)
    pair.connect()
    expect(() => pair.client.start(pair.now)).toThrow(state)
    const large = expect.objectContaining({ code: 'ERR_DTLS_DATA_TOO_LARGE' })
    expect(() => pair.client.send(new Uint8Array(16385))).toThrow(large)
    expect(() => pair.client.exportKeyingMaterial('x', 1, new Uint8Array(65536))).toThrow(large)
    pair.client.send(new Uint8Array(0))
    pair.run()
    expect(pair.serverEvents).toEqual([])
  })

  it('throws for a ClientHello that nobody could read', () => {
    const pair = new Pair({ clientHello: (hello) => ({ ...hello, random: new Uint8Array(31) }) })
    expect(() => pair.client.start(pair.now)).toThrow(expect.objectContaining({ code: 'ERR_DTLS_OPTIONS' }))
    expect(pair.client.state).toBe('new')
    expect(() => pair.client.setRetransmissionTimeout(0)).toThrow(expect.objectContaining({ code: 'ERR_DTLS_OPTIONS' }))
  })

  it('closing before the start is silent, and the end', () => {
    const pair = new Pair()
    pair.client.close()
    pair.run()
    expect(pair.sent).toEqual([])
    expect(pair.client.state).toBe('closed')
    expect(() => pair.client.start(pair.now)).toThrow(expect.objectContaining({ code: 'ERR_DTLS_STATE' }))
  })

  it('closing in the middle lets the peer know', () => {
    const pair = new Pair({}, { retransmissionTimeout: 100 })
    pair.client.start(pair.now)
    pair.run(15)
    pair.client.close()
    pair.run()
    expect(pair.clientEvents).toEqual([])
    expect(pair.serverEvents).toMatchObject([
      { type: 'failed', error: { code: 'ERR_DTLS_ALERT', alert: 'close_notify' } },
    ])
  })
})

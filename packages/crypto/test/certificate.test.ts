import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  createSelfSignedCertificate,
  defaultProvider,
  derToPem,
  fingerprint,
  nobleProvider,
  parseCertificate,
  pemToDer,
  type SigningKeyType,
} from '@kaon/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorCode, toHex } from './bytes.ts'
import { fixture } from './fixtures.ts'

const PROVIDERS = [defaultProvider, nobleProvider]
const FROM_OPENSSL = [
  {
    name: 'rsa2048',
    algorithm: 'rsa',
    bits: 2048,
    commonName: 'rsa.example',
    scheme: 'rsa_pkcs1_sha256',
    notAfter: '2036-11-20T08:32:20Z',
    serial: '3dd2d2cacbaaf95a9c423f28af69509c05de2527',
    fingerprint: '47:3D:2B:ED:78:DD:AF:57:4D:9F:A1:9A:E7:44:BE:F0:30:2F:C5:77:48:3C:8C:06:F5:36:D4:39:87:6A:B3:51',
  },
  {
    name: 'p256',
    algorithm: 'ecdsa-p256',
    bits: 256,
    commonName: 'p256.example',
    scheme: 'ecdsa_secp256r1_sha256',
    notAfter: '2036-11-20T08:32:20Z',
    serial: '6384f856770b10454856a52c6c3abae9233b9c96',
    fingerprint: 'D5:39:78:DB:A4:22:18:45:DE:25:38:8F:05:56:4D:AF:E8:9D:15:89:4C:86:55:6B:43:B6:67:9E:26:74:66:86',
  },
  {
    name: 'p384',
    algorithm: 'ecdsa-p384',
    bits: 384,
    commonName: 'p384.example',
    scheme: 'ecdsa_secp384r1_sha384',
    notAfter: '2081-08-26T08:32:20Z', // a GeneralizedTime
    serial: '5ec6093c291729c5df42896cdb06be7ecd5c1ac5',
    fingerprint: 'DB:95:34:1B:5D:C0:D7:07:D1:AA:E7:0B:63:E2:75:38:B0:EC:2F:BF:90:06:0E:1F:C6:3E:08:28:D7:6C:BF:71',
  },
  {
    name: 'rsa-pss',
    algorithm: 'rsa',
    bits: 2048,
    commonName: 'pss',
    scheme: 'rsa_pss_rsae_sha384',
    notAfter: '2036-11-20T08:32:20Z',
    serial: '30a3d5c8a0414d6c193feb2663ccc78709f8843d',
    fingerprint: '34:D7:8E:C7:59:CE:37:AF:9A:35:59:25:48:9D:18:0B:E7:42:8D:F9:A0:28:24:EC:0A:28:E6:85:2F:E4:45:8A',
  },
] as const

function der(name: string): Uint8Array {
  return pemToDer(fixture(`${name}.pem`), 'CERTIFICATE')[0]!
}

describe.each(PROVIDERS)('with the backend $name', (provider) => {
  it.each(FROM_OPENSSL)('reads the $name certificate of OpenSSL', (expected) => {
    const certificate = parseCertificate(der(expected.name), provider)!
    expect(certificate.publicKey.algorithm).toBe(expected.algorithm)
    expect(certificate.publicKey.bits).toBe(expected.bits)
    expect(certificate.commonName).toBe(expected.commonName)
    expect(certificate.signatureScheme).toBe(expected.scheme)
    expect(certificate.notBefore).toBe(Date.parse('2026-11-23T08:32:20Z'))
    expect(certificate.notAfter).toBe(Date.parse(expected.notAfter))
    expect(toHex(certificate.serialNumber)).toBe(expected.serial)
    expect(toHex(certificate.issuer)).toBe(toHex(certificate.subject))
    expect(fingerprint(certificate.der, 'sha-256', provider)).toBe(expected.fingerprint)
    const { publicKey, signatureScheme, tbs, signature } = certificate
    expect(publicKey.verify(signatureScheme!, tbs, signature)).toBe(true)
    expect(publicKey.verify(signatureScheme!, tbs.subarray(1), signature)).toBe(false)
  })

  it('reads an old certificate: RSA 1024, SHA-1', () => {
    const certificate = parseCertificate(der('rsa1024-sha1'), provider)!
    expect([certificate.publicKey.bits, certificate.signatureScheme]).toEqual([1024, 'rsa_pkcs1_sha1'])
    expect(certificate.publicKey.verify('rsa_pkcs1_sha1', certificate.tbs, certificate.signature)).toBe(true)
  })

  it('says nothing of keys that it does not know', () => {
    expect(parseCertificate(der('ed25519'), provider)).toBeUndefined()
    expect(parseCertificate(der('p521'), provider)).toBeUndefined()
  })

  it.each(['ecdsa-p256', 'ecdsa-p384'] as const)('makes a certificate for %s', (type) => {
    expectGoodCertificate(type)
  })

  function expectGoodCertificate(type: SigningKeyType): void {
    const key = provider.generateSigningKey(type)
    const notBefore = Date.parse('2026-01-02T03:04:05.678Z')
    const notAfter = Date.parse('2051-12-31T23:59:59Z')
    const made = createSelfSignedCertificate({ key, notBefore, notAfter, commonName: 'Käon ✓', provider })
    const read = parseCertificate(made, provider)!
    expect(read.commonName).toBe('Käon ✓')
    expect([read.notBefore, read.notAfter]).toEqual([Date.parse('2026-01-02T03:04:05Z'), notAfter])
    expect(read.serialNumber.length).toBe(16)
    expect(read.publicKey.verify(read.signatureScheme!, read.tbs, read.signature)).toBe(true)
    const judge = new X509Certificate(made)
    expect(judge.verify(judge.publicKey)).toBe(true)
    expect(judge.subject).toBe('CN=Käon ✓')
    expect(judge.fingerprint256).toBe(fingerprint(made, 'sha-256', provider))
    expect(judge.fingerprint512).toBe(fingerprint(made, 'sha-512', provider))
    expect(judge.fingerprint).toBe(fingerprint(made, 'sha-1', provider))
    expect(Date.parse(judge.validFrom)).toBe(read.notBefore)
    expect(Date.parse(judge.validTo)).toBe(read.notAfter)
    expect(judge.serialNumber.toLowerCase()).toBe(toHex(read.serialNumber))
  }

  it('makes a certificate for an RSA key', () => {
    const key = provider.importPrivateKey(pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!)
    const made = createSelfSignedCertificate({ key, notBefore: 0, notAfter: 86_400_000, provider })
    const judge = new X509Certificate(made)
    expect(judge.verify(judge.publicKey)).toBe(true)
    expect([judge.subject, judge.issuer]).toEqual(['CN=WebRTC', 'CN=WebRTC'])
    expect(judge.checkPrivateKey(createPrivateKey(derToPem(key.toPkcs8(), 'PRIVATE KEY')))).toBe(true)
  })

  it('survives every truncation and change of real certificates', () => {
    const certificates = FROM_OPENSSL.map(({ name }) => der(name))
    for (const certificate of certificates) {
      for (let length = 0; length < certificate.length; length += provider.name === 'noble' ? 13 : 1) {
        expect(parseCertificate(certificate.subarray(0, length), provider)).toBeUndefined()
      }
      const longer = new Uint8Array(certificate.length + 1)
      longer.set(certificate)
      expect(parseCertificate(longer, provider)).toBeUndefined()
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...certificates),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (certificate, changes) => {
          const changed = certificate.slice()
          for (const [at, value] of changes) changed[at % changed.length] = value
          const read = parseCertificate(changed, provider)
          if (read === undefined || toHex(changed) === toHex(certificate)) return
          const { publicKey, signatureScheme, tbs, signature } = read
          if (signatureScheme !== undefined && toHex(tbs) !== toHex(certificate.subarray(4, 4 + tbs.length))) {
            expect(publicKey.verify(signatureScheme, tbs, signature)).toBe(false)
          }
        },
      ),
      { seed: 4, numRuns: provider.name === 'noble' ? 100 : 1000 },
    )
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(parseCertificate(bytes, provider)).toBeUndefined()
      }),
      { seed: 5, numRuns: 1000 },
    )
  })
})

describe('self-signed certificates', () => {
  const key = defaultProvider.generateSigningKey('ecdsa-p256')
  const make = (changes: object): Uint8Array =>
    createSelfSignedCertificate({ key, notBefore: 0, notAfter: 1000, ...changes })

  it('cross from one backend to the other', () => {
    for (const [maker, reader] of [PROVIDERS, PROVIDERS.toReversed()] as const) {
      const made = createSelfSignedCertificate({
        key: maker!.generateSigningKey('ecdsa-p256'),
        notBefore: 0,
        notAfter: 1,
        provider: maker!,
      })
      const read = parseCertificate(made, reader)!
      expect(read.publicKey.verify(read.signatureScheme!, read.tbs, read.signature)).toBe(true)
    }
  })

  it('have a serial number of their own', () => {
    expect(toHex(parseCertificate(make({}))!.serialNumber)).not.toBe(toHex(parseCertificate(make({}))!.serialNumber))
  })

  it('hold times from 1950 to 9999', () => {
    for (const text of [
      '1950-01-01T00:00:00Z',
      '2000-02-29T12:00:00Z',
      '2049-12-31T23:59:59Z',
      '2050-01-01T00:00:00Z',
    ]) {
      const read = parseCertificate(
        make({ notBefore: Date.parse(text), notAfter: Date.parse('9999-12-31T23:59:59Z') }),
      )!
      expect(read.notBefore).toBe(Date.parse(text))
      expect(read.notAfter).toBe(253_402_300_799_000)
    }
  })

  it('name misuse', () => {
    expect(errorCode(() => make({ notBefore: 2000 }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => make({ notAfter: NaN }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => make({ notBefore: Date.parse('1949-12-31T23:59:59Z') }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => make({ notAfter: Infinity }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => make({ commonName: '' }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => make({ commonName: 'x'.repeat(65) }))).toBe('ERR_CRYPTO_ARGUMENT')
    expect(errorCode(() => fingerprint(make({}), 'sha-224' as 'sha-1'))).toBe('ERR_CRYPTO_UNSUPPORTED')
  })
})

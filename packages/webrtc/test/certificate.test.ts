import { afterEach, describe, expect, it } from 'vitest'
import { RTCCertificate, RTCPeerConnection } from '../src/index.ts'
import { closeAll, rejection, stillPeer, thrown } from './support/peers.ts'

afterEach(closeAll)

const generate = RTCPeerConnection.generateCertificate as (algorithm: unknown) => Promise<RTCCertificate>
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: 'SHA-256',
}

describe('generateCertificate', () => {
  it.each([{ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ecdsa', namedCurve: 'P-256' }, rsa])(
    'makes one for %j',
    async (algorithm) => {
      const now = Date.now()
      const certificate = await generate(algorithm)
      expect(certificate).toBeInstanceOf(RTCCertificate)
      const days = (certificate.expires - now) / 86_400_000
      expect(days).toBeCloseTo(30, 3)
      const [fingerprint] = certificate.getFingerprints()
      expect(fingerprint!.algorithm).toBe('sha-256')
      expect(fingerprint!.value).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/)
    },
  )

  it('takes expires, and at most a year', async () => {
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
    const now = Date.now()
    expect((await generate({ ...ecdsa, expires: 1000 })).expires - now).toBeLessThan(60_000)
    expect(((await generate({ ...ecdsa, expires: 1e15 })).expires - now) / 86_400_000).toBeCloseTo(365, 3)
  })

  it.each([
    ['AES-GCM'],
    [{ name: 'ECDSA', namedCurve: 'P-521' }],
    [{ ...rsa, hash: 'SHA-1' }],
    [{ ...rsa, modulusLength: 1024 }],
    [{ ...rsa, publicExponent: Uint8Array.of(3) }],
    [{ name: 'HMAC', hash: 'SHA-256' }],
  ])('rejects %j with NotSupportedError', async (algorithm) => {
    expect(await rejection(generate(algorithm))).toBe('NotSupportedError')
  })

  it.each([
    [{}],
    [{ name: 'ECDSA' }],
    [{ ...rsa, hash: undefined }],
    [{ ...rsa, publicExponent: [1, 0, 1] }],
    [{ name: 'ECDSA', namedCurve: 'P-256', expires: -1 }],
    [{ name: 'ECDSA', namedCurve: 'P-256', expires: Infinity }],
  ])('rejects %j with TypeError', async (algorithm) => {
    expect(await rejection(generate(algorithm))).toBe('TypeError')
  })
})

describe('RTCCertificate', () => {
  it('cannot be constructed', () => {
    expect(thrown(() => new (RTCCertificate as unknown as new () => unknown)())).toBe('TypeError')
  })

  it('is the one whose fingerprint the offer shows', async () => {
    const certificate = await generate(rsa)
    const pc = stillPeer({ certificates: [certificate] })
    pc.createDataChannel('x')
    const { sdp } = await pc.createOffer()
    expect(sdp).toContain(`a=fingerprint:sha-256 ${certificate.getFingerprints()[0]!.value.toUpperCase()}\r\n`)
    expect(pc.getConfiguration().certificates).toEqual([certificate])
  })

  it('goes to PEM and back', async () => {
    const certificate = await generate({ name: 'ECDSA', namedCurve: 'P-256' })
    const pem = certificate.toPem()
    const back = RTCCertificate.fromPem(pem)
    expect(back.getFingerprints()).toEqual(certificate.getFingerprints())
    // X.509 counts in seconds.
    expect(Math.abs(back.expires - certificate.expires)).toBeLessThan(1000)
    const other = (await generate({ name: 'ECDSA', namedCurve: 'P-256' })).toPem()
    const mixed = { certificate: pem.certificate, privateKey: other.privateKey }
    expect(thrown(() => RTCCertificate.fromPem(mixed))).toBe('InvalidAccessError')
    expect(thrown(() => RTCCertificate.fromPem({ certificate: 'x', privateKey: 'y' }))).toBe('InvalidAccessError')
  })
})

import { fingerprint } from '@kaon/crypto'
import { DtlsConnection, type DtlsOptions } from '@kaon/dtls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Chromium, launchChromium } from '../../../tools/peers/chromium.ts'
import { LiteIce } from './lite-ice.ts'
import { identity } from './pair.ts'

let browser: Chromium
let plain: Chromium
const open: (() => void)[] = []

beforeAll(async () => {
  browser = await launchChromium({ loopback: true })
  plain = await launchChromium({ loopback: true, args: ['--disable-features=WebRtcPqcForDtls'] })
})
afterEach(() => {
  for (const close of open.splice(0)) close()
})
afterAll(async () => {
  await browser.close()
  await plain.close()
})

interface Result {
  readonly dtls: DtlsConnection
  readonly received: Uint8Array[]
  /** As the browser's statistics say. */
  readonly stats: { dtlsState: string; tlsVersion: string; dtlsCipher: string }
}

/** Connects the browser, which offers, to a connection of ours. */
async function connect(peer: Chromium, options: Partial<DtlsOptions> & { role: 'client' | 'server' }): Promise<Result> {
  const ice = await LiteIce.bind()
  const certificate = options.certificate ?? identity()
  const page = await peer.newPage()
  const offer = await page.evaluate(async () => {
    const pc = new RTCPeerConnection()
    pc.createDataChannel('kaon')
    ;(globalThis as unknown as { pc: RTCPeerConnection }).pc = pc
    await pc.setLocalDescription()
    return pc.localDescription!.sdp
  })
  const algorithm = 'sha-256'
  const value = /a=fingerprint:sha-256 (\S+)/.exec(offer)![1]!
  const dtls = new DtlsConnection({
    now: performance.now(),
    certificate,
    remoteFingerprints: [{ algorithm, value }],
    retransmissionTimeout: 100,
    ...options,
  })
  const received: Uint8Array[] = []
  const drain = (): void => {
    const now = performance.now()
    for (let out = dtls.pollTransmit(now); out !== undefined; out = dtls.pollTransmit(now)) ice.send(out)
  }
  ice.ondatagram = (datagram) => {
    received.push(datagram.slice())
    dtls.receive(datagram, performance.now())
    drain()
  }
  const ticker = setInterval(() => {
    dtls.tick(performance.now())
    drain()
  }, 20)
  open.push(() => {
    clearInterval(ticker)
    ice.close()
  })
  const setup = options.role === 'client' ? 'active' : 'passive'
  const mid = /a=mid:(\S+)/.exec(offer)![1]!
  await page.evaluate(
    (sdp) => (globalThis as unknown as { pc: RTCPeerConnection }).pc.setRemoteDescription({ type: 'answer', sdp }),
    ice.answer(setup, fingerprint(certificate.chain[0]!), mid),
  )
  dtls.start(performance.now())
  drain()
  const stats = await page.evaluate(async () => {
    const { pc } = globalThis as unknown as { pc: RTCPeerConnection }
    for (let i = 0; i < 200 && !['connected', 'failed'].includes(pc.sctp!.transport.state); i++) {
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    let found = {}
    for (const report of (await pc.getStats()).values()) if (report.type === 'transport') found = { ...report }
    return found as { dtlsState: string; tlsVersion: string; dtlsCipher: string }
  })
  return { dtls, received, stats }
}

describe('Chromium, which begins with DTLS 1.3', () => {
  for (const type of ['ecdsa-p256', 'rsa-2048'] as const) {
    it(`falls back to 1.2 for a server of ours (${type})`, async () => {
      const { dtls, received, stats } = await connect(browser, { role: 'server', certificate: identity(type) })
      expect(stats).toMatchObject({
        dtlsState: 'connected',
        tlsVersion: 'FEFD',
        dtlsCipher: dtls.selected!.cipherSuite,
      })
      expect(dtls.state).toBe('connected')
      expect(dtls.selected).toMatchObject({ version: 0xfefd, extendedMasterSecret: true })
      // The hello came in two datagrams, and SCTP follows the handshake.
      expect(received[0]!.length + received[1]!.length).toBeGreaterThan(1400)
      expect(dtls.pollEvent()).toEqual({ type: 'connected' })
      expect(dtls.pollEvent()?.type).toBe('data')
    })

    it(`answers a client of ours (${type})`, async () => {
      const { dtls, stats } = await connect(browser, { role: 'client', certificate: identity(type) })
      expect(stats).toMatchObject({
        dtlsState: 'connected',
        tlsVersion: 'FEFD',
        dtlsCipher: dtls.selected!.cipherSuite,
      })
      expect(dtls.state).toBe('connected')
    })
  }

  it('answers with ChaCha20-Poly1305', async () => {
    const { dtls, stats } = await connect(browser, {
      role: 'client',
      cipherSuites: ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
    })
    expect(stats.dtlsState).toBe('connected')
    expect(dtls.state).toBe('connected')
  })

  it('works at 256 bytes a datagram', async () => {
    const { dtls, stats } = await connect(browser, { role: 'server', mtu: 256 })
    expect(stats.dtlsState).toBe('connected')
    expect(dtls.state).toBe('connected')
  })

  it('falls back without ML-KEM, with a hello in one datagram', async () => {
    const { dtls, stats, received } = await connect(plain, { role: 'server' })
    expect(stats).toMatchObject({ dtlsState: 'connected', tlsVersion: 'FEFD' })
    expect(dtls.state).toBe('connected')
    expect(received[0]!.length).toBeLessThan(600)
  })

  it('is refused when its certificate is not the announced one', async () => {
    const { dtls, stats } = await connect(browser, {
      role: 'server',
      remoteFingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => '00').join(':') }],
    })
    expect(stats.dtlsState).toBe('failed')
    expect(dtls.state).toBe('failed')
  })
})

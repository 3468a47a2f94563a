import { describe, expect, it } from 'vitest'
import { launchFirefox, type FirefoxOptions } from '../../../tools/peers/firefox.ts'
import { BrowserPair } from './support/browser-pair.ts'
import { firefox, launched, sides } from './support/browsers.ts'

// Firefox begins with DTLS 1.3. What its ClientHello carries shows in its length: an ML-KEM share makes it too large for one
// datagram, and without 1.3 there are no shares at all.
const hellos: { name: string; prefs: FirefoxOptions['prefs']; length: [least: number, most: number] }[] = [
  { name: 'DTLS 1.3 and ML-KEM', prefs: {}, length: [1200, 3000] },
  { name: 'DTLS 1.3 without ML-KEM', prefs: { 'media.webrtc.enable_pq_hybrid_kex': false }, length: [200, 600] },
  { name: 'DTLS 1.2 only', prefs: { 'media.peerconnection.dtls.version.max': 771 }, length: [100, 199] },
]

interface Trace {
  layer: string
  name: string
  data?: unknown
}

const CLIENT_HELLO = 1

describe.each(hellos)('Firefox with $name', ({ prefs, length }) => {
  const newPage = launched(() => launchFirefox({ mdns: false, prefs }))

  it.each(sides(firefox))('agrees on DTLS 1.2 when $who offers', async ({ side }) => {
    const page = await newPage()
    const traced: Trace[] = []
    const trace = (event: Trace): void => void traced.push(event)
    const pair = await BrowserPair.create(page, { offerer: side, trickle: true, kaon: { trace } })
    try {
      if (side === 'kaon') pair.createChannel('chat')
      else await pair.page.channel('chat')
      await pair.negotiate()
      const channel = await pair.channel('chat')
      await pair.page.opened('chat')
      channel.send('over DTLS')
      expect(await pair.page.received('chat', 1)).toMatchObject([{ text: 'over DTLS' }])

      const stats = [...(await pair.kaon.getStats()).values()]
      // The answerer is the client.
      expect(stats.find(({ type }) => type === 'transport')).toMatchObject({
        tlsVersion: 'FEFD',
        dtlsRole: side === 'kaon' ? 'server' : 'client',
      })
      const hello = traced
        .filter(({ layer, name }) => layer === 'dtls' && name === 'message-received')
        .map(({ data }) => data as { type: number; length: number })
        .find(({ type }) => type === CLIENT_HELLO)
      if (side === 'browser') return expect(hello).toBeUndefined()
      expect(hello?.length).toBeGreaterThanOrEqual(length[0])
      expect(hello?.length).toBeLessThanOrEqual(length[1])
    } finally {
      await pair.close()
      await page.close()
    }
  })
})

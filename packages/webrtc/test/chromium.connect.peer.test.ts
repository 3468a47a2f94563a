import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, type Chromium } from '../../../tools/peers/chromium.ts'
import { ChromiumPair, messages, once, type PairOptions } from './support/chromium-pair.ts'

describe.each([
  { name: 'with mDNS candidates, Chromium’s default', mdns: true },
  { name: 'with plain addresses', mdns: false },
])('Chromium $name', ({ mdns }) => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await launchChromium({ mdns })
  })
  afterAll(() => chromium?.close())

  const ways: PairOptions[] = [
    { offerer: 'kaon', trickle: true },
    { offerer: 'kaon', trickle: false },
    { offerer: 'chromium', trickle: true },
    { offerer: 'chromium', trickle: false },
  ]
  it.each(ways)('connects: $offerer offers, trickle $trickle', async (options) => {
    const page = await chromium.newPage()
    const pair = await ChromiumPair.create(page, options)
    try {
      if (options.offerer === 'kaon') pair.createChannel('chat')
      else await pair.page.channel('chat')
      await pair.negotiate()
      const channel = await pair.channel('chat')
      await pair.page.opened('chat')

      const arrived = messages(channel, 1)
      await pair.page.sendText('chat', 'from the page')
      expect(await arrived).toEqual(['from the page'])
      channel.send('from Kaon')
      expect(await pair.page.received('chat', 1)).toMatchObject([{ kind: 'string', text: 'from Kaon' }])

      await pair.connected()
      expect(pair.kaon.iceConnectionState).toMatch(/^(connected|completed)$/)
      expect(await pair.page.selectedPair()).toBeDefined()
      expect(pair.kaon.sctp?.transport.state).toBe('connected')
      const chromiumCandidates = pair.kaon.remoteDescription!.sdp.match(/a=candidate:.*/g) ?? []
      if (!options.trickle) {
        const named = chromiumCandidates.filter((line) => line.includes('.local '))
        expect(named.length > 0).toBe(mdns)
      }
    } finally {
      await pair.close()
      await page.close()
    }
  })

  it('hides Kaon’s addresses behind mDNS names when asked', async () => {
    const page = await chromium.newPage()
    const pair = await ChromiumPair.create(page, { offerer: 'kaon', trickle: false, kaon: { ice: { mdns: 'hide' } } })
    try {
      pair.createChannel('chat')
      await pair.negotiate()
      const lines = pair.kaon.localDescription!.sdp.match(/a=candidate:.*/g) ?? []
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) expect(line).toMatch(/ [0-9a-f-]{36}\.local \d+ typ host/)
      await pair.channel('chat')
      await pair.connected()
    } finally {
      await pair.close()
      await page.close()
    }
  })

  it('notices that the page went away', async () => {
    const page = await chromium.newPage()
    const pair = await ChromiumPair.create(page, { offerer: 'kaon', trickle: true })
    try {
      const channel = pair.createChannel('chat')
      await pair.negotiate()
      await pair.connected()
      const closed = once(channel, 'close')
      await pair.page.close()
      await closed
      expect(channel.readyState).toBe('closed')
    } finally {
      await pair.close()
      await page.close()
    }
  })
})

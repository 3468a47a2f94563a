import { describe, expect, it } from 'vitest'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { BrowserPair, messages, once } from '../browser-pair.ts'

/** Both roles, with candidates that trickle and with whole descriptions. */
export function connecting(kind: BrowserKind): void {
  describe.each([
    { name: 'with mDNS candidates, the default', mdns: true },
    { name: 'with plain addresses', mdns: false },
  ])(`${kind.name} $name`, ({ mdns }) => {
    const newPage = launched(() => kind.launch({ mdns }))

    const ways = sides(kind).flatMap((side) => [true, false].map((trickle) => ({ ...side, trickle })))
    it.each(ways)('connects: $who offers, trickle $trickle', async ({ side, trickle }) => {
      const page = await newPage()
      const pair = await BrowserPair.create(page, { offerer: side, trickle })
      try {
        if (side === 'kaon') pair.createChannel('chat')
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
        const candidates = pair.kaon.remoteDescription!.sdp.match(/a=candidate:.*/g) ?? []
        if (!trickle) {
          const named = candidates.filter((line) => line.includes('.local '))
          expect(named.length > 0).toBe(mdns)
        }
      } finally {
        await pair.close()
        await page.close()
      }
    })

    it('hides Kaon’s addresses behind mDNS names when asked', async () => {
      const page = await newPage()
      const pair = await BrowserPair.create(page, { offerer: 'kaon', trickle: false, kaon: { ice: { mdns: 'hide' } } })
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
      const page = await newPage()
      const pair = await BrowserPair.create(page, { offerer: 'kaon', trickle: true })
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
}

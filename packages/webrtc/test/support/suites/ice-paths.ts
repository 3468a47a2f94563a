import { SharedPorts } from '@kaon/ice/driver'
import { createNetwork } from '@kaon/net'
import { describe, expect, it } from 'vitest'
import { launched, sides, type BrowserKind, type Browser } from '../browsers.ts'
import { BrowserPair, messages, type KaonConfiguration, type Side } from '../browser-pair.ts'

// Ways to a browser besides UDP from host to host.

const onlyTcp = ({ protocol }: { protocol: string }): boolean => protocol === 'tcp'

type Page = Awaited<ReturnType<Browser['newPage']>>

/** ICE-TCP, ICE-lite, and one port for several connections. */
export function paths(kind: BrowserKind): void {
  describe(`ways to ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))

    async function open(page: Page, offerer: Side, kaon: KaonConfiguration): Promise<BrowserPair> {
      const pair = await BrowserPair.create(page, { offerer, trickle: false, kaon })
      if (offerer === 'kaon') pair.createChannel('chat')
      else await pair.page.channel('chat')
      await pair.negotiate()
      return pair
    }

    /** A text each way. */
    async function talk(pair: BrowserPair): Promise<void> {
      const channel = await pair.channel('chat')
      await pair.page.opened('chat')
      const arrived = messages(channel, 1)
      await pair.page.sendText('chat', 'from the page')
      expect(await arrived).toEqual(['from the page'])
      channel.send('from Kaon')
      expect(await pair.page.received('chat', 1)).toMatchObject([{ text: 'from Kaon' }])
    }

    const selected = (pair: BrowserPair) => pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()!

    it.each(sides(kind))('TCP to a port of Kaon’s, $who offers', async ({ side }) => {
      const page = await newPage()
      const pair = await open(page, side, { ice: { tcp: ['passive'], candidateFilter: onlyTcp } })
      try {
        await talk(pair)
        expect(selected(pair).local).toMatchObject({ protocol: 'tcp', tcpType: 'passive', type: 'host' })
        expect(selected(pair).remote).toMatchObject({ protocol: 'tcp', tcpType: 'active', type: 'prflx' })
      } finally {
        await pair.close()
        await page.close()
      }
    })

    it.each(sides(kind))('an ICE-lite Kaon, $who offers', async ({ side }) => {
      const page = await newPage()
      const pair = await open(page, side, { ice: { lite: true } })
      try {
        await talk(pair)
        expect(pair.kaon.localDescription!.sdp).toContain('a=ice-lite')
        expect(pair.kaon.sctp!.transport.iceTransport.role).toBe('controlled')
      } finally {
        await pair.close()
        await page.close()
      }
    })

    it('three pages at one UDP and TCP port', async () => {
      const sharedPorts = await SharedPorts.open({ network: createNetwork(), tcp: true })
      const pages = [await newPage(), await newPage(), await newPage()]
      const pairs: BrowserPair[] = []
      try {
        for (const [i, page] of pages.entries()) {
          const ice = { sharedPorts, tcp: ['passive'] as const, ...(i === 1 && { candidateFilter: onlyTcp }) }
          pairs.push(await open(page, i === 0 ? 'kaon' : 'browser', { ice }))
        }
        for (const [i, pair] of pairs.entries()) {
          await talk(pair)
          const { local } = selected(pair)
          expect(local.protocol).toBe(i === 1 ? 'tcp' : 'udp')
          expect(local.port).toBe(i === 1 ? sharedPorts.tcpPort : sharedPorts.port)
        }
      } finally {
        for (const pair of pairs) await pair.close()
        for (const page of pages) await page.close()
        expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
        sharedPorts.close()
      }
    })
  })
}

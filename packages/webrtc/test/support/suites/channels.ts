import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RTCDataChannel } from '../../../src/index.ts'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { BrowserPair, messages, once } from '../browser-pair.ts'
import { patternBytes, type DrivenPage } from '../browser-peer.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

const kinds: { name: string; init: RTCDataChannelInit }[] = [
  { name: 'reliable, ordered', init: {} },
  { name: 'reliable, unordered', init: { ordered: false } },
  { name: 'ordered, maxRetransmits 0', init: { maxRetransmits: 0 } },
  { name: 'unordered, maxRetransmits 0', init: { ordered: false, maxRetransmits: 0 } },
  { name: 'ordered, maxPacketLifeTime 500', init: { maxPacketLifeTime: 500 } },
  { name: 'unordered, maxPacketLifeTime 500', init: { ordered: false, maxPacketLifeTime: 500 } },
]

/** Sends all of `data` in pieces, waiting whenever a few megabytes are queued. */
async function sendAll(channel: RTCDataChannel, data: Uint8Array<ArrayBuffer>, size: number): Promise<void> {
  channel.bufferedAmountLowThreshold = 1 << 20
  for (let offset = 0; offset < data.length; offset += size) {
    if (channel.bufferedAmount > 4 << 20) await once(channel, 'bufferedamountlow')
    channel.send(data.slice(offset, offset + size))
  }
}

/** What channels and messages are on the other side, both ways; `bulk` bytes are sent at once each way. */
export function channels(kind: BrowserKind, bulk: number): void {
  describe(`data channels with ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    describe.each(sides(kind))('$who offers', ({ side }) => {
      let page: DrivenPage
      let pair: BrowserPair

      beforeEach(async () => {
        page = await newPage()
        pair = await BrowserPair.create(page, { offerer: side, trickle: true })
        if (side === 'kaon') pair.createChannel('main')
        else await pair.page.channel('main')
        await pair.negotiate()
        await pair.channel('main')
        await pair.page.opened('main')
      })
      afterEach(async () => {
        await pair.close()
        await page.close()
      })

      it.each(kinds)('a channel opened by Kaon: $name', async ({ init }) => {
        const label = 'grüße 👋'
        const channel = pair.createChannel(label, { ...init, protocol: 'ünï/1' })
        await once(channel, 'open')
        expect(await pair.page.opened(label)).toMatchObject({
          label,
          protocol: 'ünï/1',
          ordered: init.ordered ?? true,
          maxRetransmits: init.maxRetransmits ?? null,
          maxPacketLifeTime: init.maxPacketLifeTime ?? null,
          negotiated: false,
          id: channel.id,
        })
        channel.send('text')
        expect(await pair.page.received(label, 1)).toMatchObject([{ text: 'text' }])
        const back = messages(channel, 1)
        await pair.page.sendText(label, 'back')
        expect(await back).toEqual(['back'])
      })

      it.each(kinds)('a channel opened by the browser: $name', async ({ init }) => {
        await pair.page.channel('theirs', { ...init, protocol: 'p' })
        const described = await pair.page.opened('theirs')
        const channel = await pair.channel('theirs')
        expect(channel).toMatchObject({
          label: 'theirs',
          protocol: 'p',
          ordered: init.ordered ?? true,
          maxRetransmits: init.maxRetransmits ?? null,
          maxPacketLifeTime: init.maxPacketLifeTime ?? null,
          id: described.id,
        })
        const back = messages(channel, 1)
        await pair.page.sendText('theirs', 'hello')
        expect(await back).toEqual(['hello'])
      })

      it('a negotiated channel', async () => {
        const channel = pair.createChannel('by hand', { negotiated: true, id: 100 })
        await pair.page.channel('by hand', { negotiated: true, id: 100 })
        if (channel.readyState !== 'open') await once(channel, 'open')
        await pair.page.opened('by hand')
        const back = messages(channel, 1)
        await pair.page.sendText('by hand', 'x')
        expect(await back).toEqual(['x'])
      })

      it('text, binary, empty and 256 KB messages, both ways', async () => {
        const channel = pair.channels.get('main')!
        const big = patternBytes(262_144, 7)
        const text = 'ÿ∀𝄞'.repeat(1000)
        channel.send(text)
        channel.send('')
        channel.send(new Uint8Array(0))
        channel.send(new DataView(Uint8Array.of(9, 1, 2, 3, 9).buffer, 1, 3))
        channel.send(new Blob([big.slice()]))
        channel.send(big.slice().buffer)
        expect(await pair.page.received('main', 6)).toEqual([
          { kind: 'string', text, size: text.length, sha256: sha256(new TextEncoder().encode(text)) },
          { kind: 'string', text: '', size: 0, sha256: sha256(new Uint8Array(0)) },
          { kind: 'binary', size: 0, sha256: sha256(new Uint8Array(0)) },
          { kind: 'binary', size: 3, sha256: sha256(Uint8Array.of(1, 2, 3)) },
          { kind: 'binary', size: big.length, sha256: sha256(big) },
          { kind: 'binary', size: big.length, sha256: sha256(big) },
        ])

        const arrived = messages(channel, 5)
        await pair.page.sendText('main', text)
        await pair.page.sendText('main', '')
        await pair.page.sendBytes('main', 0, 1)
        await pair.page.sendBytes('main', 1, 1)
        await pair.page.sendBytes('main', 262_144, 7)
        const [gotText, gotEmpty, gotNothing, gotOne, gotBig] = await arrived
        expect(gotText).toBe(text)
        expect(gotEmpty).toBe('')
        expect((gotNothing as ArrayBuffer).byteLength).toBe(0)
        expect((gotOne as ArrayBuffer).byteLength).toBe(1)
        expect(sha256(new Uint8Array(gotBig as ArrayBuffer))).toBe(sha256(big))
      })

      it('ten channels at once', async () => {
        const labels = Array.from({ length: 10 }, (_, i) => `channel ${i}`)
        for (const [i, label] of labels.entries()) {
          if (i % 2 === 0) pair.createChannel(label)
          else await pair.page.channel(label)
        }
        const ids = new Set<number>()
        for (const label of labels) {
          await pair.page.opened(label)
          const channel = await pair.channel(label)
          ids.add(channel.id!)
          const back = messages(channel, 1)
          channel.send(`to ${label}`)
          await pair.page.sendText(label, `from ${label}`)
          expect(await back).toEqual([`from ${label}`])
          expect(await pair.page.received(label, 1)).toMatchObject([{ text: `to ${label}` }])
        }
        expect(ids.size).toBe(10)
      })

      it(`${bulk / 1e6} MB from Kaon arrive intact`, async () => {
        const data = patternBytes(bulk, 42)
        const collected = pair.page.collected('main', bulk)
        await sendAll(pair.channels.get('main')!, data, 65_536)
        expect(await collected).toBe(sha256(data))
      })

      it(`${bulk / 1e6} MB from the browser arrive intact`, async () => {
        const hash = createHash('sha256')
        const channel = pair.channels.get('main')!
        const all = new Promise<void>((resolve) => {
          let size = 0
          channel.onmessage = (event) => {
            const data = new Uint8Array(event.data as ArrayBuffer)
            hash.update(data)
            size += data.length
            if (size === bulk) resolve()
          }
        })
        const sent = await pair.page.sendMany('main', bulk, 65_536, 43)
        await all
        expect(hash.digest('hex')).toBe(sent)
      })

      it('a channel closed by Kaon, whose id can be used again', async () => {
        for (let round = 0; round < 3; round++) {
          const label = `short ${round}`
          const channel = pair.createChannel(label, { negotiated: true, id: 10 })
          await pair.page.channel(label, { negotiated: true, id: 10 })
          await pair.page.opened(label)
          channel.send('last words')
          const closed = once(channel, 'close')
          channel.close()
          expect(channel.readyState).toBe('closing')
          await closed
          await pair.page.closed(label)
          expect(await pair.page.received(label, 1)).toMatchObject([{ text: 'last words' }])
        }
      })

      it('a channel closed by the browser', async () => {
        const channel = pair.createChannel('theirs to close')
        await pair.page.opened('theirs to close')
        const closed = once(channel, 'close')
        const last = messages(channel, 1)
        await pair.page.sendText('theirs to close', 'last words')
        await pair.page.closeChannel('theirs to close')
        await closed
        expect(await last).toEqual(['last words'])
        await pair.page.closed('theirs to close')
      })
    })
  })
}

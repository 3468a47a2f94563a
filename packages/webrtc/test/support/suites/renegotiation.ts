import { describe, expect, it } from 'vitest'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { BrowserPair, messages } from '../browser-pair.ts'

const ufrag = (sdp: string): string => /a=ice-ufrag:(\S+)/.exec(sdp)![1]!

/** More offers on a connection that is up: ICE restarts, and new sections. */
export function renegotiation(kind: BrowserKind): void {
  describe(`renegotiation with ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))
    describe.each(sides(kind))('$who offers first', ({ side: offerer }) => {
      async function withPair(use: (pair: BrowserPair) => Promise<void>): Promise<void> {
        const page = await newPage()
        const pair = await BrowserPair.create(page, { offerer, trickle: true })
        try {
          if (offerer === 'kaon') pair.createChannel('main')
          else await pair.page.channel('main')
          await pair.negotiate()
          await pair.channel('main')
          await pair.connected()
          await use(pair)
        } finally {
          await pair.close()
          await page.close()
        }
      }

      async function echoes(pair: BrowserPair, text: string): Promise<void> {
        const channel = pair.channels.get('main')!
        const back = messages(channel, 1)
        channel.send(text)
        expect(await pair.page.received('main', 1)).toMatchObject([{ text }])
        await pair.page.sendText('main', text)
        expect(await back).toEqual([text])
      }

      it.each(sides(kind))('ICE restart asked for by $who', async ({ side: restarter }) => {
        await withPair(async (pair) => {
          const before = [ufrag(pair.kaon.localDescription!.sdp), ufrag(pair.kaon.remoteDescription!.sdp)]
          const oldPair = pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()
          if (restarter === 'kaon') pair.kaon.restartIce()
          else await pair.page.restartIce()
          await pair.negotiate(restarter)
          await echoes(pair, 'while the restart goes on')
          await pair.connected()
          const after = [ufrag(pair.kaon.localDescription!.sdp), ufrag(pair.kaon.remoteDescription!.sdp)]
          expect(after[0]).not.toBe(before[0])
          expect(after[1]).not.toBe(before[1])
          const selected = (): unknown => pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()
          await expect.poll(selected, { timeout: 10_000 }).not.toBe(oldPair)
          await echoes(pair, 'after the restart')
          for (const again of ['kaon', 'browser'] as const) {
            await pair.negotiate(again)
            await echoes(pair, `offered by ${again} after the restart`)
          }
        })
      })

      it('offers again from each side without disturbing the channel', async () => {
        await withPair(async (pair) => {
          for (const again of ['kaon', 'browser', 'kaon'] as const) {
            const before = ufrag(pair.kaon.localDescription!.sdp)
            await pair.negotiate(again)
            expect(ufrag(pair.kaon.localDescription!.sdp)).toBe(before)
            expect(pair.kaon.signalingState).toBe('stable')
            await echoes(pair, `offered by ${again}`)
          }
        })
      })

      it('answers an offer that adds audio on the transport that is there', async () => {
        await withPair(async (pair) => {
          await pair.page.addAudio()
          await pair.negotiate('browser')
          const answer = pair.kaon.localDescription!.sdp
          expect(answer.match(/^m=\S+/gm)).toEqual(['m=application', 'm=audio'])
          expect(answer).toMatch(/^m=audio [1-9]\d* /m)
          expect(pair.kaon.getReceivers()[0]!.transport).toBe(pair.kaon.sctp!.transport)
          await echoes(pair, 'still here')
        })
      })
    })
  })
}

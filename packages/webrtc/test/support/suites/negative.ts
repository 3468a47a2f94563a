import { describe, expect, it } from 'vitest'
import { RTCPeerConnection } from '../../../src/index.ts'
import { once } from '../browser-pair.ts'
import { launched, sides, type BrowserKind } from '../browsers.ts'
import { pagePeer, type RemotePeer } from '../browser-peer.ts'

// Connections that must not come up. The descriptions travel whole, so that they can be falsified on the way.

/** Another certificate's fingerprint: same length, other bytes. */
const forgeFingerprint = (sdp: string): string =>
  sdp.replace(
    /(a=fingerprint:sha-256 )([0-9A-F:]+)/g,
    (_line, name: string, value: string) => name + value.split(':').reverse().join(':'),
  )

async function complete(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  while (connection.iceGatheringState !== 'complete') await once(connection, 'icegatheringstatechange')
  return { type: connection.localDescription!.type, sdp: connection.localDescription!.sdp }
}

/** Connections that must fail: forged fingerprints, credentials that are too short. */
export function failing(kind: BrowserKind): void {
  describe(`what must not connect to ${kind.name}`, () => {
    const newPage = launched(() => kind.launch({ mdns: false }))

    async function withPeers(use: (kaon: RTCPeerConnection, page: RemotePeer) => Promise<void>): Promise<void> {
      const page = await newPage()
      const kaon = new RTCPeerConnection()
      try {
        const browser = await pagePeer(page, () => {})
        await browser.create()
        await use(kaon, browser)
      } finally {
        kaon.close()
        await page.close()
      }
    }

    async function failed(kaon: RTCPeerConnection): Promise<void> {
      while (kaon.connectionState !== 'failed') await once(kaon, 'connectionstatechange')
    }

    it.each(sides(kind))(
      'a certificate of the browser that its description did not announce, $who offers',
      async ({ side: offerer }) => {
        await withPeers(async (kaon, browser) => {
          const channel = kaon.createDataChannel('never')
          const opened: string[] = []
          channel.onopen = () => opened.push('channel')
          kaon.ondatachannel = () => opened.push('incoming channel')
          const hasFailed = failed(kaon)
          if (offerer === 'kaon') {
            await kaon.setLocalDescription()
            const answer = await browser.answer(await complete(kaon), true)
            await kaon.setRemoteDescription({ type: 'answer', sdp: forgeFingerprint(answer.sdp!) })
          } else {
            await browser.channel('theirs')
            const offer = await browser.offer(true)
            await kaon.setRemoteDescription({ type: 'offer', sdp: forgeFingerprint(offer.sdp!) })
            await kaon.setLocalDescription()
            await browser.accept(await complete(kaon))
          }
          await hasFailed
          expect(kaon.sctp!.transport.state).toBe('failed')
          expect(opened).toEqual([])
        })
      },
    )

    it.each(sides(kind))(
      'a certificate of Kaon that its description did not announce, $who offers',
      async ({ side: offerer }) => {
        await withPeers(async (kaon, browser) => {
          kaon.createDataChannel('never')
          const hasFailed = failed(kaon)
          if (offerer === 'kaon') {
            await kaon.setLocalDescription()
            const offer = await complete(kaon)
            const answer = await browser.answer({ type: 'offer', sdp: forgeFingerprint(offer.sdp!) }, true)
            await kaon.setRemoteDescription(answer)
          } else {
            await browser.channel('theirs')
            await kaon.setRemoteDescription(await browser.offer(true))
            await kaon.setLocalDescription()
            const answer = await complete(kaon)
            await browser.accept({ type: 'answer', sdp: forgeFingerprint(answer.sdp!) })
          }
          await browser.connectionState('failed')
          await hasFailed
          expect(kaon.sctp!.state).not.toBe('connected')
        })
      },
    )

    it('a description whose ufrag or password is too short', async () => {
      await withPeers(async (kaon, browser) => {
        await browser.channel('theirs')
        const { sdp } = await browser.offer(true)
        const short = [
          sdp!.replace(/a=ice-ufrag:.*/g, 'a=ice-ufrag:abc'),
          sdp!.replace(/a=ice-pwd:.*/g, 'a=ice-pwd:only20characters....'),
        ]
        for (const falsified of short)
          await expect(kaon.setRemoteDescription({ type: 'offer', sdp: falsified })).rejects.toBeInstanceOf(
            DOMException,
          )
        expect(kaon.signalingState).toBe('stable')
      })
    })
  })
}

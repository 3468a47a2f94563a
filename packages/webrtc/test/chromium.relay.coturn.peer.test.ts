import { createNetwork } from '@kaon/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeIdentity, startCoturn, type Coturn } from '../../turn/test/coturn.ts'
import type { RTCConfiguration, RTCPeerConnectionIceErrorEvent } from '../src/index.ts'
import { BrowserPair, messages, once } from './support/browser-pair.ts'
import { launched, mediaChromium, sides } from './support/browsers.ts'
import { MediaCall } from './support/media-call.ts'
import { mediaPage } from './support/media-page.ts'

// Kaon lets nobody see its addresses: everything between it and Chromium goes through coturn. Chromium knows no server.

/** One that Chromium gathers by itself; else loopback, of which it has to be told. */
const address =
  createNetwork()
    .interfaces()
    .find(({ family, internal }) => family === 4 && !internal)?.address ?? '127.0.0.1'
const account = { username: 'alice', credential: 'secret' }
const identity = makeIdentity()
const start = (port?: number): Promise<Coturn> =>
  startCoturn(['--lt-cred-mech', '--user', 'alice:secret', '-L', address, '-E', address], {
    identity,
    ...(port === undefined ? {} : { port }),
  })

let coturn: Coturn
beforeAll(async () => {
  coturn = await start()
})
afterAll(() => coturn.kill())

function urlOf(transport: 'udp' | 'tcp' | 'tls'): string {
  return transport === 'tls'
    ? `turns:${address}:${coturn.tlsPort}?transport=tcp`
    : `turn:${address}:${coturn.port}?transport=${transport}`
}

function relayed(transport: 'udp' | 'tcp' | 'tls', credential: string = account.credential): RTCConfiguration {
  return {
    iceServers: [{ urls: urlOf(transport), username: account.username, credential }],
    iceTransportPolicy: 'relay',
    ice: {
      includeLoopback: address === '127.0.0.1',
      addressFilter: (one) => one === address,
      tls: { authorities: [identity.certificate], serverName: 'turn.test' },
    },
  }
}

describe('Chromium, and Kaon behind coturn', () => {
  const newPage = launched(() => mediaChromium.launch({ mdns: false }))

  async function talk(pair: BrowserPair, text: string): Promise<void> {
    const channel = await pair.channel('chat')
    await pair.page.opened('chat')
    const arrived = messages(channel, 1)
    await pair.page.sendText('chat', text)
    expect(await arrived).toEqual([text])
    channel.send(`${text}, too`)
    expect(await pair.page.received('chat', 1)).toMatchObject([{ text: `${text}, too` }])
  }

  const ways = (['udp', 'tcp', 'tls'] as const).flatMap((transport) =>
    sides(mediaChromium).map((side) => ({ ...side, transport })),
  )
  it.each(ways)('camera, microphone and back over $transport, $who offers', async ({ transport, side }) => {
    const page = await newPage()
    const both = ['audio', 'video'] as const
    const call = await MediaCall.create(
      await mediaPage(page),
      { send: both, receive: both, prefer: { video: 'video/VP8' } },
      undefined,
      relayed(transport),
    )
    try {
      await call.negotiate(side, (kaon) => {
        if (side === 'kaon') for (const kind of both) kaon.addTransceiver(kind)
        for (const transceiver of kaon.getTransceivers()) {
          transceiver.direction = 'sendrecv'
          void transceiver.sender.replaceTrack(transceiver.receiver.track)
        }
      })
      await call.connected()
      const count = async (kind: 'audio' | 'video', name: string): Promise<number> =>
        Number((await call.pageStats('inbound-rtp', kind))?.[name] ?? 0)
      await expect.poll(() => count('video', 'framesDecoded'), { timeout: 20_000 }).toBeGreaterThan(50)
      await expect.poll(() => count('audio', 'packetsReceived'), { timeout: 20_000 }).toBeGreaterThan(50)
      const { local } = call.kaon.getSenders()[0]!.transport!.iceTransport.getSelectedCandidatePair()!
      expect(local).toMatchObject({ type: 'relay', relayProtocol: transport, url: urlOf(transport) })
      expect(call.kaon.localDescription!.sdp).not.toMatch(/typ (host|srflx)/)
    } finally {
      await call.close()
      await page.close()
    }
  })

  it('a wrong password is a candidate error 401, and nothing is gathered', async () => {
    const page = await newPage()
    const pair = await BrowserPair.create(page, { offerer: 'kaon', trickle: false, kaon: relayed('udp', 'wrong') })
    try {
      const failed = once<Event & RTCPeerConnectionIceErrorEvent>(pair.kaon, 'icecandidateerror')
      pair.createChannel('chat')
      await pair.kaon.setLocalDescription()
      // Who relays everything does not tell from where.
      expect(await failed).toMatchObject({ errorCode: 401, url: urlOf('udp'), address: null, port: null })
      while (pair.kaon.iceGatheringState !== 'complete') await once(pair.kaon, 'icegatheringstatechange')
      expect(pair.kaon.localDescription!.sdp).not.toContain('a=candidate:')
    } finally {
      await pair.close()
      await page.close()
    }
  })

  it.each([
    ['udp', 'kaon'],
    ['udp', 'browser'],
    ['tcp', 'kaon'],
  ] as const)(
    'coturn is killed and started again over %s: an ICE restart of %s brings the call back',
    async (transport, side) => {
      const page = await newPage()
      const pair = await BrowserPair.create(page, { offerer: side, trickle: true, kaon: relayed(transport) })
      try {
        if (side === 'kaon') pair.createChannel('chat')
        else await pair.page.channel('chat')
        await pair.negotiate()
        await pair.connected()
        await talk(pair, 'before')
        const { port } = coturn
        await coturn.kill()
        const lost = (): boolean => ['disconnected', 'failed'].includes(pair.kaon.iceConnectionState)
        while (!lost()) await once(pair.kaon, 'iceconnectionstatechange')
        const channel = await pair.channel('chat')
        channel.send('sent meanwhile')
        coturn = await start(port)
        if (side === 'kaon') pair.kaon.restartIce()
        else await pair.page.restartIce()
        await pair.negotiate()
        await pair.connected()
        expect(await pair.page.received('chat', 1)).toMatchObject([{ text: 'sent meanwhile' }])
        await talk(pair, 'after')
        const { local } = pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()!
        expect(local).toMatchObject({ type: 'relay', relayProtocol: transport })
      } finally {
        await pair.close()
        await page.close()
      }
    },
  )

  it('coturn is killed and started again at once: with continual gathering nobody has to do anything', async () => {
    const page = await newPage()
    const { ice, ...rest } = relayed('udp')
    const kaon = { ...rest, ice: { ...ice, continualGathering: true } }
    const pair = await BrowserPair.create(page, { offerer: 'kaon', trickle: true, kaon })
    try {
      pair.createChannel('chat')
      await pair.negotiate()
      await pair.connected()
      await talk(pair, 'before')
      const { port } = coturn
      const before = pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()!.local
      await coturn.kill()
      coturn = await start(port)
      const channel = await pair.channel('chat')
      channel.send('sent meanwhile')
      expect(await pair.page.received('chat', 1)).toMatchObject([{ text: 'sent meanwhile' }])
      await talk(pair, 'after')
      const { local } = pair.kaon.sctp!.transport.iceTransport.getSelectedCandidatePair()!
      expect(local.type).toBe('relay')
      expect(local.port).not.toBe(before.port)
    } finally {
      await pair.close()
      await page.close()
    }
  })
})

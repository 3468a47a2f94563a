import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RTCPeerConnection, type RTCDataChannel } from '../src/index.ts'
import { AiortcPeer } from './support/aiortc-peer.ts'
import { messages, once } from './support/browser-pair.ts'
import { patternBytes } from './support/browser-peer.ts'

// aiortc: ICE, SCTP and data channels in Python, DTLS 1.2 of OpenSSL. It does not trickle.

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

async function localDescription(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  await connection.setLocalDescription()
  while (connection.iceGatheringState !== 'complete') await once(connection, 'icegatheringstatechange')
  const { type, sdp } = connection.localDescription!
  return { type, sdp }
}

describe.each([
  { offerer: 'kaon', who: 'Kaon' },
  { offerer: 'aiortc', who: 'aiortc' },
])('aiortc, $who offers', ({ offerer }) => {
  let kaon: RTCPeerConnection
  let aiortc: AiortcPeer
  let channel: RTCDataChannel

  beforeEach(async () => {
    kaon = new RTCPeerConnection()
    aiortc = new AiortcPeer()
    if (offerer === 'kaon') {
      channel = kaon.createDataChannel('echo')
      const answer = await aiortc.call<RTCSessionDescriptionInit>('answer', { offer: await localDescription(kaon) })
      await kaon.setRemoteDescription(answer)
    } else {
      const incoming = once<RTCDataChannelEvent>(kaon, 'datachannel')
      await aiortc.call('channel', { label: 'echo', init: {} })
      await kaon.setRemoteDescription(await aiortc.call<RTCSessionDescriptionInit>('offer'))
      await aiortc.call('accept', { answer: await localDescription(kaon) })
      channel = (await incoming).channel as unknown as RTCDataChannel
    }
    channel.binaryType = 'arraybuffer'
    if (channel.readyState === 'connecting') await once(channel, 'open')
    await aiortc.event({ event: 'open', label: 'echo' })
  })
  afterEach(async () => {
    kaon?.close()
    await aiortc?.stop()
  })

  it('connects and echoes text, binary, empty and 64 KB messages', async () => {
    const big = patternBytes(65_536, 5)
    const sent: (string | Uint8Array<ArrayBuffer>)[] = [
      'text',
      'grüße 👋',
      '',
      big,
      Uint8Array.of(0),
      new Uint8Array(0),
    ]
    const back = messages(channel, sent.length)
    for (const message of sent) {
      if (typeof message === 'string') channel.send(message)
      else channel.send(message.slice())
      const size = Buffer.from(message as string).length
      expect(await aiortc.event({ event: 'message', label: 'echo' })).toMatchObject({
        kind: typeof message === 'string' ? 'string' : 'binary',
        size,
        sha256: sha256(message),
      })
    }
    const received = (await back).map((message) => (typeof message === 'string' ? message : new Uint8Array(message)))
    expect(received).toEqual(sent)
    expect(kaon.connectionState).toBe('connected')
    const stats = [...(await kaon.getStats()).values()]
    expect(stats.find(({ type }) => type === 'transport')).toMatchObject({ tlsVersion: 'FEFD', dtlsState: 'connected' })
  })

  const kinds: { name: string; init: RTCDataChannelInit }[] = [
    { name: 'reliable, ordered', init: {} },
    { name: 'reliable, unordered', init: { ordered: false } },
    { name: 'maxRetransmits 3', init: { maxRetransmits: 3 } },
    { name: 'unordered, maxRetransmits 0', init: { ordered: false, maxRetransmits: 0 } },
    { name: 'maxPacketLifeTime 500', init: { maxPacketLifeTime: 500 } },
  ]
  it('channels of Kaon of every reliability', async () => {
    for (const { name, init } of kinds) {
      const label = `echo ${name}`
      const opened = kaon.createDataChannel(label, { ...init, protocol: 'p' })
      await once(opened, 'open')
      expect(await aiortc.event({ event: 'open', label })).toMatchObject({
        label,
        protocol: 'p',
        id: opened.id,
        ordered: init.ordered ?? true,
        maxRetransmits: init.maxRetransmits ?? null,
        maxPacketLifeTime: init.maxPacketLifeTime ?? null,
        negotiated: false,
      })
      const back = messages(opened, 1)
      opened.send(name)
      expect(await back).toEqual([name])
    }
  })

  it('channels of aiortc of every reliability', async () => {
    for (const { name, init } of kinds) {
      const label = `echo ${name}`
      const incoming = once<RTCDataChannelEvent>(kaon, 'datachannel')
      await aiortc.call('channel', { label, init: { ...init, protocol: 'p' } })
      const opened = (await incoming).channel as unknown as RTCDataChannel
      const described = await aiortc.event({ event: 'open', label })
      expect(opened).toMatchObject({
        label,
        protocol: 'p',
        id: described.id,
        ordered: init.ordered ?? true,
        maxRetransmits: init.maxRetransmits ?? null,
        maxPacketLifeTime: init.maxPacketLifeTime ?? null,
        negotiated: false,
      })
      const back = messages(opened, 1)
      await aiortc.call('send', { label, text: name })
      expect(await back).toEqual([name])
    }
  })

  it('a channel closed by Kaon', async () => {
    const closed = once(channel, 'close')
    channel.close()
    expect(await aiortc.event({ event: 'close', label: 'echo' })).toBeDefined()
    await closed
    expect(kaon.connectionState).toBe('connected')
  })

  it('a channel closed by aiortc', async () => {
    const closed = once(channel, 'close')
    await aiortc.call('closeChannel', { label: 'echo' })
    await closed
    await aiortc.event({ event: 'close', label: 'echo' })
    expect(kaon.connectionState).toBe('connected')
  })

  it('a connection closed by aiortc', async () => {
    const closed = once(channel, 'close')
    await aiortc.call('close')
    await closed
    // Its close_notify comes behind its ABORT.
    const { transport } = kaon.sctp!
    if (transport.state !== 'closed') await once(transport, 'statechange')
    expect(transport.state).toBe('closed')
  })

  it('a connection closed by Kaon', async () => {
    kaon.close()
    await aiortc.event({ event: 'close', label: 'echo' })
  })
})

import { VirtualNetwork } from '@kaon/net/virtual'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration, RTCDataChannel, RTCErrorEvent, RTCPeerConnection } from '../src/index.ts'
import { closeAll, connect, negotiate, once, opened, peer, thrown, trickle } from './support/peers.ts'
import { signal, virtualPeer } from './support/virtual.ts'

// What the sides of a connection may not exceed, and what happens at the edge.

afterEach(closeAll)

const loopback = { ice: { includeLoopback: true } }

/** Events of a channel, with the detail of errors. */
function log(channel: RTCDataChannel): string[] {
  const events: string[] = []
  for (const type of ['open', 'closing', 'close']) channel.addEventListener(type, () => events.push(type))
  channel.onerror = ({ error }: RTCErrorEvent) => events.push(`error ${error.errorDetail}`)
  return events
}

describe('streams', () => {
  const few: RTCConfiguration = { ...loopback, sctp: { inboundStreams: 8, outboundStreams: 8 } }

  it('fewer than an id needs: the channel fails, before and after the connection', async () => {
    const [a, b] = [peer(few), peer(few)]
    trickle(a, b)
    const high = a.createDataChannel('high', { negotiated: true, id: 8 })
    const low = a.createDataChannel('low', { negotiated: true, id: 7 })
    const events = log(high)
    await negotiate(a, b)
    await opened(low)
    expect(high.id).toBe(8)
    if (high.readyState !== 'closed') await once(high, 'close')
    expect(events).toEqual(['error data-channel-failure', 'close'])
    if (a.sctp!.state !== 'connected') await once(a.sctp!, 'statechange')
    expect(a.sctp!.maxChannels).toBe(8)
    expect(thrown(() => a.createDataChannel('x', { negotiated: true, id: 8 }))).toBe('OperationError')
    expect(thrown(() => a.createDataChannel('x', { negotiated: true, id: 7 }))).toBe('OperationError')
    // Of the server's odd ids 1, 3, 5 are left.
    for (const id of [1, 3, 5]) expect(a.createDataChannel('x').id).toBe(id)
    expect(thrown(() => a.createDataChannel('one more'))).toBe('OperationError')
    expect(a.createDataChannel('even', { negotiated: true, id: 0 }).id).toBe(0)
  })

  it('fewer than channels that were made before: those without an id fail', async () => {
    const [a, b] = [peer(few), peer(few)]
    trickle(a, b)
    const channels = Array.from({ length: 6 }, (_, i) => a.createDataChannel(String(i)))
    const events = channels.map(log)
    await negotiate(a, b)
    await Promise.all(
      channels.map((channel) =>
        channel.readyState === 'connecting' ? Promise.race([once(channel, 'open'), once(channel, 'close')]) : channel,
      ),
    )
    expect(channels.map((channel) => channel.readyState)).toEqual(['open', 'open', 'open', 'open', 'closed', 'closed'])
    expect(events.slice(3)).toEqual([
      ['open'],
      ['error data-channel-failure', 'close'],
      ['error data-channel-failure', 'close'],
    ])
  })

  it('65,534 is the last id', async () => {
    const { a, b } = await connect()
    const init = { negotiated: true, id: 65534 }
    const [own, remote] = [a.createDataChannel('x', init), b.createDataChannel('x', init)]
    await Promise.all([opened(own), opened(remote)])
    const message = once<MessageEvent>(remote, 'message')
    own.send('x')
    expect((await message).data).toBe('x')
    expect(a.sctp!.maxChannels).toBe(65535)
  })
})

describe('the size of messages', () => {
  const withSize = (pc: RTCPeerConnection, size: number): RTCSessionDescriptionInit => ({
    type: pc.localDescription!.type,
    sdp: pc.localDescription!.sdp.replace(/max-message-size:\d+/, `max-message-size:${size}`),
  })

  it('follows a renegotiation, up and down', async () => {
    const { a, b, channel, remote } = await connect()
    expect(a.sctp!.maxMessageSize).toBe(262_144)
    for (const size of [1000, 100_000, 10, 262_144]) {
      await a.setLocalDescription()
      await b.setRemoteDescription(a.localDescription!)
      await b.setLocalDescription()
      await a.setRemoteDescription(withSize(b, size))
      expect(a.sctp!.maxMessageSize).toBe(size)
      expect(thrown(() => channel.send(new Uint8Array(size + 1)))).toBe('TypeError')
      const message = once<MessageEvent>(remote, 'message')
      channel.send(new Uint8Array(size))
      expect(((await message).data as ArrayBuffer).byteLength).toBe(size)
    }
  })

  it('lowered while a blob is read: an error event, and the messages behind it arrive', async () => {
    const { a, b, channel, remote } = await connect()
    let release = (): void => {}
    const blob = new Blob([new Uint8Array(5000)])
    const bytes = await blob.arrayBuffer()
    blob.arrayBuffer = () => new Promise((resolve) => (release = () => resolve(bytes)))
    channel.send(blob)
    channel.send('behind')
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription()
    await a.setRemoteDescription(withSize(b, 100))
    const message = once<MessageEvent>(remote, 'message')
    const error = once<Event & RTCErrorEvent>(channel, 'error')
    release()
    expect((await error).error.errorDetail).toBe('sctp-failure')
    expect((await message).data).toBe('behind')
    expect(channel.readyState).toBe('open')
    while (channel.bufferedAmount > 0) await new Promise((resolve) => setImmediate(resolve))
  })

  it('without an attribute: 65,536; 0: the send buffer', async () => {
    for (const [replacement, expected] of [
      ['', 65_536],
      ['a=max-message-size:0\r\n', 16 * 1024 * 1024],
    ] as const) {
      const [a, b] = [peer(loopback), peer(loopback)]
      a.createDataChannel('x')
      await a.setLocalDescription()
      expect(a.sctp!.maxMessageSize).toBe(null)
      const sdp = a.localDescription!.sdp.replace(/a=max-message-size:\d+\r\n/, replacement)
      await b.setRemoteDescription({ type: 'offer', sdp })
      expect(b.sctp!.maxMessageSize).toBe(null)
      await b.setLocalDescription()
      expect(b.sctp!.maxMessageSize).toBe(expected)
    }
  })
})

describe('a blob that cannot be read', () => {
  it('closes the channel with an error', async () => {
    const { channel, remote } = await connect()
    const blob = new Blob(['x'])
    blob.arrayBuffer = () => Promise.reject(new Error('gone'))
    const events: string[] = []
    channel.onerror = () => events.push(`error ${channel.readyState}`)
    channel.onclose = () => events.push('close')
    const closed = Promise.all([once(channel, 'close'), once(remote, 'close')])
    channel.send('before')
    channel.send(blob)
    await closed
    expect(events).toEqual(['error closing', 'close'])
  })
})

describe('maxPacketLifeTime', () => {
  it('is milliseconds', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const hosts = [net.addHost({ link: { delay: 10 } }), net.addHost({ link: { delay: 10 } })] as const
    const [a, b] = [virtualPeer(hosts[0], 1), virtualPeer(hosts[1], 2)]
    signal(net, [a, hosts[0]], [b, hosts[1]])
    const got: string[] = []
    b.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => got.push(`${channel.label} ${data as string}`)
    }
    const short = a.createDataChannel('short', { maxPacketLifeTime: 500 })
    const long = a.createDataChannel('long', { maxPacketLifeTime: 5000 })
    await net.runUntil(Promise.all([once(short, 'open'), once(long, 'open')]), 5000)
    await net.run(1000)
    hosts[0].link.down()
    short.send('lost')
    long.send('kept')
    await net.run(2000)
    hosts[0].link.up()
    short.send('later')
    await net.run(5000)
    expect(got.sort()).toEqual(['long kept', 'short later'])
  })
})

describe('a queue that nobody empties', () => {
  it('does not grow without bound: send throws, and ready() tells when there is room', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const hosts = [net.addHost(), net.addHost()] as const
    const configuration = { sctp: { sendBufferSize: 300_000 } }
    const [a, b] = [virtualPeer(hosts[0], 1, configuration), virtualPeer(hosts[1], 2, configuration)]
    signal(net, [a, hosts[0]], [b, hosts[1]])
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 5000)
    hosts[1].link.down()
    const chunk = new Uint8Array(10_000)
    let sent = 0
    while (thrown(() => channel.send(chunk)) === 'returned') sent++
    expect(sent).toBe(30)
    expect(thrown(() => channel.send(chunk))).toBe('OperationError')
    await net.run(10_000)
    // A congestion window is on its way, the rest is counted.
    expect(channel.bufferedAmount).toBeGreaterThan(200_000)
    hosts[1].link.up()
    await net.runUntil(() => channel.bufferedAmount === 0, 20_000)
  })
})

import { VirtualNetwork } from '@kaon/net/virtual'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection } from '../src/index.ts'
import { closeAll } from './support/peers.ts'
import { signal, virtualPeer } from './support/virtual.ts'

// `close()` at each of the many moments of a connection's life: in a listener, in a trace listener in the middle of the
// machines' work, in a reaction to a promise. Nothing may throw, fire or settle afterwards, and nothing stay open.

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => {
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
})
afterAll(() => {
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
})
afterEach(closeAll)

const EVENTS = {
  connection: [
    'negotiationneeded',
    'icecandidate',
    'signalingstatechange',
    'iceconnectionstatechange',
    'icegatheringstatechange',
    'connectionstatechange',
    'datachannel',
  ],
  channel: ['open', 'message', 'bufferedamountlow', 'closing', 'close', 'error'],
  transport: ['statechange', 'gatheringstatechange', 'selectedcandidatepairchange', 'error'],
}

/** One life, with the victim closed at the `at`-th moment. Returns how many moments there were before. */
async function live(
  seed: number,
  victimIsOfferer: boolean,
  at: number,
): Promise<{ moments: string[]; after: string[] }> {
  const net = new VirtualNetwork({ seed })
  const hosts = [net.addHost({ link: { delay: 5 } }), net.addHost({ link: { delay: 5 } })] as const
  const moments: string[] = []
  const after: string[] = []
  let victim: RTCPeerConnection | undefined
  let isClosed = false
  let isClosing = false
  const moment = (name: string): void => {
    // What closing itself does is traced, too.
    if (isClosing && name.startsWith('trace')) return
    if (isClosed) return void after.push(name)
    moments.push(name)
    if (moments.length === at) {
      isClosed = isClosing = true
      victim?.close()
      isClosing = false
    }
  }
  const trace = ({ layer, name }: { layer: string; name: string }): void => moment(`trace ${layer} ${name}`)
  const [a, b] = [
    virtualPeer(hosts[0], seed, victimIsOfferer ? { trace } : {}),
    virtualPeer(hosts[1], seed + 1, victimIsOfferer ? {} : { trace }),
  ] as [RTCPeerConnection, RTCPeerConnection]
  const [own, other] = victimIsOfferer ? [a, b] : [b, a]
  victim = own
  const listen = (target: EventTarget, types: string[], what: string): void => {
    for (const type of types) target.addEventListener(type, () => moment(`${what} ${type}`))
  }
  const watch = (channel: RTCDataChannel): void => {
    listen(channel, EVENTS.channel, 'channel')
    channel.addEventListener('open', () => {
      if (isClosed) return
      channel.bufferedAmountLowThreshold = 1000
      for (let i = 0; i < 20; i++) channel.send(new Uint8Array(5000))
      channel.send(new Blob(['x'.repeat(1000)]))
      channel.send('last')
    })
  }
  listen(own, EVENTS.connection, 'connection')
  own.addEventListener('signalingstatechange', () => {
    if (own.sctp === null) return
    const { transport } = own.sctp
    for (const target of [own.sctp, transport, transport.iceTransport]) {
      if (listened.has(target)) continue
      listened.add(target)
      listen(target, EVENTS.transport, 'transport')
    }
  })
  const listened = new Set<EventTarget>()
  own.addEventListener('datachannel', (event) => watch((event as unknown as RTCDataChannelEvent).channel))
  other.addEventListener('datachannel', (event) => {
    const { channel } = event as unknown as RTCDataChannelEvent
    channel.addEventListener('message', (message) => {
      if ((message as MessageEvent).data === 'last') channel.close()
    })
  })
  void signal(net, [a, hosts[0]], [b, hosts[1]])
  watch(own.createDataChannel('one'))
  other.createDataChannel('two').onopen = ({ target }) => (target as RTCDataChannel).send('last')
  void own.getStats().then(
    () => moment('stats'),
    () => moment('no stats'),
  )
  await net.run(2000)
  if (!isClosed) own.restartIce()
  await net.run(2000)
  if (!isClosed) {
    own.createOffer().then(
      () => moment('offer'),
      () => moment('no offer'),
    )
  }
  await net.run(1000)
  isClosing = true
  own.close()
  isClosing = false
  isClosed = true
  other.close()
  await net.run(60_000)
  expect([net.pending, hosts[0].openHandles, hosts[1].openHandles]).toEqual([0, 0, 0])
  return { moments, after }
}

it.each([
  ['offerer', true],
  ['answerer', false],
] as const)('close() at any moment of the %s', { timeout: 60_000 }, async (_name, victimIsOfferer) => {
  const { moments } = await live(1, victimIsOfferer, Infinity)
  expect(unhandled).toEqual([])
  const kinds = new Set(moments)
  for (const kind of [
    'channel message',
    'transport statechange',
    'connection icecandidate',
    'channel bufferedamountlow',
    'offer',
  ]) {
    expect(kinds).toContain(kind)
  }
  // Each kind of moment at its first and its last time, and some at random between.
  const chosen = new Set<number>()
  for (const kind of kinds) chosen.add(moments.indexOf(kind) + 1).add(moments.lastIndexOf(kind) + 1)
  for (let i = 7; i < moments.length; i += Math.ceil(moments.length / 15)) chosen.add(i)
  for (const at of [...chosen].sort((x, y) => x - y)) {
    const { after } = await live(1, victimIsOfferer, at)
    expect({ at: moments[at - 1], after }).toEqual({ at: moments[at - 1], after: [] })
  }
  expect(unhandled).toEqual([])
})

import { createHash } from 'node:crypto'
import { VirtualNetwork, type LinkOptions, type NatType, type VirtualHost } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection } from '../src/index.ts'
import { closeAll, once } from './support/peers.ts'
import { perfectNegotiation, signal, Signaling, virtualPeer } from './support/virtual.ts'

// Networks that come, go and lose, with data on the way, in virtual time.

afterEach(closeAll)

interface Pair {
  net: VirtualNetwork
  hosts: [VirtualHost, VirtualHost]
  peers: [RTCPeerConnection, RTCPeerConnection]
  /** Both ends of one channel, of `peers[0]` and of `peers[1]`. */
  channels: [RTCDataChannel, RTCDataChannel]
  errors: unknown[]
}

async function connectOn(
  net: VirtualNetwork,
  hosts: [VirtualHost, VirtualHost],
  seed: number,
  configuration: RTCConfiguration = {},
): Promise<Pair> {
  const peers: Pair['peers'] = [
    virtualPeer(hosts[0], seed, configuration),
    virtualPeer(hosts[1], seed + 1, configuration),
  ]
  const errors = signal(net, [peers[0], hosts[0]], [peers[1], hosts[1]])
  const incoming = once<Event & RTCDataChannelEvent>(peers[1], 'datachannel')
  const channel = peers[0].createDataChannel('data')
  await net.runUntil(Promise.all([once(channel, 'open'), incoming]), 60_000)
  return { net, hosts, peers, channels: [channel, (await incoming).channel], errors }
}

function connect(seed: number, link: LinkOptions = { delay: 20 }, configuration: RTCConfiguration = {}): Promise<Pair> {
  const net = new VirtualNetwork({ seed })
  return connectOn(net, [net.addHost({ link }), net.addHost({ link })], seed, configuration)
}

/** Numbers both ways every 50 ms, and what has come of them. */
class Traffic {
  readonly received: [number[], number[]] = [[], []]
  sent = 0
  readonly #pair: Pair
  #isRunning = true

  constructor(pair: Pair) {
    this.#pair = pair
    for (const side of [0, 1] as const) {
      pair.channels[side].onmessage = ({ data }) => this.received[side].push(Number(data))
    }
    this.#next()
  }

  #next(): void {
    if (!this.#isRunning) return
    for (const channel of this.#pair.channels) channel.send(String(this.sent))
    this.sent++
    const network = this.#pair.hosts[1]
    network.setTimer(network.now() + 50, () => this.#next())
  }

  get isThrough(): boolean {
    return this.received.every((list) => list.length === this.sent)
  }

  /** Stops, waits for what is under way, and looks at all of it. */
  async finish(timeout = 60_000): Promise<void> {
    this.#isRunning = false
    await this.#pair.net.runUntil(() => this.isThrough, timeout)
    const all = Array.from({ length: this.sent }, (_, i) => i)
    expect(this.received).toEqual([all, all])
    expect(this.#pair.errors).toEqual([])
  }
}

const state = (pair: Pair): string[] => pair.peers.map((pc) => pc.connectionState)
const localAddress = (pc: RTCPeerConnection): string | null | undefined =>
  pc.sctp!.transport.iceTransport.getSelectedCandidatePair()?.local.address

describe('with data flowing', () => {
  it.each([1, 2])('a cable is pulled for 20 s, seed %i', async (seed) => {
    const pair = await connect(seed)
    const { net, hosts, channels } = pair
    const traffic = new Traffic(pair)
    await net.run(1000)
    hosts[seed - 1]!.link.down()
    await net.run(20_000)
    expect(state(pair)).toEqual(['disconnected', 'disconnected'])
    hosts[seed - 1]!.link.up()
    await net.runUntil(() => state(pair).every((one) => one === 'connected'), 10_000)
    await traffic.finish(10_000)
    expect(channels.map((channel) => channel.bufferedAmount)).toEqual([0, 0])
  })

  // The one who moves is the offerer, and the answerer; he restarts at once, and after everything has failed.
  it.each([
    [0, 0, 0],
    [1, 1, 0],
    [0, 0, 45_000],
    [1, 0, 45_000],
    [0, 1, 300_000],
  ] as const)(
    'host %i gets another address and peer %i restarts ICE after %i ms',
    async (moving, restarting, pause) => {
      const pair = await connect(10 + moving)
      const { net, hosts, peers } = pair
      const traffic = new Traffic(pair)
      await net.run(1000)
      const before = localAddress(peers[moving])
      hosts[moving].interface().remove()
      const { addresses } = hosts[moving].addInterface({ interface: 'wlan0', link: { delay: 35 } })
      expect(addresses).not.toContain(before)
      await net.run(pause)
      if (pause > 0) expect(state(pair)).toEqual(['failed', 'failed'])
      peers[restarting].restartIce()
      await net.runUntil(() => addresses.includes(localAddress(peers[moving])!), 10_000)
      await net.runUntil(() => state(pair).every((one) => one === 'connected'), 10_000)
      await traffic.finish()
      expect(pair.channels.map((channel) => channel.readyState)).toEqual(['open', 'open'])
    },
  )

  it('nothing is left to do for a connection that has failed', async () => {
    const pair = await connect(20)
    const { net, hosts, channels } = pair
    channels[0].send('before')
    await net.run(1000)
    hosts[0].link.down()
    channels[0].send('lost')
    await net.runUntil(() => state(pair).every((one) => one === 'failed'), 60_000)
    let packets = 0
    net.tap(() => packets++)
    await net.run(3_600_000)
    // A message waits for an ICE restart, and nothing is sent meanwhile.
    expect(packets).toBe(0)
    expect(channels.map((channel) => channel.readyState)).toEqual(['open', 'open'])
    expect(state(pair)).toEqual(['failed', 'failed'])
  })
})

describe('bad networks', () => {
  it.each([1, 2, 3])(
    'seed %i: three in ten packets are lost, others late or twice, and 1 MB arrives as it was',
    async (seed) => {
      const pair = await connect(seed, { delay: 10, jitter: 5, loss: 0.163, reorder: 0.1, duplicate: 0.1 })
      const { net, channels, errors } = pair
      const data = new Uint8Array(1_000_000)
      for (let i = 0, x = seed; i < data.length; i++) data[i] = x = (x * 75 + 74) % 65537
      const hash = createHash('sha256')
      let received = 0
      channels[1].onmessage = ({ data: message }) => {
        received += (message as ArrayBuffer).byteLength
        hash.update(new Uint8Array(message as ArrayBuffer))
      }
      for (let at = 0; at < data.length; at += 50_000) channels[0].send(data.subarray(at, at + 50_000))
      await net.runUntil(() => received === data.length, 600_000)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(data).digest('hex'))
      expect(channels[0].bufferedAmount).toBe(0)
      expect(errors).toEqual([])
    },
  )

  it.each([50, 300, 2000])(
    'an answer that takes %i ms costs nothing more: DTLS goes on with what it held',
    async (time) => {
      const net = new VirtualNetwork({ seed: 6 })
      const hosts = [net.addHost({ link: { delay: 10 } }), net.addHost({ link: { delay: 10 } })] as const
      const [a, b] = [virtualPeer(hosts[0], 1), virtualPeer(hosts[1], 2)]
      const errors: unknown[] = []
      const toB = new Signaling(hosts[0], () => 10)
      const toA = new Signaling(hosts[1], () => time)
      perfectNegotiation(a, false, toB, toA, errors)
      perfectNegotiation(b, true, toA, toB, errors)
      const channel = a.createDataChannel('x')
      const open = once(channel, 'open')
      const answered = new Promise<void>((resolve) => {
        a.addEventListener('signalingstatechange', () => {
          if (a.signalingState === 'stable') resolve()
        })
      })
      await net.runUntil(answered, 5000)
      const before = net.now
      await net.runUntil(open, 5000)
      // Round trips of 40 ms: one check, two of DTLS (the first message of which has long come), two of SCTP, and some Ta.
      expect(net.now - before).toBeLessThan(5 * 40)
      expect(errors).toEqual([])
    },
  )

  it('an answer that takes ten minutes, as when people carry it', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const hosts = [net.addHost({ link: { delay: 20 } }), net.addHost({ link: { delay: 20 } })] as const
    const [a, b] = [virtualPeer(hosts[0], 1), virtualPeer(hosts[1], 2)]
    const errors: unknown[] = []
    const toB = new Signaling(hosts[0], () => 20)
    const toA = new Signaling(hosts[1], () => 600_000)
    perfectNegotiation(a, false, toB, toA, errors)
    perfectNegotiation(b, true, toA, toB, errors)
    const channel = a.createDataChannel('x')
    const open = once(channel, 'open')
    await net.run(500_000)
    expect(b.connectionState).not.toBe('failed')
    await net.run(101_000)
    await open
    expect(errors).toEqual([])
  })
})

describe('behind NATs, with a STUN server', () => {
  const types: [NatType, NatType][] = [
    ['full-cone', 'full-cone'],
    ['full-cone', 'symmetric'],
    ['symmetric', 'restricted-cone'],
    ['restricted-cone', 'port-restricted-cone'],
    ['port-restricted-cone', 'port-restricted-cone'],
  ]

  it.each(types)('%s and %s', async (typeA, typeB) => {
    const net = new VirtualNetwork({ seed: 7 })
    const server = net.addHost({ address: '203.0.113.1' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const behind = (type: NatType): VirtualHost => net.addHost({ via: net.addNat({ type }), link: { delay: 10 } })
    const iceServers = [{ urls: 'stun:203.0.113.1' }]
    const pair = await connectOn(net, [behind(typeA), behind(typeB)], 7, { iceServers })
    const traffic = new Traffic(pair)
    await net.run(60_000) // beyond the NATs' timers without keepalives
    await traffic.finish(5000)
    stun.close()
  })

  it('from behind one NAT to behind another, with an ICE restart', async () => {
    const net = new VirtualNetwork({ seed: 8 })
    const server = net.addHost({ address: '203.0.113.1' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const nat = (): ReturnType<VirtualNetwork['addNat']> => net.addNat({ type: 'port-restricted-cone' })
    const hosts: Pair['hosts'] = [net.addHost({ via: nat() }), net.addHost({ via: nat() })]
    const pair = await connectOn(net, hosts, 8, { iceServers: [{ urls: 'stun:203.0.113.1' }] })
    const traffic = new Traffic(pair)
    await net.run(1000)
    hosts[0].interface().remove()
    hosts[0].addInterface({ via: nat(), link: { delay: 40 } })
    pair.peers[0].restartIce()
    await net.run(10_000)
    expect(state(pair)).toEqual(['connected', 'connected'])
    await traffic.finish()
    stun.close()
  })
})

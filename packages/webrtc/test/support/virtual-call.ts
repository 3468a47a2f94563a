import type { VirtualHost, VirtualNetwork } from '@kaon/net/virtual'
import type {
  RTCConfiguration,
  RTCDataChannel,
  RTCDataChannelEvent,
  RTCIceCandidate,
  RTCPeerConnection,
} from '../../src/index.ts'
import { camera, watch, type Camera, type Seen } from './media.ts'
import { once } from './peers.ts'
import { signal, virtualPeer } from './virtual.ts'

/** One side of a call: it sends a picture each 20 ms and a numbered message each 50 ms. */
export interface Caller {
  readonly host: VirtualHost
  readonly pc: RTCPeerConnection
  readonly channel: RTCDataChannel
  readonly seen: Seen
  /** What the other side's messages said. */
  readonly messages: number[]
  readonly states: string[]
}

/** What is left to stop when a test is over. */
const running = new Set<VirtualCall>()

export function stopCalls(): void {
  for (const call of running) call.stop()
  running.clear()
}

/** Two peers with a track and a channel each way, in virtual time. */
export class VirtualCall {
  readonly net: VirtualNetwork
  readonly sides: readonly [Caller, Caller]
  readonly errors: unknown[]
  readonly #cameras: Camera[]
  readonly #heard: [number, number]
  #longest: [number, number] = [0, 0]
  #sent = 0
  #isRunning = true

  private constructor(net: VirtualNetwork, sides: [Caller, Caller], cameras: Camera[], errors: unknown[]) {
    this.net = net
    this.sides = sides
    this.errors = errors
    this.#cameras = cameras
    this.#heard = [net.now, net.now]
    for (const [i, { seen, channel, messages }] of sides.entries()) {
      seen.track.listen({ frame: () => this.#hear(i as 0 | 1) })
      channel.onmessage = ({ data }) => messages.push(Number(data))
    }
    running.add(this)
    this.#talk()
  }

  /** Calls, and comes back when both sides see and hear each other. */
  static async start(
    net: VirtualNetwork,
    hosts: readonly [VirtualHost, VirtualHost],
    seed: number,
    configurations: readonly [RTCConfiguration, RTCConfiguration],
  ): Promise<VirtualCall> {
    const peers = [
      virtualPeer(hosts[0], seed, configurations[0]),
      virtualPeer(hosts[1], seed + 1, configurations[1]),
    ] as const
    const errors = signal(net, [peers[0], hosts[0]], [peers[1], hosts[1]])
    const cameras = hosts.map((host) => camera(host, { interval: 20 }))
    const seen = peers.map((pc, i) => {
      pc.addTrack(cameras[i]!.track)
      return watch(pc)
    })
    const states = peers.map((pc) => {
      const list: string[] = []
      pc.addEventListener('iceconnectionstatechange', () => list.push(pc.iceConnectionState))
      return list
    })
    const incoming = once<Event & RTCDataChannelEvent>(peers[1], 'datachannel')
    const channel = peers[0].createDataChannel('data')
    await net.runUntil(Promise.all([once(channel, 'open'), incoming]), 60_000)
    await net.runUntil(() => seen.every((list) => (list[0]?.frames.length ?? 0) > 0), 10_000)
    const channels = [channel, (await incoming).channel]
    const sides = [0, 1].map((i): Caller => ({
      host: hosts[i]!,
      pc: peers[i]!,
      channel: channels[i]!,
      seen: seen[i]![0]!,
      messages: [],
      states: states[i]!,
    }))
    return new VirtualCall(net, sides as [Caller, Caller], cameras, errors)
  }

  #talk(): void {
    if (!this.#isRunning) return
    for (const { channel } of this.sides) channel.send(`${this.#sent}`)
    this.#sent++
    const { host } = this.sides[1]
    host.setTimer(host.now() + 50, () => this.#talk())
  }

  #hear(side: 0 | 1): void {
    this.#longest[side] = Math.max(this.#longest[side], this.net.now - this.#heard[side])
    this.#heard[side] = this.net.now
  }

  /** Gaps count from here. */
  mark(): void {
    this.#longest = [0, 0]
  }

  /** The longest time since `mark` in which a side saw no frame, ms. */
  get gap(): number {
    const { now } = this.net
    return Math.max(...this.#longest, now - this.#heard[0], now - this.#heard[1])
  }

  get isConnected(): boolean {
    return this.sides.every(({ pc }) => pc.connectionState === 'connected')
  }

  /** Stops talking; true when every message has come in the end, in order. */
  async finish(timeout = 20_000): Promise<boolean> {
    this.#isRunning = false
    await this.net.runUntil(() => this.sides.every(({ messages }) => messages.length >= this.#sent), timeout)
    const complete = this.sides.every(({ messages }) => messages.every((number, i) => number === i))
    return complete && this.sides.every(({ messages }) => messages.length === this.#sent)
  }

  stop(): void {
    this.#isRunning = false
    for (const one of this.#cameras) one.stop()
  }
}

/** What a side sends from: its candidate in the selected pair. */
export function localCandidate({ pc }: Caller): RTCIceCandidate {
  return pc.sctp!.transport.iceTransport.getSelectedCandidatePair()!.local
}

import { keyingMaterialLength, type SrtpProfile } from '@kaon/srtp'
import { headerExtensionUris as uris } from '@kaon/rtp'
import { MediaTransport, type MediaTransportOptions } from '../../../src/media/media-transport.ts'
import type { MediaCodec, MediaExtension, ReceiveParameters, SendParameters } from '../../../src/media/parameters.ts'

/** Uniform in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export interface LinkOptions {
  /** ms, one way. */
  readonly delay?: number
  /** ms on top, at random: what reorders. */
  readonly jitter?: number
  /** 0–1 */
  readonly loss?: number
  /** Decides instead of chance: true drops. */
  readonly drop?: (datagram: Uint8Array) => boolean
}

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time. After each moment everything that owes something is drained. */
export class World {
  time = 1000
  readonly random: () => number
  readonly nodes: Node[] = []
  #due: Due[] = []
  #order = 0

  constructor(seed = 1) {
    this.random = seeded(seed)
  }

  now(): number {
    return this.time
  }

  wallClock(): number {
    return 1_800_000_000_000 + this.time
  }

  at(time: number, run: () => void): void {
    const due = { at: Math.max(time, this.time), order: this.#order++, run }
    let index = this.#due.length
    while (index > 0 && this.#due[index - 1]!.at > due.at) index--
    this.#due.splice(index, 0, due)
  }

  /** `count` times, `interval` ms apart. */
  every(interval: number, count: number, run: (index: number) => void): void {
    for (let i = 0; i < count; i++) this.at(this.time + i * interval, () => run(i))
  }

  run(ms: number): void {
    const end = this.time + ms
    this.#drain()
    let [last, turns] = [this.time, 0]
    for (;;) {
      let next = this.#due[0]?.at ?? Infinity
      for (const { transport } of this.nodes) next = Math.min(next, transport.deadline)
      if (next > end) break
      turns = next <= last ? turns + 1 : 0
      last = Math.max(last, next)
      if (turns > 10_000) throw new Error(`Time stands still at ${last}`)
      this.time = Math.max(this.time, next)
      while (this.#due.length > 0 && this.#due[0]!.at <= this.time) this.#due.shift()!.run()
      for (const node of this.nodes) {
        if (node.transport.deadline > this.time) continue
        node.transport.tick(this.time)
        node.isPending = true
      }
      this.#drain()
    }
    this.time = end
  }

  /** A transport may make another one owe something: forwarding does. */
  #drain(): void {
    for (let turn = 0; this.nodes.some((node) => node.isPending); turn++) {
      if (turn > 100) throw new Error('Transports keep each other busy')
      for (const node of this.nodes) node.drain()
    }
  }

  pair(options: LinkOptions = {}, names = ['a', 'b'], extra: Partial<MediaTransportOptions> = {}): [Node, Node] {
    const a = new Node(this, names[0]!, extra)
    const b = new Node(this, names[1]!, extra)
    a.link(b, options)
    b.link(a, options)
    return [a, b]
  }
}

export class Node {
  readonly transport: MediaTransport
  readonly name: string
  isPending = true
  /** Everything that was sent, protected. */
  readonly sent: Uint8Array[] = []
  #peer: Node | undefined
  #options: LinkOptions = {}
  readonly #world: World

  constructor(world: World, name: string, extra: Partial<MediaTransportOptions>) {
    this.#world = world
    this.name = name
    this.transport = new MediaTransport({
      clock: world,
      random: world.random,
      onPending: () => (this.isPending = true),
      ...extra,
    })
    world.nodes.push(this)
  }

  link(peer: Node, options: LinkOptions): void {
    this.#peer = peer
    this.#options = options
  }

  drain(): void {
    this.isPending = false
    this.transport.transmit(this.#world.time, this.#send)
    const again: Uint8Array[] = []
    this.transport.transmit(this.#world.time, (datagram) => again.push(datagram))
    if (again.length > 0 && !this.isPending) throw new Error('A drain left something behind')
    for (const datagram of again) this.#send(datagram)
  }

  readonly #send = (datagram: Uint8Array): void => {
    const copy = datagram.slice()
    this.sent.push(copy)
    const { delay = 10, jitter = 0, loss = 0, drop } = this.#options
    if (drop === undefined ? this.#world.random() < loss : drop(copy)) return
    const at = this.#world.time + delay + this.#world.random() * jitter
    this.#world.at(at, () => {
      this.#peer!.transport.receive(copy.slice(), this.#world.time)
      this.#peer!.isPending = true
    })
  }
}

export function connect(a: Node, b: Node, profile: SrtpProfile = 'SRTP_AEAD_AES_128_GCM'): void {
  connectOne(a, 'client', profile)
  connectOne(b, 'server', profile)
}

export function connectOne(
  node: Node,
  role: 'client' | 'server',
  profile: SrtpProfile = 'SRTP_AEAD_AES_128_GCM',
): void {
  const material = Uint8Array.from({ length: keyingMaterialLength(profile) }, (_, i) => (i * 37 + 5) & 0xff)
  node.transport.setKeys({ profile, material, role })
}

const VIDEO_FEEDBACK = ['nack', 'nack pli', 'ccm fir', 'transport-cc']

export function codec(
  payloadType: number,
  mimeType: string,
  { rtx, feedback, parameters }: { rtx?: number; feedback?: string[]; parameters?: Record<string, string> } = {},
): MediaCodec {
  const isVideo = mimeType.startsWith('video/')
  const clockRate = isVideo ? 90_000 : mimeType === 'audio/opus' ? 48_000 : 8000
  return {
    payloadType,
    mimeType,
    clockRate,
    parameters: new Map(Object.entries(parameters ?? {})),
    feedback: feedback ?? (isVideo ? VIDEO_FEEDBACK : ['transport-cc']),
    ...(mimeType === 'audio/opus' ? { channels: 2 } : {}),
    ...(rtx === undefined ? {} : { rtxPayloadType: rtx }),
  }
}

export const EXTENSIONS: readonly MediaExtension[] = [
  { id: 1, uri: uris.mid },
  { id: 2, uri: uris.rid },
  { id: 3, uri: uris.repairedRid },
  { id: 4, uri: uris.absSendTime },
  { id: 5, uri: uris.transportSequenceNumber },
  { id: 6, uri: uris.videoOrientation },
]

export function without(...names: string[]): MediaExtension[] {
  return EXTENSIONS.filter(({ uri }) => !names.includes(uri))
}

export const VP8: MediaCodec = codec(96, 'video/VP8', { rtx: 97 })
export const H264: MediaCodec = codec(98, 'video/H264', {
  rtx: 99,
  parameters: { 'packetization-mode': '1', 'profile-level-id': '42e01f' },
})
export const OPUS: MediaCodec = codec(111, 'audio/opus')

export function receiving(codecs: readonly MediaCodec[], more: Partial<ReceiveParameters> = {}): ReceiveParameters {
  return {
    kind: codecs[0]!.mimeType.startsWith('video/') ? 'video' : 'audio',
    codecs,
    headerExtensions: EXTENSIONS,
    rtcpReducedSize: true,
    cname: 'cname',
    ...more,
  }
}

export function sending(codecs: readonly MediaCodec[], more: Partial<SendParameters> = {}): SendParameters {
  return {
    kind: codecs[0]!.mimeType.startsWith('video/') ? 'video' : 'audio',
    codecs,
    headerExtensions: EXTENSIONS,
    rtcpReducedSize: true,
    cname: 'cname',
    encodings: [{ ssrc: 1000, rtxSsrc: 1001 }],
    ...more,
  }
}

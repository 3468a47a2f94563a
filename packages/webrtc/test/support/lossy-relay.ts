import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Side } from './browser-pair.ts'
import { seededRandom } from './virtual.ts'

const ADDRESS = '127.0.0.1'

/** How a link treats datagrams. Which ones it drops depends on the seed and on their number only. */
export interface LinkFaults {
  /** 0 to 1 */
  loss: number
  /** Share that is held back for `reorderDelay` more ms and overtaken by what follows. */
  reorder: number
  /** ms, one way */
  delay: number
  /** ms */
  reorderDelay: number
}

/** A twentieth is lost, another one is late. */
export const FAULTS: LinkFaults = { loss: 0.05, reorder: 0.05, delay: 15, reorderDelay: 10 }

/** What an RTP header tells to whoever forwards it: SRTP leaves it in the clear. */
export interface ClearHeader {
  readonly ssrc: number
  readonly timestamp: number
}

/** One direction of the relay. */
export class RelayDirection {
  passed = 0
  dropped = 0
  /** RTP packets that were dropped because their frame is doomed. */
  doomed = 0
  readonly #faults: LinkFaults
  readonly #random: (length: number) => Uint8Array
  readonly #doomedTimestamps = new Set<number>()
  #doomNext = 0
  #newest: number | undefined
  /** Of the frames; their retransmissions have another one. Probes for bandwidth come as retransmissions of nothing. */
  mediaSsrc: number | undefined

  constructor(faults: LinkFaults, seed: number) {
    this.#faults = faults
    this.#random = seededRandom(seed)
  }

  /**
   * The next `count` frames whose packets were not seen yet never arrive: whatever bears their timestamps is dropped, and that
   * includes their retransmissions (RFC 4588 §4). For a connection with one video stream and nothing else.
   */
  doom(count = 1): void {
    this.#doomNext = count
  }

  /** ms after which the datagram goes on its way, or undefined: never. */
  treat(datagram: Uint8Array): number | undefined {
    const { loss, reorder, delay, reorderDelay } = this.#faults
    // Two draws for each datagram, whatever becomes of it.
    const isLost = this.#chance(loss)
    const isLate = this.#chance(reorder)
    const header = clearHeader(datagram)
    if (header !== undefined && this.#isDoomed(header)) {
      this.doomed++
      return undefined
    }
    if (isLost) {
      this.dropped++
      return undefined
    }
    this.passed++
    return isLate ? delay + reorderDelay : delay
  }

  #chance(share: number): boolean {
    const [high, low] = this.#random(2)
    return ((high! << 8) | low!) < share * 0x1_0000
  }

  #isDoomed({ ssrc, timestamp }: ClearHeader): boolean {
    const isNew = this.#newest === undefined || ((timestamp - this.#newest) | 0) > 0
    if (isNew && ssrc === this.mediaSsrc) {
      this.#newest = timestamp
      if (this.#doomNext > 0) {
        this.#doomNext--
        this.#doomedTimestamps.add(timestamp)
      }
    }
    return this.#doomedTimestamps.has(timestamp)
  }
}

/** Of an SRTP packet; undefined for what is none (RFC 7983 §7, RFC 5761 §4). */
export function clearHeader(datagram: Uint8Array): ClearHeader | undefined {
  const first = datagram[0]
  if (first === undefined || first < 128 || first > 191 || datagram.length < 12) return undefined
  if (datagram[1]! >= 192 && datagram[1]! <= 223) return undefined
  const word = (at: number): number =>
    ((datagram[at]! << 24) | (datagram[at + 1]! << 16) | (datagram[at + 2]! << 8) | datagram[at + 3]!) >>> 0
  return { timestamp: word(4), ssrc: word(8) }
}

/**
 * A path between Kaon and a browser on this machine that loses, delays and reorders datagrams of every kind. Each side knows the
 * relay's address only, as `carry` puts it into the other side's descriptions.
 */
export class LossyRelay {
  readonly toBrowser: RelayDirection
  readonly toKaon: RelayDirection
  /** Facing each side: where it sends to. */
  readonly #sockets: Record<Side, Socket>
  /** Where each side is. */
  readonly #ports: Record<Side, number | undefined> = { kaon: undefined, browser: undefined }
  #isClosed = false

  private constructor(faults: LinkFaults, seed: number, sockets: Record<Side, Socket>) {
    this.toBrowser = new RelayDirection(faults, seed)
    this.toKaon = new RelayDirection(faults, seed + 1)
    this.#sockets = sockets
    this.#forward('kaon', 'browser', this.toBrowser)
    this.#forward('browser', 'kaon', this.toKaon)
  }

  static async open(faults: LinkFaults, seed: number): Promise<LossyRelay> {
    return new LossyRelay(faults, seed, { kaon: await bound(), browser: await bound() })
  }

  #forward(from: Side, to: Side, direction: RelayDirection): void {
    this.#sockets[from].on('message', (datagram, { address, port }) => {
      // Sides have more interfaces than this one.
      if (address !== ADDRESS || port !== this.#ports[from]) return
      const delay = direction.treat(datagram)
      if (delay === undefined) return
      setTimeout(() => {
        const target = this.#ports[to]
        if (target !== undefined && !this.#isClosed) this.#sockets[to].send(datagram, target, ADDRESS)
      }, delay)
    })
  }

  /** The description of one side as the other one gets it: the only candidate is the relay. */
  carry({ type, sdp = '' }: RTCSessionDescriptionInit, from: Side): RTCSessionDescriptionInit {
    const candidate = new RegExp(`^a=candidate:\\S+ 1 udp \\d+ ${ADDRESS} (\\d+) typ host.*$`, 'im').exec(sdp)
    if (candidate === null) throw new Error(`no candidate of ${from} at ${ADDRESS}`)
    this.#ports[from] = Number(candidate[1])
    const group = /^a=ssrc-group:FID (\d+) /m.exec(sdp)
    if (group !== null) (from === 'kaon' ? this.toBrowser : this.toKaon).mediaSsrc = Number(group[1])
    const { port } = this.#sockets[from === 'kaon' ? 'browser' : 'kaon'].address() as AddressInfo
    const relayed = `a=candidate:1 1 udp 2130706431 ${ADDRESS} ${port} typ host`
    const lines = sdp.split('\r\n').flatMap((line) => {
      if (line === candidate[0].trimEnd()) return [relayed]
      return line.startsWith('a=candidate:') ? [] : [line]
    })
    return { type, sdp: lines.join('\r\n') }
  }

  close(): void {
    this.#isClosed = true
    for (const socket of Object.values(this.#sockets)) socket.close()
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.bind(0, ADDRESS)
  await once(socket, 'listening')
  return socket
}

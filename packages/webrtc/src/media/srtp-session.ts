/** The SRTP of a transport: its keys, what came before there were any, and what becomes of packets that are not authentic. */
import type { CryptoProvider } from '@kaon/crypto'
import { isRtcp } from '@kaon/rtp'
import { splitKeyingMaterial, SrtpReceiver, SrtpSender } from '@kaon/srtp'
import type { Trace } from '../transport/settings.ts'
import type { MediaTransportStats } from './media-stats.ts'
import type { SrtpKeys } from './parameters.ts'

/** Datagrams kept until DTLS has keys: what a peer sends whose handshake ended half a round trip before ours. */
const MAX_EARLY = 256
/** SSRCs whose streams have ended and that SRTP still knows, lest their packets be replayed; then the oldest makes room. */
const MAX_ENDED = 256

export class SrtpSession {
  readonly #crypto: CryptoProvider | undefined
  readonly #stats: MediaTransportStats
  readonly #trace: Trace | undefined
  #sender: SrtpSender | undefined
  #receiver: SrtpReceiver | undefined
  #early: Uint8Array[] = []
  readonly #ended: number[] = []

  constructor(crypto: CryptoProvider | undefined, stats: MediaTransportStats, trace: Trace | undefined) {
    this.#crypto = crypto
    this.#stats = stats
    this.#trace = trace
  }

  /** Undefined before there are keys. */
  get sender(): SrtpSender | undefined {
    return this.#sender
  }

  /** Returns the datagrams that came before, for `open`. Throws as `@kaon/srtp` for wrong lengths. */
  setKeys({ profile, material, role }: SrtpKeys): Uint8Array[] {
    const crypto = this.#crypto
    const { local, remote } = splitKeyingMaterial(profile, material, role)
    const common = { profile, ...(crypto === undefined ? {} : { crypto }) }
    this.#sender = new SrtpSender({ ...common, ...local })
    this.#receiver = new SrtpReceiver({ ...common, ...remote })
    return this.#early.splice(0)
  }

  /** The plain packet, in the datagram's memory; undefined when it is not authentic, came twice, or is kept until there are keys. */
  open(datagram: Uint8Array): Uint8Array | undefined {
    const stats = this.#stats
    const srtp = this.#receiver
    if (srtp === undefined) {
      if (this.#early.length < MAX_EARLY) {
        this.#early.push(datagram)
        stats.held++
      } else {
        stats.dropped.early++
      }
      return undefined
    }
    stats.bytesReceived += datagram.length
    const isControl = isRtcp(datagram)
    const plain = isControl ? srtp.unprotectRtcp(datagram) : srtp.unprotect(datagram)
    if (plain !== undefined) return plain
    stats.dropped.srtp++
    this.#trace?.({ layer: 'srtp', name: 'dropped', data: isControl ? 'rtcp' : 'rtp' })
    return undefined
  }

  /** A packet could not be protected: its number was used, or the keys are spent. */
  refused(error: unknown): void {
    this.#stats.dropped.protect++
    this.#trace?.({ layer: 'srtp', name: 'refused', data: error })
  }

  /** The stream of that SSRC has ended. `isKnown` tells of one that has a stream again. */
  forget(ssrc: number, isKnown: (ssrc: number) => boolean): void {
    this.#ended.push(ssrc)
    if (this.#ended.length <= MAX_ENDED) return
    const oldest = this.#ended.shift()!
    if (!isKnown(oldest)) this.#receiver?.forget(oldest)
  }

  close(): void {
    this.#early = []
  }
}

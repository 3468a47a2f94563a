/** RTP packets that nobody knows yet whose they are. */
import type { RtpPacket } from '@kaon/rtp'

interface Held {
  readonly packet: RtpPacket
  readonly arrival: number
}

/**
 * Kept by SSRC, the first packets of each: those are a key frame, with which decoding can begin when a description
 * tells whose it is. A source that no description ever names costs a bounded amount, and takes no room from others.
 */
export class HeldPackets {
  readonly #bySsrc = new Map<number, Held[]>()
  readonly #maxSources: number
  readonly #maxPackets: number
  readonly #maxAge: number

  constructor(maxSources: number, maxPackets: number, maxAge: number) {
    this.#maxSources = maxSources
    this.#maxPackets = maxPackets
    this.#maxAge = maxAge
  }

  get sources(): number {
    return this.#bySsrc.size
  }

  /** How many packets were thrown away for it, this one or older ones. */
  hold(packet: RtpPacket, now: number): number {
    const known = this.#bySsrc.get(packet.ssrc)
    if (known !== undefined) {
      // What has waited this long is of no use to a decoder: begin again with what is fresh.
      if (now - known[0]!.arrival > this.#maxAge) {
        const dropped = known.length
        known.splice(0, dropped, { packet, arrival: now })
        return dropped
      }
      if (known.length >= this.#maxPackets) return 1
      known.push({ packet, arrival: now })
      return 0
    }
    let dropped = 0
    if (this.#bySsrc.size >= this.#maxSources) {
      const [oldest, packets] = this.#bySsrc.entries().next().value!
      this.#bySsrc.delete(oldest)
      dropped = packets.length
    }
    this.#bySsrc.set(packet.ssrc, [{ packet, arrival: now }])
    return dropped
  }

  /** Takes out those of one source. */
  takeOf(ssrc: number): readonly Held[] {
    const packets = this.#bySsrc.get(ssrc) ?? []
    this.#bySsrc.delete(ssrc)
    return packets
  }

  /** Takes all out, in the order of arrival within each source. */
  take(): Held[] {
    const all = [...this.#bySsrc.values()].flat()
    this.#bySsrc.clear()
    return all.sort((a, b) => a.arrival - b.arrival)
  }

  clear(): void {
    this.#bySsrc.clear()
  }
}

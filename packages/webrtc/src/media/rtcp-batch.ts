/** RTCP of several streams that is due at the same time shares datagrams. */
import { writeRtcp, type RtcpPacket } from '@kaon/rtp'

/** Bytes of RTCP in one datagram: 1280 − 40 (IPv6) − 8 (UDP) − 4 (TURN channel) − 20 (SRTCP tag and index). */
const MAX_SIZE = 1200
/** RFC 3550 §12.2 */
const CNAME = 1
/** RFC 3550 §6.6: the count has five bits. */
const MAX_BYES = 31

export interface RtcpIdentity {
  /** From which feedback comes that belongs to no stream. */
  readonly ssrc: number
  readonly cname: string
  /** RFC 5506: feedback may travel alone. */
  readonly reducedSize: boolean
}

/**
 * Takes what each stream owes, a compound packet, and gives datagrams. Compound packets one behind the other are one
 * (RFC 3550 §6.1 asks for a report in front and a CNAME, and has nothing against more of them); a CNAME that a datagram
 * has told already is not repeated.
 */
export class RtcpBatch {
  readonly #datagrams: RtcpPacket[][] = []
  readonly #byes: number[] = []
  #size = 0
  #cnames = new Set<number>()

  get isEmpty(): boolean {
    return this.#datagrams.length === 0 && this.#byes.length === 0
  }

  /** A source of ours has ended. */
  bye(ssrc: number): void {
    this.#byes.push(ssrc)
  }

  /** It goes on after all. */
  cancelBye(ssrc: number): void {
    const index = this.#byes.indexOf(ssrc)
    if (index >= 0) this.#byes.splice(index, 1)
  }

  add(packets: readonly RtcpPacket[]): void {
    if (packets.length === 0) return
    const size = writeRtcp(packets).length
    let datagram = this.#datagrams.at(-1)
    if (datagram === undefined || this.#size + size > MAX_SIZE) {
      datagram = []
      this.#datagrams.push(datagram)
      this.#size = 0
      this.#cnames = new Set()
    }
    this.#size += size
    for (const packet of packets) {
      if (packet.type !== 'SDES') {
        datagram.push(packet)
        continue
      }
      const chunks = packet.chunks.filter(({ ssrc, items }) => {
        const isKnown = this.#cnames.has(ssrc)
        if (items.some((item) => item.type === CNAME)) this.#cnames.add(ssrc)
        return !isKnown
      })
      if (chunks.length > 0) datagram.push({ type: 'SDES', chunks })
    }
  }

  /** The datagrams' packets, each with a report in front unless reduced size was negotiated. */
  take(identity: RtcpIdentity): RtcpPacket[][] {
    // RFC 3550 §6.1: a BYE ends a compound packet; RFC 5506 makes an exception for feedback only.
    while (this.#byes.length > 0)
      this.add([...prefix(identity), { type: 'BYE', ssrcs: this.#byes.splice(0, MAX_BYES) }])
    const datagrams = this.#datagrams.splice(0)
    this.#size = 0
    this.#cnames = new Set()
    if (identity.reducedSize) return datagrams
    return datagrams.map((packets) => {
      const first = packets[0]!.type
      if (first === 'SR' || first === 'RR') return packets
      return [...prefix(identity), ...packets]
    })
  }
}

function prefix({ ssrc, cname }: RtcpIdentity): RtcpPacket[] {
  return [
    { type: 'RR', ssrc, reports: [] },
    { type: 'SDES', chunks: [{ ssrc, items: [{ type: CNAME, text: cname }] }] },
  ]
}

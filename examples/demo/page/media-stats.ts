import type { Stats } from './signaling.js'

/** One stream at one end, as the table shows it. */
export interface Flow {
  direction: 'sends' | 'receives'
  codec: string
  picture: string
  frames: string
  nack: string
  pli: string
}

/** What an end measured since the last report; null where nothing came. */
export interface Sample {
  /** kbit/s that arrived, headers included */
  bitrate: number | null
  /** percent of the packets that did not arrive */
  loss: number | null
  /** ms, of the worst stream */
  jitter: number | null
  /** ms, of RTCP reports */
  roundTripTime: number | null
}

interface Counters {
  at: number
  bytes: number
  received: number
  lost: number
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** What is sent before what is received, video before audio. */
function order({ type, kind }: Stats): number {
  return (type === 'inbound-rtp' ? 2 : 0) + (kind === 'audio' ? 1 : 0)
}

function largest(values: unknown[]): number | null {
  const numbers = values.filter((value) => typeof value === 'number')
  return numbers.length === 0 ? null : Math.max(...numbers) * 1000
}

/** Reads the reports of one end: the same names in both, since both are of W3C's webrtc-stats. */
export class EndStats {
  #last = new Map<string, Counters>()

  read(entries: readonly Stats[]): { sample: Sample; flows: Flow[] } {
    const of = (type: string): Stats[] => entries.filter((entry) => entry.type === type)
    const inbound = of('inbound-rtp')
    const streams = [...of('outbound-rtp'), ...inbound].toSorted((a, b) => order(a) - order(b))
    const flows = streams.map((entry) =>
      describeFlow(
        entry,
        entries.find(({ id }) => id === entry.codecId),
      ),
    )
    return {
      sample: {
        ...this.#arrived(inbound),
        jitter: largest(inbound.map((entry) => entry.jitter)),
        roundTripTime: largest(of('remote-inbound-rtp').map((entry) => entry.roundTripTime)),
      },
      flows,
    }
  }

  #arrived(inbound: readonly Stats[]): Pick<Sample, 'bitrate' | 'loss'> {
    const next = new Map<string, Counters>()
    let [bits, received, lost] = [0, 0, 0]
    let known = false
    for (const entry of inbound) {
      const counters = {
        at: number(entry.timestamp),
        bytes: number(entry.bytesReceived) + number(entry.headerBytesReceived),
        received: number(entry.packetsReceived),
        lost: number(entry.packetsLost),
      }
      const before = this.#last.get(String(entry.id))
      next.set(String(entry.id), counters)
      if (before === undefined || counters.at <= before.at) continue
      known = true
      bits += ((counters.bytes - before.bytes) * 8) / ((counters.at - before.at) / 1000)
      received += counters.received - before.received
      lost += counters.lost - before.lost // falls when a packet that counted as lost comes after all
    }
    this.#last = next
    return {
      bitrate: known ? bits / 1e3 : null,
      loss: known && received > 0 ? Math.max(0, (100 * lost) / (received + Math.max(0, lost))) : null,
    }
  }
}

function describeFlow(entry: Stats, codec: Stats | undefined): Flow {
  const isVideo = entry.kind === 'video'
  const frames = entry.framesDecoded ?? entry.framesReceived ?? entry.framesEncoded ?? entry.framesSent
  return {
    direction: entry.type === 'inbound-rtp' ? 'receives' : 'sends',
    codec: codec === undefined ? String(entry.kind) : String(codec.mimeType).split('/')[1]!,
    picture: entry.frameWidth === undefined ? '' : `${entry.frameWidth}×${entry.frameHeight}`,
    frames: isVideo ? String(frames ?? 0) : '',
    nack: String(entry.nackCount ?? 0),
    pli: isVideo ? String(entry.pliCount ?? 0) : '',
  }
}

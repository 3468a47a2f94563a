/** Who was heard: `getSynchronizationSources` and `getContributingSources` (W3C WebRTC 1.0 §5.3). */
import { headerExtension, headerExtensionUris, type RtpPacket } from '@kaon/rtp'
import type { TrackEncoding } from './track-source.ts'

/** ms that a source is listed after its last packet. */
const MAX_AGE = 10_000
/** A peer may name others at will. */
const MAX_SOURCES = 64

export interface HeardSource {
  readonly source: number
  readonly rtpTimestamp: number
  /** Monotonic ms of the last packet. */
  readonly time: number
  /** 0 to 1, linear; undefined when the packets do not tell. */
  readonly audioLevel: number | undefined
}

export class HeardSources {
  readonly #synchronization = new Map<number, HeardSource>()
  readonly #contributing = new Map<number, HeardSource>()

  note(packet: RtpPacket, encoding: TrackEncoding, now: number): void {
    const { ssrc, timestamp, csrcs } = packet
    put(this.#synchronization, ssrc, timestamp, now, levels(packet, encoding, headerExtensionUris.audioLevel)[0])
    if (csrcs.length === 0) return
    const each = levels(packet, encoding, headerExtensionUris.csrcAudioLevels)
    for (const [i, csrc] of csrcs.entries()) put(this.#contributing, csrc, timestamp, now, each[i])
  }

  /** The last one heard first. */
  list(kind: 'synchronization' | 'contributing', now: number): HeardSource[] {
    const sources = kind === 'synchronization' ? this.#synchronization : this.#contributing
    for (const [id, { time }] of sources) if (now - time > MAX_AGE) sources.delete(id)
    return [...sources.values()].toReversed()
  }
}

function put(
  sources: Map<number, HeardSource>,
  source: number,
  rtpTimestamp: number,
  time: number,
  level: number | undefined,
): void {
  sources.delete(source)
  if (sources.size >= MAX_SOURCES) sources.delete(sources.keys().next().value!)
  sources.set(source, { source, rtpTimestamp, time, audioLevel: level === undefined ? undefined : linear(level) })
}

/** −dBov, one for the source itself (RFC 6464) or one for each contributor (RFC 6465). */
function levels(packet: RtpPacket, { extensions }: TrackEncoding, uri: string): readonly number[] {
  for (const { id, data } of packet.extensions) {
    if (extensions.get(id) !== uri) continue
    if (uri === headerExtensionUris.csrcAudioLevels) return headerExtension.csrcAudioLevels.read(data) ?? []
    const own = headerExtension.audioLevel.read(data)
    return own === undefined ? [] : [own.level]
  }
  return []
}

/** W3C: 127 is silence. */
function linear(level: number): number {
  return level >= 127 ? 0 : 10 ** (-level / 20)
}

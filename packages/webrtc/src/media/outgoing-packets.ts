/** RTP packets on their way out: header extensions of the hop, then SRTP. */
import { headerExtensionUris, RtpPacket, rtpHeaderLength, writeRtpHeader, type HeaderExtension } from '@kaon/rtp'
import type { SrtpSender } from '@kaon/srtp'
import { idOf } from './header-extensions.ts'
import type { MediaExtension } from './parameters.ts'

/** A packet and its SRTP form under which it may be sent again: an index must not protect two packets (RFC 3711 §9.1). */
const REPEATABLE = 512

/** The extensions that every packet of an encoding carries: made once, their bytes written anew for each packet. */
export class HopExtensions {
  readonly absSendTime: Uint8Array | undefined
  readonly transportSequence: Uint8Array | undefined
  readonly #media: HeaderExtension[] = []
  readonly #rtx: HeaderExtension[] = []

  constructor(mid: string, rid: string | undefined, extensions: readonly MediaExtension[]) {
    const encoder = new TextEncoder()
    const add = (uri: string, data: Uint8Array, lists: HeaderExtension[][]): Uint8Array | undefined => {
      const id = idOf(extensions, uri)
      if (id === undefined) return undefined
      for (const list of lists) list.push({ id, data })
      return data
    }
    const both = [this.#media, this.#rtx]
    // RFC 9143 §15.2: in every packet, since losses and late joiners make it needed again and again.
    add(headerExtensionUris.mid, encoder.encode(mid), both)
    if (rid !== undefined) {
      add(headerExtensionUris.rid, encoder.encode(rid), [this.#media])
      add(headerExtensionUris.repairedRid, encoder.encode(rid), [this.#rtx])
    }
    this.absSendTime = add(headerExtensionUris.absSendTime, new Uint8Array(3), both)
    this.transportSequence = add(headerExtensionUris.transportSequenceNumber, new Uint8Array(2), both)
  }

  of(packet: RtpPacket, isRtx: boolean): readonly HeaderExtension[] {
    const own = isRtx ? this.#rtx : this.#media
    return packet.extensions.length === 0 ? own : [...own, ...packet.extensions]
  }
}

/** What was sent under an SSRC, for those retransmissions that repeat the packet itself. */
export class SentDatagrams {
  readonly #sequenceNumbers = new Int32Array(REPEATABLE).fill(-1)
  readonly #datagrams: (Uint8Array | undefined)[] = Array.from({ length: REPEATABLE })

  get(sequenceNumber: number): Uint8Array | undefined {
    const slot = sequenceNumber % REPEATABLE
    return this.#sequenceNumbers[slot] === sequenceNumber ? this.#datagrams[slot] : undefined
  }

  set(sequenceNumber: number, datagram: Uint8Array): void {
    const slot = sequenceNumber % REPEATABLE
    this.#sequenceNumbers[slot] = sequenceNumber
    this.#datagrams[slot] = datagram
  }
}

/** Writes headers of all streams of a transport. One of these numbers packets transport-wide. */
export class PacketWriter {
  /** Of the next packet that carries one. */
  transportSequenceNumber = 0
  #header: Uint8Array = new Uint8Array(256)
  /** The packet with its extensions: what a stream keeps for retransmission is not touched. */
  readonly #scratch = new RtpPacket({
    payloadType: 0,
    sequenceNumber: 0,
    timestamp: 0,
    ssrc: 0,
    payload: new Uint8Array(0),
  })

  /** The SRTP packet. The payload is encrypted straight into it, so that many receivers share one. Throws as `SrtpSender.protect`. */
  write(packet: RtpPacket, isRtx: boolean, hop: HopExtensions, srtp: SrtpSender, now: number): Uint8Array {
    const scratch = this.#scratch
    scratch.payloadType = packet.payloadType
    scratch.sequenceNumber = packet.sequenceNumber
    scratch.timestamp = packet.timestamp
    scratch.ssrc = packet.ssrc
    scratch.marker = packet.marker
    scratch.csrcs = packet.csrcs
    scratch.paddingLength = packet.paddingLength
    scratch.extensions = hop.of(packet, isRtx)
    const { absSendTime, transportSequence } = hop
    if (absSendTime !== undefined) writeAbsSendTime(absSendTime, now)
    if (transportSequence !== undefined) {
      const sequence = this.transportSequenceNumber
      transportSequence[0] = sequence >>> 8
      transportSequence[1] = sequence
      this.transportSequenceNumber = (sequence + 1) & 0xffff
    }
    const length = rtpHeaderLength(scratch)
    if (length > this.#header.length) this.#header = new Uint8Array(length)
    writeRtpHeader(scratch, this.#header, 0)
    const payload = packet.paddingLength === 0 ? packet.payload : padded(packet)
    return srtp.protect(this.#header.subarray(0, length), payload)
  }
}

/** 24 bits of seconds, 6 before and 18 behind the point. */
function writeAbsSendTime(out: Uint8Array, now: number): void {
  const value = Math.round((now % 64_000) * 262.144)
  out[0] = value >>> 16
  out[1] = value >>> 8
  out[2] = value
}

function padded(packet: RtpPacket): Uint8Array {
  const { payload, paddingLength } = packet
  const out = new Uint8Array(payload.length + paddingLength)
  out.set(payload)
  out[out.length - 1] = paddingLength
  return out
}

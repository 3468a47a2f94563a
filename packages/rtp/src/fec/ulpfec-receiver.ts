import type { HeaderExtensionMap } from '../extensions/map.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { writeRtp } from '../packet/write.ts'
import { mutableExtensions } from './mutable-extensions.ts'
import { ParityDecoder } from './parity-decoder.ts'
import { readRed } from './red.ts'
import { type FecStats, fecStats } from './stats.ts'
import { readUlpFec } from './ulpfec-header.ts'

export interface UlpFecReceiverOptions {
  /** The stream: media and repair packets share it. */
  readonly ssrc: number
  /** Of `red`, in which both travel. */
  readonly redPayloadType: number
  /** Of `ulpfec`, which appears in RED only. */
  readonly ulpfecPayloadType: number
  /** The media section's header extensions: some are not covered by parity. */
  readonly extensions?: HeaderExtensionMap
}

/**
 * Receives a stream of video in RED (RFC 2198) with ULPFEC (RFC 5109), as browsers send it. Parity was taken over the media
 * packets as they are outside of RED.
 *
 * Repair packets have sequence numbers of the same stream: the gaps that they leave among the media packets are no losses.
 */
export class UlpFecReceiver {
  readonly stats: FecStats = fecStats()
  readonly #options: UlpFecReceiverOptions
  readonly #decoder: ParityDecoder

  constructor(options: UlpFecReceiverOptions) {
    this.#options = options
    this.#decoder = new ParityDecoder(options.ssrc, mutableExtensions(options.extensions), this.stats)
  }

  /**
   * Takes a packet of the stream, in RED or not. Returns the media packet in it, if there is one, and those that it brings back.
   * `datagram` is what it was parsed from (decrypted), which is kept for a while and must not change; without it the bytes are
   * written anew, which gives the same unless the sender lays header extensions out in its own way.
   */
  receive(packet: RtpPacket, datagram: Uint8Array = writeRtp(packet)): RtpPacket[] {
    if (packet.ssrc !== this.#options.ssrc) return []
    if (packet.payloadType !== this.#options.redPayloadType) {
      return [packet, ...this.#decoder.media(packet.sequenceNumber, datagram)]
    }
    const blocks = readRed(packet.payload)
    if (blocks === undefined) {
      this.stats.dropped.malformed++
      return []
    }
    const packets: RtpPacket[] = []
    const primary = blocks.at(-1)!
    if (primary.payloadType !== this.#options.ulpfecPayloadType) {
      const media = packet.clone()
      media.payloadType = primary.payloadType
      media.payload = primary.data
      media.paddingLength = 0
      const bytes = unpack(datagram, packet, primary.payloadType, primary.data)
      packets.push(media, ...this.#decoder.media(packet.sequenceNumber, bytes))
    }
    for (const { payloadType, data } of blocks) {
      if (payloadType === this.#options.ulpfecPayloadType) packets.push(...this.#repair(data))
    }
    return packets
  }

  #repair(data: Uint8Array): RtpPacket[] {
    this.stats.repairs++
    const repair = readUlpFec(data)
    if (repair === undefined) {
      this.stats.dropped.malformed++
      return []
    }
    return this.#decoder.repair(repair)
  }
}

/** The bytes of a media packet as they were before it went into RED: its own payload type, and no padding. */
function unpack(datagram: Uint8Array, packet: RtpPacket, payloadType: number, data: Uint8Array): Uint8Array {
  const header = datagram.length - packet.payload.length - packet.paddingLength
  const out = new Uint8Array(header + data.length)
  out.set(datagram.subarray(0, header))
  out.set(data, header)
  out[0]! &= ~0x20
  out[1] = (datagram[1]! & 0x80) | payloadType
  return out
}

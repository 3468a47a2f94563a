import type { HeaderExtensionMap } from '../extensions/map.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { writeRtp } from '../packet/write.ts'
import { readFlexFec } from './flexfec-header.ts'
import { mutableExtensions } from './mutable-extensions.ts'
import { ParityDecoder } from './parity-decoder.ts'
import { type FecStats, fecStats } from './stats.ts'

export interface FlexFecReceiverOptions {
  /** The stream that is protected, as `a=ssrc-group:FEC-FR` tells it. */
  readonly mediaSsrc: number
  /** The media section's header extensions: some are not covered by parity. */
  readonly extensions?: HeaderExtensionMap
}

/**
 * Receives FlexFEC as browsers send it (`flexfec-03`: draft-ietf-payload-flexible-fec-scheme-03, one protected stream, a
 * flexible mask). Give it every packet of the protected stream and of its repair stream, each once.
 *
 * Recovered packets lack what is filled in when a packet leaves: transport-wide sequence number, send time, transmission offset,
 * video timing. They must not be reported as received in congestion feedback.
 */
export class FlexFecReceiver {
  readonly stats: FecStats = fecStats()
  readonly #mediaSsrc: number
  readonly #decoder: ParityDecoder

  constructor(options: FlexFecReceiverOptions) {
    this.#mediaSsrc = options.mediaSsrc
    this.#decoder = new ParityDecoder(options.mediaSsrc, mutableExtensions(options.extensions), this.stats)
  }

  /** Takes a packet of the repair stream; returns what it brings back. */
  receive(fecPacket: RtpPacket): RtpPacket[] {
    this.stats.repairs++
    const read = readFlexFec(fecPacket.payload)
    if (read === undefined) {
      this.stats.dropped.malformed++
      return []
    }
    if (read.ssrc !== this.#mediaSsrc) {
      this.stats.dropped.otherSsrc++
      return []
    }
    return this.#decoder.repair(read.repair)
  }

  /**
   * Takes a packet of the protected stream; returns what it, as the last but one of a repair packet's, brings back. Others are
   * ignored. Parity goes over its bytes: `datagram` is what it was parsed from (decrypted), which is kept for a while and must not
   * change; without it they are written anew, which gives the same unless the sender lays header extensions out in its own way.
   *
   * What RTX brought back must not be given: its header extensions may differ from those that parity went over.
   */
  mediaPacket(packet: RtpPacket, datagram: Uint8Array = writeRtp(packet)): RtpPacket[] {
    return packet.ssrc === this.#mediaSsrc ? this.#decoder.media(packet.sequenceNumber, datagram) : []
  }
}

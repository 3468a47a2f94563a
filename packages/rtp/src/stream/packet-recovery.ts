import type { HeaderExtensionMap } from '../extensions/map.ts'
import { FlexFecReceiver } from '../fec/flexfec-receiver.ts'
import { splitRed } from '../fec/red.ts'
import { UlpFecReceiver } from '../fec/ulpfec-receiver.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import type { InboundStats } from './stats.ts'

export interface PacketRecoveryOptions {
  readonly ssrc: number
  readonly flexFec?: { readonly ssrc: number; readonly payloadType: number }
  readonly redPayloadType?: number
  readonly ulpFecPayloadType?: number
  readonly extensions?: HeaderExtensionMap
}

const NONE: RtpPacket[] = []

/** Whatever forward error correction was negotiated for one stream: FlexFEC beside it, ULPFEC or copies in RED; and what it has been good for. */
export class PacketRecovery {
  readonly repairSsrc: number | undefined
  readonly redPayloadType: number | undefined
  readonly #repairPayloadType: number | undefined
  readonly #flexFec: FlexFecReceiver | undefined
  readonly #ulpFec: UlpFecReceiver | undefined
  readonly #stats: InboundStats
  #repairsInStream = 0

  constructor(options: PacketRecoveryOptions, stats: InboundStats) {
    this.#stats = stats
    const { ssrc, extensions, flexFec, redPayloadType, ulpFecPayloadType } = options
    this.repairSsrc = flexFec?.ssrc
    this.#repairPayloadType = flexFec?.payloadType
    this.redPayloadType = redPayloadType
    if (flexFec !== undefined) this.#flexFec = new FlexFecReceiver({ mediaSsrc: ssrc, extensions })
    if (redPayloadType !== undefined && ulpFecPayloadType !== undefined) {
      this.#ulpFec = new UlpFecReceiver({ ssrc, redPayloadType, ulpfecPayloadType: ulpFecPayloadType, extensions })
    }
  }

  /** What a packet of the repair stream brings back. Undefined when it has another payload type. */
  repair(packet: RtpPacket): RtpPacket[] | undefined {
    if (packet.payloadType !== this.#repairPayloadType) return undefined
    const packets = this.#flexFec!.receive(packet)
    this.#stats.fecPacketsReceived++
    this.#stats.fecBytesReceived += packet.payload.length
    this.#countRecovered()
    return packets
  }

  /** What a packet of the stream brings back. Parity goes over its bytes, which are made anew when they are not given. */
  media(packet: RtpPacket, datagram: Uint8Array | undefined): RtpPacket[] {
    let packets = NONE
    if (this.#flexFec !== undefined) packets = this.#flexFec.mediaPacket(packet, datagram)
    // Outside of RED the packet itself comes back first: it is known already.
    else if (this.#ulpFec !== undefined)
      packets = this.#ulpFec.receive(packet, datagram).filter((one) => one !== packet)
    this.#countRecovered()
    return packets
  }

  /** The packets in one of RED and those that it brings back: itself without RED, unless it was a repair, and others. Undefined when it is malformed. */
  unpack(packet: RtpPacket, datagram: Uint8Array | undefined): RtpPacket[] | undefined {
    if (this.#ulpFec === undefined) return splitRed(packet)
    const packets = this.#ulpFec.receive(packet, datagram)
    const { repairs } = this.#ulpFec.stats
    if (repairs > this.#repairsInStream) {
      this.#stats.fecPacketsReceived += repairs - this.#repairsInStream
      this.#stats.fecBytesReceived += packet.payload.length
      this.#repairsInStream = repairs
    }
    this.#countRecovered()
    return packets
  }

  #countRecovered(): void {
    this.#stats.fecPacketsRecovered = (this.#flexFec?.stats.recovered ?? 0) + (this.#ulpFec?.stats.recovered ?? 0)
  }
}

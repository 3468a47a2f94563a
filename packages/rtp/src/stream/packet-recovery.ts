import type { HeaderExtensionMap } from '../extensions/map.ts'
import { FlexFecReceiver } from '../fec/flexfec-receiver.ts'
import { splitRed } from '../fec/red.ts'
import { UlpFecReceiver } from '../fec/ulpfec-receiver.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'

export interface PacketRecoveryOptions {
  readonly ssrc: number
  readonly flexFec?: { readonly ssrc: number; readonly payloadType: number }
  readonly redPayloadType?: number
  readonly ulpFecPayloadType?: number
  readonly extensions?: HeaderExtensionMap
}

const NONE: RtpPacket[] = []

/** Whatever forward error correction was negotiated for one stream: FlexFEC beside it, ULPFEC or copies in RED. */
export class PacketRecovery {
  readonly repairSsrc: number | undefined
  readonly redPayloadType: number | undefined
  readonly #repairPayloadType: number | undefined
  readonly #flexFec: FlexFecReceiver | undefined
  readonly #ulpFec: UlpFecReceiver | undefined

  constructor(options: PacketRecoveryOptions) {
    const { ssrc, extensions, flexFec, redPayloadType, ulpFecPayloadType } = options
    this.repairSsrc = flexFec?.ssrc
    this.#repairPayloadType = flexFec?.payloadType
    this.redPayloadType = redPayloadType
    if (flexFec !== undefined) this.#flexFec = new FlexFecReceiver({ mediaSsrc: ssrc, extensions })
    if (redPayloadType !== undefined && ulpFecPayloadType !== undefined) {
      this.#ulpFec = new UlpFecReceiver({ ssrc, redPayloadType, ulpfecPayloadType: ulpFecPayloadType, extensions })
    }
  }

  /** Packets of ULPFEC that came inside of the stream. */
  get repairsInStream(): number {
    return this.#ulpFec?.stats.repairs ?? 0
  }

  get recovered(): number {
    return (this.#flexFec?.stats.recovered ?? 0) + (this.#ulpFec?.stats.recovered ?? 0)
  }

  /** What a packet of the repair stream brings back. Undefined when it has another payload type. */
  repair(packet: RtpPacket): RtpPacket[] | undefined {
    return packet.payloadType === this.#repairPayloadType ? this.#flexFec!.receive(packet) : undefined
  }

  /** What a packet of the stream brings back. Parity goes over its bytes, which are made anew when they are not given. */
  media(packet: RtpPacket, datagram: Uint8Array | undefined): RtpPacket[] {
    if (this.#flexFec !== undefined) return this.#flexFec.mediaPacket(packet, datagram)
    return this.#ulpFec === undefined ? NONE : this.#ulpFec.receive(packet, datagram)
  }

  /** The packets in one of RED and those that it brings back: itself without RED, unless it was a repair, and others. Undefined when it is malformed. */
  unpack(packet: RtpPacket, datagram: Uint8Array | undefined): RtpPacket[] | undefined {
    return this.#ulpFec === undefined ? splitRed(packet) : this.#ulpFec.receive(packet, datagram)
  }
}

/** A header extension element as it travels: its negotiated id and its bytes (RFC 8285). */
export interface HeaderExtension {
  /** 1–14 in the one-byte form, up to 255 in the two-byte form. */
  readonly id: number
  readonly data: Uint8Array
}

export interface RtpPacketInit {
  readonly payloadType: number
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly ssrc: number
  readonly marker?: boolean
  readonly csrcs?: readonly number[]
  readonly extensions?: readonly HeaderExtension[]
  readonly payload: Uint8Array
  /** Bytes of padding behind the payload, the count byte included; 0 to 255. */
  readonly paddingLength?: number
}

const NO_CSRCS: readonly number[] = []
const NO_EXTENSIONS: readonly HeaderExtension[] = []

/**
 * An RTP packet, taken apart (RFC 3550 §5.1). Fields may be rewritten; `payload` is shared between copies and must not be
 * written to.
 */
export class RtpPacket {
  /** 0–127 */
  payloadType: number
  /** 0–65535 */
  sequenceNumber: number
  /** Unsigned 32 bits, in units of the clock rate. */
  timestamp: number
  /** Unsigned 32 bits. */
  ssrc: number
  marker: boolean
  csrcs: readonly number[]
  extensions: readonly HeaderExtension[]
  payload: Uint8Array
  paddingLength: number

  constructor(init: RtpPacketInit) {
    this.payloadType = init.payloadType
    this.sequenceNumber = init.sequenceNumber
    this.timestamp = init.timestamp
    this.ssrc = init.ssrc
    this.marker = init.marker ?? false
    this.csrcs = init.csrcs ?? NO_CSRCS
    this.extensions = init.extensions ?? NO_EXTENSIONS
    this.payload = init.payload
    this.paddingLength = init.paddingLength ?? 0
  }

  /** The bytes of the extension with that id, if it is there. */
  extension(id: number): Uint8Array | undefined {
    for (const extension of this.extensions) if (extension.id === id) return extension.data
    return undefined
  }

  /** The same packet with fields of its own; the payload is shared. */
  clone(): RtpPacket {
    return new RtpPacket(this)
  }
}

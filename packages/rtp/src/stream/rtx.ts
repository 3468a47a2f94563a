import { readUint16, writeUint16 } from '../bytes.ts'
import { RtpPacket } from '../packet/rtp-packet.ts'

/** Bytes of the original sequence number in front of the payload (RFC 4588 §4). */
export const OSN_SIZE = 2

/** Makes retransmissions: the original's payload under another SSRC, with a sequence of its own. */
export class RtxSender {
  ssrc: number
  payloadType: number
  #sequenceNumber: number

  /** `sequenceNumber` is that of the first retransmission, at random (RFC 3550 §5.1). */
  constructor(ssrc: number, payloadType: number, sequenceNumber: number) {
    this.ssrc = ssrc
    this.payloadType = payloadType
    this.#sequenceNumber = sequenceNumber
  }

  wrap(original: RtpPacket): RtpPacket {
    const payload = new Uint8Array(OSN_SIZE + original.payload.length)
    writeUint16(payload, 0, original.sequenceNumber)
    payload.set(original.payload, OSN_SIZE)
    const sequenceNumber = this.#sequenceNumber
    this.#sequenceNumber = (sequenceNumber + 1) & 0xffff
    return new RtpPacket({
      payloadType: this.payloadType,
      sequenceNumber,
      timestamp: original.timestamp,
      ssrc: this.ssrc,
      marker: original.marker,
      csrcs: original.csrcs,
      extensions: original.extensions,
      payload,
    })
  }
}

/**
 * The original packet of a retransmission, whose payload is shared. Undefined when it has none: padding that probes the path
 * comes without a payload.
 */
export function unwrapRtx(packet: RtpPacket, mediaSsrc: number, mediaPayloadType: number): RtpPacket | undefined {
  const { payload } = packet
  if (payload.length <= OSN_SIZE) return undefined
  return new RtpPacket({
    payloadType: mediaPayloadType,
    sequenceNumber: readUint16(payload, 0),
    timestamp: packet.timestamp,
    ssrc: mediaSsrc,
    marker: packet.marker,
    csrcs: packet.csrcs,
    extensions: packet.extensions,
    payload: payload.subarray(OSN_SIZE),
  })
}

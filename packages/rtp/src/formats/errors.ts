/** Stable codes of what packetizers throw. */
export type PayloadFormatErrorCode =
  /** `maxSize` is not a whole number from 64 to 65535. */
  | 'ERR_RTP_PAYLOAD_SIZE'
  /** The frame is not in the form that `EncodedFrame` says: H.264 or H.265 without start codes, AV1 with wrong OBU sizes. */
  | 'ERR_RTP_FRAME_FORM'
  /** A NAL unit is larger than a packet, and `packetization-mode` 0 was negotiated, which has no fragments (RFC 6184 §6.2). */
  | 'ERR_RTP_NAL_UNIT_SIZE'
  /** A telephone event's number, volume, duration or interval is out of its range. */
  | 'ERR_RTP_TELEPHONE_EVENT'

/** Misuse of a payload format by its caller. What came from the network never throws. */
export class PayloadFormatError extends Error {
  readonly code: PayloadFormatErrorCode

  constructor(code: PayloadFormatErrorCode, message: string) {
    super(message)
    this.name = 'PayloadFormatError'
    this.code = code
  }
}

/** Payload headers take up to 13 bytes: in less than 64 there would be little else. */
export function checkMaxSize(maxSize: number): void {
  if (Number.isInteger(maxSize) && maxSize >= 64 && maxSize <= 0xffff) return
  throw new PayloadFormatError('ERR_RTP_PAYLOAD_SIZE', `payloads of at most ${maxSize} bytes: it must be 64 to 65535`)
}

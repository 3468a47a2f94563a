import { clamp, readUint16, writeUint16 } from '../bytes.ts'
import type { HeaderExtensionCodec } from './codec.ts'
import { headerExtensionUris } from './uris.ts'

/** One count over all packets of a transport (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2), 16 bits. */
export const transportSequenceNumber: HeaderExtensionCodec<number> = {
  uri: headerExtensionUris.transportSequenceNumber,
  read(data) {
    return data.length === 2 ? readUint16(data, 0) : undefined
  },
  write(value, out = new Uint8Array(2)) {
    writeUint16(out, 0, value)
    return out
  },
}

export interface TransportSequenceNumber2 {
  readonly sequenceNumber: number
  /** Feedback is wanted now, on this packet and those before it. */
  readonly feedbackRequest?: {
    readonly includeTimestamps: boolean
    /** Packets to report on, 1 to 32767. */
    readonly sequenceCount: number
  }
}

/** The same where feedback comes at the sender's request only (libwebrtc's `transport-wide-cc-02`). */
export const transportSequenceNumber2: HeaderExtensionCodec<TransportSequenceNumber2> = {
  uri: headerExtensionUris.transportSequenceNumber2,
  read(data) {
    if (data.length !== 2 && data.length !== 4) return undefined
    const sequenceNumber = readUint16(data, 0)
    if (data.length === 2) return { sequenceNumber }
    const request = readUint16(data, 2)
    const sequenceCount = request & 0x7fff
    if (sequenceCount === 0) return { sequenceNumber }
    return { sequenceNumber, feedbackRequest: { includeTimestamps: request > 0x7fff, sequenceCount } }
  },
  write({ sequenceNumber, feedbackRequest }, out = new Uint8Array(feedbackRequest === undefined ? 2 : 4)) {
    writeUint16(out, 0, sequenceNumber)
    if (feedbackRequest !== undefined) {
      const count = clamp(feedbackRequest.sequenceCount, 1, 0x7fff)
      writeUint16(out, 2, (feedbackRequest.includeTimestamps ? 0x8000 : 0) | count)
    }
    return out
  },
}

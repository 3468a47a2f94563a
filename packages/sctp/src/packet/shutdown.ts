import { readUint32, writeUint32 } from '../bytes.ts'
import { allocateChunk } from './chunk.ts'
import { SHUTDOWN, SHUTDOWN_ACK, SHUTDOWN_COMPLETE } from './types.ts'

/** Flag of ABORT and SHUTDOWN COMPLETE: the verification tag is the receiver's own, reflected (RFC 9260 §8.5.1). */
export const FLAG_TAG_REFLECTED = 1

/** SHUTDOWN (RFC 9260 §3.3.8): the cumulative TSN ack. */
export function parseShutdown(packet: Uint8Array, offset: number, length: number): number | undefined {
  return length === 8 ? readUint32(packet, offset + 4) : undefined
}

export function encodeShutdown(cumulativeTsnAck: number): Uint8Array {
  const out = allocateChunk(SHUTDOWN, 0, 4)
  writeUint32(out, 4, cumulativeTsnAck)
  return out
}

/** SHUTDOWN ACK (RFC 9260 §3.3.9). */
export function encodeShutdownAck(): Uint8Array {
  return allocateChunk(SHUTDOWN_ACK, 0, 0)
}

/** SHUTDOWN COMPLETE (RFC 9260 §3.3.13). */
export function encodeShutdownComplete(reflected: boolean): Uint8Array {
  return allocateChunk(SHUTDOWN_COMPLETE, reflected ? FLAG_TAG_REFLECTED : 0, 0)
}

import { concat, readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { encodeChunk } from './chunk.ts'
import { INIT, INIT_ACK } from './types.ts'

/** Bytes before the parameters, chunk header included. */
export const INIT_HEADER_SIZE = 20

/** INIT or INIT ACK (RFC 9260 §3.3.2, §3.3.3). */
export interface InitChunk {
  initiateTag: number
  /** Advertised receiver window credit, bytes. */
  receiverWindow: number
  outboundStreams: number
  inboundStreams: number
  initialTsn: number
  /** The parameters, still encoded, padding of the last one possibly missing. */
  parameters: Uint8Array
}

export function parseInit(packet: Uint8Array, offset: number, length: number): InitChunk | undefined {
  if (length < INIT_HEADER_SIZE) return undefined
  return {
    initiateTag: readUint32(packet, offset + 4),
    receiverWindow: readUint32(packet, offset + 8),
    outboundStreams: readUint16(packet, offset + 12),
    inboundStreams: readUint16(packet, offset + 14),
    initialTsn: readUint32(packet, offset + 16),
    parameters: packet.subarray(offset + INIT_HEADER_SIZE, offset + length),
  }
}

export function encodeInit(type: typeof INIT | typeof INIT_ACK, init: InitChunk): Uint8Array {
  const head = new Uint8Array(16)
  writeUint32(head, 0, init.initiateTag)
  writeUint32(head, 4, init.receiverWindow)
  writeUint16(head, 8, init.outboundStreams)
  writeUint16(head, 10, init.inboundStreams)
  writeUint32(head, 12, init.initialTsn)
  return encodeChunk(type, 0, concat([head, init.parameters]))
}

import { padded, readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { DATA, I_DATA } from './types.ts'

// DATA (RFC 9260 §3.3.1)                          I-DATA (RFC 8260 §2.1)
//   type 0 | res I U B E | length                   type 64 | res I U B E | length
//   TSN                                             TSN
//   stream identifier | stream sequence number      stream identifier | reserved
//   payload protocol identifier                     message identifier
//   user data                                       PPID if B, else fragment sequence number
//                                                   user data

export const DATA_HEADER_SIZE = 16
export const I_DATA_HEADER_SIZE = 20

export const FLAG_END = 1
export const FLAG_BEGINNING = 2
export const FLAG_UNORDERED = 4
/** The receiver should acknowledge without delay (RFC 7053). */
export const FLAG_IMMEDIATE = 8

/** A DATA or I-DATA chunk as received. `payload` is a view of the packet. */
export interface DataChunk {
  tsn: number
  streamId: number
  /** SSN of DATA, MID of I-DATA, as on the wire. */
  messageId: number
  /** Fragment sequence number of I-DATA; 0 for DATA and for the first fragment. */
  fragment: number
  /** 0 in an I-DATA chunk that is not the first. */
  ppid: number
  beginning: boolean
  end: boolean
  unordered: boolean
  immediate: boolean
  payload: Uint8Array
}

/** `length` is the chunk's length field, already checked against the packet. */
export function parseData(packet: Uint8Array, offset: number, length: number): DataChunk | undefined {
  if (length < DATA_HEADER_SIZE) return undefined
  const flags = packet[offset + 1]!
  return {
    tsn: readUint32(packet, offset + 4),
    streamId: readUint16(packet, offset + 8),
    messageId: readUint16(packet, offset + 10),
    fragment: 0,
    ppid: readUint32(packet, offset + 12),
    beginning: (flags & FLAG_BEGINNING) !== 0,
    end: (flags & FLAG_END) !== 0,
    unordered: (flags & FLAG_UNORDERED) !== 0,
    immediate: (flags & FLAG_IMMEDIATE) !== 0,
    payload: packet.subarray(offset + DATA_HEADER_SIZE, offset + length),
  }
}

export function parseIData(packet: Uint8Array, offset: number, length: number): DataChunk | undefined {
  if (length < I_DATA_HEADER_SIZE) return undefined
  const flags = packet[offset + 1]!
  const beginning = (flags & FLAG_BEGINNING) !== 0
  const last = readUint32(packet, offset + 16)
  return {
    tsn: readUint32(packet, offset + 4),
    streamId: readUint16(packet, offset + 8),
    messageId: readUint32(packet, offset + 12),
    fragment: beginning ? 0 : last,
    ppid: beginning ? last : 0,
    beginning,
    end: (flags & FLAG_END) !== 0,
    unordered: (flags & FLAG_UNORDERED) !== 0,
    immediate: (flags & FLAG_IMMEDIATE) !== 0,
    payload: packet.subarray(offset + I_DATA_HEADER_SIZE, offset + length),
  }
}

/** Writes the header of a DATA chunk with `payloadLength` bytes to follow. */
export function writeDataHeader(
  out: Uint8Array,
  offset: number,
  flags: number,
  payloadLength: number,
  tsn: number,
  streamId: number,
  ssn: number,
  ppid: number,
): void {
  out[offset] = DATA
  out[offset + 1] = flags
  writeUint16(out, offset + 2, DATA_HEADER_SIZE + payloadLength)
  writeUint32(out, offset + 4, tsn)
  writeUint16(out, offset + 8, streamId)
  writeUint16(out, offset + 10, ssn)
  writeUint32(out, offset + 12, ppid)
}

/** Writes the header of an I-DATA chunk; `ppidOrFragment` is the PPID when the B flag is set. */
export function writeIDataHeader(
  out: Uint8Array,
  offset: number,
  flags: number,
  payloadLength: number,
  tsn: number,
  streamId: number,
  mid: number,
  ppidOrFragment: number,
): void {
  out[offset] = I_DATA
  out[offset + 1] = flags
  writeUint16(out, offset + 2, I_DATA_HEADER_SIZE + payloadLength)
  writeUint32(out, offset + 4, tsn)
  writeUint16(out, offset + 8, streamId)
  writeUint16(out, offset + 10, 0)
  writeUint32(out, offset + 12, mid)
  writeUint32(out, offset + 16, ppidOrFragment)
}

/** Whole DATA chunk; for tests and tools, the sender writes in place. */
export function encodeData(chunk: DataChunk): Uint8Array {
  const out = new Uint8Array(padded(DATA_HEADER_SIZE + chunk.payload.length))
  writeDataHeader(out, 0, flagsOf(chunk), chunk.payload.length, chunk.tsn, chunk.streamId, chunk.messageId, chunk.ppid)
  out.set(chunk.payload, DATA_HEADER_SIZE)
  return out
}

/** Whole I-DATA chunk. */
export function encodeIData(chunk: DataChunk): Uint8Array {
  const out = new Uint8Array(padded(I_DATA_HEADER_SIZE + chunk.payload.length))
  const last = chunk.beginning ? chunk.ppid : chunk.fragment
  writeIDataHeader(out, 0, flagsOf(chunk), chunk.payload.length, chunk.tsn, chunk.streamId, chunk.messageId, last)
  out.set(chunk.payload, I_DATA_HEADER_SIZE)
  return out
}

function flagsOf(chunk: DataChunk): number {
  return (
    (chunk.end ? FLAG_END : 0) |
    (chunk.beginning ? FLAG_BEGINNING : 0) |
    (chunk.unordered ? FLAG_UNORDERED : 0) |
    (chunk.immediate ? FLAG_IMMEDIATE : 0)
  )
}

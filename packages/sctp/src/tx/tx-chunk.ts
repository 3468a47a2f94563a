import {
  DATA_HEADER_SIZE,
  FLAG_BEGINNING,
  I_DATA_HEADER_SIZE,
  writeDataHeader,
  writeIDataHeader,
} from '../packet/data.ts'
import type { PacketWriter } from '../packet/writer.ts'
import type { QueuedMessage } from './outgoing-stream.ts'

export const FREE = 0
/** Sent, not acknowledged, not given up for lost. */
export const IN_FLIGHT = 1
/** Found lost, to be sent again. */
export const LOST = 2
/** Acknowledged by a gap ack block. */
export const ACKED = 3
/** Given up (RFC 3758). */
export const ABANDONED = 4

/** A place in the ring of outstanding chunks. The objects are reused, so a chunk costs no allocation. */
export class TxChunk {
  /** Unwrapped TSN. */
  seq = -1
  state: number = FREE
  message: QueuedMessage | undefined = undefined
  /** Where in the message's data. */
  offset = 0
  length = 0
  /** Bytes on the wire: header, payload, padding. */
  size = 0
  flags = 0
  fragment = 0
  /** Time and number of the packet that carried it last. */
  sentAt = 0
  packetNumber = 0
  transmissions = 0
  /** Its TSN is in the queue of those found lost. */
  queued = false
  /** Neighbours in the list of chunks in flight, in order of packet number. */
  previous: TxChunk | undefined = undefined
  next: TxChunk | undefined = undefined
}

/** Writes the chunk as DATA or I-DATA into a packet that has room for it. */
export function writeTxChunk(
  packet: PacketWriter,
  chunk: TxChunk,
  tsn: number,
  interleaved: boolean,
  extraFlags: number,
): void {
  const { bytes, offset } = packet
  const { data, messageId, ppid, stream } = chunk.message!
  const flags = chunk.flags | extraFlags
  let payload = offset
  if (interleaved) {
    const last = (flags & FLAG_BEGINNING) !== 0 ? ppid : chunk.fragment
    writeIDataHeader(bytes, offset, flags, chunk.length, tsn, stream.id, messageId, last)
    payload += I_DATA_HEADER_SIZE
  } else {
    writeDataHeader(bytes, offset, flags, chunk.length, tsn, stream.id, messageId, ppid)
    payload += DATA_HEADER_SIZE
  }
  const whole = chunk.offset === 0 && chunk.length === data.length
  bytes.set(whole ? data : data.subarray(chunk.offset, chunk.offset + chunk.length), payload)
  packet.offset = offset + chunk.size
}

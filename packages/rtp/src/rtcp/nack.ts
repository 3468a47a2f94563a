import { readUint16, readUint32 } from '../bytes.ts'
import { FEEDBACK_HEADER_SIZE, FMT_NACK, RTPFB } from './packet-types.ts'
import type { GenericNack } from './types.ts'
import type { RtcpWriter } from './writer.ts'

/** Generic NACK (RFC 4585 §6.2.1): a packet id and a bit for each of the sixteen packets behind it, lowest bit first. */
export function readGenericNack(bytes: Uint8Array, offset: number, end: number): GenericNack | undefined {
  const first = offset + FEEDBACK_HEADER_SIZE
  if (first + 4 > end) return undefined
  const sequenceNumbers: number[] = []
  for (let at = first; at + 4 <= end; at += 4) {
    const pid = readUint16(bytes, at)
    sequenceNumbers.push(pid)
    for (let blp = readUint16(bytes, at + 2), i = 1; blp !== 0; blp >>>= 1, i++) {
      if ((blp & 1) !== 0) sequenceNumbers.push((pid + i) & 0xffff)
    }
  }
  return {
    type: 'NACK',
    senderSsrc: readUint32(bytes, offset + 4),
    mediaSsrc: readUint32(bytes, offset + 8),
    sequenceNumbers,
  }
}

/** Neighbours share an entry when they come in ascending order, wrapping or not. Without a sequence number nothing is written. */
export function writeGenericNack(packet: GenericNack, out: RtcpWriter): void {
  const { sequenceNumbers } = packet
  if (sequenceNumbers.length === 0) return
  out.begin(RTPFB, FMT_NACK)
  out.uint32(packet.senderSsrc)
  out.uint32(packet.mediaSsrc)
  let i = 0
  while (i < sequenceNumbers.length) {
    const pid = sequenceNumbers[i++]! & 0xffff
    let blp = 0
    for (; i < sequenceNumbers.length; i++) {
      const distance = (sequenceNumbers[i]! - pid) & 0xffff
      if (distance > 16) break
      if (distance > 0) blp |= 1 << (distance - 1)
    }
    out.uint16(pid)
    out.uint16(blp)
  }
  out.end()
}

// A TCP segment as the virtual network carries it: the fields of RFC 9293 §3.1 that matter, as numbers of their own.

import type { Range } from './scoreboard.ts'

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10
/** No flag of TCP: stands for the ICMP message "no route to host", and travels as an answer of the host would. */
export const UNREACHABLE = 0x100

export interface TcpSegment {
  /** FIN 1, SYN 2, RST 4, ACK 16; 256 stands for ICMP's "destination unreachable". */
  readonly flags: number
  /** Sequence numbers do not wrap here. */
  readonly sequence: number
  readonly acknowledgement: number
  /** Bytes. Not scaled. */
  readonly window: number
  /** What has arrived beyond a gap (RFC 2018); all of it, not three ranges of it. */
  readonly sacks: readonly Range[]
  /** With SYN, in bytes (RFC 9293 §3.7.1). Links on the way lower it to what they carry, as access routers do ("MSS clamping"). */
  maxSegment: number
}

export const NO_SACKS: readonly Range[] = []
export const EMPTY: Uint8Array = new Uint8Array(0)

/** What it takes of the sequence space: SYN and FIN count as a byte each (RFC 9293 §3.4). */
export function segmentLength(segment: TcpSegment, data: Uint8Array): number {
  return data.length + ((segment.flags & SYN) === 0 ? 0 : 1) + ((segment.flags & FIN) === 0 ? 0 : 1)
}

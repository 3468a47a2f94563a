// One bound socket and what is remembered about it on the packet path.
import type { Endpoint, UdpSocket } from '@kaon/net'
import type { CandidatePair } from '../pair.ts'
import type { LocalAddress } from './addresses.ts'

export class Port {
  readonly id: number
  readonly socket: UdpSocket
  address: LocalAddress
  /** The name that hides the address, once it has one. */
  name: string | undefined
  /** The gathering that used this port last. */
  gathering = 0
  // The answer of the agent's `lookup` for the last sender: good while `from` is the same object and nothing has changed.
  lastFrom: Endpoint | undefined
  lastPair: CandidatePair | undefined
  lastVersion = -1
  /** Data has come over `lastPair` since the last drain. */
  hasHeard = false

  constructor(id: number, socket: UdpSocket, address: LocalAddress) {
    this.id = id
    this.socket = socket
    this.address = address
  }
}

/**
 * Demultiplexing by the first byte (RFC 7983 §7): 0–3 is STUN, 64–79 are TURN channels, which no path but a relayed one
 * carries. The rest (DTLS 20–63, RTP 128–191, whatever a lone user sends) belongs to the layer above.
 */
export function isStun(firstByte: number): boolean {
  return firstByte < 4
}

export function isTurnChannel(firstByte: number): boolean {
  return firstByte >= 64 && firstByte < 80
}

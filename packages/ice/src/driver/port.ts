// One socket that candidates are based on, and what is remembered about it on the packet path.
import type { Endpoint, UdpSocket } from '@kaon/net'
import type { CandidatePair } from '../pair.ts'
import type { LocalAddress } from './addresses.ts'

/** What a port needs of its socket: one of the system's, one on a TURN server, a share of one, or a bundle of TCP connections. */
export type PortSocket = Pick<UdpSocket, 'local' | 'onmessage' | 'onerror' | 'send' | 'close'>

export class Port {
  readonly id: number
  /** What it is for: the next gathering that needs the same uses it again. */
  readonly key: string
  readonly socket: PortSocket
  /** The address of this host that it belongs to. */
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

  constructor(id: number, key: string, socket: PortSocket, address: LocalAddress) {
    this.id = id
    this.key = key
    this.socket = socket
    this.address = address
  }
}

/**
 * Demultiplexing by the first byte (RFC 7983 §7): 0–3 is STUN, 64–79 are TURN channels, which a socket to a TURN server has
 * unpacked already. The rest (DTLS 20–63, RTP 128–191, whatever a lone user sends) belongs to the layer above.
 */
export function isStun(firstByte: number): boolean {
  return firstByte < 4
}

export function isTurnChannel(firstByte: number): boolean {
  return firstByte >= 64 && firstByte < 80
}

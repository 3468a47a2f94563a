import type { TcpSegment } from './tcp/segment.ts'

/** A datagram or segment on its way through the virtual network. NATs rewrite the addresses in place. */
export interface Packet {
  /** Counts packets in the order of sending; a duplicate keeps the number of its original. */
  readonly id: number
  readonly family: 4 | 6
  readonly protocol: 'udp' | 'tcp'
  source: string
  sourcePort: number
  destination: string
  destinationPort: number
  /** Routers it may still pass. */
  hops: number
  readonly data: Uint8Array
  /** What the header of a TCP segment says. Undefined for UDP. */
  readonly segment: TcpSegment | undefined
}

export const MAX_HOPS = 32

/** IP and UDP (8 bytes) or TCP (20 bytes) headers included, as the MTU counts it. */
export function packetSize(packet: Packet): number {
  return packet.data.length + headerSize(packet)
}

/** Bytes of the IP and UDP or TCP headers, without options. */
export function headerSize(packet: Packet): number {
  return (packet.family === 4 ? 20 : 40) + (packet.segment === undefined ? 8 : 20)
}

export type DropReason =
  /** Random or burst loss of a link. */
  | 'loss'
  /** The queue before a link of limited rate was full. */
  | 'queue'
  /** Larger than the MTU of a link (nothing is fragmented). */
  | 'mtu'
  /** The link was down, or went down while the packet was on it. */
  | 'down'
  /** The link's `filter` said no. */
  | 'filter'
  /** Nobody has the destination address. */
  | 'route'
  /** More than 32 routers: a loop. */
  | 'hops'
  /** A NAT or firewall did not let it in. */
  | 'nat-filtering'
  /** Came back from inside to an own external address of a NAT that does not hairpin. */
  | 'nat-hairpin'
  /** A NAT had no external port left. */
  | 'nat-ports'
  /** A firewall lets no UDP through. */
  | 'udp-blocked'
  /** A firewall lets no TCP through to this port. */
  | 'tcp-blocked'
  /** No socket is bound there. */
  | 'port'

/** What a tap is told. The packet is the live object: read it at once, do not keep or change it. */
export interface PacketEvent {
  /** Virtual ms. */
  readonly time: number
  readonly kind: 'sent' | 'delivered' | 'duplicated' | 'reordered' | 'dropped'
  /** Name of the host, router, NAT or link direction (`'alice>home'`) where it happened. */
  readonly where: string
  readonly reason: DropReason | undefined
  readonly packet: Readonly<Packet>
}

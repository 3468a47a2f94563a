// What a port becomes as a candidate: host (RFC 8445 §5.1.1.1, RFC 6544 §5.1), server-reflexive, relayed.
import type { TransportAddress } from '@kaon/stun'
import type { RelaySocket } from '@kaon/turn/driver'
import type { Candidate, CandidateProtocol, TcpCandidateType } from '../candidate.ts'
import type { FoundationTable } from '../foundation.ts'
import { candidatePriority, tcpLocalPreference } from '../priority.ts'
import type { CompiledMapping } from './mapping.ts'
import type { Port } from './port.ts'
import { relayPreference } from './relayed.ts'

/** `mapping` is one that replaces the local address, if any. */
export function hostCandidate(
  foundations: FoundationTable,
  port: Port,
  mapping: CompiledMapping | undefined,
  tcpType: TcpCandidateType | undefined,
): Candidate {
  const { local } = port.socket
  const protocol = protocolOf(tcpType)
  const outside = mapping && outsideOf(mapping, local)
  return {
    foundation: foundations.get('host', local.address, protocol),
    component: 1,
    protocol,
    priority: candidatePriority('host', preferenceOf(port, tcpType), 1, protocol),
    address: outside?.address ?? port.name ?? local.address,
    port: outside?.port ?? local.port,
    type: 'host',
    ...(tcpType && { tcpType }),
  }
}

/** `server`: the IP address of the server that has told, if it was one. */
export function reflexiveCandidate(
  foundations: FoundationTable,
  port: Port,
  mapped: TransportAddress,
  told: { readonly url: string; readonly server: string } | undefined,
  tcpType: TcpCandidateType | undefined,
): Candidate {
  const { local } = port.socket
  const protocol = protocolOf(tcpType)
  // RFC 8839 §5.1, the mDNS draft §3.1.2.2: the base would give away what a name hides.
  const isHidden = port.name !== undefined
  return {
    foundation: foundations.get('srflx', local.address, protocol, told?.server),
    component: 1,
    protocol,
    priority: candidatePriority('srflx', preferenceOf(port, tcpType), 1, protocol),
    address: mapped.address,
    port: mapped.port,
    type: 'srflx',
    relatedAddress: isHidden ? anyAddress(local.family) : local.address,
    relatedPort: isHidden ? HIDDEN_PORT : local.port,
    ...(tcpType && { tcpType }),
    ...(told && { url: told.url }),
  }
}

/** `index`: the server's place in the list. `isHidden`: the host's address must not be told. */
export function relayedCandidate(
  foundations: FoundationTable,
  port: Port,
  relay: RelaySocket,
  url: string,
  index: number,
  isHidden: boolean,
): Candidate {
  const { local, server, transport, mapped } = relay
  return {
    foundation: foundations.get('relay', local.address, 'udp', `${server.address} ${transport}`),
    component: 1,
    protocol: 'udp',
    priority: candidatePriority('relay', relayPreference(port.address, transport, index)),
    address: local.address,
    port: local.port,
    type: 'relay',
    // RFC 8839 §5.1: the mapped address.
    relatedAddress: isHidden ? anyAddress(local.family) : mapped.address,
    relatedPort: isHidden ? HIDDEN_PORT : mapped.port,
    url,
    relayProtocol: transport,
  }
}

export function outsideOf(mapping: CompiledMapping, local: TransportAddress): TransportAddress {
  return { address: mapping.external, port: mapping.externalPort ?? local.port, family: mapping.family }
}

/** RFC 8839 §5.1: with the address 0.0.0.0 or ::. */
const HIDDEN_PORT = 9

function anyAddress(family: 4 | 6): string {
  return family === 4 ? '0.0.0.0' : '::'
}

function protocolOf(tcpType: TcpCandidateType | undefined): CandidateProtocol {
  return tcpType === undefined ? 'udp' : 'tcp'
}

function preferenceOf(port: Port, tcpType: TcpCandidateType | undefined): number {
  const { preference } = port.address
  return tcpType === undefined ? preference : tcpLocalPreference(tcpType, preference)
}

import type { TransportAddress } from './address.ts'
import { address, type Attribute, flag, invalid, opaque, text, uint16List, uint32, uint64, upper } from './attribute.ts'
import { StunError } from './error.ts'
import {
  addressErrorCode,
  type AddressErrorCode,
  changeRequest,
  type ChangeRequest,
  errorCode,
  type ErrorCode,
  evenPort,
  family,
  googNetworkInfo,
  icmp,
  type IcmpMessage,
  type NetworkInfo,
  passwordAlgorithm,
  type PasswordAlgorithm,
  passwordAlgorithms,
  responsePort,
  transactionTransmitCounter,
  type TransmitCounter,
} from './structured.ts'

/** USERNAME has at most 508 bytes, and none is as good as absent (RFC 8489 §14.3). */
const username = text(0x0006, 'USERNAME', 508, 508)

/** ALTERNATE-SERVER and its kin are plain addresses: only the mapped, peer and relayed ones are worth hiding from NATs. */
const plain = (type: number, name: string): Attribute<TransportAddress> => address(type, name, false)
const xored = (type: number, name: string): Attribute<TransportAddress> => address(type, name, true)

/** The attributes that Kaon knows, by name; the type says what a value looks like. */
export interface Attributes {
  // RFC 8489 §14
  readonly mappedAddress: Attribute<TransportAddress>
  readonly xorMappedAddress: Attribute<TransportAddress>
  readonly username: Attribute<string>
  readonly userhash: Attribute<Uint8Array>
  readonly errorCode: Attribute<ErrorCode>
  readonly unknownAttributes: Attribute<readonly number[]>
  readonly realm: Attribute<string>
  readonly nonce: Attribute<string>
  readonly passwordAlgorithm: Attribute<PasswordAlgorithm>
  readonly passwordAlgorithms: Attribute<readonly PasswordAlgorithm[]>
  readonly software: Attribute<string>
  readonly alternateServer: Attribute<TransportAddress>
  readonly alternateDomain: Attribute<string>

  // RFC 8445 §16.1
  readonly priority: Attribute<number>
  readonly useCandidate: Attribute<true>
  readonly iceControlled: Attribute<bigint>
  readonly iceControlling: Attribute<bigint>

  // RFC 5780 §7
  readonly changeRequest: Attribute<ChangeRequest>
  readonly padding: Attribute<Uint8Array>
  readonly responsePort: Attribute<number>
  readonly cacheTimeout: Attribute<number>
  readonly responseOrigin: Attribute<TransportAddress>
  readonly otherAddress: Attribute<TransportAddress>

  // RFC 8656 §18
  readonly channelNumber: Attribute<number>
  readonly lifetime: Attribute<number>
  readonly xorPeerAddress: Attribute<TransportAddress>
  readonly data: Attribute<Uint8Array>
  readonly xorRelayedAddress: Attribute<TransportAddress>
  readonly requestedAddressFamily: Attribute<4 | 6>
  readonly evenPort: Attribute<boolean>
  /** An IP protocol number: 17 is UDP, 6 is TCP. */
  readonly requestedTransport: Attribute<number>
  readonly dontFragment: Attribute<true>
  readonly reservationToken: Attribute<Uint8Array>
  readonly additionalAddressFamily: Attribute<4 | 6>
  readonly addressErrorCode: Attribute<AddressErrorCode>
  readonly icmp: Attribute<IcmpMessage>

  // RFC 6062 §6.2, RFC 7635 §6, RFC 8016 §3.4, RFC 7982 §3, RFC 6679 §7.2
  readonly connectionId: Attribute<number>
  readonly accessToken: Attribute<Uint8Array>
  readonly thirdPartyAuthorization: Attribute<string>
  readonly mobilityTicket: Attribute<Uint8Array>
  readonly transactionTransmitCounter: Attribute<TransmitCounter>
  readonly ecnCheck: Attribute<number>

  // libwebrtc's own
  readonly nomination: Attribute<number>
  readonly googNetworkInfo: Attribute<NetworkInfo>
  readonly googLastIceCheckReceived: Attribute<Uint8Array>
  readonly googMiscInfo: Attribute<readonly number[]>
  readonly googDelta: Attribute<Uint8Array>
  readonly googDeltaAck: Attribute<Uint8Array>
  readonly googMessageIntegrity32: Attribute<Uint8Array>
  readonly metaDtlsInStun: Attribute<Uint8Array>
  readonly metaDtlsInStunAck: Attribute<Uint8Array>
}

/**
 * The attributes by name, each with its codec. MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT are not here:
 * `MessageBuilder` has a verb for each, and `checkIntegrity` and `checkFingerprint` verify them.
 */
export const attribute: Attributes = {
  // RFC 8489 §14
  mappedAddress: plain(0x0001, 'MAPPED-ADDRESS'),
  xorMappedAddress: xored(0x0020, 'XOR-MAPPED-ADDRESS'),
  username,
  userhash: opaque(0x001e, 'USERHASH', 32),
  errorCode,
  unknownAttributes: uint16List(0x000a, 'UNKNOWN-ATTRIBUTES'),
  realm: text(0x0014, 'REALM', 509, 763),
  nonce: text(0x0015, 'NONCE', 509, 763),
  passwordAlgorithm,
  passwordAlgorithms,
  software: text(0x8022, 'SOFTWARE', 509, 763),
  alternateServer: plain(0x8023, 'ALTERNATE-SERVER'),
  alternateDomain: text(0x8003, 'ALTERNATE-DOMAIN', 255, 255),

  // RFC 8445 §16.1
  priority: uint32(0x0024, 'PRIORITY'),
  useCandidate: flag(0x0025, 'USE-CANDIDATE'),
  iceControlled: uint64(0x8029, 'ICE-CONTROLLED'),
  iceControlling: uint64(0x802a, 'ICE-CONTROLLING'),

  // RFC 5780 §7
  changeRequest,
  padding: opaque(0x0026, 'PADDING'),
  responsePort,
  cacheTimeout: uint32(0x8027, 'CACHE-TIMEOUT'),
  responseOrigin: plain(0x802b, 'RESPONSE-ORIGIN'),
  otherAddress: plain(0x802c, 'OTHER-ADDRESS'),

  // RFC 8656 §18
  channelNumber: upper(0x000c, 'CHANNEL-NUMBER', 16),
  lifetime: uint32(0x000d, 'LIFETIME'),
  xorPeerAddress: xored(0x0012, 'XOR-PEER-ADDRESS'),
  data: opaque(0x0013, 'DATA'),
  xorRelayedAddress: xored(0x0016, 'XOR-RELAYED-ADDRESS'),
  requestedAddressFamily: family(0x0017, 'REQUESTED-ADDRESS-FAMILY'),
  evenPort,
  /** An IP protocol number: 17 is UDP, 6 is TCP. */
  requestedTransport: upper(0x0019, 'REQUESTED-TRANSPORT', 8),
  dontFragment: flag(0x001a, 'DONT-FRAGMENT'),
  reservationToken: opaque(0x0022, 'RESERVATION-TOKEN', 8),
  additionalAddressFamily: family(0x8000, 'ADDITIONAL-ADDRESS-FAMILY'),
  addressErrorCode,
  icmp,

  // RFC 6062 §6.2, RFC 7635 §6, RFC 8016 §3.4, RFC 7982 §3, RFC 6679 §7.2
  connectionId: uint32(0x002a, 'CONNECTION-ID'),
  accessToken: opaque(0x001b, 'ACCESS-TOKEN'),
  thirdPartyAuthorization: text(0x802e, 'THIRD-PARTY-AUTHORIZATION', 509, 763),
  mobilityTicket: opaque(0x8030, 'MOBILITY-TICKET'),
  transactionTransmitCounter,
  ecnCheck: uint32(0x802d, 'ECN-CHECK'),

  // libwebrtc's own
  nomination: uint32(0xc001, 'NOMINATION'),
  googNetworkInfo,
  googLastIceCheckReceived: opaque(0xc058, 'GOOG-LAST-ICE-CHECK-RECEIVED'),
  googMiscInfo: uint16List(0xc059, 'GOOG-MISC-INFO'),
  googDelta: opaque(0xc05c, 'GOOG-DELTA'),
  googDeltaAck: opaque(0xc05d, 'GOOG-DELTA-ACK'),
  googMessageIntegrity32: opaque(0xc060, 'GOOG-MESSAGE-INTEGRITY-32', 4),
  metaDtlsInStun: opaque(0xc070, 'META-DTLS-IN-STUN'),
  metaDtlsInStunAck: opaque(0xc071, 'META-DTLS-IN-STUN-ACK'),
}

/**
 * The comprehension-required attributes of RFC 8489 itself: what a server or client understands that speaks nothing but Binding.
 * A usage adds its own; what is missing here and present in a request is answered with 420.
 */
export const stunAttributes: ReadonlySet<number> = new Set([
  0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0020,
])

/** `stunAttributes` with those of ICE (RFC 8445 §16.1). */
export const iceAttributes: ReadonlySet<number> = new Set([...stunAttributes, 0x0024, 0x0025])

/** `stunAttributes` with those of RFC 5780 §7: what a server with a second address understands. */
export const behaviorAttributes: ReadonlySet<number> = new Set([...stunAttributes, 0x0003, 0x0026, 0x0027])

/** The value for PASSWORD-ALGORITHMS that lists these algorithms, in order of preference and without parameters. */
export function algorithmList(...algorithms: number[]): PasswordAlgorithm[] {
  return algorithms.map((algorithm) => ({ algorithm, parameters: new Uint8Array(0) }))
}

/** Fails when the text cannot be carried, with the attribute's own limits; for options that are checked long before they are sent. */
export function assertFits(codec: Attribute<string>, value: string): void {
  try {
    codec.write(value, new Uint8Array(codec.bound(value)), 0, 0)
  } catch (error) {
    throw error instanceof StunError ? error : invalid(codec.name, 'not text')
  }
}

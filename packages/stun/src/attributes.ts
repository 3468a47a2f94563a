import {
  address,
  type Attribute,
  checked,
  flag,
  invalid,
  opaque,
  readText,
  text,
  uint16List,
  uint32,
  uint64,
  upper,
  writeText,
} from './attribute.ts'
import { StunError } from './error.ts'
import type { TransportAddress } from './address.ts'

/** ERROR-CODE: a number from 300 to 699 and a phrase for people. */
export interface ErrorCode {
  readonly code: number
  readonly reason: string
}

/** An entry of the registry of RFC 8489 §18.5: 1 is MD5, 2 is SHA-256; both have no parameters. */
export interface PasswordAlgorithm {
  readonly algorithm: number
  readonly parameters: Uint8Array
}

// RFC 8489 §14.8
const errorCode: Attribute<ErrorCode> = {
  type: 0x0009,
  name: 'ERROR-CODE',
  read(bytes, offset, length) {
    if (length < 4 || length > 4 + 763) return undefined
    const hundreds = bytes[offset + 2]! & 7
    const rest = bytes[offset + 3]!
    if (hundreds < 3 || hundreds > 6 || rest > 99) return undefined
    // A phrase that is not UTF-8 harms nobody: the number is what counts.
    return { code: hundreds * 100 + rest, reason: readText(bytes, offset + 4, length - 4) ?? '' }
  },
  bound: (value) => 4 + value.reason.length * 3,
  write(value, out, offset) {
    if (!Number.isInteger(value.code) || value.code < 300 || value.code > 699) {
      throw invalid('ERROR-CODE', `${value.code} is not from 300 to 699`)
    }
    out[offset] = 0
    out[offset + 1] = 0
    out[offset + 2] = Math.floor(value.code / 100)
    out[offset + 3] = value.code % 100
    const length = writeText(value.reason, out, offset + 4)
    if (length > 509) throw invalid('ERROR-CODE', `a phrase of ${length} bytes of at most 509`)
    return 4 + length
  },
}

// RFC 8489 §14.12, and one entry of §14.11: number, length of the parameters, parameters padded to a multiple of four.
function readAlgorithm(bytes: Uint8Array, offset: number, end: number): PasswordAlgorithm | undefined {
  if (offset + 4 > end) return undefined
  const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
  if (offset + 4 + length > end) return undefined
  return {
    algorithm: (bytes[offset]! << 8) | bytes[offset + 1]!,
    parameters: bytes.subarray(offset + 4, offset + 4 + length),
  }
}

function writeAlgorithm(value: PasswordAlgorithm, out: Uint8Array, offset: number): number {
  checked('PASSWORD-ALGORITHM', value.algorithm, 0xffff)
  const length = checked('PASSWORD-ALGORITHM', value.parameters.length, 0xffff)
  out[offset] = value.algorithm >>> 8
  out[offset + 1] = value.algorithm & 0xff
  out[offset + 2] = length >>> 8
  out[offset + 3] = length & 0xff
  out.set(value.parameters, offset + 4)
  return 4 + length
}

const padded = (length: number): number => (length + 3) & ~3

const passwordAlgorithm: Attribute<PasswordAlgorithm> = {
  type: 0x001d,
  name: 'PASSWORD-ALGORITHM',
  read(bytes, offset, length) {
    const value = readAlgorithm(bytes, offset, offset + length)
    // Some senders count the parameters' padding into the attribute's length.
    return value === undefined || padded(4 + value.parameters.length) < length ? undefined : value
  },
  bound: (value) => 4 + value.parameters.length,
  write: writeAlgorithm,
}

const passwordAlgorithms: Attribute<readonly PasswordAlgorithm[]> = {
  type: 0x8002,
  name: 'PASSWORD-ALGORITHMS',
  read(bytes, offset, length) {
    const values: PasswordAlgorithm[] = []
    const end = offset + length
    for (let index = offset; index < end;) {
      const value = readAlgorithm(bytes, index, end)
      if (value === undefined) return undefined
      values.push(value)
      index += padded(4 + value.parameters.length)
    }
    return values
  },
  bound: (values) => values.reduce((sum, value) => sum + padded(4 + value.parameters.length), 0),
  write(values, out, offset) {
    let index = offset
    for (const value of values) {
      const next = index + padded(writeAlgorithm(value, out, index))
      out.fill(0, index + 4 + value.parameters.length, next)
      index = next
    }
    return index - offset
  },
}

/** CHANGE-REQUEST: from which address the server shall answer (RFC 5780 §7.2). */
export interface ChangeRequest {
  readonly changeIp: boolean
  readonly changePort: boolean
}

const changeRequest: Attribute<ChangeRequest> = {
  type: 0x0003,
  name: 'CHANGE-REQUEST',
  read(bytes, offset, length) {
    if (length !== 4) return undefined
    return { changeIp: (bytes[offset + 3]! & 4) !== 0, changePort: (bytes[offset + 3]! & 2) !== 0 }
  },
  bound: () => 4,
  write(value, out, offset) {
    out.fill(0, offset, offset + 4)
    out[offset + 3] = (value.changeIp ? 4 : 0) | (value.changePort ? 2 : 0)
    return 4
  },
}

/** An address family as TURN writes it: 1 for IPv4, 2 for IPv6, in the first byte of a word (RFC 8656 §18.6). */
function family(type: number, name: string): Attribute<4 | 6> {
  return {
    type,
    name,
    read(bytes, offset, length) {
      return length !== 4 ? undefined : bytes[offset] === 1 ? 4 : bytes[offset] === 2 ? 6 : undefined
    },
    bound: () => 4,
    write(value, out, offset) {
      out.fill(0, offset, offset + 4)
      out[offset] = value === 4 ? 1 : 2
      return 4
    },
  }
}

/** EVEN-PORT: true when the next higher port is to be reserved too (RFC 8656 §18.7). */
const evenPort: Attribute<boolean> = {
  type: 0x0018,
  name: 'EVEN-PORT',
  read: (bytes, offset, length) => (length === 1 ? (bytes[offset]! & 0x80) !== 0 : undefined),
  bound: () => 1,
  write(value, out, offset) {
    out[offset] = value ? 0x80 : 0
    return 1
  },
}

/** ADDRESS-ERROR-CODE: why an address of this family could not be had (RFC 8656 §18.12). */
export interface AddressErrorCode extends ErrorCode {
  readonly family: 4 | 6
}

const addressErrorCode: Attribute<AddressErrorCode> = {
  type: 0x8001,
  name: 'ADDRESS-ERROR-CODE',
  read(bytes, offset, length) {
    const error = errorCode.read(bytes, offset, length)
    const number = bytes[offset]
    if (error === undefined || (number !== 1 && number !== 2)) return undefined
    return { family: number === 1 ? 4 : 6, code: error.code, reason: error.reason }
  },
  bound: errorCode.bound,
  write(value, out, offset, start) {
    const length = errorCode.write(value, out, offset, start)
    out[offset] = value.family === 4 ? 1 : 2
    return length
  },
}

/** ICMP: what a TURN server heard about a peer (RFC 8656 §18.13). `data` has four bytes. */
export interface IcmpMessage {
  readonly type: number
  readonly code: number
  readonly data: Uint8Array
}

const icmp: Attribute<IcmpMessage> = {
  type: 0x8004,
  name: 'ICMP',
  read(bytes, offset, length) {
    if (length !== 8) return undefined
    const word = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
    return { type: word >>> 9, code: word & 0x1ff, data: bytes.subarray(offset + 4, offset + 8) }
  },
  bound: () => 8,
  write(value, out, offset) {
    if (value.data.length !== 4) throw invalid('ICMP', `${value.data.length} bytes of data, not 4`)
    const word = (checked('ICMP', value.type, 0x7f) << 9) | checked('ICMP', value.code, 0x1ff)
    out[offset] = 0
    out[offset + 1] = 0
    out[offset + 2] = word >>> 8
    out[offset + 3] = word & 0xff
    out.set(value.data, offset + 4)
    return 8
  },
}

/** GOOG-NETWORK-INFO: which of its networks libwebrtc checks from, and what using it costs (0 best, 999 worst). */
export interface NetworkInfo {
  readonly id: number
  readonly cost: number
}

const googNetworkInfo: Attribute<NetworkInfo> = {
  type: 0xc057,
  name: 'GOOG-NETWORK-INFO',
  read(bytes, offset, length) {
    if (length !== 4) return undefined
    return { id: (bytes[offset]! << 8) | bytes[offset + 1]!, cost: (bytes[offset + 2]! << 8) | bytes[offset + 3]! }
  },
  bound: () => 4,
  write(value, out, offset) {
    checked('GOOG-NETWORK-INFO', value.id, 0xffff)
    checked('GOOG-NETWORK-INFO', value.cost, 0xffff)
    out[offset] = value.id >>> 8
    out[offset + 1] = value.id & 0xff
    out[offset + 2] = value.cost >>> 8
    out[offset + 3] = value.cost & 0xff
    return 4
  },
}

/** TRANSACTION-TRANSMIT-COUNTER: how often request and response were sent (RFC 7982 §3). */
export interface TransmitCounter {
  readonly request: number
  readonly response: number
}

const transactionTransmitCounter: Attribute<TransmitCounter> = {
  type: 0x8025,
  name: 'TRANSACTION-TRANSMIT-COUNTER',
  read(bytes, offset, length) {
    return length === 4 ? { request: bytes[offset + 2]!, response: bytes[offset + 3]! } : undefined
  },
  bound: () => 4,
  write(value, out, offset) {
    out[offset] = 0
    out[offset + 1] = 0
    out[offset + 2] = checked('TRANSACTION-TRANSMIT-COUNTER', value.request, 0xff)
    out[offset + 3] = checked('TRANSACTION-TRANSMIT-COUNTER', value.response, 0xff)
    return 4
  },
}

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
  responsePort: upper(0x0027, 'RESPONSE-PORT', 16),
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

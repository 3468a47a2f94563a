// The attributes whose value is more than a number, a text or an address.

import { type Attribute, checked, invalid, readText, writeText } from './attribute.ts'

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
export const errorCode: Attribute<ErrorCode> = {
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

export const passwordAlgorithm: Attribute<PasswordAlgorithm> = {
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

export const passwordAlgorithms: Attribute<readonly PasswordAlgorithm[]> = {
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

export const changeRequest: Attribute<ChangeRequest> = {
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

/** RFC 5780 §7.5: a port and two bytes of padding, which some senders count into the attribute's length and others do not. */
export const responsePort: Attribute<number> = {
  type: 0x0027,
  name: 'RESPONSE-PORT',
  read: (bytes, offset, length) =>
    length === 4 || length === 2 ? (bytes[offset]! << 8) | bytes[offset + 1]! : undefined,
  bound: () => 4,
  write(value, out, offset) {
    checked('RESPONSE-PORT', value, 0xffff)
    out.fill(0, offset, offset + 4)
    out[offset] = value >>> 8
    out[offset + 1] = value & 0xff
    return 4
  },
}

/** An address family as TURN writes it: 1 for IPv4, 2 for IPv6, in the first byte of a word (RFC 8656 §18.6). */
export function family(type: number, name: string): Attribute<4 | 6> {
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
export const evenPort: Attribute<boolean> = {
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

export const addressErrorCode: Attribute<AddressErrorCode> = {
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

export const icmp: Attribute<IcmpMessage> = {
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

export const googNetworkInfo: Attribute<NetworkInfo> = {
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

export const transactionTransmitCounter: Attribute<TransmitCounter> = {
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

import { concat, padded, readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { encodeParameter, forEachParameter } from './parameter.ts'

// Error causes (RFC 9260 §3.3.10): the same type, length, value as parameters.

export const INVALID_STREAM_IDENTIFIER = 1
export const MISSING_MANDATORY_PARAMETER = 2
export const STALE_COOKIE = 3
export const OUT_OF_RESOURCE = 4
export const UNRESOLVABLE_ADDRESS = 5
export const UNRECOGNIZED_CHUNK_TYPE = 6
export const INVALID_MANDATORY_PARAMETER = 7
export const UNRECOGNIZED_PARAMETERS = 8
export const NO_USER_DATA = 9
export const COOKIE_RECEIVED_WHILE_SHUTTING_DOWN = 10
export const RESTART_WITH_NEW_ADDRESSES = 11
export const USER_INITIATED_ABORT = 12
export const PROTOCOL_VIOLATION = 13

const NAMES: readonly string[] = [
  'unknown cause',
  'invalid stream identifier',
  'missing mandatory parameter',
  'stale cookie',
  'out of resource',
  'unresolvable address',
  'unrecognized chunk type',
  'invalid mandatory parameter',
  'unrecognized parameters',
  'no user data',
  'cookie received while shutting down',
  'restart with new addresses',
  'user initiated abort',
  'protocol violation',
]

/** Longest copy of an offending chunk that goes back, bytes: an ERROR shall not be larger than a packet. */
const MAX_ECHO = 256

export function invalidStreamIdentifier(streamId: number): Uint8Array {
  const value = new Uint8Array(4)
  writeUint16(value, 0, streamId)
  return encodeParameter(INVALID_STREAM_IDENTIFIER, value)
}

export function missingMandatoryParameter(type: number): Uint8Array {
  const value = new Uint8Array(6)
  writeUint32(value, 0, 1)
  writeUint16(value, 4, type)
  return encodeParameter(MISSING_MANDATORY_PARAMETER, value)
}

/** `staleness` in ms; the wire counts microseconds. */
export function staleCookie(staleness: number): Uint8Array {
  const value = new Uint8Array(4)
  writeUint32(value, 0, Math.min(0xffffffff, Math.round(staleness * 1000)))
  return encodeParameter(STALE_COOKIE, value)
}

/** `chunk` with its header; cut when long. */
export function unrecognizedChunkType(chunk: Uint8Array): Uint8Array {
  return encodeParameter(UNRECOGNIZED_CHUNK_TYPE, chunk.subarray(0, MAX_ECHO))
}

export function unrecognizedParameters(parameters: readonly Uint8Array[]): Uint8Array {
  return encodeParameter(UNRECOGNIZED_PARAMETERS, joined(parameters))
}

export function noUserData(tsn: number): Uint8Array {
  const value = new Uint8Array(4)
  writeUint32(value, 0, tsn)
  return encodeParameter(NO_USER_DATA, value)
}

/** A cause that consists of a code and text or bytes. */
export function plainCause(code: number, value: Uint8Array = new Uint8Array(0)): Uint8Array {
  return encodeParameter(code, value.subarray(0, MAX_ECHO))
}

/** The parameters one after the other, each padded, cut to what fits an ERROR. */
export function joined(parameters: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = []
  let length = 0
  for (const parameter of parameters) {
    const size = padded(parameter.length)
    if (length + size > MAX_ECHO) break
    const part = new Uint8Array(size)
    part.set(parameter)
    parts.push(part)
    length += size
  }
  return concat(parts)
}

/** Whether one of the causes has this code. */
export function hasCause(causes: Uint8Array, code: number): boolean {
  let found = false
  forEachParameter(causes, (type) => {
    found = type === code
    return !found
  })
  return found
}

/** Staleness in ms that a Stale Cookie cause reports, undefined when there is none. */
export function parseStaleness(causes: Uint8Array): number | undefined {
  let staleness: number | undefined
  forEachParameter(causes, (type, value) => {
    if (type === STALE_COOKIE && value.length >= 4) staleness = readUint32(value, 0) / 1000
    return staleness === undefined
  })
  return staleness
}

/** Undefined when there is none. */
export function firstCause(causes: Uint8Array): number | undefined {
  let first: number | undefined
  forEachParameter(causes, (code) => {
    first = code
    return false
  })
  return first
}

/** The causes of an ABORT or ERROR in words, for people. Text of the peer is cut and stripped of control characters. */
export function describeCauses(causes: Uint8Array): string {
  const words: string[] = []
  forEachParameter(causes, (code, value) => {
    let text = NAMES[code] ?? `cause ${code}`
    if ((code === USER_INITIATED_ABORT || code === PROTOCOL_VIOLATION) && value.length > 0) {
      // oxlint-disable-next-line no-control-regex -- they are what is removed
      text += `: ${new TextDecoder().decode(value.slice(0, 200)).replaceAll(/[\u0000-\u001f\u007f]/g, ' ')}`
    } else if (code === UNRECOGNIZED_CHUNK_TYPE && value.length > 0) {
      text += ` ${value[0]!}`
    } else if (code === INVALID_STREAM_IDENTIFIER && value.length >= 2) {
      text += ` ${readUint16(value, 0)}`
    }
    words.push(text)
    return words.length < 8
  })
  return words.join(', ')
}

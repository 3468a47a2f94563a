import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { FORWARD_TSN, I_DATA, I_FORWARD_TSN, RE_CONFIG } from '../packet/types.ts'
import {
  COOKIE_PRESERVATIVE,
  ECN_CAPABLE,
  encodeParameter,
  forEachParameter,
  FORWARD_TSN_SUPPORTED,
  HOST_NAME_ADDRESS,
  IPV4_ADDRESS,
  IPV6_ADDRESS,
  reportUnknownParameter,
  skipUnknownParameter,
  STATE_COOKIE,
  SUPPORTED_ADDRESS_TYPES,
  SUPPORTED_EXTENSIONS,
  UNRECOGNIZED_PARAMETER,
  ZERO_CHECKSUM_ACCEPTABLE,
} from './parameter.ts'

/** Error detection method: SCTP over DTLS (RFC 9653 §5). */
export const EDMID_DTLS = 1

/** What an INIT or INIT ACK offers. */
export interface Capabilities {
  partialReliability: boolean
  interleaving: boolean
  streamReset: boolean
  /** Packets with a checksum of zero are accepted, as DTLS protects them. */
  zeroChecksum: boolean
}

/** Everything that the parameters of an INIT or INIT ACK say. */
export interface InitParameters extends Capabilities {
  cookie: Uint8Array | undefined
  /** RFC 9260 §5.1.2: we cannot look names up, the association is refused. */
  hostName: Uint8Array | undefined
  /** Whole encodings of what has to be reported. */
  unrecognized: Uint8Array[]
}

/** At most so many bytes of unknown parameters are reported back. */
const MAX_REPORTED = 256

export function encodeCapabilities(capabilities: Capabilities): Uint8Array[] {
  const extensions: number[] = []
  if (capabilities.streamReset) extensions.push(RE_CONFIG)
  if (capabilities.partialReliability) extensions.push(FORWARD_TSN)
  // RFC 8260 §2.2.1. dcSCTP takes I-DATA for offered only when I-FORWARD-TSN is too, so they always come together.
  if (capabilities.interleaving) extensions.push(I_DATA, I_FORWARD_TSN)
  const parameters: Uint8Array[] = []
  if (capabilities.partialReliability) parameters.push(encodeParameter(FORWARD_TSN_SUPPORTED, new Uint8Array(0)))
  if (extensions.length > 0) parameters.push(encodeParameter(SUPPORTED_EXTENSIONS, Uint8Array.from(extensions)))
  if (capabilities.zeroChecksum) {
    const value = new Uint8Array(4)
    writeUint32(value, 0, EDMID_DTLS)
    parameters.push(encodeParameter(ZERO_CHECKSUM_ACCEPTABLE, value))
  }
  return parameters
}

/** Undefined when the parameters are malformed. */
export function parseInitParameters(bytes: Uint8Array): InitParameters | undefined {
  const result: InitParameters = {
    partialReliability: false,
    interleaving: false,
    streamReset: false,
    zeroChecksum: false,
    cookie: undefined,
    hostName: undefined,
    unrecognized: [],
  }
  let interleavedForwardTsn = false
  let reported = 0
  const whole = forEachParameter(bytes, (type, value, encoded) => {
    switch (type) {
      case STATE_COOKIE:
        result.cookie ??= value
        return true
      case FORWARD_TSN_SUPPORTED:
        result.partialReliability = true
        return true
      case SUPPORTED_EXTENSIONS:
        for (const chunkType of value) {
          if (chunkType === RE_CONFIG) result.streamReset = true
          else if (chunkType === FORWARD_TSN) result.partialReliability = true
          else if (chunkType === I_DATA) result.interleaving = true
          else if (chunkType === I_FORWARD_TSN) interleavedForwardTsn = true
        }
        return true
      case ZERO_CHECKSUM_ACCEPTABLE:
        // Another method than DTLS tells nothing about this path.
        if (value.length === 4 && readUint32(value, 0) === EDMID_DTLS) result.zeroChecksum = true
        return true
      case HOST_NAME_ADDRESS:
        result.hostName = encoded
        return true
      case UNRECOGNIZED_PARAMETER:
      case IPV4_ADDRESS:
      case IPV6_ADDRESS:
      case SUPPORTED_ADDRESS_TYPES:
      case COOKIE_PRESERVATIVE:
      case ECN_CAPABLE:
        // Addresses mean nothing over DTLS (RFC 8261 §6.1: single homed).
        return true
      default:
        if (reportUnknownParameter(type) && reported + encoded.length <= MAX_REPORTED) {
          reported += encoded.length
          result.unrecognized.push(encoded)
        }
        return skipUnknownParameter(type)
    }
  })
  if (!whole) return undefined
  // With I-DATA in use a FORWARD-TSN may not be (RFC 8260 §2.3.1): without its interleaved form there is no partial reliability.
  if (result.interleaving && !interleavedForwardTsn) result.partialReliability = false
  return result
}

/** Stream numbers as a list of 16-bit values. */
export function encodeStreamList(streamIds: readonly number[], out: Uint8Array, offset: number): void {
  for (let i = 0; i < streamIds.length; i++) writeUint16(out, offset + 2 * i, streamIds[i]!)
}

export function parseStreamList(bytes: Uint8Array, offset: number): number[] {
  const ids: number[] = []
  for (let at = offset; at + 1 < bytes.length; at += 2) ids.push(readUint16(bytes, at))
  return ids
}

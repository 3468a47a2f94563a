import { readUint32, writeUint32 } from '../bytes.ts'
import { encodeStreamList, parseStreamList } from './capabilities.ts'
import {
  encodeParameter,
  INCOMING_SSN_RESET_REQUEST,
  OUTGOING_SSN_RESET_REQUEST,
  RECONFIGURATION_RESPONSE,
} from './parameter.ts'

// Result codes of a Re-configuration Response (RFC 6525 §4.4).

export const NOTHING_TO_DO = 0
export const PERFORMED = 1
export const DENIED = 2
export const WRONG_SSN = 3
export const REQUEST_ALREADY_IN_PROGRESS = 4
export const BAD_SEQUENCE_NUMBER = 5
export const IN_PROGRESS = 6

/** Outgoing SSN Reset Request (RFC 6525 §4.1): "I reset these streams of mine". */
export interface OutgoingResetRequest {
  requestNumber: number
  /** The request of the receiver's that this answers, else the expected one less one. */
  responseNumber: number
  lastAssignedTsn: number
  /** Empty: all. */
  streamIds: number[]
}

export function encodeOutgoingResetRequest(request: OutgoingResetRequest): Uint8Array {
  const value = new Uint8Array(12 + 2 * request.streamIds.length)
  writeUint32(value, 0, request.requestNumber)
  writeUint32(value, 4, request.responseNumber)
  writeUint32(value, 8, request.lastAssignedTsn)
  encodeStreamList(request.streamIds, value, 12)
  return encodeParameter(OUTGOING_SSN_RESET_REQUEST, value)
}

export function parseOutgoingResetRequest(value: Uint8Array): OutgoingResetRequest | undefined {
  if (value.length < 12 || (value.length & 1) !== 0) return undefined
  return {
    requestNumber: readUint32(value, 0),
    responseNumber: readUint32(value, 4),
    lastAssignedTsn: readUint32(value, 8),
    streamIds: parseStreamList(value, 12),
  }
}

/** Incoming SSN Reset Request (RFC 6525 §4.2): "reset these streams of yours". */
export interface IncomingResetRequest {
  requestNumber: number
  streamIds: number[]
}

export function encodeIncomingResetRequest(request: IncomingResetRequest): Uint8Array {
  const value = new Uint8Array(4 + 2 * request.streamIds.length)
  writeUint32(value, 0, request.requestNumber)
  encodeStreamList(request.streamIds, value, 4)
  return encodeParameter(INCOMING_SSN_RESET_REQUEST, value)
}

export function parseIncomingResetRequest(value: Uint8Array): IncomingResetRequest | undefined {
  if (value.length < 4 || (value.length & 1) !== 0) return undefined
  return { requestNumber: readUint32(value, 0), streamIds: parseStreamList(value, 4) }
}

/** Re-configuration Response (RFC 6525 §4.4), without its optional TSNs. */
export interface ReconfigurationResponse {
  responseNumber: number
  result: number
}

export function encodeReconfigurationResponse(response: ReconfigurationResponse): Uint8Array {
  const value = new Uint8Array(8)
  writeUint32(value, 0, response.responseNumber)
  writeUint32(value, 4, response.result)
  return encodeParameter(RECONFIGURATION_RESPONSE, value)
}

export function parseReconfigurationResponse(value: Uint8Array): ReconfigurationResponse | undefined {
  if (value.length !== 8 && value.length !== 16) return undefined
  return { responseNumber: readUint32(value, 0), result: readUint32(value, 4) }
}

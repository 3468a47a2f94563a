/** W3C WebRTC 1.0 §11.1: `RTCError`, a `DOMException` with what went wrong below. */
import { defineInterface } from './interface.ts'
import { toDictionary, toDOMString, toEnum, toLong, toUnsignedLong } from './webidl.ts'

const DETAILS = [
  'data-channel-failure',
  'dtls-failure',
  'fingerprint-failure',
  'sctp-failure',
  'sdp-syntax-error',
  'hardware-encoder-not-available',
  'hardware-encoder-error',
] as const

export type RTCErrorDetailType = (typeof DETAILS)[number]

export interface RTCErrorInit {
  errorDetail: RTCErrorDetailType
  /** 1 is the first line of the session description. */
  sdpLineNumber?: number
  sctpCauseCode?: number
  receivedAlert?: number
  sentAlert?: number
}

export class RTCError extends DOMException {
  readonly #errorDetail: RTCErrorDetailType
  readonly #sdpLineNumber: number | null
  readonly #sctpCauseCode: number | null
  readonly #receivedAlert: number | null
  readonly #sentAlert: number | null

  constructor(init: RTCErrorInit, message = '') {
    const { errorDetail, sdpLineNumber, sctpCauseCode, receivedAlert, sentAlert } = toDictionary(init, 'RTCErrorInit')
    if (errorDetail === undefined) throw new TypeError('RTCErrorInit needs errorDetail')
    super(toDOMString(message), 'OperationError')
    this.#errorDetail = toEnum(errorDetail, DETAILS, errorDetail, 'RTCErrorDetailType')
    this.#sdpLineNumber = sdpLineNumber === undefined ? null : toLong(sdpLineNumber)
    this.#sctpCauseCode = sctpCauseCode === undefined ? null : toLong(sctpCauseCode)
    this.#receivedAlert = receivedAlert === undefined ? null : toUnsignedLong(receivedAlert)
    this.#sentAlert = sentAlert === undefined ? null : toUnsignedLong(sentAlert)
  }

  get errorDetail(): RTCErrorDetailType {
    return this.#errorDetail
  }

  /** 1 is the first line; for `sdp-syntax-error`. */
  get sdpLineNumber(): number | null {
    return this.#sdpLineNumber
  }

  /** RFC 9260 §3.3.10; for `sctp-failure`, when the peer gave a cause. */
  get sctpCauseCode(): number | null {
    return this.#sctpCauseCode
  }

  /** RFC 8446 §6; for `dtls-failure`. */
  get receivedAlert(): number | null {
    return this.#receivedAlert
  }

  get sentAlert(): number | null {
    return this.#sentAlert
  }
}

defineInterface(RTCError, 'RTCError')

/** The W3C text's "newly created X", X being the name of a `DOMException`. */
export function domError(name: string, message: string): DOMException {
  return new DOMException(message, name)
}

/** The event interfaces of W3C WebRTC 1.0 that are not the platform's own. */
import { RTCDataChannel } from './data-channel.ts'
import { RTCIceCandidate } from './ice-candidate.ts'
import { defineInterface } from './interface.ts'
import { RTCError } from './rtc-error.ts'
import type { RTCEventInit } from './types.ts'
import { toDictionary, toDOMString, toInterface, toUnsignedShort, toUSVString } from './webidl.ts'

export interface RTCPeerConnectionIceEventInit extends RTCEventInit {
  candidate?: RTCIceCandidate | null
  url?: string | null
}

/** §4.8.2. `candidate` is null once after all gathering has finished. */
export class RTCPeerConnectionIceEvent extends Event {
  readonly #candidate: RTCIceCandidate | null
  readonly #url: string | null

  constructor(type: string, init: RTCPeerConnectionIceEventInit = {}) {
    const { candidate, url } = toDictionary(init, 'RTCPeerConnectionIceEventInit')
    super(type, init)
    this.#candidate = candidate === undefined || candidate === null ? null : toInterface(candidate, RTCIceCandidate)
    this.#url = url === undefined || url === null ? null : toUSVString(url)
  }

  get candidate(): RTCIceCandidate | null {
    return this.#candidate
  }

  /** The server that the candidate was learned from. */
  get url(): string | null {
    return this.#url
  }
}

export interface RTCPeerConnectionIceErrorEventInit extends RTCEventInit {
  address?: string | null
  port?: number | null
  url?: string
  errorCode: number
  errorText?: string
}

/** §4.8.3. */
export class RTCPeerConnectionIceErrorEvent extends Event {
  readonly #address: string | null
  readonly #port: number | null
  readonly #url: string
  readonly #errorCode: number
  readonly #errorText: string

  constructor(type: string, init: RTCPeerConnectionIceErrorEventInit) {
    const { address, port, url, errorCode, errorText } = toDictionary(init, 'RTCPeerConnectionIceErrorEventInit')
    if (errorCode === undefined) throw new TypeError('RTCPeerConnectionIceErrorEventInit needs errorCode')
    super(type, init)
    this.#address = address === undefined || address === null ? null : toDOMString(address)
    this.#port = port === undefined || port === null ? null : toUnsignedShort(port)
    this.#url = url === undefined ? '' : toDOMString(url)
    this.#errorCode = toUnsignedShort(errorCode)
    this.#errorText = errorText === undefined ? '' : toUSVString(errorText)
  }

  /** The local address that the server was asked from. */
  get address(): string | null {
    return this.#address
  }

  get port(): number | null {
    return this.#port
  }

  get url(): string {
    return this.#url
  }

  /** The STUN error code, or 701 when the server could not be reached. */
  get errorCode(): number {
    return this.#errorCode
  }

  get errorText(): string {
    return this.#errorText
  }
}

export interface RTCDataChannelEventInit extends RTCEventInit {
  channel: RTCDataChannel
}

/** §6.3: the peer opened a channel. */
export class RTCDataChannelEvent extends Event {
  readonly #channel: RTCDataChannel

  constructor(type: string, init: RTCDataChannelEventInit) {
    const { channel } = toDictionary(init, 'RTCDataChannelEventInit')
    super(type, init)
    this.#channel = toInterface(channel, RTCDataChannel)
  }

  get channel(): RTCDataChannel {
    return this.#channel
  }
}

export interface RTCErrorEventInit extends RTCEventInit {
  error: RTCError
}

/** §11.2. */
export class RTCErrorEvent extends Event {
  readonly #error: RTCError

  constructor(type: string, init: RTCErrorEventInit) {
    const { error } = toDictionary(init, 'RTCErrorEventInit')
    super(type, init)
    this.#error = toInterface(error, RTCError)
  }

  get error(): RTCError {
    return this.#error
  }
}

defineInterface(RTCPeerConnectionIceEvent, 'RTCPeerConnectionIceEvent')
defineInterface(RTCPeerConnectionIceErrorEvent, 'RTCPeerConnectionIceErrorEvent')
defineInterface(RTCDataChannelEvent, 'RTCDataChannelEvent')
defineInterface(RTCErrorEvent, 'RTCErrorEvent')

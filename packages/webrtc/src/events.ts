/** The event interfaces of W3C WebRTC 1.0 that are not the platform's own. */
import type { RTCDataChannel } from './data-channel.ts'
import type { RTCIceCandidate } from './ice-candidate.ts'
import { RTCError } from './rtc-error.ts'
import type { RTCEventInit } from './types.ts'
import { toDictionary, toUnsignedShort, toUSVString } from './webidl.ts'

export interface RTCPeerConnectionIceEventInit extends RTCEventInit {
  candidate?: RTCIceCandidate | null
  url?: string | null
}

/** §4.8.2. `candidate` is null once after all gathering has finished. */
export class RTCPeerConnectionIceEvent extends Event {
  readonly candidate: RTCIceCandidate | null
  readonly url: string | null

  constructor(type: string, init: RTCPeerConnectionIceEventInit = {}) {
    super(type, init)
    this.candidate = init.candidate ?? null
    this.url = init.url === undefined || init.url === null ? null : toUSVString(init.url)
  }
}

export interface RTCPeerConnectionIceErrorEventInit extends RTCEventInit {
  address?: string | null
  port?: number | null
  url?: string
  errorCode: number
  errorText?: string
}

/** §4.8.3. `errorCode` is the STUN error code, or 701 when the server could not be reached. */
export class RTCPeerConnectionIceErrorEvent extends Event {
  readonly address: string | null
  readonly port: number | null
  readonly url: string
  readonly errorCode: number
  readonly errorText: string

  constructor(type: string, init: RTCPeerConnectionIceErrorEventInit) {
    const { address, port, url, errorCode, errorText } = toDictionary(init, 'RTCPeerConnectionIceErrorEventInit')
    if (errorCode === undefined) throw new TypeError('RTCPeerConnectionIceErrorEventInit needs errorCode')
    super(type, init)
    this.address = address ?? null
    this.port = port === undefined || port === null ? null : toUnsignedShort(port)
    this.url = toUSVString(url ?? '')
    this.errorCode = toUnsignedShort(errorCode)
    this.errorText = toUSVString(errorText ?? '')
  }
}

export interface RTCDataChannelEventInit extends RTCEventInit {
  channel: RTCDataChannel
}

/** §6.3: the peer opened a channel. */
export class RTCDataChannelEvent extends Event {
  readonly channel: RTCDataChannel

  constructor(type: string, init: RTCDataChannelEventInit) {
    const { channel } = toDictionary(init, 'RTCDataChannelEventInit')
    if (typeof channel !== 'object' || channel === null) throw new TypeError('RTCDataChannelEventInit needs channel')
    super(type, init)
    this.channel = channel
  }
}

export interface RTCErrorEventInit extends RTCEventInit {
  error: RTCError
}

/** §11.2. */
export class RTCErrorEvent extends Event {
  readonly error: RTCError

  constructor(type: string, init: RTCErrorEventInit) {
    const { error } = toDictionary(init, 'RTCErrorEventInit')
    if (!(error instanceof RTCError)) throw new TypeError('RTCErrorEventInit needs error')
    super(type, init)
    this.error = error
  }
}

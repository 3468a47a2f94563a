/** W3C WebRTC 1.0 §6.1.1. */
import type { RTCDtlsTransport } from './dtls-transport.ts'
import { defineInterface } from './interface.ts'
import type { Handler, RTCSctpTransportState } from './types.ts'
import { assertInternal } from './webidl.ts'

export interface SctpTransportSlots {
  /** That of the data section; bundling may put another under it. */
  transport: RTCDtlsTransport
  state: RTCSctpTransportState
  maxMessageSize: number | null
  /** Bytes that one channel may hold; `[[MaxBufferSize]]`. */
  maxBufferSize: number | null
  maxChannels: number | null
}

/** "Update max message size"; sizes are bytes, 0 is without a limit. */
export function updateMaxMessageSize(slots: SctpTransportSlots, remoteSize: number, canSendSize: number): void {
  if (remoteSize === 0 && canSendSize === 0) {
    slots.maxMessageSize = slots.maxBufferSize = Infinity
  } else if (remoteSize === 0 || canSendSize === 0) {
    slots.maxMessageSize = slots.maxBufferSize = Math.max(remoteSize, canSendSize)
  } else {
    slots.maxMessageSize = Math.min(remoteSize, canSendSize)
    slots.maxBufferSize = Math.max(remoteSize, canSendSize)
  }
}

export class RTCSctpTransport extends EventTarget {
  declare onstatechange: Handler<RTCSctpTransport>
  readonly #slots: SctpTransportSlots

  /** Not for scripts. */
  constructor(token: symbol, slots: SctpTransportSlots) {
    assertInternal(token)
    super()
    this.#slots = slots
  }

  get transport(): RTCDtlsTransport {
    return this.#slots.transport
  }

  get state(): RTCSctpTransportState {
    return this.#slots.state
  }

  /** Bytes; Infinity when neither side has a limit. */
  get maxMessageSize(): number | null {
    return this.#slots.maxMessageSize
  }

  get maxChannels(): number | null {
    return this.#slots.maxChannels
  }
}

defineInterface(RTCSctpTransport, 'RTCSctpTransport', { handlers: ['statechange'], isInternal: true })

/** W3C WebRTC 1.0 §5.5. */
import type { RTCErrorEvent } from './events.ts'
import type { RTCIceTransport } from './ice-transport.ts'
import { defineInterface } from './interface.ts'
import type { Handler, RTCDtlsTransportState } from './types.ts'
import { assertInternal } from './webidl.ts'

export interface DtlsTransportSlots {
  state: RTCDtlsTransportState
  /** DER, the peer's own first. */
  remoteCertificates: readonly Uint8Array[]
}

export class RTCDtlsTransport extends EventTarget {
  declare onstatechange: Handler<RTCDtlsTransport>
  declare onerror: Handler<RTCDtlsTransport, RTCErrorEvent>
  readonly #iceTransport: RTCIceTransport
  readonly #slots: DtlsTransportSlots

  /** Not for scripts. */
  constructor(token: symbol, iceTransport: RTCIceTransport, slots: DtlsTransportSlots) {
    assertInternal(token)
    super()
    this.#iceTransport = iceTransport
    this.#slots = slots
  }

  get iceTransport(): RTCIceTransport {
    return this.#iceTransport
  }

  get state(): RTCDtlsTransportState {
    return this.#slots.state
  }

  getRemoteCertificates(): ArrayBuffer[] {
    return this.#slots.remoteCertificates.map((der) => new Uint8Array(der).buffer)
  }
}

defineInterface(RTCDtlsTransport, 'RTCDtlsTransport', { handlers: ['statechange', 'error'], isInternal: true })

import { RTCSctpTransport, type SctpTransportSlots } from './sctp-transport.ts'
import type { Transport } from './transport/transport.ts'
import { INTERNAL } from './webidl.ts'

/** The data section of a connection and what stands for it: `[[SctpTransport]]`. */
export class DataMedia {
  readonly slots: SctpTransportSlots
  readonly sctpTransport: RTCSctpTransport
  #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
    this.slots = {
      transport: transport.dtlsTransport,
      state: 'connecting',
      maxMessageSize: null,
      maxBufferSize: null,
      maxChannels: null,
    }
    this.sctpTransport = new RTCSctpTransport(INTERNAL, this.slots)
  }

  get transport(): Transport {
    return this.#transport
  }

  /** Bundled with another section before anything was sent. */
  set transport(transport: Transport) {
    this.#transport = transport
    this.slots.transport = transport.dtlsTransport
  }
}

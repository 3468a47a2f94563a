import type { Network, Timer } from '@kaon/net'
import type { DtlsConnection } from '../connection.ts'
import type { DtlsEvent } from '../options.ts'

/** Drives one connection: feeds it, drains it once per burst, and keeps one timer for its deadline. */
export class Runner {
  readonly connection: DtlsConnection
  readonly #network: Network
  readonly #transmit: (datagram: Uint8Array) => void
  readonly #onEvent: (event: DtlsEvent) => void
  #timer: Timer | undefined
  #timerAt = Infinity
  #drainDue = false
  #stopped = false

  constructor(
    network: Network,
    connection: DtlsConnection,
    transmit: (datagram: Uint8Array) => void,
    onEvent: (event: DtlsEvent) => void,
  ) {
    this.#network = network
    this.connection = connection
    this.#transmit = transmit
    this.#onEvent = onEvent
  }

  receive(datagram: Uint8Array): void {
    if (this.#stopped) return
    this.connection.receive(datagram, this.#network.now())
    this.drainSoon()
  }

  /** Once the datagrams that are there have been fed, or the caller's task is over. */
  drainSoon(): void {
    if (this.#drainDue || this.#stopped) return
    this.#drainDue = true
    this.#network.defer(() => {
      this.#drainDue = false
      this.drain()
    })
  }

  drain(): void {
    this.flush()
    try {
      for (let event = this.connection.pollEvent(); event !== undefined; event = this.connection.pollEvent()) {
        this.#onEvent(event)
        if (this.#stopped) return
      }
    } finally {
      this.#arm() // also when a callback of the application has thrown
    }
  }

  /** Sends what is to be sent. Events wait: their handlers must not run inside the caller's code. */
  flush(): void {
    if (this.#stopped) return
    const now = this.#network.now()
    const { connection } = this
    for (let datagram = connection.pollTransmit(now); datagram !== undefined; datagram = connection.pollTransmit(now)) {
      this.#transmit(datagram)
    }
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    const { deadline } = this.connection
    if (this.#stopped || deadline === this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = undefined
    if (deadline === Infinity) return
    this.#timer = this.#network.setTimer(deadline, () => {
      this.#timer = undefined
      this.#timerAt = Infinity
      this.connection.tick(this.#network.now())
      this.drain()
    })
  }
}

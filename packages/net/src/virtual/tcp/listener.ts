import type { Endpoint, TcpConnection, TcpListener, TlsServerOptions } from '../../network.ts'
import type { Scheduler } from '../scheduler.ts'

export class VirtualTcpListener implements TcpListener {
  readonly local: Endpoint
  /** Set for a listener whose connections begin with TLS. */
  readonly tls: TlsServerOptions | undefined
  onconnection: ((connection: TcpConnection) => void) | undefined = undefined
  onerror: ((error: Error) => void) | undefined = undefined
  /** Connections whose handshake is not done. */
  halfOpen = 0
  readonly #scheduler: Scheduler
  readonly #onClose: () => void
  #closed = false

  constructor(scheduler: Scheduler, local: Endpoint, tls: TlsServerOptions | undefined, onClose: () => void) {
    this.#scheduler = scheduler
    this.local = local
    this.tls = tls
    this.#onClose = onClose
  }

  /** A connection is ready. Without anybody to take it, it is closed. */
  offer(connection: TcpConnection): void {
    if (this.onconnection === undefined) {
      connection.close()
      return
    }
    this.#scheduler.touched = true
    this.onconnection(connection)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onconnection = undefined
    this.onerror = undefined
    this.#onClose()
  }

  ref(): void {}

  unref(): void {}
}

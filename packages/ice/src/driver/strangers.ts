// TCP connections of which nobody knows yet whose they are: their first packet has to be a check.
import type { Network, TcpConnection, TcpListener } from '@kaon/net'
import { FrameReader } from '../framing.ts'
import { localFragmentOf } from './peek.ts'
import type { TcpPort } from './tcp-port.ts'

/** At a time; further ones are closed at once. */
const MAX_STRANGERS = 256
/** ms until the first packet must be there. */
const PATIENCE = 10_000
/** Bytes of the first packet: a check has some hundred. */
const MAX_FIRST = 1200

export interface StrangerStats {
  /** Connections closed since too many waited. */
  refused: number
  /** … since their first packet did not come in time, was no check, or one for nobody here, or not authentic. */
  dismissed: number
}

export class Strangers {
  readonly stats: StrangerStats = { refused: 0, dismissed: 0 }
  readonly #network: Network
  readonly #find: (fragment: string) => TcpPort | undefined
  readonly #waiting = new Set<TcpConnection>()

  /** `find` tells whose a local username fragment is. */
  constructor(network: Network, find: (fragment: string) => TcpPort | undefined) {
    this.#network = network
    this.#find = find
  }

  get size(): number {
    return this.#waiting.size
  }

  listen(listener: TcpListener): void {
    listener.onconnection = (connection) => this.#meet(connection)
  }

  close(): void {
    for (const connection of this.#waiting) connection.close()
    this.#waiting.clear()
  }

  #meet(connection: TcpConnection): void {
    if (this.#waiting.size >= MAX_STRANGERS) {
      this.stats.refused++
      connection.close()
      return
    }
    this.#waiting.add(connection)
    const reader = new FrameReader(MAX_FIRST)
    const network = this.#network
    const timer = network.setTimer(network.now() + PATIENCE, () => dismiss(), { unref: true })
    const leave = (): void => {
      timer.cancel()
      this.#waiting.delete(connection)
    }
    const dismiss = (): void => {
      leave()
      this.stats.dismissed++
      connection.close()
    }
    connection.onclose = leave
    connection.onend = dismiss
    connection.ondata = (chunk) => {
      reader.push(chunk)
      const first = reader.pop()
      if (first === undefined) {
        if (reader.failed) dismiss()
        return
      }
      const fragment = localFragmentOf(first)
      const port = fragment === undefined ? undefined : this.#find(fragment)
      if (port === undefined) {
        dismiss()
        return
      }
      leave()
      if (!port.accept(connection, reader, first)) this.stats.dismissed++
    }
  }
}

import type { Endpoint, TcpConnection } from '@kaon/net'

/** A connection to the server that carries a peer's bytes, under the names of its ends: the relayed address and the peer. */
export class RelayedConnection implements TcpConnection {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly #tcp: TcpConnection
  #first: Uint8Array | undefined
  #held: Uint8Array[] = []
  #ended = false
  #closed = false
  #failure: Error | undefined
  #isPaused = false
  #ondata: ((data: Uint8Array) => void) | undefined = undefined
  onend: (() => void) | undefined = undefined
  ondrain: (() => void) | undefined = undefined
  onclose: ((error: Error | undefined) => void) | undefined = undefined

  /** `first`: bytes that came together with the server's answer. */
  constructor(tcp: TcpConnection, local: Endpoint, remote: Endpoint, first: Uint8Array) {
    this.#tcp = tcp
    this.local = local
    this.remote = remote
    this.#first = first.length > 0 ? first : undefined
    // Nothing is read before `ondata` is set: what comes in the same turn is kept.
    tcp.pause()
    tcp.ondata = (data) => {
      if (this.#ondata === undefined || this.#isPaused || this.#held.length > 0) this.#held.push(data)
      else this.#ondata(data)
    }
    tcp.onend = () => {
      this.#ended = true
      if (this.#held.length === 0 && this.#ondata !== undefined) this.#end()
    }
    tcp.ondrain = () => this.ondrain?.()
    tcp.onclose = (error) => {
      this.#closed = true
      this.#failure = error
      this.onclose?.(error)
    }
  }

  get bufferedAmount(): number {
    return this.#tcp.bufferedAmount
  }

  get ondata(): ((data: Uint8Array) => void) | undefined {
    return this.#ondata
  }

  set ondata(callback: ((data: Uint8Array) => void) | undefined) {
    this.#ondata = callback
    if (callback === undefined || this.#closed) return
    if (this.#first !== undefined) {
      this.#held.unshift(this.#first)
      this.#first = undefined
    }
    if (this.#isPaused) return
    queueMicrotask(() => this.#release())
    this.#tcp.resume()
  }

  write(data: Uint8Array): boolean {
    return this.#tcp.write(data)
  }

  end(): void {
    this.#tcp.end()
  }

  close(): void {
    this.#closed = true
    this.#held = []
    this.#ondata = undefined
    this.onend = undefined
    this.ondrain = undefined
    this.onclose = undefined
    this.#tcp.close()
  }

  pause(): void {
    this.#isPaused = true
    this.#tcp.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#ondata === undefined) return
    queueMicrotask(() => this.#release())
    this.#tcp.resume()
  }

  ref(): void {
    this.#tcp.ref()
  }

  unref(): void {
    this.#tcp.unref()
  }

  #release(): void {
    while (this.#held.length > 0 && !this.#isPaused && this.#ondata !== undefined) this.#ondata(this.#held.shift()!)
    if (this.#ended && this.#held.length === 0 && this.#failure === undefined) this.#end()
  }

  #end(): void {
    this.#ended = false
    if (this.onend === undefined) this.#tcp.end()
    else this.onend()
  }
}

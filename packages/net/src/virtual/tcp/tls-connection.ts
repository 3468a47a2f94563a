import { NetError } from '../../errors.ts'
import type { Endpoint, TcpConnection } from '../../network.ts'
import type { Scheduler } from '../scheduler.ts'
import { ALERT, APPLICATION_DATA, sealRecords, writeMessage } from './records.ts'
import type { RecordReader } from './records.ts'

const CLOSE_NOTIFY_SIZE = 19

/** A connection after its handshake: records on top of another connection. */
export class VirtualTlsConnection implements TcpConnection {
  readonly local: Endpoint
  readonly remote: Endpoint
  onend: (() => void) | undefined = undefined
  ondrain: (() => void) | undefined = undefined
  onclose: ((error: Error | undefined) => void) | undefined = undefined
  readonly #inner: TcpConnection
  readonly #reader: RecordReader
  readonly #scheduler: Scheduler
  #ondata: ((data: Uint8Array) => void) | undefined
  #isPaused = false
  #isEnding = false
  #isClosed = false

  constructor(inner: TcpConnection, reader: RecordReader, scheduler: Scheduler) {
    this.#inner = inner
    this.#reader = reader
    this.#scheduler = scheduler
    this.local = inner.local
    this.remote = inner.remote
    inner.ondata = undefined
    inner.onend = (): void => {
      if (this.onend === undefined) this.end()
      else this.onend()
    }
    inner.ondrain = (): void => this.ondrain?.()
    inner.onclose = (error): void => this.#finish(error)
  }

  /** With what the records add. */
  get bufferedAmount(): number {
    return this.#inner.bufferedAmount
  }

  get ondata(): ((data: Uint8Array) => void) | undefined {
    return this.#ondata
  }

  set ondata(callback: ((data: Uint8Array) => void) | undefined) {
    if (this.#isClosed) return
    this.#ondata = callback
    this.#readOn()
  }

  write(data: Uint8Array): boolean {
    if (this.#isClosed || this.#isEnding) return false
    return data.length === 0 ? this.bufferedAmount === 0 : this.#inner.write(sealRecords(data))
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return
    this.#isEnding = true
    this.#inner.write(writeMessage(ALERT, {}, CLOSE_NOTIFY_SIZE)) // RFC 8446 §6.1
    this.#inner.end()
  }

  close(): void {
    if (this.#isClosed) return
    this.#forget()
    this.#inner.close()
  }

  pause(): void {
    this.#isPaused = true
    this.#inner.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#readOn()
  }

  ref(): void {
    this.#inner.ref()
  }

  unref(): void {
    this.#inner.unref()
  }

  /** First what has come already, then what comes. */
  #readOn(): void {
    this.#scheduler.schedule(this.#scheduler.now, () => {
      this.#deliver()
      if (this.#isClosed || this.#isPaused || this.#ondata === undefined) return
      this.#inner.ondata ??= (data): void => {
        this.#reader.push(data)
        this.#deliver()
      }
      this.#inner.resume()
    })
  }

  #deliver(): void {
    while (!this.#isClosed && !this.#isPaused && this.#ondata !== undefined) {
      const record = this.#reader.read()
      if (record === undefined) break
      if (record.type !== APPLICATION_DATA) continue
      this.#scheduler.touched = true
      // Its own bytes: those of the record may have others behind them.
      this.#ondata(record.payload.slice())
    }
    if (!this.#reader.isMalformed || this.#isClosed) return
    const { remote } = this
    this.#inner.close()
    this.#finish(
      new NetError('ERR_NET_SOCKET', 'Not a TLS record', { systemCode: 'ERR_SSL_WRONG_VERSION_NUMBER', remote }),
    )
  }

  #finish(error: Error | undefined): void {
    const { onclose } = this
    this.#forget()
    this.#scheduler.touched = true
    onclose?.(error)
  }

  #forget(): void {
    this.#isClosed = true
    this.#ondata = undefined
    this.onend = undefined
    this.ondrain = undefined
    this.onclose = undefined
  }
}

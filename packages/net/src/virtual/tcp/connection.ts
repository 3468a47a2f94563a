import type { NetError } from '../../errors.ts'
import type { Endpoint, TcpConnection } from '../../network.ts'
import type { Scheduler } from '../scheduler.ts'
import { SEND_BUFFER } from './endpoint.ts'
import type { EndpointUser, TcpEndpoint } from './endpoint.ts'

/** As of a Node stream: less than this waiting is no reason to stop writing. */
const HIGH_WATER = 16 * 1024

/** The three-way handshake is done, or has failed. */
type OnSettled = (error: NetError | undefined) => void

export class VirtualTcpConnection implements TcpConnection, EndpointUser {
  readonly local: Endpoint
  readonly remote: Endpoint
  onend: (() => void) | undefined = undefined
  ondrain: (() => void) | undefined = undefined
  onclose: ((error: Error | undefined) => void) | undefined = undefined
  readonly #endpoint: TcpEndpoint
  readonly #scheduler: Scheduler
  readonly #onSettled: OnSettled
  readonly #onRelease: () => void
  #ondata: ((data: Uint8Array) => void) | undefined
  #isEstablished = false
  #isPaused = false
  #isEnding = false
  #hasEnded = false
  #isReleased = false
  #needsDrain = false
  #isDeliveryDue = false

  constructor(endpoint: TcpEndpoint, scheduler: Scheduler, onSettled: OnSettled, onRelease: () => void) {
    this.local = endpoint.local
    this.remote = endpoint.remote
    this.#endpoint = endpoint
    this.#scheduler = scheduler
    this.#onSettled = onSettled
    this.#onRelease = onRelease
  }

  get bufferedAmount(): number {
    return this.#isReleased ? 0 : Math.max(0, this.#endpoint.backlog - SEND_BUFFER)
  }

  get ondata(): ((data: Uint8Array) => void) | undefined {
    return this.#ondata
  }

  set ondata(callback: ((data: Uint8Array) => void) | undefined) {
    if (this.#isReleased) return
    this.#ondata = callback
    this.#deliverSoon()
  }

  write(data: Uint8Array): boolean {
    if (this.#isReleased || this.#isEnding) return false
    this.#endpoint.write(data)
    if (this.bufferedAmount < HIGH_WATER) return true
    this.#needsDrain = true
    return false
  }

  end(): void {
    if (this.#isReleased || this.#isEnding) return
    this.#isEnding = true
    this.#endpoint.finish()
    this.#deliverSoon() // perhaps it was the last thing to wait for
  }

  close(): void {
    if (this.#isReleased) return
    this.#release()
    this.#endpoint.abandon()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliverSoon()
  }

  ref(): void {}

  unref(): void {}

  /** Power off: nobody is told. */
  vanish(): void {
    this.#release()
    this.#endpoint.vanish()
  }

  established(): void {
    this.#isEstablished = true
    this.#onSettled(undefined)
  }

  failed(error: NetError): void {
    const { onclose } = this
    this.#release()
    this.#scheduler.touched = true
    if (this.#isEstablished) onclose?.(error)
    else this.#onSettled(error)
  }

  progressed(): void {
    if (this.#needsDrain && this.bufferedAmount === 0) {
      this.#needsDrain = false
      this.#scheduler.touched = true
      this.ondrain?.()
    }
    this.#finish()
  }

  arrived(): void {
    while (!this.#isReleased && !this.#isPaused && this.#ondata !== undefined) {
      const data = this.#endpoint.read()
      if (data === undefined) break
      this.#scheduler.touched = true
      this.#ondata(data)
    }
    if (!this.#isReleased && !this.#isPaused && this.#ondata !== undefined && !this.#hasEnded) {
      if (!this.#endpoint.isReadToEnd) return
      this.#hasEnded = true
      this.#scheduler.touched = true
      // Who does not listen for the other side's end has nothing more to say either.
      if (this.onend === undefined) this.end()
      else this.onend()
    }
    this.#finish()
  }

  /** Both sides have ended, and the system has the rest. */
  #finish(): void {
    if (this.#isReleased || !this.#hasEnded || !this.#isEnding || this.bufferedAmount > 0) return
    const { onclose } = this
    this.#release()
    this.#endpoint.abandon()
    this.#scheduler.touched = true
    onclose?.(undefined)
  }

  /** Never inside a call of the user. */
  #deliverSoon(): void {
    if (this.#isDeliveryDue || this.#isReleased) return
    this.#isDeliveryDue = true
    this.#scheduler.schedule(this.#scheduler.now, () => {
      this.#isDeliveryDue = false
      if (this.#isReleased) return
      this.arrived()
      this.#endpoint.announceWindow()
    })
  }

  #release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#ondata = undefined
    this.onend = undefined
    this.ondrain = undefined
    this.onclose = undefined
    this.#onRelease()
  }
}

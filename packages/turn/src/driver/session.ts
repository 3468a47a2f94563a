// An allocation's machine, its link and its timer, together.
import type { Network, Timer } from '@kaon/net'
import type { TransportAddress } from '@kaon/stun'
import type { Link } from '@kaon/stun/driver/link'
import { TurnAllocation } from '../client/allocation.ts'
import type { TurnAllocationOptions, TurnAllocationStats, TurnEvent } from '../client/types.ts'
import { TurnError } from '../error.ts'

/** What may wait in a stream before datagrams are dropped: more would only come later than it is wanted. */
const MAX_BUFFERED = 1024 * 1024
/** ms that a closed allocation's socket stays to see the server's answer, or to repeat the request. */
const LINGER = 2000

/** Channel data, or a Send indication. */
function isData(message: Uint8Array): boolean {
  return message[0]! >= 0x40 || (message[0] === 0 && message[1] === 0x16)
}

export class Session {
  readonly link: Link
  readonly network: Network
  readonly #allocation: TurnAllocation
  #onevent: ((event: TurnEvent) => void) | undefined
  /** A datagram to the server could not be sent. */
  onerror: ((error: Error) => void) | undefined = undefined
  #draining = false
  #closed = false
  #timer: Timer | undefined
  #timerAt = Infinity
  #unref = false

  constructor(network: Network, link: Link, options: TurnAllocationOptions, onevent: (event: TurnEvent) => void) {
    this.network = network
    this.link = link
    this.#onevent = onevent
    this.#allocation = new TurnAllocation({ ...options, reliable: link.reliable })
    link.onmessage = (message) => {
      this.#allocation.receive(message, network.now())
      this.#drain()
    }
    link.onerror = (error) => this.onerror?.(error)
    link.onbroken = (cause) => {
      const text = cause === undefined ? 'the server closed the connection' : cause.message
      this.#fail(new TurnError('ERR_TURN_UNREACHABLE', text, { cause }))
    }
  }

  get stats(): TurnAllocationStats {
    return this.#allocation.stats
  }

  /** Who hears of events from now on. */
  set onevent(onevent: (event: TurnEvent) => void) {
    this.#onevent = onevent
  }

  allocate(): void {
    this.#do((allocation, now) => allocation.allocate(now))
  }

  permit(address: string): void {
    if (this.#closed) return
    this.#do((allocation, now) => allocation.permit(address, now))
  }

  revoke(address: string): void {
    this.#allocation.revoke(address)
  }

  connect(peer: TransportAddress): void {
    this.#do((allocation, now) => allocation.connect(peer, now))
  }

  send(peer: TransportAddress, data: Uint8Array): void {
    if (this.#closed) return
    this.#allocation.send(peer, data, this.network.now())
    this.#drain()
  }

  ref(): void {
    this.#unref = false
    this.link.ref()
    this.#rearm()
  }

  unref(): void {
    this.#unref = true
    this.link.unref()
    this.#rearm()
  }

  /** Tells the server, in the background and for two seconds at most, and nobody here any more. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onerror = undefined
    const end = (): void => {
      linger.cancel()
      this.#dispose()
    }
    this.#onevent = (event) => {
      if (event.type === 'closed' || event.type === 'failed') end()
    }
    const now = this.network.now()
    const linger = this.network.setTimer(now + LINGER, end, { unref: true })
    this.unref()
    this.#allocation.close(now)
    this.#drain()
  }

  #do(action: (allocation: TurnAllocation, now: number) => void): void {
    action(this.#allocation, this.network.now())
    this.#drain()
  }

  /** Hands out what has happened, sends what is due and sets the timer. What the listeners do in between is seen to as well. */
  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    const { link } = this
    const allocation = this.#allocation
    for (;;) {
      const event = allocation.pollEvent()
      if (event !== undefined) {
        this.#hand(event)
        continue
      }
      const message = allocation.pollTransmit(this.network.now())
      if (message === undefined) break
      if (link.bufferedAmount > MAX_BUFFERED && isData(message)) allocation.stats.droppedOutgoing++
      else link.send(message)
    }
    this.#draining = false
    if (allocation.state === 'ended') this.#dispose()
    else this.#arm(allocation.deadline)
  }

  #hand(event: TurnEvent): void {
    try {
      this.#onevent?.(event)
    } catch (error) {
      this.#draining = false
      // The listener's own mistake is told to whom it belongs, and the machine goes on.
      queueMicrotask(() => this.#drain())
      throw error
    }
  }

  /** A deadline that has moved away is left alone: the timer finds out. */
  #arm(deadline: number): void {
    if (deadline >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = this.network.setTimer(
      deadline,
      () => {
        this.#timer = undefined
        this.#timerAt = Infinity
        this.#allocation.tick(this.network.now())
        this.#drain()
      },
      { unref: this.#unref },
    )
  }

  #rearm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = Infinity
    if (this.#allocation.state !== 'ended') this.#arm(this.#allocation.deadline)
  }

  #fail(error: TurnError): void {
    const onevent = this.#onevent
    this.#dispose()
    onevent?.({ type: 'failed', error })
  }

  #dispose(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = Infinity
    this.#onevent = undefined
    this.onerror = undefined
    this.link.onmessage = undefined
    this.link.onerror = undefined
    this.link.onbroken = undefined
    this.link.close()
  }
}

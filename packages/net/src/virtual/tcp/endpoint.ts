// One end of a TCP connection as RFC 9293 has it: set-up, acknowledgement and closing. `Sender` and `ReceiveBuffer` hold
// the bytes, `VirtualTcpConnection` is what a program sees of it.

import { NetError } from '../../errors.ts'
import type { NetErrorCode } from '../../errors.ts'
import type { Endpoint } from '../../network.ts'
import type { ScheduledEvent, Scheduler } from '../scheduler.ts'
import { ReceiveBuffer } from './receive-buffer.ts'
import { ACK, EMPTY, FIN, NO_SACKS, RST, segmentLength, SYN, UNREACHABLE } from './segment.ts'
import type { TcpSegment } from './segment.ts'
import { Sender } from './sender.ts'

/** What the system takes beyond what was acknowledged. */
export const SEND_BUFFER: number = 1024 * 1024
const RECEIVE_BUFFER = 1024 * 1024
/** 1 s, doubled each time: 127 s in all, as on Linux. */
const SYN_RETRIES = 6
const FIRST_SYN_TIMEOUT = 1000
/** RFC 9293 §3.8.6.3: every second segment, or after a while. */
const DELAYED_ACK = 40
/** Twice the maximum segment lifetime (RFC 9293 §3.4.2), as short as on Linux. */
const TIME_WAIT = 60_000

/** `open` is what RFC 9293 divides by who has sent or seen a FIN: ESTABLISHED to LAST-ACK. */
type State = 'syn-sent' | 'syn-received' | 'open' | 'time-wait' | 'closed'

/** The host that an endpoint belongs to. */
export interface EndpointHost {
  readonly scheduler: Scheduler
  /** False when the own link does not carry so much. */
  transmit(local: Endpoint, remote: Endpoint, segment: TcpSegment, data: Uint8Array): boolean
  /** It takes no more segments. */
  forget(endpoint: TcpEndpoint): void
}

/** Who uses an endpoint. Nothing is told after `abandon`. */
export interface EndpointUser {
  established(): void
  failed(error: NetError): void
  /** There is something to read, or the other side has finished. */
  arrived(): void
  /** Something was acknowledged. */
  progressed(): void
}

export class TcpEndpoint {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly isPassive: boolean
  readonly #host: EndpointHost
  readonly #scheduler: Scheduler
  readonly #initial: number
  #user: EndpointUser | undefined
  #state: State
  #maxSegment: number
  #sender: Sender
  #receiver: ReceiveBuffer | undefined
  #isActiveCloser = false
  #synRetries = 0
  #owedSegments = 0
  /** The right edge of the window that the other side knows. */
  #announcedEdge = 0
  #timer: ScheduledEvent | undefined
  #ackTimer: ScheduledEvent | undefined

  constructor(
    host: EndpointHost,
    local: Endpoint,
    remote: Endpoint,
    options: { initial: number; maxSegment: number; isPassive: boolean },
  ) {
    this.#host = host
    this.#scheduler = host.scheduler
    this.local = local
    this.remote = remote
    this.isPassive = options.isPassive
    this.#initial = options.initial
    this.#maxSegment = options.maxSegment
    this.#sender = this.#makeSender()
    this.#state = options.isPassive ? 'syn-received' : 'syn-sent'
  }

  get isHalfOpen(): boolean {
    return this.#state === 'syn-received'
  }

  /** Waits only for what may still be under way: gives way to a new connection. */
  get isTimeWait(): boolean {
    return this.#state === 'time-wait'
  }

  /** Bytes that were written and not acknowledged. */
  get backlog(): number {
    return this.#sender.backlog
  }

  /** Everything of the other side was read, and it has finished. */
  get isReadToEnd(): boolean {
    return this.#receiver !== undefined && this.#receiver.isFinished && this.#receiver.unread === 0
  }

  /** Sends the SYN. */
  connect(user: EndpointUser): void {
    this.#user = user
    this.#sendSyn()
  }

  /** Answers the SYN that made it. */
  accept(segment: TcpSegment, user: EndpointUser): void {
    this.#user = user
    this.#synchronize(segment)
    this.#sendSyn()
  }

  /** Takes ownership. */
  write(data: Uint8Array): void {
    this.#sender.buffer.push(data)
    this.#pump()
  }

  /** Nothing is written after it. */
  finish(): void {
    if (!this.#sender.isFinished) this.#isActiveCloser = this.#receiver?.isFinished !== true
    this.#sender.finish()
    this.#pump()
  }

  read(): Uint8Array | undefined {
    return this.#receiver?.read()
  }

  /** RFC 9293 §3.8.6.2.2: tells of a window that reading has opened, but not of every byte of it. */
  announceWindow(): void {
    if (this.#state !== 'open') return
    const receiver = this.#receiver!
    const opened = receiver.next + receiver.window - this.#announcedEdge
    if (opened >= Math.min(RECEIVE_BUFFER / 2, 2 * this.#maxSegment)) this.#sendAck()
  }

  /** The user has gone: what the system has taken is still sent, if there was nothing left to read. */
  abandon(): void {
    if (this.#user === undefined) return
    this.#user = undefined
    this.#sender.isOrphan = true
    if (this.#state === 'syn-sent') {
      this.#leave()
    } else if ((this.#receiver?.unread ?? 0) > 0 || this.#state === 'syn-received') {
      this.#abort()
    } else if (this.#state === 'open') {
      this.#sender.buffer.truncate(this.#sender.buffer.start + SEND_BUFFER)
      this.finish()
    }
  }

  /** Without a word to anybody. */
  vanish(): void {
    this.#user = undefined
    this.#leave()
  }

  /** From the wire. */
  receive(segment: TcpSegment, data: Uint8Array): void {
    switch (this.#state) {
      case 'syn-sent':
        this.#receiveInSynSent(segment)
        break
      case 'syn-received':
        this.#receiveInSynReceived(segment, data)
        break
      case 'open':
        this.#receiveInOpen(segment, data)
        break
      case 'time-wait':
        if ((segment.flags & RST) !== 0) this.#leave()
        else if (segmentLength(segment, data) > 0) this.#sendAck()
        break
      case 'closed':
        break
    }
  }

  // RFC 9293 §3.10.7.3
  #receiveInSynSent(segment: TcpSegment): void {
    const { flags, acknowledgement } = segment
    if ((flags & UNREACHABLE) !== 0) {
      this.#fail('ERR_NET_CONNECT', 'EHOSTUNREACH')
      return
    }
    const isAck = (flags & ACK) !== 0
    if (isAck && acknowledgement !== this.#initial + 1) {
      if ((flags & RST) === 0) this.#emit(RST, acknowledgement, EMPTY)
    } else if ((flags & RST) !== 0) {
      if (isAck) this.#fail('ERR_NET_CONNECT', 'ECONNREFUSED')
    } else if ((flags & SYN) !== 0) {
      this.#synchronize(segment)
      if (isAck) {
        this.#establish(segment)
        if (this.#state === 'open') this.#sendAck()
      } else {
        // Both sides have sent a SYN: simultaneous open (RFC 9293 §3.5, figure 7).
        this.#state = 'syn-received'
        this.#synRetries = 0
        this.#sendSyn()
      }
    }
  }

  #receiveInSynReceived(segment: TcpSegment, data: Uint8Array): void {
    const { flags, acknowledgement, sequence } = segment
    if ((flags & RST) !== 0) {
      if (sequence === this.#receiver!.next) this.#fail('ERR_NET_CONNECT', 'ECONNREFUSED')
    } else if ((flags & ACK) !== 0 && acknowledgement === this.#initial + 1) {
      this.#establish(segment)
      if (this.#state !== 'open') return
      if ((flags & SYN) !== 0) this.#sendAck()
      else this.#receiveInOpen(segment, data)
    } else if ((flags & SYN) !== 0 && sequence === this.#receiver!.next - 1) {
      this.#sendSyn()
    } else if ((flags & UNREACHABLE) === 0) {
      this.#sendAck() // perhaps from a program that was restarted: it will reset what it does not know
    }
  }

  // RFC 9293 §3.10.7.4
  #receiveInOpen(segment: TcpSegment, data: Uint8Array): void {
    const { flags, sequence } = segment
    const receiver = this.#receiver!
    const length = segmentLength(segment, data)
    const edge = Math.max(receiver.next + receiver.window, this.#announcedEdge)
    const isNew = length === 0 ? sequence >= receiver.next : sequence + length > receiver.next
    const isAcceptable = isNew && sequence <= edge
    if ((flags & RST) !== 0) {
      if (isAcceptable) this.#fail('ERR_NET_SOCKET', 'ECONNRESET')
      return
    }
    // A SYN here is an old one, or the other side was restarted: our acknowledgement makes it say so (RFC 5961 §4.2).
    if (!isAcceptable || (flags & SYN) !== 0) {
      if ((flags & UNREACHABLE) === 0) this.#sendAck()
      return
    }
    if ((flags & ACK) === 0) return
    const isBare = length === 0
    if (!this.#sender.acknowledge(segment, this.#scheduler.now)) {
      this.#sendAck()
      return
    }
    if (!isBare) {
      if (this.#user === undefined && data.length > 0 && !receiver.isFinished) {
        this.#abort() // RFC 1122 §4.2.2.13: nobody is left to read it
        return
      }
      const isOrderly = receiver.receive(sequence, data, (flags & FIN) !== 0)
      this.#owedSegments += isOrderly && !receiver.isFinished ? 1 : 2
      this.#user?.arrived()
    }
    this.#user?.progressed()
    if (this.#state !== 'open') return
    if (this.#sender.isFinAcknowledged && receiver.isFinished) {
      this.#endWell()
      return
    }
    if (this.#owedSegments > 1) this.#sendAck()
    else if (this.#owedSegments > 0) {
      this.#ackTimer ??= this.#scheduler.schedule(this.#scheduler.now + DELAYED_ACK, () => this.#sendAck())
    }
    this.#arm()
  }

  /** Both sides have finished. Who did so first stays, to acknowledge the other's FIN again if it must (RFC 9293 §3.6). */
  #endWell(): void {
    if (this.#owedSegments > 0) this.#sendAck()
    if (!this.#isActiveCloser) {
      this.#leave()
      return
    }
    this.#cancelTimers()
    this.#state = 'time-wait'
    this.#timer = this.#scheduler.schedule(this.#scheduler.now + TIME_WAIT, () => this.#leave(), false, true)
  }

  #synchronize(segment: TcpSegment): void {
    this.#receiver = new ReceiveBuffer(segment.sequence + 1, RECEIVE_BUFFER)
    this.#maxSegment = Math.min(this.#maxSegment, segment.maxSegment)
  }

  #establish(segment: TcpSegment): void {
    this.#state = 'open'
    this.#cancelTimers()
    this.#sender = this.#makeSender() // of the size of segments that both agreed on
    this.#sender.acknowledge(segment, this.#scheduler.now)
    this.#user?.established()
  }

  #makeSender(): Sender {
    return new Sender(this.#initial + 1, this.#maxSegment, (flags, sequence, data) => this.#emit(flags, sequence, data))
  }

  #pump(): void {
    if (this.#state !== 'open') return
    this.#sender.pump(this.#scheduler.now)
    this.#arm()
  }

  #sendSyn(): void {
    this.#emit(this.#state === 'syn-sent' ? SYN : SYN | ACK, this.#initial, EMPTY)
    this.#cancelTimers()
    const at = this.#scheduler.now + FIRST_SYN_TIMEOUT * 2 ** this.#synRetries
    this.#timer = this.#scheduler.schedule(at, () => {
      if (++this.#synRetries > SYN_RETRIES) this.#fail('ERR_NET_CONNECT', 'ETIMEDOUT')
      else this.#sendSyn()
    })
  }

  #sendAck(): void {
    this.#emit(ACK, this.#sender.next, EMPTY)
  }

  #emit(flags: number, sequence: number, data: Uint8Array): boolean {
    const next = this.#receiver?.next ?? 0
    const window = this.#receiver?.window ?? RECEIVE_BUFFER
    if ((flags & ACK) !== 0) {
      this.#owedSegments = 0
      this.#announcedEdge = next + window
      if (this.#ackTimer !== undefined) this.#scheduler.cancel(this.#ackTimer)
      this.#ackTimer = undefined
    }
    const sacks = this.#receiver?.sacks ?? NO_SACKS
    const segment = { flags, sequence, acknowledgement: next, window, sacks, maxSegment: this.#maxSegment }
    return this.#host.transmit(this.local, this.remote, segment, data)
  }

  /** One event for the sender's deadline; when the deadline moves away, the event comes early and is made again. */
  #arm(): void {
    const { deadline } = this.#sender
    const timer = this.#timer
    if (timer !== undefined && deadline !== Infinity && timer.at <= deadline) return
    if (timer !== undefined) this.#scheduler.cancel(timer)
    this.#timer = undefined
    if (deadline === Infinity) return
    this.#timer = this.#scheduler.schedule(deadline, () => {
      this.#timer = undefined
      const { now } = this.#scheduler
      if (this.#sender.deadline > now || this.#sender.timedOut(now)) this.#arm()
      else this.#fail('ERR_NET_SOCKET', 'ETIMEDOUT')
    })
  }

  #fail(code: NetErrorCode, systemCode: string): void {
    const verb = code === 'ERR_NET_CONNECT' ? 'connect' : 'read'
    const message = `${verb} ${systemCode} ${this.remote.address}:${this.remote.port}`
    const user = this.#user
    this.vanish()
    user?.failed(new NetError(code, message, { systemCode, remote: this.remote }))
  }

  /** RFC 9293 §3.10.5: what came and was never read must not look as if it had been. */
  #abort(): void {
    this.#emit(RST | ACK, this.#sender.next, EMPTY)
    this.vanish()
  }

  /** What was not read yet stays for the user, if there is one. */
  #leave(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#cancelTimers()
    if (this.#user === undefined) this.#receiver?.clear()
    this.#host.forget(this)
  }

  #cancelTimers(): void {
    if (this.#timer !== undefined) this.#scheduler.cancel(this.#timer)
    if (this.#ackTimer !== undefined) this.#scheduler.cancel(this.#ackTimer)
    this.#timer = undefined
    this.#ackTimer = undefined
  }
}

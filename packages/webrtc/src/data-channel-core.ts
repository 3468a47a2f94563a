/** What an `RTCDataChannel` is inside: its slots and the steps of W3C WebRTC 1.0 §6.2. */
import type { Channel } from '@kaon/datachannel'
import { RTCDataChannel } from './data-channel.ts'
import { RTCErrorEvent } from './events.ts'
import { isBlobPayload, toArrayBuffer, toPayload, utf8Length } from './message-data.ts'
import { MessageIterator } from './message-iterator.ts'
import { readableOf, writableOf, type Message, type Payload } from './streams.ts'
import { domError, RTCError } from './rtc-error.ts'
import type { BinaryType, RTCDataChannelState } from './types.ts'
import { INTERNAL } from './webidl.ts'

export interface DataChannelParameters {
  readonly label: string
  readonly ordered: boolean
  readonly maxPacketLifeTime: number | null
  readonly maxRetransmits: number | null
  readonly protocol: string
  readonly negotiated: boolean
  readonly priority: 'very-low' | 'low' | 'medium' | 'high'
}

/** The connection, as far as a channel needs it. */
export interface DataChannelHost {
  readonly now: number
  readonly closed: boolean
  /** Bytes; those of the SCTP transport. */
  readonly maxMessageSize: number
  readonly maxBufferSize: number
  queueTask(task: () => void): void
  /** Something was given to the underlying channel of `core`. */
  transmit(core: DataChannelCore): void
  /** The channel is closed without ever having had an underlying one. */
  forget(core: DataChannelCore): void
}

/** Bytes that may be unsent before `ready` makes the application wait, unless it has set a threshold. */
const DEFAULT_ROOM = 1024 * 1024

interface PendingBlob {
  readonly size: number
  data: Uint8Array | undefined
}

/** A message behind a blob that has not been read yet. */
type Pending = string | Uint8Array | PendingBlob

export class DataChannelCore {
  readonly label: string
  readonly ordered: boolean
  readonly maxPacketLifeTime: number | null
  readonly maxRetransmits: number | null
  readonly protocol: string
  readonly negotiated: boolean
  readonly priority: 'very-low' | 'low' | 'medium' | 'high'
  readonly facade: RTCDataChannel
  id: number | null
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'arraybuffer'
  /** The underlying data transport; undefined until there is an association. */
  channel: Channel | undefined
  /** `close()` was called, here or by the peer. */
  closing = false
  /** Called once when the connection is closed over the channel's head, which fires no event. */
  readonly abandoned: Set<() => void> = new Set()
  readonly #host: DataChannelHost
  readonly #pending: Pending[] = []
  #pendingBytes = 0
  #updateQueued = false
  /** Those who wait in `ready`: looked at when the state or the amount changes. */
  readonly #waiting = new Set<() => boolean>()

  constructor(parameters: DataChannelParameters, id: number | null, host: DataChannelHost) {
    this.label = parameters.label
    this.ordered = parameters.ordered
    this.maxPacketLifeTime = parameters.maxPacketLifeTime
    this.maxRetransmits = parameters.maxRetransmits
    this.protocol = parameters.protocol
    this.negotiated = parameters.negotiated
    this.priority = parameters.priority
    this.id = id
    this.#host = host
    this.facade = new RTCDataChannel(INTERNAL, this)
  }

  send(data: unknown): void {
    const payload = toPayload(data)
    if (this.readyState !== 'open' || this.channel === undefined) {
      throw domError('InvalidStateError', `The data channel is ${this.readyState}, not open`)
    }
    const blob = isBlobPayload(payload)
    const size = blob ? payload.size : typeof payload === 'string' ? utf8Length(payload) : payload.length
    const { maxMessageSize, maxBufferSize } = this.#host
    if (size > maxMessageSize) throw new TypeError(`The message has ${size} bytes, the peer takes ${maxMessageSize}`)
    if (this.bufferedAmount + size > maxBufferSize) throw domError('OperationError', 'The send buffer is full')
    this.bufferedAmount += size
    if (blob) this.#readBlob(payload)
    else if (this.#pending.length > 0) this.#append(payload, size)
    else this.#transmit(this.channel, payload)
    this.#host.transmit(this)
  }

  /** The peer or the association may have ended it while the task that says so waits: the message is lost then. */
  #transmit(channel: Channel, data: string | Uint8Array): void {
    if (channel.state !== 'open') return
    try {
      channel.send(data, this.#host.now)
    } catch (error) {
      // While a blob was read, the peer may have lowered what it takes.
      const { message } = error as Error
      this.#host.queueTask(() => this.#announceError(new RTCError({ errorDetail: 'sctp-failure' }, message)))
    }
  }

  #announceError(error: RTCError): void {
    if (this.readyState !== 'closed') this.facade.dispatchEvent(new RTCErrorEvent('error', { error }))
  }

  #append(message: Pending, size: number): void {
    this.#pending.push(message)
    this.#pendingBytes += size
  }

  /** Everything sent after a blob waits behind it. */
  #readBlob(blob: Blob): void {
    const entry: PendingBlob = { size: blob.size, data: undefined }
    this.#append(entry, entry.size)
    blob.arrayBuffer().then(
      (buffer) => {
        entry.data = new Uint8Array(buffer)
        this.#flushPending()
      },
      () => {
        // A file that went away while it was read: the message cannot be sent, and order forbids to leave it out silently.
        this.fail(new DOMException('The blob could not be read', 'NotReadableError'))
      },
    )
  }

  #flushPending(): void {
    const { channel } = this
    if (channel === undefined) return
    while (this.#pending.length > 0) {
      const next = this.#pending[0]!
      const isEntry = typeof next === 'object' && !(next instanceof Uint8Array)
      const data = isEntry ? next.data : next
      if (data === undefined) break
      this.#pending.shift()
      this.#pendingBytes -= isEntry ? next.size : typeof data === 'string' ? utf8Length(data) : data.length
      this.#transmit(channel, data)
    }
    if (this.closing && this.#pending.length === 0) channel.close()
    this.#host.transmit(this)
  }

  close(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return
    this.readyState = 'closing'
    this.closing = true
    this.#wake()
    // Without an underlying channel yet there is nothing to tell the peer.
    if (this.channel === undefined) {
      this.#host.forget(this)
      this.#host.queueTask(() => this.announceClosed(undefined))
    } else if (this.#pending.length === 0) this.channel.close()
    this.#host.transmit(this)
  }

  /** The channel cannot go on: closes it, with an `error` event. */
  fail(error: DOMException): void {
    if (this.readyState === 'closed') return
    this.#pending.length = 0
    this.#pendingBytes = 0
    this.channel?.close()
    this.#host.transmit(this)
    this.#host.queueTask(() => {
      if (this.readyState !== 'closed') this.facade.dispatchEvent(Object.assign(new Event('error'), { error }))
    })
    this.readyState = 'closing'
    this.closing = true
  }

  // -- what the connection tells; each is called in a task of its own

  announceOpen(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return
    this.readyState = 'open'
    this.#wake()
    this.facade.dispatchEvent(new Event('open'))
  }

  /** The peer closes. */
  announceClosing(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return
    this.readyState = 'closing'
    this.closing = true
    this.#wake()
    this.facade.dispatchEvent(new Event('closing'))
  }

  announceClosed(error: RTCError | undefined): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.#wake()
    if (error !== undefined) this.facade.dispatchEvent(new RTCErrorEvent('error', { error }))
    // A listener may have closed the connection, after which nothing fires.
    if (!this.#host.closed) this.facade.dispatchEvent(new Event('close'))
  }

  receive(data: string | Uint8Array): void {
    if (this.readyState !== 'open') return
    this.facade.dispatchEvent(
      new MessageEvent('message', {
        data:
          typeof data === 'string'
            ? data
            : this.binaryType === 'blob'
              ? new Blob([data as Uint8Array<ArrayBuffer>])
              : toArrayBuffer(data),
      }),
    )
  }

  /** Some data may have left: the slot follows in a task. */
  updateBufferedAmount(): void {
    if (this.#updateQueued || this.bufferedAmount === 0 || this.channel === undefined) return
    if (this.#unsent() >= this.bufferedAmount) return
    this.#updateQueued = true
    this.#host.queueTask(() => {
      this.#updateQueued = false
      if (this.readyState === 'closed') return // the slot does not change after that
      const before = this.bufferedAmount
      this.bufferedAmount = Math.min(before, this.#unsent())
      this.#wake()
      const threshold = this.bufferedAmountLowThreshold
      if (before > threshold && this.bufferedAmount <= threshold) {
        this.facade.dispatchEvent(new Event('bufferedamountlow'))
      }
    })
  }

  #unsent(): number {
    return this.channel!.bufferedAmount + this.#pendingBytes
  }

  /** `RTCPeerConnection.close()`: abrupt and without events (§4.4.2 step 7). Who waits through an extension is woken. */
  abandon(): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.#pending.length = 0
    this.#wake()
    for (const wake of this.abandoned) wake()
    this.abandoned.clear()
  }

  // -- extensions

  ready(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        if (signal?.aborted === true) reject(signal.reason as Error)
        else if (this.readyState === 'closing' || this.readyState === 'closed') {
          reject(domError('InvalidStateError', `The data channel is ${this.readyState}`))
        } else if (this.readyState === 'open' && this.bufferedAmount <= this.#room) resolve()
        else return false
        this.#waiting.delete(settle)
        signal?.removeEventListener('abort', settle)
        return true
      }
      if (settle()) return
      this.#waiting.add(settle)
      signal?.addEventListener('abort', settle)
    })
  }

  /** Bytes up to which there is room: the application's threshold when it has set one. */
  get #room(): number {
    return this.bufferedAmountLowThreshold || DEFAULT_ROOM
  }

  #wake(): void {
    for (const settle of this.#waiting) settle()
  }

  #streams: { readable?: ReadableStream<Message>; writable?: WritableStream<Payload> } = {}

  get readable(): ReadableStream<Message> {
    return (this.#streams.readable ??= readableOf(this))
  }

  get writable(): WritableStream<Payload> {
    return (this.#streams.writable ??= writableOf(this))
  }

  iterate(): AsyncIterableIterator<Message> {
    return new MessageIterator(this)
  }

  dispose(): Promise<void> {
    if (this.readyState === 'closed') return Promise.resolve()
    return new Promise((resolve) => {
      this.abandoned.add(resolve)
      this.facade.addEventListener('close', () => resolve(), { once: true })
      this.close()
    })
  }
}

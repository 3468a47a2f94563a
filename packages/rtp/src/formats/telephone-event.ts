import { PayloadFormatError } from './errors.ts'

/** The payload of a telephone event (RFC 4733 §2.3). */
export interface TelephoneEvent {
  /** 0 to 15 are the DTMF digits `0`–`9`, `*`, `#`, `A`–`D`; up to 255. */
  readonly event: number
  /** E: the event is over. */
  readonly end: boolean
  /** dBm0 below zero: 0 to 63. */
  readonly volume: number
  /** Ticks since the packet's timestamp, up to 65535. */
  readonly duration: number
}

/** A packet of an event to be sent. */
export interface TelephoneEventPacket {
  readonly payload: Uint8Array
  /** On the first one only (§2.5.1.1). */
  readonly marker: boolean
  /** Ticks of the packet's timestamp after the beginning of the event. */
  readonly timestampOffset: number
  /** ms after the beginning of the event at which the packet is due. */
  readonly time: number
}

export interface TelephoneEventOptions {
  readonly event: number
  /** ms */
  readonly duration: number
  /** dBm0 below zero. Default 10. */
  readonly volume?: number
  /** Hz, 1000 to 192000. Default 8000. */
  readonly clockRate?: number
  /** ms between packets. Default 50 (§2.5.1.2). */
  readonly interval?: number
}

const MAX_TICKS = 0xffff
const DIGITS = '0123456789*#ABCD'

/** The event of a DTMF digit (§3.2), in any case. Undefined for other characters. */
export function dtmfEvent(digit: string): number | undefined {
  const event = digit.length === 1 ? DIGITS.indexOf(digit.toUpperCase()) : -1
  return event < 0 ? undefined : event
}

/** Reads a payload. Undefined when it is too short. */
export function parseTelephoneEvent(payload: Uint8Array): TelephoneEvent | undefined {
  if (payload.length < 4) return undefined
  const flags = payload[1]!
  return {
    event: payload[0]!,
    end: (flags & 0x80) !== 0,
    volume: flags & 0x3f,
    duration: (payload[2]! << 8) | payload[3]!,
  }
}

/**
 * The packets of an event: one each `interval` that tells how long it lasts by then, and the last one three times with E set (§2.5.1.4).
 * An event of more than 65535 ticks becomes segments with timestamps of their own (§2.5.1.3).
 * Throws `PayloadFormatError` when a number is out of its range; the duration may be up to 10 minutes.
 */
export function telephoneEventPackets(options: TelephoneEventOptions): TelephoneEventPacket[] {
  const { event, duration, volume = 10, clockRate = 8000, interval = 50 } = options
  const total = Math.round((duration * clockRate) / 1000)
  checkRange('event', Number.isInteger(event) ? event : Number.NaN, 0, 255)
  checkRange('volume', Number.isInteger(volume) ? volume : Number.NaN, 0, 63)
  checkRange('duration', duration, 1, 600_000)
  checkRange('interval', interval, 1, 10_000)
  checkRange('clockRate', clockRate, 1000, 192_000) // so a ms is a tick at least
  const packets: TelephoneEventPacket[] = []
  const push = (elapsed: number, segment: number, time: number, end: boolean): void => {
    const ticks = elapsed - segment
    const payload = Uint8Array.of(event, (end ? 0x80 : 0) | volume, ticks >> 8, ticks & 0xff)
    packets.push({ payload, marker: packets.length === 0, timestampOffset: segment, time })
  }
  let segment = 0
  let time = 0
  let over = false
  while (!over) {
    const elapsed = Math.min(Math.round(((time + interval) * clockRate) / 1000), total)
    over = elapsed === total
    while (elapsed - segment > MAX_TICKS) {
      push(segment + MAX_TICKS, segment, time, false)
      segment += MAX_TICKS
    }
    push(elapsed, segment, time, over)
    if (over) for (let again = 1; again < 3; again++) push(elapsed, segment, time + again * interval, true)
    time += interval
  }
  return packets
}

function checkRange(name: string, value: number, minimum: number, maximum: number): void {
  if (value >= minimum && value <= maximum) return
  throw new PayloadFormatError('ERR_RTP_TELEPHONE_EVENT', `${name} is ${value}, not ${minimum} to ${maximum}`)
}

/** What a receiver learns: an event begins, or has ended. */
export interface TelephoneEventChange {
  readonly type: 'start' | 'end'
  readonly event: number
  readonly volume: number
  /** The RTP timestamp at which the event began. */
  readonly timestamp: number
  /** Ticks, as far as known. */
  readonly duration: number
}

interface Current {
  event: number
  volume: number
  /** Of the event and of its present segment. */
  start: number
  segment: number
  /** Ticks of the segments before, and of the present one. */
  before: number
  duration: number
  ended: boolean
}

/** Makes events of packets, repetitions and all; keeps one event at a time. */
export class TelephoneEventReader {
  #current: Current | undefined

  /** Takes a payload with its RTP timestamp. What is malformed, old or tells nothing new changes nothing. */
  receive(payload: Uint8Array, timestamp: number): TelephoneEventChange[] {
    const changes: TelephoneEventChange[] = []
    const packet = parseTelephoneEvent(payload)
    if (packet === undefined) return changes
    const current = this.#current
    if (current !== undefined && timestamp !== current.segment) {
      if (((timestamp - current.segment) | 0) < 0) return changes
      const next = (current.segment + MAX_TICKS) >>> 0
      if (!current.ended && packet.event === current.event && timestamp === next) {
        current.before += MAX_TICKS
        current.segment = timestamp
        current.duration = 0
      } else {
        // The packets with E may all be lost: a new event ends the one before (§2.5.2.2).
        this.#end(changes)
        this.#begin(packet, timestamp, changes)
      }
    } else if (current === undefined) {
      this.#begin(packet, timestamp, changes)
    }
    const now = this.#current!
    if (now.ended || packet.event !== now.event) return changes
    now.duration = Math.max(now.duration, packet.duration)
    if (packet.end) this.#end(changes)
    return changes
  }

  /** Nothing came for long enough that the end must have been lost (§2.5.2.2 leaves the time to the receiver). */
  expire(): TelephoneEventChange[] {
    const changes: TelephoneEventChange[] = []
    this.#end(changes)
    return changes
  }

  #begin(packet: TelephoneEvent, timestamp: number, changes: TelephoneEventChange[]): void {
    const { event, volume, duration } = packet
    this.#current = { event, volume, start: timestamp, segment: timestamp, before: 0, duration, ended: false }
    changes.push({ type: 'start', event, volume, timestamp, duration })
  }

  #end(changes: TelephoneEventChange[]): void {
    const current = this.#current
    if (current === undefined || current.ended) return
    current.ended = true
    const { event, volume, start, before, duration } = current
    changes.push({ type: 'end', event, volume, timestamp: start, duration: before + duration })
  }
}

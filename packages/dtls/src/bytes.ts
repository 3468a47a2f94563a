export const EMPTY: Uint8Array = new Uint8Array(0)

/**
 * Reads one handshake message from front to back. Reading past the end never throws: it gives zeros, and `complete` stays false, so
 * a decoder checks once, at its end.
 */
export class Reader {
  readonly #data: Uint8Array
  #at = 0
  #overrun = false

  constructor(data: Uint8Array) {
    this.#data = data
  }

  get remaining(): number {
    return this.#data.length - this.#at
  }

  /** A read went past the end. */
  get overrun(): boolean {
    return this.#overrun
  }

  /** Everything was read, and nothing beyond it. */
  get complete(): boolean {
    return !this.#overrun && this.#at === this.#data.length
  }

  u8(): number {
    if (!this.#has(1)) return 0
    return this.#data[this.#at++]!
  }

  u16(): number {
    if (!this.#has(2)) return 0
    const at = this.#at
    this.#at += 2
    return (this.#data[at]! << 8) | this.#data[at + 1]!
  }

  u24(): number {
    if (!this.#has(3)) return 0
    const at = this.#at
    this.#at += 3
    return (this.#data[at]! << 16) | (this.#data[at + 1]! << 8) | this.#data[at + 2]!
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    if (!this.#has(length)) return EMPTY
    const at = this.#at
    this.#at += length
    return this.#data.subarray(at, this.#at)
  }

  /** `opaque<0..2^8-1>` and its like (RFC 5246 §4.3). */
  vector8(): Uint8Array {
    return this.bytes(this.u8())
  }

  vector16(): Uint8Array {
    return this.bytes(this.u16())
  }

  vector24(): Uint8Array {
    return this.bytes(this.u24())
  }

  #has(length: number): boolean {
    if (this.#overrun || length > this.#data.length - this.#at) {
      this.#overrun = true
      return false
    }
    return true
  }
}

/** The numbers of a list of `uint8`. */
export function listOf8(data: Uint8Array): number[] {
  return Array.from(data)
}

/** The numbers of a list of `uint16`, or undefined when a byte is left over. */
export function listOf16(data: Uint8Array): number[] | undefined {
  if (data.length % 2 !== 0) return undefined
  const list: number[] = []
  for (let at = 0; at < data.length; at += 2) list.push((data[at]! << 8) | data[at + 1]!)
  return list
}

/** Writes one handshake message from front to back, growing as needed. */
export class Writer {
  #data: Uint8Array = new Uint8Array(256)
  #length = 0

  u8(value: number): this {
    this.#room(1)
    this.#data[this.#length++] = value
    return this
  }

  u16(value: number): this {
    this.#room(2)
    this.#data[this.#length++] = value >>> 8
    this.#data[this.#length++] = value
    return this
  }

  u24(value: number): this {
    return this.u8(value >>> 16).u16(value & 0xffff)
  }

  bytes(data: Uint8Array): this {
    this.#room(data.length)
    this.#data.set(data, this.#length)
    this.#length += data.length
    return this
  }

  vector8(data: Uint8Array): this {
    return this.u8(data.length).bytes(data)
  }

  vector16(data: Uint8Array): this {
    return this.u16(data.length).bytes(data)
  }

  vector24(data: Uint8Array): this {
    return this.u24(data.length).bytes(data)
  }

  /** A list of `uint16` behind its length in bytes. */
  list16(values: readonly number[]): this {
    this.u16(values.length * 2)
    for (const value of values) this.u16(value)
    return this
  }

  finish(): Uint8Array {
    return this.#data.slice(0, this.#length)
  }

  #room(length: number): void {
    if (this.#length + length <= this.#data.length) return
    const larger = new Uint8Array(Math.max(this.#data.length * 2, this.#length + length))
    larger.set(this.#data)
    this.#data = larger
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const HEX = '0123456789abcdef'

export function toHex(data: Uint8Array): string {
  let text = ''
  for (const byte of data) text += HEX[byte >>> 4]! + HEX[byte & 15]!
  return text
}

/** Compares public values. For secrets use `timingSafeEqual` of the crypto package. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

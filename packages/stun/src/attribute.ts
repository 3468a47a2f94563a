import { formatAddress, type TransportAddress, writeAddress } from './address.ts'
import { StunError } from './error.ts'

/**
 * How one attribute looks on the wire. `StunMessage.get` and `MessageBuilder.add` take one; the known ones are in
 * `attribute`, and a private one is made by writing such an object.
 */
export interface Attribute<T> {
  readonly type: number
  /** The RFC's name, for logs. */
  readonly name: string
  /** Reads the value at `bytes[offset…offset + length)` of the message that begins at `bytes[0]`. Undefined when malformed; never throws. */
  read(bytes: Uint8Array, offset: number, length: number): T | undefined
  /** The most bytes that `write` will write for this value. */
  bound(value: T): number
  /** Writes the value at `out[offset…]` of a message that begins at `out[start]`; returns the number of bytes. Throws a StunError for a value it cannot carry. */
  write(value: T, out: Uint8Array, offset: number, start: number): number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function invalid(name: string, problem: string): StunError {
  return new StunError('ERR_STUN_ATTRIBUTE', `${name}: ${problem}`)
}

/** Reads UTF-8; undefined when it is not. Short ASCII, the usual case, avoids the decoder's set-up cost. */
export function readText(bytes: Uint8Array, offset: number, length: number): string | undefined {
  const end = offset + length
  if (length <= 64) {
    let text = ''
    let index = offset
    for (; index < end && bytes[index]! < 0x80; index++) text += String.fromCharCode(bytes[index]!)
    if (index === end) return text
  }
  try {
    return decoder.decode(bytes.subarray(offset, end))
  } catch {
    return undefined
  }
}

/** Writes UTF-8 and returns its length; `out` needs three bytes of room per UTF-16 unit. */
export function writeText(text: string, out: Uint8Array, offset: number): number {
  const length = text.length
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x80) return encoder.encodeInto(text, out.subarray(offset)).written
    out[offset + index] = code
  }
  return length
}

/** UTF-8 text with the RFC's limits: `encodeLimit` bytes written, `decodeLimit` bytes accepted. */
export function text(type: number, name: string, encodeLimit: number, decodeLimit: number): Attribute<string> {
  return {
    type,
    name,
    read: (bytes, offset, length) => (length > decodeLimit ? undefined : readText(bytes, offset, length)),
    bound: (value) => value.length * 3,
    write(value, out, offset) {
      const length = writeText(value, out, offset)
      if (length > encodeLimit) throw invalid(name, `${length} bytes of at most ${encodeLimit}`)
      return length
    },
  }
}

export function opaque(type: number, name: string, exactLength?: number): Attribute<Uint8Array> {
  return {
    type,
    name,
    read(bytes, offset, length) {
      if (exactLength !== undefined && length !== exactLength) return undefined
      return bytes.subarray(offset, offset + length)
    },
    bound: (value) => value.length,
    write(value, out, offset) {
      if (exactLength !== undefined && value.length !== exactLength) {
        throw invalid(name, `${value.length} bytes, not ${exactLength}`)
      }
      out.set(value, offset)
      return value.length
    },
  }
}

/** An attribute that says all by being there. */
export function flag(type: number, name: string): Attribute<true> {
  return { type, name, read: () => true, bound: () => 0, write: () => 0 }
}

export function uint32(type: number, name: string): Attribute<number> {
  return {
    type,
    name,
    read: (bytes, offset, length) => (length === 4 ? readUint32(bytes, offset) : undefined),
    bound: () => 4,
    write(value, out, offset) {
      writeUint32(checked(name, value, 0xffffffff), out, offset)
      return 4
    },
  }
}

/** A number of `bits` bits at the top of a word whose rest is reserved. */
export function upper(type: number, name: string, bits: 8 | 16): Attribute<number> {
  const shift = 32 - bits
  return {
    type,
    name,
    read: (bytes, offset, length) => (length === 4 ? readUint32(bytes, offset) >>> shift : undefined),
    bound: () => 4,
    write(value, out, offset) {
      writeUint32((checked(name, value, bits === 8 ? 0xff : 0xffff) << shift) >>> 0, out, offset)
      return 4
    },
  }
}

export function uint64(type: number, name: string): Attribute<bigint> {
  return {
    type,
    name,
    read(bytes, offset, length) {
      if (length !== 8) return undefined
      return (BigInt(readUint32(bytes, offset)) << 32n) | BigInt(readUint32(bytes, offset + 4))
    },
    bound: () => 8,
    write(value, out, offset) {
      if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw invalid(name, 'not an unsigned 64-bit number')
      writeUint32(Number(value >> 32n), out, offset)
      writeUint32(Number(value & 0xffff_ffffn), out, offset + 4)
      return 8
    },
  }
}

export function uint16List(type: number, name: string): Attribute<readonly number[]> {
  return {
    type,
    name,
    read(bytes, offset, length) {
      if ((length & 1) !== 0) return undefined
      const values: number[] = []
      for (let index = offset; index < offset + length; index += 2)
        values.push((bytes[index]! << 8) | bytes[index + 1]!)
      return values
    },
    bound: (value) => value.length * 2,
    write(value, out, offset) {
      let index = offset
      for (const entry of value) {
        checked(name, entry, 0xffff)
        out[index++] = entry >>> 8
        out[index++] = entry & 0xff
      }
      return value.length * 2
    },
  }
}

/** A transport address in the layout of RFC 8489 §14.1 or, with `xor`, §14.2. */
export function address(type: number, name: string, xor: boolean): Attribute<TransportAddress> {
  return {
    type,
    name,
    read(bytes, offset, length) {
      // Byte 0 is ignored on receipt; family 1 is IPv4 and 2 is IPv6.
      const family = length === 8 && bytes[offset + 1] === 1 ? 4 : length === 20 && bytes[offset + 1] === 2 ? 6 : 0
      if (family === 0) return undefined
      let port = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
      const size = length - 4
      if (!xor) return { address: formatAddress(bytes, offset + 4, size), port, family }
      port ^= 0x2112
      // X-Address: cookie for the first four bytes, transaction id for the rest, both at bytes[4…20).
      const plain = new Uint8Array(size)
      for (let index = 0; index < size; index++) plain[index] = bytes[offset + 4 + index]! ^ bytes[4 + index]!
      return { address: formatAddress(plain), port, family }
    },
    bound: () => 20,
    write(value, out, offset, start) {
      const size = writeAddress(value.address, out, offset + 4)
      if (size === 0) throw new StunError('ERR_STUN_ADDRESS', `${name}: not an IP address: ${value.address}`)
      const port = checked(name, value.port, 0xffff) ^ (xor ? 0x2112 : 0)
      out[offset] = 0
      out[offset + 1] = size === 4 ? 1 : 2
      out[offset + 2] = port >>> 8
      out[offset + 3] = port & 0xff
      if (xor) for (let index = 0; index < size; index++) out[offset + 4 + index]! ^= out[start + 4 + index]!
      return size + 4
    },
  }
}

/** Fails unless `value` is an integer from 0 to `max`. */
export function checked(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw invalid(name, `${value} is not from 0 to ${max}`)
  return value
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0
}

export function writeUint32(value: number, out: Uint8Array, offset: number): void {
  out[offset] = value >>> 24
  out[offset + 1] = value >>> 16
  out[offset + 2] = value >>> 8
  out[offset + 3] = value
}

import { StunError } from './error.ts'

/** An IP address with a port: what RFC 8489 §4 calls a transport address. */
export interface TransportAddress {
  /** IPv4 in dotted decimal, or IPv6 in the form of RFC 5952; a link-local address may have a zone (`fe80::1%eth0`). */
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
}

/** The same thing under the name that `@kaon/net` uses. */
export type Endpoint = TransportAddress

/**
 * Writes the 4 or 16 bytes of an address at `out[offset…]` and returns how many, or 0 when `text` is not an IP address.
 * A zone (`%eth0`) is skipped: it means nothing on the wire. `out` needs 16 bytes of room.
 */
export function writeAddress(text: string, out: Uint8Array, offset: number): 0 | 4 | 16 {
  if (text.includes(':')) return writeIpv6(text, out, offset) ? 16 : 0
  return writeIpv4(text, 0, text.length, out, offset) ? 4 : 0
}

/** The 4 or 16 bytes of an IPv4 or IPv6 address, or undefined when `text` is neither. */
export function parseAddress(text: string): Uint8Array | undefined {
  const out = new Uint8Array(16)
  const length = writeAddress(text, out, 0)
  if (length === 0) return undefined
  return length === 16 ? out : out.subarray(0, 4)
}

function writeIpv4(text: string, start: number, end: number, out: Uint8Array, offset: number): boolean {
  let part = 0
  let value = 0
  let digits = 0
  for (let index = start; index <= end; index++) {
    const code = index === end ? 0x2e : text.charCodeAt(index)
    if (code === 0x2e) {
      if (digits === 0 || part === 4) return false
      out[offset + part++] = value
      value = 0
      digits = 0
    } else {
      const digit = code - 0x30
      if (digit < 0 || digit > 9) return false
      if (digits === 1 && value === 0) return false // no leading zero: some parsers take it for octal
      value = value * 10 + digit
      if (++digits > 3 || value > 255) return false
    }
  }
  return part === 4
}

/** Interface names and numbers; nothing that could end an address in other texts. */
const zone = /^%[\w.:~@-]+$/

function writeIpv6(text: string, out: Uint8Array, offset: number): boolean {
  let end = text.indexOf('%')
  if (end < 0) end = text.length
  else if (!zone.test(text.slice(end))) return false
  let written = 0
  let gap = -1
  let index = 0
  if (text.charCodeAt(0) === 0x3a) {
    if (text.charCodeAt(1) !== 0x3a || end < 2) return false
    gap = 0
    index = 2
  }
  while (index < end) {
    if (written === 16) return false
    const start = index
    let group = 0
    let code = 0
    while (index < end) {
      code = text.charCodeAt(index)
      const digit = hexDigit(code)
      if (digit < 0) break
      if (index - start === 4) return false
      group = (group << 4) | digit
      index++
    }
    if (index < end && code === 0x2e) {
      // The last 32 bits in dotted decimal (RFC 4291 §2.2 form 3).
      if (written > 12 || !writeIpv4(text, start, end, out, offset + written)) return false
      written += 4
      index = end
      break
    }
    if (index === start) return false
    out[offset + written++] = group >> 8
    out[offset + written++] = group & 0xff
    if (index === end) break
    if (code !== 0x3a) return false
    index++
    if (index === end) return false
    if (text.charCodeAt(index) === 0x3a) {
      if (gap >= 0) return false
      gap = written
      index++
    }
  }
  if (gap < 0) return written === 16
  if (written === 16) return false
  const tail = written - gap
  out.copyWithin(offset + 16 - tail, offset + gap, offset + written)
  out.fill(0, offset + gap, offset + 16 - tail)
  return true
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Formats the 4 bytes of an IPv4 or the 16 of an IPv6 address (RFC 5952) that begin at `bytes[offset]`. */
export function formatAddress(bytes: Uint8Array, offset = 0, length: number = bytes.length - offset): string {
  if (length === 4) return formatIpv4(bytes, offset)
  if (length !== 16) throw new StunError('ERR_STUN_ADDRESS', `an IP address has 4 or 16 bytes, not ${length}`)
  return formatIpv6(bytes, offset)
}

function formatIpv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`
}

function formatIpv6(bytes: Uint8Array, offset: number): string {
  // The longest run of at least two zero groups, the first one on a tie (RFC 5952 §4.2).
  let bestStart = -1
  let bestLength = 1
  let runStart = 0
  let runLength = 0
  for (let group = 0; group < 8; group++) {
    if ((bytes[offset + group * 2]! | bytes[offset + group * 2 + 1]!) !== 0) {
      runLength = 0
      continue
    }
    if (runLength++ === 0) runStart = group
    if (runLength > bestLength) {
      bestStart = runStart
      bestLength = runLength
    }
  }
  // IPv4-mapped addresses keep their dotted part (RFC 5952 §5).
  if (bestStart === 0 && bestLength === 5 && bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff) {
    return '::ffff:' + formatIpv4(bytes, offset + 12)
  }
  let text = ''
  for (let group = 0; group < 8; group++) {
    if (group === bestStart) {
      text += '::'
      group += bestLength - 1
      continue
    }
    if (group > 0 && group !== bestStart + (bestStart < 0 ? 0 : bestLength)) text += ':'
    text += ((bytes[offset + group * 2]! << 8) | bytes[offset + group * 2 + 1]!).toString(16)
  }
  return text
}

/**
 * Makes a transport address from text, in canonical form (RFC 5952, lower case, zone kept).
 * @throws StunError `ERR_STUN_ADDRESS` when `address` is not an IP address or `port` not a port.
 */
export function transportAddress(address: string, port: number): TransportAddress {
  const bytes = parseAddress(address)
  if (bytes === undefined) throw new StunError('ERR_STUN_ADDRESS', `not an IP address: ${address}`)
  if (!isPort(port)) throw new StunError('ERR_STUN_ADDRESS', `not a port: ${port}`)
  const percent = address.indexOf('%')
  const text = formatAddress(bytes)
  return { address: percent < 0 ? text : text + address.slice(percent), port, family: bytes.length === 4 ? 4 : 6 }
}

/** Reads `192.0.2.1:3478` or `[2001:db8::1]:3478`; undefined when it is neither. */
export function parseTransportAddress(text: string): TransportAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const bytes = parseAddress((match[1] ?? match[2])!)
  const port = Number(match[3])
  if (bytes === undefined || !isPort(port) || (bytes.length === 16) !== (match[1] !== undefined)) return undefined
  return transportAddress((match[1] ?? match[2])!, port)
}

/** `192.0.2.1:3478` or `[2001:db8::1]:3478`. */
export function formatTransportAddress(endpoint: TransportAddress): string {
  return endpoint.family === 6 ? `[${endpoint.address}]:${endpoint.port}` : `${endpoint.address}:${endpoint.port}`
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 0xffff
}

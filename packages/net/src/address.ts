// IP addresses as text and bytes: RFC 4291 §2.2 read, RFC 5952 written, RFC 4007 §11 zones.

export interface IpAddress {
  readonly family: 4 | 6
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array
  /** IPv6 only: what follows `%`. */
  readonly zone?: string
}

/** `ipv4-mapped` is ::ffff:0:0/96; `shared` is the carriers' 100.64.0.0/10 (RFC 6598). */
export type IpClass =
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'private'
  | 'unique-local'
  | 'shared'
  | 'ipv4-mapped'
  | 'multicast'
  | 'broadcast'
  | 'global'

const MAX_ZONE_LENGTH = 64

/** Undefined for anything that is not exactly an address: no brackets, no port, no spaces, no octal, no short IPv4. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) return parseIpv6(text)
  const bytes = new Uint8Array(4)
  return parseIpv4(text, 0, bytes, 0) ? { family: 4, bytes } : undefined
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
export function formatIp(ip: IpAddress): string {
  const { bytes } = ip
  if (ip.family === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const zone = ip.zone === undefined ? '' : `%${ip.zone}`
  // RFC 5952 §5: mixed notation where the prefix is well known.
  if (isMapped(bytes)) return `::ffff:${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}${zone}`
  let runStart = -1
  let runLength = 1
  for (let group = 0; group < 8; group++) {
    let end = group
    while (end < 8 && bytes[end * 2] === 0 && bytes[end * 2 + 1] === 0) end++
    if (end - group > runLength) {
      runStart = group
      runLength = end - group
    }
    if (end > group) group = end
  }
  let text = ''
  for (let group = 0; group < 8; group++) {
    if (group === runStart) {
      text += '::'
      group += runLength - 1
      continue
    }
    if (text !== '' && !text.endsWith(':')) text += ':'
    text += ((bytes[group * 2]! << 8) | bytes[group * 2 + 1]!).toString(16)
  }
  return text + zone
}

/**
 * One spelling for one address, so that strings can be compared: RFC 5952, IPv4-mapped IPv6 as IPv4, a zone only where
 * it means something (link-local). Undefined if `text` is no address.
 */
export function normalizeAddress(text: string): string | undefined {
  const ip = parseIp(text)
  if (ip === undefined) return undefined
  if (ip.family === 4) return formatIp(ip)
  if (isMapped(ip.bytes)) return formatIp({ family: 4, bytes: ip.bytes.subarray(12) })
  if (ip.zone !== undefined && classifyIp(ip) !== 'link-local') return formatIp({ family: 6, bytes: ip.bytes })
  return formatIp(ip)
}

export function classifyIp(ip: IpAddress): IpClass {
  const a = ip.bytes[0]!
  const b = ip.bytes[1]!
  if (ip.family === 4) {
    if (a === 127) return 'loopback' // RFC 1122 §3.2.1.3
    if (a === 10 || (a === 172 && (b & 0xf0) === 16) || (a === 192 && b === 168)) return 'private' // RFC 1918 §3
    if (a === 169 && b === 254) return 'link-local' // RFC 3927
    if (a === 100 && (b & 0xc0) === 64) return 'shared'
    if ((a & 0xf0) === 224) return 'multicast'
    if (isAll(ip.bytes, 0, 4, 0)) return 'unspecified'
    return isAll(ip.bytes, 0, 4, 255) ? 'broadcast' : 'global'
  }
  if (a === 0xfe && (b & 0xc0) === 0x80) return 'link-local' // RFC 4291 §2.5.6
  if ((a & 0xfe) === 0xfc) return 'unique-local' // RFC 4193 §3.1
  if (a === 0xff) return 'multicast'
  if (isMapped(ip.bytes)) return 'ipv4-mapped'
  if (!isAll(ip.bytes, 0, 15, 0)) return 'global'
  return ip.bytes[15] === 0 ? 'unspecified' : ip.bytes[15] === 1 ? 'loopback' : 'global'
}

function isAll(bytes: Uint8Array, start: number, end: number, value: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== value) return false
  return true
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && isAll(bytes, 0, 10, 0)
}

/** Reads `text` from `start` to its end as dotted decimal into `out[at…at+3]`. */
function parseIpv4(text: string, start: number, out: Uint8Array, at: number): boolean {
  let octet = 0
  let value = -1
  for (let i = start; i <= text.length; i++) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i)
    if (code === 0x2e) {
      if (value < 0 || octet === 4) return false
      out[at + octet++] = value
      value = -1
    } else if (code >= 0x30 && code <= 0x39) {
      // A leading zero is octal to some and decimal to others (RFC 6943 §3.1.1): refuse it.
      if (value === 0) return false
      value = (value < 0 ? 0 : value * 10) + code - 0x30
      if (value > 255) return false
    } else {
      return false
    }
  }
  return octet === 4
}

function parseIpv6(text: string): IpAddress | undefined {
  let zone: string | undefined
  const percent = text.indexOf('%')
  if (percent >= 0) {
    zone = text.slice(percent + 1)
    if (zone === '' || zone.length > MAX_ZONE_LENGTH || /[%\s\0/]/.test(zone)) return undefined
    text = text.slice(0, percent)
  }
  if (text.length > 45) return undefined
  const bytes = new Uint8Array(16)
  let length = 0 // bytes written
  let gap = -1 // where '::' stands
  let i = 0
  if (text.startsWith('::')) {
    gap = 0
    i = 2
  }
  while (i < text.length) {
    const end = groupEnd(text, i)
    if (text[end] === '.') {
      if (length > 12 || !parseIpv4(text, i, bytes, length)) return undefined
      length += 4
      i = text.length
      break
    }
    if (end === i || end - i > 4 || length === 16) return undefined
    const group = Number.parseInt(text.slice(i, end), 16)
    bytes[length++] = group >> 8
    bytes[length++] = group & 0xff
    i = end
    if (i === text.length) break
    if (text[i] !== ':') return undefined
    i++
    if (text[i] === ':') {
      if (gap >= 0) return undefined
      gap = length
      i++
    } else if (i === text.length) {
      return undefined // a single colon at the end
    }
  }
  if (gap < 0) {
    if (length !== 16) return undefined
  } else {
    if (length > 14) return undefined // '::' stands for at least one group
    bytes.copyWithin(16 - (length - gap), gap, length)
    bytes.fill(0, gap, 16 - (length - gap))
  }
  return zone === undefined ? { family: 6, bytes } : { family: 6, bytes, zone }
}

/** Index of the first character from `start` on that is no hexadecimal digit. */
function groupEnd(text: string, start: number): number {
  let i = start
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i) | 0x20
    const isDigit = text.charCodeAt(i) >= 0x30 && text.charCodeAt(i) <= 0x39
    if (!isDigit && !(code >= 0x61 && code <= 0x66)) break
  }
  return i
}

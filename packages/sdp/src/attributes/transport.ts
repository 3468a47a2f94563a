// Values that belong to the transport below the media: ICE (RFC 8839), DTLS (RFC 8122, 8842), bundling (RFC 9143), SCTP (RFC 8841).

import { fields, isToken, isWord, parseInteger, splitFirst } from '../text.ts'

/** The DTLS role offered or chosen (RFC 4145 §4, RFC 8842 §5.3). */
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn'

/** `a=fingerprint` (RFC 8122 §5): lower-case hash name, upper-case colon-separated hex. */
export interface Fingerprint {
  readonly algorithm: string
  readonly value: string
}

/** `a=group` (RFC 5888 §5, RFC 9143 for `BUNDLE`). */
export interface Group {
  readonly semantics: string
  readonly mids: readonly string[]
}

/** `c=` (RFC 8866 §5.7). `address` keeps a `/ttl/count` suffix. */
export interface Connection {
  readonly netType: string
  readonly addressType: string
  readonly address: string
}

export function parseSetup(text: string): Setup | undefined {
  const value = text.trim()
  return value === 'active' || value === 'passive' || value === 'actpass' || value === 'holdconn' ? value : undefined
}

export function parseFingerprint(text: string): Fingerprint | undefined {
  const parts = fields(text)
  if (parts.length !== 2 || !isToken(parts[0]!)) return undefined
  const value = parts[1]!
  // Pairs of hex digits with a colon between: 3n − 1 characters.
  if (value.length % 3 !== 2) return undefined
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    const hex = (c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102)
    if (i % 3 === 2 ? c !== 0x3a : !hex) return undefined
  }
  return { algorithm: parts[0]!.toLowerCase(), value: value.toUpperCase() }
}

export function parseGroup(text: string): Group | undefined {
  const [semantics, ...mids] = fields(text)
  return semantics !== undefined && isToken(semantics) ? { semantics, mids } : undefined
}

export function parseConnection(text: string): Connection | undefined {
  const parts = fields(text)
  if (parts.length !== 3 || !isToken(parts[0]!) || !isToken(parts[1]!) || !isWord(parts[2]!)) return undefined
  return { netType: parts[0]!, addressType: parts[1]!, address: parts[2]! }
}

/**
 * RFC 8839 §5.4 allows letters, digits, `+` and `/`; deployed peers also use `-`, `_`, `=` and `#`, and browsers accept
 * them.
 */
export function isIceText(text: string, min: number): boolean {
  if (text.length < min || text.length > 256) return false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    const ok =
      (c >= 0x61 && c <= 0x7a) ||
      (c >= 0x41 && c <= 0x5a) ||
      (c >= 0x2f && c <= 0x39) ||
      c === 0x2b ||
      c === 0x2d ||
      c === 0x5f ||
      c === 0x3d ||
      c === 0x23
    if (!ok) return false
  }
  return true
}

/** The draft form `a=sctpmap:5000 webrtc-datachannel 1024` that RFC 8841's `a=sctp-port` replaced. */
export function parseSctpmap(text: string): { port: number; application: string; streams?: number } | undefined {
  const [head, rest] = splitFirst(text)
  const [application, streams] = fields(rest)
  const port = parseInteger(head, 65535)
  if (port === undefined || application === undefined) return undefined
  const count = parseInteger(streams, 65535)
  return count === undefined ? { port, application } : { port, application, streams: count }
}

import { parseAddress } from './address.ts'

/** A `stun:` or `stuns:` URI (RFC 7064). */
export interface StunUri {
  /** `stuns` is TLS over TCP. */
  readonly scheme: 'stun' | 'stuns'
  /** A name or an IP address, the latter without brackets. */
  readonly host: string
  /** 3478 for `stun` and 5349 for `stuns` unless the URI says otherwise. */
  readonly port: number
}

/** Reads a URI such as `stun:stun.example.org` or `stuns:[2001:db8::1]:5349`; undefined when it is none (RFC 7064 §3.1). */
export function parseStunUri(text: string): StunUri | undefined {
  const match = /^(stuns?):(.+)$/i.exec(text)
  if (match === null) return undefined
  const scheme = match[1]!.toLowerCase() as 'stun' | 'stuns'
  const server = parseHostPort(match[2]!)
  if (server === undefined) return undefined
  return { scheme, host: server.host, port: server.port ?? (scheme === 'stun' ? 3478 : 5349) }
}

export function formatStunUri(uri: StunUri): string {
  const host = uri.host.includes(':') ? `[${uri.host.replace('%', '%25')}]` : uri.host
  return `${uri.scheme}:${host}:${uri.port}`
}

/** Reads a server's `host`, `host:port`, `192.0.2.1:port` or `[2001:db8::1]:port`, as in URIs of STUN and TURN; undefined when it is none. */
export function parseHostPort(text: string): { host: string; port: number | undefined } | undefined {
  // RFC 3986 §3.2.2: an IP literal in brackets, or a name of unreserved characters, sub-delims and escapes.
  const match = /^(?:\[([^[\]]+)\]|((?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+))(?::(\d*))?$/.exec(text)
  if (match === null) return undefined
  const port = match[3] === undefined || match[3] === '' ? undefined : Number(match[3])
  if (port !== undefined && (port < 1 || port > 0xffff)) return undefined
  if (match[1] === undefined) return { host: match[2]!, port }
  const host = match[1].replace('%25', '%') // a zone, RFC 6874
  const bytes = parseAddress(host)
  return bytes?.length === 16 ? { host, port } : undefined
}

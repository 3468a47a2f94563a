import { parseHostPort } from '@kaon/stun'

/** How a client's messages travel to the server. */
export type TurnTransport = 'udp' | 'tcp' | 'tls'

/** A `turn:` or `turns:` URI (RFC 7065). */
export interface TurnUri {
  readonly scheme: 'turn' | 'turns'
  /** A name or an IP address, the latter without brackets. */
  readonly host: string
  /** 3478 for `turn` and 5349 for `turns` unless the URI says otherwise. */
  readonly port: number
  /** UDP for `turn` and TLS for `turns` unless the URI says otherwise (RFC 7065 §3.1, RFC 5928 §3). */
  readonly transport: TurnTransport
}

/**
 * Reads a URI such as `turn:turn.example.org?transport=tcp`; undefined when it is none (RFC 7065 §3.1), or one over DTLS
 * (`turns:` with `transport=udp`), which is not spoken here.
 */
export function parseTurnUri(text: string): TurnUri | undefined {
  const match = /^(turns?):([^?]+)(?:\?transport=([a-z]+))?$/i.exec(text)
  if (match === null) return undefined
  const scheme = match[1]!.toLowerCase() as 'turn' | 'turns'
  const named = match[3]?.toLowerCase()
  if (named !== undefined && named !== 'udp' && named !== 'tcp') return undefined
  if (scheme === 'turns' && named === 'udp') return undefined
  const place = parseHostPort(match[2]!)
  if (place === undefined) return undefined
  const transport = scheme === 'turns' ? 'tls' : named === 'tcp' ? 'tcp' : 'udp'
  return { scheme, host: place.host, port: place.port ?? (scheme === 'turns' ? 5349 : 3478), transport }
}

export function formatTurnUri(uri: TurnUri): string {
  const host = uri.host.includes(':') ? `[${uri.host.replace('%', '%25')}]` : uri.host
  return `${uri.scheme}:${host}:${uri.port}?transport=${uri.transport === 'udp' ? 'udp' : 'tcp'}`
}

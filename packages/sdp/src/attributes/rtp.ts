// Values that describe RTP streams: header extensions (RFC 8285), sources (RFC 5576), msid (RFC 8830), RTCP (RFC 3605).

import { fields, isToken, isWord, parseInteger, splitFirst } from '../text.ts'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** `a=extmap` (RFC 8285 §5) */
export interface Extmap {
  /** 1…14 for one-byte headers, up to 255 for two-byte ones; 4096…4351 are offered for the answerer to choose. */
  readonly id: number
  readonly direction?: Direction
  readonly uri: string
  /** Extension attributes behind the URI, as written. */
  readonly attributes?: string
}

/** `a=msid` (RFC 8830 §2). `streamId` is `-` for a track in no stream. */
export interface Msid {
  readonly streamId: string
  readonly trackId?: string
}

/** All `a=ssrc` lines of one source (RFC 5576 §4.1). */
export interface Ssrc {
  readonly ssrc: number
  /** `cname`, `msid`, … in the order written. */
  readonly attributes: readonly { readonly name: string; readonly value?: string }[]
}

/** `a=ssrc-group` (RFC 5576 §4.2): `FID` for retransmission, `FEC-FR`, `SIM`, … */
export interface SsrcGroup {
  readonly semantics: string
  readonly ssrcs: readonly number[]
}

/** `a=rtcp` (RFC 3605 §2.1) */
export interface Rtcp {
  readonly port: number
  readonly netType?: string
  readonly addressType?: string
  readonly address?: string
}

export function isDirection(text: string | undefined): text is Direction {
  return text === 'sendrecv' || text === 'sendonly' || text === 'recvonly' || text === 'inactive'
}

export function parseExtmap(text: string): Extmap | undefined {
  const [head, rest] = splitFirst(text)
  const slash = head.indexOf('/')
  const id = parseInteger(slash < 0 ? head : head.slice(0, slash), 4351)
  const direction = slash < 0 ? undefined : head.slice(slash + 1)
  const [uri, attributes] = splitFirst(rest)
  // RFC 8285 §5: 1…255, and 4096…4351 for ids still to be assigned.
  if (id === undefined || id === 0 || (id > 255 && id < 4096) || !isWord(uri)) return undefined
  if (direction !== undefined && !isDirection(direction)) return undefined
  return {
    id,
    ...(direction === undefined ? undefined : { direction }),
    uri,
    ...(attributes === '' ? undefined : { attributes }),
  }
}

export function formatExtmap(e: Extmap): string {
  const direction = e.direction === undefined ? '' : `/${e.direction}`
  return `${e.id}${direction} ${e.uri}${e.attributes === undefined ? '' : ` ${e.attributes}`}`
}

export function parseMsid(text: string): Msid | undefined {
  const [streamId, rest] = splitFirst(text)
  const [trackId] = splitFirst(rest)
  if (!isWord(streamId)) return undefined
  return trackId === '' ? { streamId } : { streamId, trackId }
}

export function formatMsid(m: Msid): string {
  return m.trackId === undefined ? m.streamId : `${m.streamId} ${m.trackId}`
}

export function parseSsrc(text: string): { ssrc: number; name: string; value?: string } | undefined {
  const [head, rest] = splitFirst(text)
  const ssrc = parseInteger(head, 0xffffffff)
  if (ssrc === undefined || rest === '') return undefined
  const colon = rest.indexOf(':')
  const name = colon < 0 ? rest : rest.slice(0, colon)
  if (!isToken(name)) return undefined
  return colon < 0 ? { ssrc, name } : { ssrc, name, value: rest.slice(colon + 1) }
}

export function parseSsrcGroup(text: string): SsrcGroup | undefined {
  const [semantics, ...rest] = fields(text)
  if (semantics === undefined || !isToken(semantics) || rest.length === 0) return undefined
  const ssrcs: number[] = []
  for (const part of rest) {
    const ssrc = parseInteger(part, 0xffffffff)
    if (ssrc === undefined) return undefined
    ssrcs.push(ssrc)
  }
  return { semantics, ssrcs }
}

export function parseRtcp(text: string): Rtcp | undefined {
  const [head, netType, addressType, address, junk] = fields(text)
  const port = parseInteger(head, 65535)
  if (port === undefined || junk !== undefined) return undefined
  if (netType === undefined) return { port }
  if (addressType === undefined || address === undefined) return undefined
  return { port, netType, addressType, address }
}

export function formatRtcp(r: Rtcp): string {
  return r.address === undefined ? `${r.port}` : `${r.port} ${r.netType ?? 'IN'} ${r.addressType ?? 'IP4'} ${r.address}`
}

import { fields, isWord, parseInteger } from '../text.ts'

/** An ICE candidate as written in `a=candidate` (RFC 8839 §5.1; `tcpType` from RFC 6544 §4.5). */
export interface Candidate {
  readonly foundation: string
  /** 1 for RTP and everything multiplexed with it, 2 for RTCP. */
  readonly component: number
  /** As written: `udp`, `UDP`, `tcp`, … */
  readonly transport: string
  readonly priority: number
  /** An IPv4 or IPv6 address or a host name (`….local`). */
  readonly address: string
  readonly port: number
  /** `host`, `srflx`, `prflx`, `relay` or a later extension. */
  readonly type: string
  readonly relatedAddress?: string
  readonly relatedPort?: number
  /** `active`, `passive` or `so`. */
  readonly tcpType?: string
  /** Every further name and value in the order written (`generation`, `ufrag`, `network-cost`, …). */
  readonly extensions: readonly (readonly [name: string, value: string])[]
}

/**
 * Reads a candidate from the attribute's value, with or without `candidate:` or `a=candidate:` in front.
 * Undefined when it is malformed.
 */
export function parseCandidate(text: string): Candidate | undefined {
  let body = text
  if (body.startsWith('a=')) body = body.slice(2)
  if (body.startsWith('candidate:')) body = body.slice(10)
  const parts = fields(body)
  if (parts.length < 8 || parts[6] !== 'typ') return undefined
  const foundation = parts[0]!
  const component = parseInteger(parts[1], 256)
  const transport = parts[2]!
  const priority = parseInteger(parts[3], 0xffffffff)
  const address = parts[4]!
  const port = parseInteger(parts[5], 65535)
  const type = parts[7]!
  // RFC 8839 §5.1: foundation is 1*32 ice-char; browsers do not hold each other to the alphabet. What would be taken for
  // one of the prefixes when it is read again is none, though.
  if (foundation.length > 32 || !isWord(foundation) || /[:=]/.test(foundation) || !isWord(address)) return undefined
  if (component === undefined || component === 0 || priority === undefined || port === undefined) return undefined
  const extensions: [string, string][] = []
  let relatedAddress: string | undefined
  let relatedPort: number | undefined
  let tcpType: string | undefined
  for (let i = 8; i < parts.length; i += 2) {
    const name = parts[i]!
    const value = parts[i + 1]
    if (value === undefined) return undefined
    if (name === 'raddr' && relatedAddress === undefined) relatedAddress = value
    else if (name === 'rport' && relatedPort === undefined) {
      relatedPort = parseInteger(value, 65535)
      if (relatedPort === undefined) return undefined
    } else if (name === 'tcptype' && tcpType === undefined) tcpType = value
    else extensions.push([name, value])
  }
  return {
    foundation,
    component,
    transport,
    priority,
    address,
    port,
    type,
    ...(relatedAddress === undefined ? undefined : { relatedAddress }),
    ...(relatedPort === undefined ? undefined : { relatedPort }),
    ...(tcpType === undefined ? undefined : { tcpType }),
    extensions,
  }
}

/** The attribute's value without `candidate:`, in the order of RFC 8839 §5.1. */
export function formatCandidate(c: Candidate): string {
  let text = `${c.foundation} ${c.component} ${c.transport} ${c.priority} ${c.address} ${c.port} typ ${c.type}`
  if (c.relatedAddress !== undefined) text += ` raddr ${c.relatedAddress}`
  if (c.relatedPort !== undefined) text += ` rport ${c.relatedPort}`
  if (c.tcpType !== undefined) text += ` tcptype ${c.tcpType}`
  for (const [name, value] of c.extensions) text += ` ${name} ${value}`
  return text
}

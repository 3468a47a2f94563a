// Candidates and their text form: the value of SDP's `a=candidate` (RFC 8839 §5.1, RFC 6544 §4.5 for `tcptype`).

export type CandidateType = 'host' | 'srflx' | 'prflx' | 'relay'
export type CandidateProtocol = 'udp' | 'tcp'
export type TcpCandidateType = 'active' | 'passive' | 'so'
export type RelayProtocol = 'udp' | 'tcp' | 'tls'

/** A transport address that a peer may be reached at, as both sides tell each other (RFC 8445 §5.3). */
export interface Candidate {
  /** Groups candidates that share type, base, server and protocol: 1–32 ice-chars. */
  readonly foundation: string
  /** 1 for RTP (and everything else when multiplexed), 2 for RTCP; 1–256. */
  readonly component: number
  readonly protocol: CandidateProtocol
  /** RFC 8445 §5.1.2; 0 – 2^32 − 1. */
  readonly priority: number
  /** IPv4, IPv6 in RFC 5952 form, or a host name (`….local` for mDNS). */
  readonly address: string
  readonly port: number
  readonly type: CandidateType
  /** The base of a reflexive, or the mapped address of a relayed candidate; for diagnostics. */
  readonly relatedAddress?: string
  readonly relatedPort?: number
  readonly tcpType?: TcpCandidateType
  /** The username fragment that the candidate belongs to (`ufrag` extension): tells ICE generations apart. */
  readonly usernameFragment?: string
  /** Further extension attributes, in order, kept as they came (`generation`, `network-cost`, …). */
  readonly extensions?: readonly (readonly [name: string, value: string])[]
  /** The server that a local candidate was learned from; never part of the text form. */
  readonly url?: string
  /** How the TURN server of a local relayed candidate is reached; never part of the text form. */
  readonly relayProtocol?: RelayProtocol
}

const TYPES = ['host', 'srflx', 'prflx', 'relay']
const TCP_TYPES = ['active', 'passive', 'so']
const ICE_CHARS = /^[A-Za-z0-9+/]{1,32}$/
const DIGITS = /^[0-9]{1,10}$/
// Addresses and host names, and the scope of a link-local address; SDP's grammar is wider, its use is not.
const ADDRESS = /^[A-Za-z0-9._:%-]{1,255}$/
const EXTENSION_NAME = /^[\x21-\x7e]{1,64}$/
// RFC 8839 §5.1: *VCHAR. Anything wider could bring a line of its own into a description.
const EXTENSION_VALUE = /^[\x21-\x7e]*$/
/** Longest line that is looked at: everything a candidate needs fits in a quarter of this. */
const MAX_LENGTH = 2048
const MAX_EXTENSIONS = 32

/**
 * Reads a candidate from `candidate:…`, with or without `a=` before it, or from the bare value.
 * Returns undefined for anything outside the grammar and for candidate types and transports that ICE does not define.
 */
export function parseCandidate(text: string): Candidate | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let line = text.trim()
  if (line.startsWith('a=')) line = line.slice(2)
  if (line.startsWith('candidate:')) line = line.slice(10)
  const words = line.split(' ')
  if (words.length < 8 || words[6] !== 'typ') return undefined
  const [foundation, componentText, transport, priorityText, address, portText, , type] = words as string[]
  if (!ICE_CHARS.test(foundation!) || !ADDRESS.test(address!) || !TYPES.includes(type!)) return undefined
  const component = readNumber(componentText!, 256)
  const priority = readNumber(priorityText!, 0xffffffff)
  const port = readNumber(portText!, 65535)
  if (component === undefined || component === 0 || priority === undefined || port === undefined) return undefined
  const protocol = transport!.toLowerCase()
  if (protocol !== 'udp' && protocol !== 'tcp') return undefined

  let relatedAddress: string | undefined
  let relatedPort: number | undefined
  let tcpType: TcpCandidateType | undefined
  let usernameFragment: string | undefined
  const extensions: (readonly [string, string])[] = []
  if (words.length % 2 !== 0) return undefined // every further attribute is a name and a value
  for (let i = 8; i < words.length; i += 2) {
    const name = words[i]!
    const value = words[i + 1]!
    if (!EXTENSION_NAME.test(name) || !EXTENSION_VALUE.test(value)) return undefined
    if (name === 'raddr') {
      if (!ADDRESS.test(value)) return undefined
      relatedAddress = value
    } else if (name === 'rport') {
      relatedPort = readNumber(value, 65535)
      if (relatedPort === undefined) return undefined
    } else if (name === 'tcptype') {
      if (!TCP_TYPES.includes(value)) return undefined
      tcpType = value as TcpCandidateType
    } else if (name === 'ufrag') {
      usernameFragment = value
    } else if (extensions.length < MAX_EXTENSIONS) {
      extensions.push([name, value])
    }
  }
  return {
    foundation: foundation!,
    component,
    protocol,
    priority,
    address: address!,
    port,
    type: type as CandidateType,
    ...(relatedAddress === undefined ? undefined : { relatedAddress }),
    ...(relatedPort === undefined ? undefined : { relatedPort }),
    ...(tcpType === undefined ? undefined : { tcpType }),
    ...(usernameFragment === undefined ? undefined : { usernameFragment }),
    ...(extensions.length === 0 ? undefined : { extensions }),
  }
}

/** The text form, `candidate:…`, without `a=`: what `RTCIceCandidate.candidate` holds. */
export function formatCandidate(candidate: Candidate): string {
  const c = candidate
  let text = `candidate:${c.foundation} ${c.component} ${c.protocol} ${c.priority} ${c.address} ${c.port} typ ${c.type}`
  if (c.relatedAddress !== undefined) text += ` raddr ${c.relatedAddress}`
  if (c.relatedPort !== undefined) text += ` rport ${c.relatedPort}`
  if (c.tcpType !== undefined) text += ` tcptype ${c.tcpType}`
  if (c.extensions !== undefined) for (const [name, value] of c.extensions) text += ` ${name} ${value}`
  if (c.usernameFragment !== undefined) text += ` ufrag ${c.usernameFragment}`
  return text
}

function readNumber(text: string, max: number): number | undefined {
  if (!DIGITS.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}

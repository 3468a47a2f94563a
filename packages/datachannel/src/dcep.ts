// Data Channel Establishment Protocol, RFC 8832 §5.

const OPEN = 0x03
const ACK = 0x02
const UNORDERED = 0x80
const RELIABLE = 0x00
const REXMIT = 0x01
const TIMED = 0x02
const OPEN_HEADER = 12

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** How a channel delivers. At most one of the two limits is set. */
export interface Reliability {
  readonly ordered: boolean
  /** Retransmissions of a message before it is given up; 0 is "send once". */
  readonly maxRetransmits: number | undefined
  /** ms after which a message is given up. */
  readonly maxPacketLifeTime: number | undefined
}

/** DATA_CHANNEL_OPEN (RFC 8832 §5.1) */
export interface OpenMessage extends Reliability {
  readonly type: 'open'
  /** 0…65535; 256 is normal (RFC 8831 §6.4). */
  readonly priority: number
  readonly label: string
  readonly protocol: string
}

/** DATA_CHANNEL_ACK (RFC 8832 §5.2) */
export interface AckMessage {
  readonly type: 'ack'
}

export type DcepMessage = OpenMessage | AckMessage

/** Bytes of a text on the wire. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Label and protocol may have up to 65535 bytes of UTF-8 each; the caller has checked that. */
export function encodeOpen(message: Omit<OpenMessage, 'type'>): Uint8Array {
  const label = utf8(message.label)
  const protocol = utf8(message.protocol)
  const kind =
    message.maxRetransmits !== undefined ? REXMIT : message.maxPacketLifeTime !== undefined ? TIMED : RELIABLE
  const parameter = message.maxRetransmits ?? message.maxPacketLifeTime ?? 0
  const bytes = new Uint8Array(OPEN_HEADER + label.length + protocol.length)
  bytes[0] = OPEN
  bytes[1] = message.ordered ? kind : kind | UNORDERED
  bytes[2] = message.priority >>> 8
  bytes[3] = message.priority
  bytes[4] = parameter >>> 24
  bytes[5] = parameter >>> 16
  bytes[6] = parameter >>> 8
  bytes[7] = parameter
  bytes[8] = label.length >>> 8
  bytes[9] = label.length
  bytes[10] = protocol.length >>> 8
  bytes[11] = protocol.length
  bytes.set(label, OPEN_HEADER)
  bytes.set(protocol, OPEN_HEADER + label.length)
  return bytes
}

export function encodeAck(): Uint8Array {
  return Uint8Array.of(ACK)
}

/** Undefined for what is malformed or of an unknown message or channel type. */
export function decodeDcep(bytes: Uint8Array): DcepMessage | undefined {
  if (bytes[0] === ACK) return bytes.length === 1 ? { type: 'ack' } : undefined
  if (bytes[0] !== OPEN || bytes.length < OPEN_HEADER) return undefined
  const kind = bytes[1]! & 0x7f
  if (kind > TIMED) return undefined
  const priority = (bytes[2]! << 8) | bytes[3]!
  const parameter = ((bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!) >>> 0
  const labelLength = (bytes[8]! << 8) | bytes[9]!
  const protocolLength = (bytes[10]! << 8) | bytes[11]!
  // RFC 8832 §5.1: nothing follows the protocol.
  if (bytes.length !== OPEN_HEADER + labelLength + protocolLength) return undefined
  const label = text(bytes.subarray(OPEN_HEADER, OPEN_HEADER + labelLength))
  const protocol = text(bytes.subarray(OPEN_HEADER + labelLength))
  if (label === undefined || protocol === undefined) return undefined
  return {
    type: 'open',
    ordered: (bytes[1]! & UNORDERED) === 0,
    // RFC 8832 §5.1: the parameter of a reliable channel is ignored.
    maxRetransmits: kind === REXMIT ? parameter : undefined,
    maxPacketLifeTime: kind === TIMED ? parameter : undefined,
    priority,
    label,
    protocol,
  }
}

function text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined // not UTF-8, which RFC 8832 §5.1 demands
  }
}

/** Handshake message types (RFC 5246 §7.4, RFC 6347 §4.3.2). */
export const HandshakeType: {
  readonly helloRequest: 0
  readonly clientHello: 1
  readonly serverHello: 2
  readonly helloVerifyRequest: 3
  readonly newSessionTicket: 4
  readonly certificate: 11
  readonly serverKeyExchange: 12
  readonly certificateRequest: 13
  readonly serverHelloDone: 14
  readonly certificateVerify: 15
  readonly clientKeyExchange: 16
  readonly finished: 20
} = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4, // RFC 5077 §3.3
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
}

/** Bytes before the body of a message or fragment. */
export const HANDSHAKE_HEADER_LENGTH = 12

/** One fragment, or a whole message when `fragmentLength === length` (RFC 6347 §4.2.2). */
export interface Fragment {
  readonly type: number
  /** Bytes of the whole message without header. */
  readonly length: number
  readonly messageSeq: number
  readonly fragmentOffset: number
  /** A view of the record. */
  readonly body: Uint8Array
}

/** The fragment at `at`, or undefined when its header is cut short or contradicts itself or the record. */
export function decodeFragment(data: Uint8Array, at: number): Fragment | undefined {
  if (data.length - at < HANDSHAKE_HEADER_LENGTH) return undefined
  const length = (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!
  const messageSeq = (data[at + 4]! << 8) | data[at + 5]!
  const fragmentOffset = (data[at + 6]! << 16) | (data[at + 7]! << 8) | data[at + 8]!
  const fragmentLength = (data[at + 9]! << 16) | (data[at + 10]! << 8) | data[at + 11]!
  if (fragmentOffset + fragmentLength > length) return undefined
  const start = at + HANDSHAKE_HEADER_LENGTH
  if (fragmentLength > data.length - start) return undefined
  return { type: data[at]!, length, messageSeq, fragmentOffset, body: data.subarray(start, start + fragmentLength) }
}

export function writeHandshakeHeader(
  out: Uint8Array,
  at: number,
  type: number,
  length: number,
  messageSeq: number,
  fragmentOffset: number,
  fragmentLength: number,
): void {
  out[at] = type
  out[at + 1] = length >>> 16
  out[at + 2] = length >>> 8
  out[at + 3] = length
  out[at + 4] = messageSeq >>> 8
  out[at + 5] = messageSeq
  out[at + 6] = fragmentOffset >>> 16
  out[at + 7] = fragmentOffset >>> 8
  out[at + 8] = fragmentOffset
  out[at + 9] = fragmentLength >>> 16
  out[at + 10] = fragmentLength >>> 8
  out[at + 11] = fragmentLength
}

/** A message as the transcript sees it: in one piece, whatever the network saw (RFC 6347 §4.2.6). */
export function encodeMessage(type: number, messageSeq: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HANDSHAKE_HEADER_LENGTH + body.length)
  writeHandshakeHeader(message, 0, type, body.length, messageSeq, 0, body.length)
  message.set(body, HANDSHAKE_HEADER_LENGTH)
  return message
}

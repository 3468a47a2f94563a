/** The two class bits of a message type (RFC 8489 §5) by name. */
export type MessageClass = 'request' | 'indication' | 'success' | 'error'

/** Method numbers (RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1). */
export const methods = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
  /** libwebrtc's shortened connectivity check, spoken only when both sides announced it. */
  googPing: 0x080,
} as const

/** Numbers for ERROR-CODE with the phrases that their RFC recommends. */
export const reasonPhrases: Readonly<Record<number, string>> = {
  300: 'Try Alternate', // RFC 8489 §14.8
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'Forbidden', // RFC 8656 §19
  405: 'Mobility Forbidden', // RFC 8016 §3.5
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  446: 'Connection Already Exists', // RFC 6062 §6.3
  447: 'Connection Timeout or Failure',
  486: 'Allocation Quota Reached',
  487: 'Role Conflict', // RFC 8445 §16.2
  500: 'Server Error',
  508: 'Insufficient Capacity',
}

/** The fixed second word of every message (RFC 8489 §5). */
export const MAGIC_COOKIE = 0x2112a442

export const HEADER_LENGTH = 20

// The three attributes that the codec itself must know by number (RFC 8489 §14.5–14.7).
export const MESSAGE_INTEGRITY = 0x0008
export const MESSAGE_INTEGRITY_SHA256 = 0x001c
export const FINGERPRINT = 0x8028

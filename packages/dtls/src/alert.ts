/** Alert descriptions by name (RFC 5246 §7.2, RFC 6066 §9, RFC 7301, RFC 8446 §6). */
export const ALERTS = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const

/** An alert by its RFC name, or `alert_<number>` for one that has none here. */
export type AlertDescription = keyof typeof ALERTS | `alert_${number}`

export const LEVEL_WARNING = 1
export const LEVEL_FATAL = 2

/** An alert as it came from the wire. */
export interface Alert {
  readonly level: number
  readonly code: number
  readonly description: AlertDescription
}

const NAMES = new Map<number, AlertDescription>(
  Object.entries(ALERTS).map(([name, code]) => [code, name as AlertDescription]),
)

/** Exactly two bytes: level and description (RFC 5246 §7.2). A level that does not exist is malformed. */
export function decodeAlert(data: Uint8Array): Alert | undefined {
  if (data.length !== 2) return undefined
  const level = data[0]!
  if (level !== LEVEL_WARNING && level !== LEVEL_FATAL) return undefined
  const code = data[1]!
  return { level, code, description: NAMES.get(code) ?? `alert_${code}` }
}

/** The number of a description; undefined for a name that is none. */
export function alertNumber(description: AlertDescription): number | undefined {
  if (description in ALERTS) return ALERTS[description as keyof typeof ALERTS]
  const number = /^alert_(\d+)$/.exec(description)
  return number === null ? undefined : Number(number[1])
}

export function encodeAlert(level: number, code: number): Uint8Array {
  return Uint8Array.of(level, code)
}

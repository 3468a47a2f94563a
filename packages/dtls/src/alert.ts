/** Alert descriptions by name (RFC 5246 §7.2, RFC 6066 §9, RFC 7301, RFC 8446 §6). */
export const ALERTS: {
  readonly close_notify: 0
  readonly unexpected_message: 10
  readonly bad_record_mac: 20
  readonly record_overflow: 22
  readonly handshake_failure: 40
  readonly bad_certificate: 42
  readonly unsupported_certificate: 43
  readonly certificate_revoked: 44
  readonly certificate_expired: 45
  readonly certificate_unknown: 46
  readonly illegal_parameter: 47
  readonly unknown_ca: 48
  readonly access_denied: 49
  readonly decode_error: 50
  readonly decrypt_error: 51
  readonly protocol_version: 70
  readonly insufficient_security: 71
  readonly internal_error: 80
  readonly inappropriate_fallback: 86
  readonly user_canceled: 90
  readonly no_renegotiation: 100
  readonly missing_extension: 109
  readonly unsupported_extension: 110
  readonly unrecognized_name: 112
  readonly bad_certificate_status_response: 113
  readonly unknown_psk_identity: 115
  readonly certificate_required: 116
  readonly no_application_protocol: 120
} = {
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
}

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

export function encodeAlert(level: number, code: number): Uint8Array {
  return Uint8Array.of(level, code)
}

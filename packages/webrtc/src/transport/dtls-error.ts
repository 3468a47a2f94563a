import type { DtlsError } from '@kaon/dtls'
import { RTCError } from '../rtc-error.ts'

/** RFC 5246 §7.2, RFC 8446 §6: numbers of the alerts that can end a handshake. */
const ALERTS: Readonly<Record<string, number>> = {
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
  certificate_required: 116,
}

/** W3C WebRTC 1.0 §11.1.2: `fingerprint-failure` when the certificate is not the announced one, else `dtls-failure`. */
export function toDtlsError(error: DtlsError | undefined): RTCError {
  if (error?.code === 'ERR_DTLS_FINGERPRINT') return new RTCError({ errorDetail: 'fingerprint-failure' }, error.message)
  const alert = error?.alert === undefined ? undefined : ALERTS[error.alert]
  return new RTCError(
    {
      errorDetail: 'dtls-failure',
      ...(alert === undefined
        ? {}
        : error?.code === 'ERR_DTLS_ALERT'
          ? { receivedAlert: alert }
          : { sentAlert: alert }),
    },
    error?.message ?? 'DTLS failed',
  )
}

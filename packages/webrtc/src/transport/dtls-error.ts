import type { DtlsError } from '@kaon/dtls'
import { RTCError } from '../rtc-error.ts'

/** W3C WebRTC 1.0 §11.1.2: `fingerprint-failure` when the certificate is not the announced one, else `dtls-failure`. */
export function toDtlsError(error: DtlsError | undefined): RTCError {
  if (error?.code === 'ERR_DTLS_FINGERPRINT') return new RTCError({ errorDetail: 'fingerprint-failure' }, error.message)
  const alert = error?.alertNumber
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

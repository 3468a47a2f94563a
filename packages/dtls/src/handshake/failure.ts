import { type AlertDescription, ALERTS } from '../alert.ts'
import { DtlsError, type DtlsErrorCode } from '../error.ts'

/**
 * Ends the handshake from anywhere below the connection, which catches it, sends the alert and reports the error. It never
 * leaves the package.
 */
export function fail(code: DtlsErrorCode, alert: keyof typeof ALERTS, message: string): never {
  throw new DtlsError(code, message, alert satisfies AlertDescription)
}

/** `decode_error` for what a decoder did not like. */
export function decoded<T>(value: T | undefined, what: string): T {
  if (value === undefined) fail('ERR_DTLS_PROTOCOL', 'decode_error', `malformed ${what}`)
  return value
}

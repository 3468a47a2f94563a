import { describe, expect, it } from 'vitest'
import { DtlsError } from '../src/index.ts'

describe('DtlsError', () => {
  it('knows the number of its alert, named or not', () => {
    expect(new DtlsError('ERR_DTLS_ALERT', '', 'handshake_failure').alertNumber).toBe(40)
    expect(new DtlsError('ERR_DTLS_ALERT', '', 'alert_200').alertNumber).toBe(200)
    expect(new DtlsError('ERR_DTLS_TIMEOUT', '').alertNumber).toBeUndefined()
  })
})

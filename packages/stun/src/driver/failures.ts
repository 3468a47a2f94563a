import { StunError } from '../error.ts'
import type { StunFailure } from '../transaction.ts'

export function closedError(): StunError {
  return new StunError('ERR_STUN_CLOSED', 'the client is closed')
}

export function failure(reason: StunFailure, host: string): StunError {
  switch (reason) {
    case 'timeout':
      return new StunError('ERR_STUN_TIMEOUT', `no response from ${host}`)
    case 'integrity':
      return new StunError('ERR_STUN_INTEGRITY', `no authentic response from ${host}: wrong password?`)
    case 'unknown-attribute':
    case 'malformed':
      return new StunError('ERR_STUN_MALFORMED', `${host} sent a response that cannot be understood`)
    case 'cancelled':
      return closedError()
  }
}

export function refusal(code: number, reason: string, withCredentials: boolean): StunError {
  if (code === 401 && withCredentials) {
    return new StunError('ERR_STUN_CREDENTIALS', 'the server refuses username or password', { responseCode: code })
  }
  const text = code === 401 ? 'the server wants a username and a password' : `the server answered ${code} ${reason}`
  return new StunError('ERR_STUN_RESPONSE', text.trimEnd(), { responseCode: code })
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}

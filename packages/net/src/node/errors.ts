import { NetError } from '../errors.ts'
import type { NetErrorCode } from '../errors.ts'
import type { Endpoint } from '../network.ts'

/** The system's name of an error, such as `'EADDRINUSE'`. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

export function wrapError(code: NetErrorCode, error: unknown, remote?: Endpoint): NetError {
  const message = error instanceof Error ? error.message : String(error)
  return new NetError(code, message, { systemCode: systemCodeOf(error), remote, cause: error })
}

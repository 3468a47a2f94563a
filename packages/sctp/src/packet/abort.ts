import { joinParameters } from '../parameter/parameter.ts'
import { encodeChunk } from './chunk.ts'
import { FLAG_TAG_REFLECTED } from './shutdown.ts'
import { ABORT, ERROR } from './types.ts'

/** ABORT (RFC 9260 §3.3.7) with encoded error causes. */
export function encodeAbort(causes: readonly Uint8Array[], reflected: boolean): Uint8Array {
  return encodeChunk(ABORT, reflected ? FLAG_TAG_REFLECTED : 0, joinParameters(causes))
}

/** ERROR (RFC 9260 §3.3.10) with encoded error causes. */
export function encodeError(causes: readonly Uint8Array[]): Uint8Array {
  return encodeChunk(ERROR, 0, joinParameters(causes))
}

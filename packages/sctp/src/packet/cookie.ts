import { allocateChunk, encodeChunk } from './chunk.ts'
import { COOKIE_ACK, COOKIE_ECHO } from './types.ts'

/** COOKIE ECHO (RFC 9260 §3.3.11): the state cookie of the INIT ACK, unchanged. */
export function encodeCookieEcho(cookie: Uint8Array): Uint8Array {
  return encodeChunk(COOKIE_ECHO, 0, cookie)
}

/** COOKIE ACK (RFC 9260 §3.3.12). */
export function encodeCookieAck(): Uint8Array {
  return allocateChunk(COOKIE_ACK, 0, 0)
}

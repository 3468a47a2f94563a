import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import type { Capabilities } from '../parameter/capabilities.ts'
import { constantTimeEqual, hmacSha256 } from './sha256.ts'

/**
 * What the answerer of an INIT would have to remember, given to the peer instead and taken back in the COOKIE ECHO
 * (RFC 9260 §5.1.3). Only its maker can read or make one.
 */
export interface StateCookie extends Capabilities {
  /** When it was made, ms on the association's clock. */
  createdAt: number
  localTag: number
  peerTag: number
  localInitialTsn: number
  peerInitialTsn: number
  /** The peer's advertised receiver window. */
  peerWindow: number
  /** As the peer's INIT has them: OS and MIS. */
  peerOutboundStreams: number
  peerInboundStreams: number
  /** Tags of the association that there was when the INIT came; 0 and 0 when there was none. */
  localTieTag: number
  peerTieTag: number
}

const BODY_SIZE = 45
const MAC_SIZE = 32

export function encodeStateCookie(cookie: StateCookie, secret: Uint8Array): Uint8Array {
  const out = new Uint8Array(BODY_SIZE + MAC_SIZE)
  new DataView(out.buffer).setFloat64(0, cookie.createdAt)
  writeUint32(out, 8, cookie.localTag)
  writeUint32(out, 12, cookie.peerTag)
  writeUint32(out, 16, cookie.localInitialTsn)
  writeUint32(out, 20, cookie.peerInitialTsn)
  writeUint32(out, 24, cookie.peerWindow)
  writeUint16(out, 28, cookie.peerOutboundStreams)
  writeUint16(out, 30, cookie.peerInboundStreams)
  writeUint32(out, 32, cookie.localTieTag)
  writeUint32(out, 36, cookie.peerTieTag)
  out[40] =
    (cookie.partialReliability ? 1 : 0) |
    (cookie.interleaving ? 2 : 0) |
    (cookie.streamReset ? 4 : 0) |
    (cookie.zeroChecksum ? 8 : 0)
  out.set(hmacSha256(secret, out.subarray(0, BODY_SIZE)), BODY_SIZE)
  return out
}

/** Undefined when it is not ours, or was changed. */
export function parseStateCookie(bytes: Uint8Array, secret: Uint8Array): StateCookie | undefined {
  if (bytes.length !== BODY_SIZE + MAC_SIZE) return undefined
  const body = bytes.subarray(0, BODY_SIZE)
  if (!constantTimeEqual(hmacSha256(secret, body), bytes.subarray(BODY_SIZE))) return undefined
  const flags = bytes[40]!
  return {
    createdAt: new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0),
    localTag: readUint32(bytes, 8),
    peerTag: readUint32(bytes, 12),
    localInitialTsn: readUint32(bytes, 16),
    peerInitialTsn: readUint32(bytes, 20),
    peerWindow: readUint32(bytes, 24),
    peerOutboundStreams: readUint16(bytes, 28),
    peerInboundStreams: readUint16(bytes, 30),
    localTieTag: readUint32(bytes, 32),
    peerTieTag: readUint32(bytes, 36),
    partialReliability: (flags & 1) !== 0,
    interleaving: (flags & 2) !== 0,
    streamReset: (flags & 4) !== 0,
    zeroChecksum: (flags & 8) !== 0,
  }
}

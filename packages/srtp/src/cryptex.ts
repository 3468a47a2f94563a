// Cryptex (RFC 9335) encrypts CSRCs and header extensions along with the payload. What stays in the clear, the fixed header and the four bytes
// in front of the extension, is not contiguous when there are CSRCs. So those four bytes change places with the CSRCs while the packet is
// encrypted or decrypted: then the clear part is the first 16 bytes, and all the rest is one piece.

import { csrcBytes, EXTENSION_HEADER, FIXED_HEADER, hasExtension, uint16 } from './rtp-header.ts'

/** Bytes that stay in the clear, once the extension's first four bytes are in front of the CSRCs. */
export const CRYPTEX_CLEAR: number = FIXED_HEADER + EXTENSION_HEADER

// "Defined by profile" of RFC 8285 extensions, and what stands there when they are encrypted (RFC 9335 §5).
const ONE_BYTE = 0xbede
const TWO_BYTE = 0x1000
export const ENCRYPTED_ONE_BYTE = 0xc0de
const ENCRYPTED_TWO_BYTE = 0xc2de

/** The "defined by profile" of this packet's header extension, or -1 when it has none. */
export function extensionProfile(packet: Uint8Array): number {
  return hasExtension(packet) ? uint16(packet, FIXED_HEADER + csrcBytes(packet)) : -1
}

/** What a profile becomes by encryption, or 0 for an extension that cryptex must not be used with (RFC 9335 §5.1). */
export function encryptedProfile(profile: number): number {
  if (profile === ONE_BYTE) return ENCRYPTED_ONE_BYTE
  return profile === TWO_BYTE ? ENCRYPTED_TWO_BYTE : 0
}

/** What a profile was before encryption, or 0 for one that says that nothing is encrypted. */
export function plainProfile(profile: number): number {
  if (profile === ENCRYPTED_ONE_BYTE) return ONE_BYTE
  return profile === ENCRYPTED_TWO_BYTE ? TWO_BYTE : 0
}

/** Brings the extension's first four bytes in front of the CSRCs of the packet at `start`. */
export function hoistExtension(bytes: Uint8Array, start: number, csrcs: number): void {
  if (csrcs === 0) return
  const at = start + FIXED_HEADER
  const moved = bytes.slice(at + csrcs, at + csrcs + EXTENSION_HEADER)
  bytes.copyWithin(at + EXTENSION_HEADER, at, at + csrcs)
  bytes.set(moved, at)
}

/** Brings them back behind the CSRCs. */
export function settleExtension(bytes: Uint8Array, start: number, csrcs: number): void {
  if (csrcs === 0) return
  const at = start + FIXED_HEADER
  const moved = bytes.slice(at, at + EXTENSION_HEADER)
  bytes.copyWithin(at, at + EXTENSION_HEADER, at + EXTENSION_HEADER + csrcs)
  bytes.set(moved, at + csrcs)
}

export function putProfile(bytes: Uint8Array, at: number, profile: number): void {
  bytes[at] = profile >>> 8
  bytes[at + 1] = profile
}

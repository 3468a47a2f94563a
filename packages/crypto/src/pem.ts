import { CryptoError } from './errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Wraps DER in PEM armour (RFC 7468 §2). `label` is for example `CERTIFICATE` or `PRIVATE KEY`. */
export function derToPem(der: Uint8Array, label: string): string {
  if (!/^[A-Z0-9][A-Z0-9 ]*$/.test(label)) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'a PEM label consists of capital letters, digits and spaces')
  }
  const base64 = encodeBase64(der)
  let lines = ''
  for (let at = 0; at < base64.length; at += 64) lines += base64.slice(at, at + 64) + '\n'
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`
}

/** The DER of every PEM block with this label, in their order; blocks that are not base64 are left out. Text around the blocks is ignored. */
export function pemToDer(pem: string, label: string): Uint8Array[] {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Uint8Array[] = []
  for (let at = pem.indexOf(begin); at >= 0; at = pem.indexOf(begin, at)) {
    const start = at + begin.length
    const stop = pem.indexOf(end, start)
    if (stop < 0) break
    const der = decodeBase64(pem.slice(start, stop))
    if (der !== undefined) blocks.push(der)
    at = stop + end.length
  }
  return blocks
}

function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const bits = (bytes[i]! << 16) | ((left > 1 ? bytes[i + 1]! : 0) << 8) | (left > 2 ? bytes[i + 2]! : 0)
    text += ALPHABET[bits >>> 18]! + ALPHABET[(bits >>> 12) & 63]!
    text += left > 1 ? ALPHABET[(bits >>> 6) & 63]! : '='
    text += left > 2 ? ALPHABET[bits & 63]! : '='
  }
  return text
}

/** Base64 with white space anywhere; undefined for any other character, or padding that does not fit. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(/\s+/g, '')
  if (packed.length % 4 !== 0) return undefined
  const padding = packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0
  const out = new Uint8Array((packed.length / 4) * 3 - padding)
  let bits = 0
  let at = 0
  for (let i = 0; i < packed.length; i++) {
    const value = i >= packed.length - padding ? 0 : ALPHABET.indexOf(packed[i]!)
    if (value < 0) return undefined
    bits = ((bits << 6) | value) & 0xffffff
    if (i % 4 !== 3) continue
    for (let shift = 16; shift >= 0 && at < out.length; shift -= 8) out[at++] = (bits >>> shift) & 0xff
  }
  return out
}

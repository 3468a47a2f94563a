import { decodeBase64, encodeBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'

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
    const der = decodeBase64(pem.slice(start, stop).replace(/\s+/g, ''))
    if (der !== undefined) blocks.push(der)
    at = stop + end.length
  }
  return blocks
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 (RFC 4648 §4), padded or not. Undefined for other characters. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const end = text.indexOf('=') < 0 ? text.length : text.indexOf('=')
  const out = new Uint8Array(Math.floor((end * 3) / 4))
  let written = 0
  let buffer = 0
  let bits = 0
  for (let index = 0; index < end; index++) {
    const value = ALPHABET.indexOf(text.charAt(index))
    if (value < 0) return undefined
    buffer = ((buffer << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out[written++] = (buffer >> bits) & 0xff
  }
  return out
}

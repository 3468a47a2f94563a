const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 with padding, in one line (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
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

/** Reads base64 without white space; undefined for any other character, or padding that does not fit. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const out = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const value = i >= text.length - padding ? 0 : valueOf(text.charCodeAt(i))
    if (value < 0) return undefined
    bits = ((bits << 6) | value) & 0xffffff
    if (i % 4 !== 3) continue
    for (let shift = 16; shift >= 0 && at < out.length; shift -= 8) out[at++] = (bits >>> shift) & 0xff
  }
  return out
}

function valueOf(character: number): number {
  if (character >= 65 && character <= 90) return character - 65
  if (character >= 97 && character <= 122) return character - 71
  if (character >= 48 && character <= 57) return character + 4
  return character === 43 ? 62 : character === 47 ? 63 : -1
}

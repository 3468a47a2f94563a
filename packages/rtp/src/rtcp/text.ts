const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** UTF-8 (RFC 3550 §6.5); what is not becomes U+FFFD. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}

/** At most 255 bytes, since one byte counts them; cut between characters. */
export function encodeText(text: string): Uint8Array {
  const encoded = encoder.encode(text)
  if (encoded.length <= 255) return encoded
  let end = 255
  while ((encoded[end]! & 0xc0) === 0x80) end--
  return encoded.subarray(0, end)
}

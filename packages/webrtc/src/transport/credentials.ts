import type { IceCredentials } from '../jsep/sections.ts'

const ICE_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Fresh credentials for an ICE restart: 48 and 144 random bits, where RFC 8445 §5.3 asks for 24 and 128. */
export function generateCredentials(random: (length: number) => Uint8Array): IceCredentials {
  return { usernameFragment: iceChars(random(8)), password: iceChars(random(24)) }
}

function iceChars(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += ICE_CHARS[byte & 63]!
  return text
}

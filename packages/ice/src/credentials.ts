import { IceError } from './error.ts'

/** What one side tells the other about itself (W3C RTCIceParameters and the session-level attributes of RFC 8839). */
export interface IceParameters {
  /** 4–256 ice-chars (RFC 8839 §5.4). */
  readonly usernameFragment: string
  /** 22–256 ice-chars. */
  readonly password: string
  /** The side is an ICE-lite implementation: it only answers checks (`a=ice-lite`). */
  readonly iceLite?: boolean
  /** The Ta the side proposes, in ms (`a=ice-pacing`, RFC 8839 §5.5); both use the larger of the two. */
  readonly pacing?: number
  /** The side understands the NOMINATION attribute (`a=ice-options:renomination`, libwebrtc). */
  readonly renomination?: boolean
}

const ICE_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
// RFC 8839 §5.4 has letters, digits, `+` and `/`. Some deployed peers use more, which browsers accept, and so does Kaon.
const USERNAME_FRAGMENT = /^[A-Za-z0-9+/=#_-]{4,256}$/
const PASSWORD = /^[A-Za-z0-9+/=#_-]{22,256}$/

// RFC 8445 §5.3 asks for at least 24 bits of randomness in a ufrag and 128 in a password. Six bits a character:
// 8 characters are 48 bits, so that two sessions behind one port do not meet by chance, and 24 characters are 144.
const USERNAME_FRAGMENT_LENGTH = 8
const PASSWORD_LENGTH = 24

/** Fresh credentials; `random` must be cryptographically strong. */
export function generateCredentials(random: (length: number) => Uint8Array): {
  usernameFragment: string
  password: string
} {
  return {
    usernameFragment: iceChars(random(USERNAME_FRAGMENT_LENGTH)),
    password: iceChars(random(PASSWORD_LENGTH)),
  }
}

/** @throws IceError `ERR_ICE_PARAMETERS` when a remote side's credentials are outside RFC 8839 §5.4. */
export function checkParameters(parameters: IceParameters): void {
  // The password itself stays out of the message: messages end up in logs.
  if (typeof parameters.usernameFragment !== 'string' || !USERNAME_FRAGMENT.test(parameters.usernameFragment)) {
    throw new IceError(
      'ERR_ICE_PARAMETERS',
      'an ICE username fragment has 4 to 256 characters of A–Z a–z 0–9 + / = # _ -',
    )
  }
  if (typeof parameters.password !== 'string' || !PASSWORD.test(parameters.password)) {
    throw new IceError('ERR_ICE_PARAMETERS', 'an ICE password has 22 to 256 characters of A–Z a–z 0–9 + / = # _ -')
  }
}

function iceChars(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += ICE_CHARS[byte & 63]
  return text
}

// RFC 3711 appendix B.2: AES-CM key stream for SSRC 0, index 0. Its salt is that of B.2 without the last 16 bits.
export const KEYSTREAM_KEY = '2b7e151628aed2a6abf7158809cf4f3c'
export const KEYSTREAM_SALT = 'f0f1f2f3f4f5f6f7f8f9fafbfcfd'
export const KEYSTREAM_START =
  'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0'
/** The blocks 0xfeff to 0xff01. */
export const KEYSTREAM_END =
  'ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44'

// Appendix B.3: key derivation. The authentication key there is longer than HMAC-SHA1's.
export const MASTER_KEY = 'e1f97a0d3e018be0d64fa32c06de4139'
export const MASTER_SALT = '0ec675ad498afeebb6960b3aabe6'
export const CIPHER_KEY = 'c61e7a93744f39ee10734afe3ff7a087'
export const CIPHER_SALT = '30cbbc08863d8c85d49db34a9ae1'
export const AUTHENTICATION_KEY = 'cebe321f6ff7716b6fd4ab49af256a156d38baa4'

import type * as aes from '@noble/ciphers/aes.js'
import type * as chacha from '@noble/ciphers/chacha.js'
import type * as ed25519 from '@noble/curves/ed25519.js'
import type * as nist from '@noble/curves/nist.js'
import type * as hmac from '@noble/hashes/hmac.js'
import type * as legacy from '@noble/hashes/legacy.js'
import type * as sha2 from '@noble/hashes/sha2.js'

/**
 * The noble modules, each behind a getter. Portable code imports them; the Node entry loads each when it is first needed,
 * since all of them together take about 50 ms to import and Node seldom needs any.
 */
export interface NobleLibrary {
  readonly aes: typeof aes
  readonly chacha: typeof chacha
  readonly ed25519: typeof ed25519
  readonly nist: typeof nist
  readonly hmac: typeof hmac
  readonly legacy: typeof legacy
  readonly sha2: typeof sha2
}

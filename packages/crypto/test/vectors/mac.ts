import type { HashName } from '../../src/types.ts'

/** FIPS 180-4 / RFC 1321 examples: the hash of `abc`. */
export const HASH_ABC: Readonly<Record<HashName, string>> = {
  md5: '900150983cd24fb0d6963f7d28e17f72',
  sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  sha384: `cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163
    1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7`,
  sha512: `ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f`,
}

export interface HmacVector {
  readonly source: string
  readonly key: string
  readonly data: string
  readonly tags: Readonly<Partial<Record<HashName, string>>>
}

export const HMAC_VECTORS: readonly HmacVector[] = [
  {
    source: 'RFC 4231 §4.2',
    key: '0b'.repeat(20),
    data: '4869205468657265',
    tags: {
      sha256: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      sha384: `afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6
        82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6`,
      sha512: `87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
        daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854`,
    },
  },
  {
    source: 'RFC 4231 §4.3, RFC 2202 §2 and §3 (2)',
    key: '4a656665',
    data: '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    tags: {
      md5: '750c783e6ab0b503eaa86e310a5db738',
      sha1: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
      sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      sha384: `af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47
        e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649`,
      sha512: `164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
        9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737`,
    },
  },
  {
    source: 'RFC 4231 §4.4',
    key: 'aa'.repeat(20),
    data: 'dd'.repeat(50),
    tags: { sha256: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe' },
  },
  {
    source: 'RFC 4231 §4.7 (a key longer than a block)',
    key: 'aa'.repeat(131),
    data: `54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374`,
    tags: { sha256: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54' },
  },
]

import { equalBytes } from './reader.ts'

/** Contents of OBJECT IDENTIFIER elements. */
export const Oid: Readonly<Record<OidName, Uint8Array>> = {
  ecPublicKey: oid('2a8648ce3d0201'), // 1.2.840.10045.2.1
  prime256v1: oid('2a8648ce3d030107'), // 1.2.840.10045.3.1.7
  secp384r1: oid('2b81040022'), // 1.3.132.0.34
  rsaEncryption: oid('2a864886f70d010101'), // 1.2.840.113549.1.1.1
  rsassaPss: oid('2a864886f70d01010a'), // 1.2.840.113549.1.1.10
  sha1WithRsa: oid('2a864886f70d010105'), // 1.2.840.113549.1.1.5
  sha256WithRsa: oid('2a864886f70d01010b'),
  sha384WithRsa: oid('2a864886f70d01010c'),
  sha512WithRsa: oid('2a864886f70d01010d'),
  ecdsaWithSha1: oid('2a8648ce3d0401'), // 1.2.840.10045.4.1
  ecdsaWithSha256: oid('2a8648ce3d040302'), // 1.2.840.10045.4.3.2
  ecdsaWithSha384: oid('2a8648ce3d040303'),
  sha256: oid('608648016503040201'), // 2.16.840.1.101.3.4.2.1
  sha384: oid('608648016503040202'),
  sha512: oid('608648016503040203'),
  commonName: oid('550403'), // 2.5.4.3
}

type OidName =
  | 'ecPublicKey'
  | 'prime256v1'
  | 'secp384r1'
  | 'rsaEncryption'
  | 'rsassaPss'
  | 'sha1WithRsa'
  | 'sha256WithRsa'
  | 'sha384WithRsa'
  | 'sha512WithRsa'
  | 'ecdsaWithSha1'
  | 'ecdsaWithSha256'
  | 'ecdsaWithSha384'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'commonName'

export function isOid(content: Uint8Array | undefined, name: OidName): boolean {
  return equalBytes(content, Oid[name])
}

function oid(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

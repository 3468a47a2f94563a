import type { SignatureScheme } from '@kaon/crypto'
import { EMPTY, sameBytes } from './bytes.ts'
import type { ClientHello, Extension } from './handshake/client-hello.ts'
import {
  decodeList16,
  decodeSupportedVersions,
  decodeUseSrtp,
  encodeUseSrtp,
  ExtensionType,
  findExtension,
  hasExtendedMasterSecret,
} from './handshake/extensions.ts'
import { decoded, fail } from './handshake/failure.ts'
import { groupId } from './handshake/key-exchange.ts'
import { chooseScheme } from './handshake/signature.ts'
import type { ResolvedOptions } from './options.ts'
import { VERSION_1_2 } from './record/header.ts'
import { type SrtpProfile, srtpProfileId, srtpProfileOf } from './srtp-profile.ts'
import { type CipherSuite, EMPTY_RENEGOTIATION_INFO_SCSV } from './suites.ts'

/** What a server makes of a ClientHello. */
export interface ServerTerms {
  readonly suite: CipherSuite
  readonly group: number
  /** What ServerKeyExchange is signed with. */
  readonly scheme: SignatureScheme
  readonly extendedMasterSecret: boolean
  readonly srtpProfile: SrtpProfile | undefined
  /** Of the ServerHello: only what the client offered, and only what 1.2 knows; nothing of a 1.3 attempt leaves a trace. */
  readonly extensions: readonly Extension[]
}

/** Throws what there is to object to. Changes nothing: the next hello may be a better one. */
export function chooseTerms(hello: ClientHello, options: ResolvedOptions): ServerTerms {
  if (!hello.compressionMethods.includes(0)) {
    fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the client does not offer the null compression')
  }
  const group = chooseGroup(hello, options)
  const scheme = choosePeerScheme(hello, options)
  const suite = chooseSuite(hello, options)
  const extensions: Extension[] = []
  if (offersRenegotiationInfo(hello)) {
    extensions.push({ type: ExtensionType.renegotiationInfo, data: Uint8Array.of(0) })
  }
  const extendedMasterSecret = decoded(hasExtendedMasterSecret(hello.extensions), 'extended_master_secret')
  if (extendedMasterSecret) extensions.push({ type: ExtensionType.extendedMasterSecret, data: EMPTY })
  if (findExtension(hello.extensions, ExtensionType.ecPointFormats) !== undefined) {
    extensions.push({ type: ExtensionType.ecPointFormats, data: Uint8Array.of(1, 0) })
  }
  const srtp = chooseSrtpProfile(hello, options)
  if (srtp !== undefined) {
    // We use no MKI, and say so by an empty one (RFC 5764 §4.1.3).
    extensions.push({ type: ExtensionType.useSrtp, data: encodeUseSrtp({ profiles: [srtp], mki: EMPTY }) })
  }
  const srtpProfile = srtp === undefined ? undefined : srtpProfileOf(srtp)
  return { suite, group, scheme, extendedMasterSecret, srtpProfile, extensions }
}

/**
 * We know nothing newer than 1.2. A client that also speaks 1.3 says 1.2 in `version` and lists both in `supported_versions`; one that
 * lists only 1.3 would not take 1.2 from us (RFC 8446 §4.2.1). Versions count downwards (RFC 6347 §4.1).
 */
export function checkVersion(hello: ClientHello): void {
  const list = findExtension(hello.extensions, ExtensionType.supportedVersions)
  const offers1_2 =
    list === undefined
      ? hello.version >>> 8 === 0xfe && hello.version <= VERSION_1_2
      : decoded(decodeSupportedVersions(list), 'supported_versions').includes(VERSION_1_2)
  if (!offers1_2) fail('ERR_DTLS_NEGOTIATION', 'protocol_version', 'the client does not offer DTLS 1.2')
}

/** A client that sends no list takes any curve (RFC 8422 §4). */
function chooseGroup(hello: ClientHello, options: ResolvedOptions): number {
  const formats = findExtension(hello.extensions, ExtensionType.ecPointFormats)
  if (formats !== undefined && (formats.length !== formats[0]! + 1 || !formats.subarray(1).includes(0))) {
    fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the client cannot read uncompressed points')
  }
  const data = findExtension(hello.extensions, ExtensionType.supportedGroups)
  const offered = data === undefined ? undefined : decoded(decodeList16(data), 'supported_groups')
  for (const group of options.groups) {
    const id = groupId(group)!
    // X25519 is younger than the custom of leaving the list out.
    if (offered === undefined ? group !== 'x25519' : offered.includes(id)) return id
  }
  return fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common group')
}

/** Leaving the list out used to mean SHA-1, and is refused since RFC 9155 §2. */
function choosePeerScheme(hello: ClientHello, options: ResolvedOptions): SignatureScheme {
  const data = findExtension(hello.extensions, ExtensionType.signatureAlgorithms)
  const offered = data === undefined ? [] : decoded(decodeList16(data), 'signature_algorithms')
  const scheme = chooseScheme(options.signatureSchemes, offered, options.certificate!.privateKey.algorithm)
  if (scheme === undefined) {
    fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common signature scheme for the certificate')
  }
  return scheme
}

/** In our order of preference, since we know our costs. */
function chooseSuite(hello: ClientHello, options: ResolvedOptions): CipherSuite {
  const isRsa = options.certificate!.privateKey.algorithm === 'rsa'
  for (const suite of options.suites) {
    if ((suite.authentication === 'rsa') === isRsa && hello.cipherSuites.includes(suite.id)) return suite
  }
  return fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common cipher suite')
}

/** RFC 5746 §3.6: the extension, empty, or the suite that stands for it. */
function offersRenegotiationInfo(hello: ClientHello): boolean {
  const renegotiation = findExtension(hello.extensions, ExtensionType.renegotiationInfo)
  if (renegotiation === undefined) return hello.cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)
  if (!sameBytes(renegotiation, Uint8Array.of(0))) {
    fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'renegotiation_info is not empty')
  }
  return true
}

/** RFC 5764 §4.1.1. None in common: the handshake goes on without. */
function chooseSrtpProfile(hello: ClientHello, options: ResolvedOptions): number | undefined {
  const data = findExtension(hello.extensions, ExtensionType.useSrtp)
  if (data === undefined) return undefined
  const { profiles } = decoded(decodeUseSrtp(data), 'use_srtp')
  return options.srtpProfiles.map((profile) => srtpProfileId(profile)!).find((id) => profiles.includes(id))
}

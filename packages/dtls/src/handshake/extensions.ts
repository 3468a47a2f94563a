import { listOf16, Reader, Writer } from '../bytes.ts'
import type { Extension } from './client-hello.ts'

/** Extension types that mean something here. */
export const ExtensionType: {
  readonly serverName: 0
  readonly supportedGroups: 10
  readonly ecPointFormats: 11
  readonly signatureAlgorithms: 13
  readonly useSrtp: 14
  readonly extendedMasterSecret: 23
  readonly sessionTicket: 35
  readonly supportedVersions: 43
  readonly renegotiationInfo: 0xff01
} = {
  serverName: 0, // RFC 6066 §3
  supportedGroups: 10, // RFC 8422 §5.1.1
  ecPointFormats: 11, // RFC 8422 §5.1.2
  signatureAlgorithms: 13, // RFC 5246 §7.4.1.4.1
  useSrtp: 14, // RFC 5764 §4.1.1
  extendedMasterSecret: 23, // RFC 7627 §5.1
  sessionTicket: 35, // RFC 5077 §3.2
  supportedVersions: 43, // RFC 8446 §4.2.1
  renegotiationInfo: 0xff01, // RFC 5746 §3.2
}

export function findExtension(list: readonly Extension[], type: number): Uint8Array | undefined {
  for (const extension of list) if (extension.type === type) return extension.data
  return undefined
}

/** The rest of a hello: nothing, or a list. Two of one type are malformed (RFC 5246 §7.4.1.4). */
export function decodeExtensions(reader: Reader): Extension[] | undefined {
  if (reader.remaining === 0) return []
  const list = new Reader(reader.vector16())
  const extensions: Extension[] = []
  const seen = new Set<number>()
  while (list.remaining > 0) {
    const type = list.u16()
    const data = list.vector16()
    if (list.overrun || seen.has(type)) return undefined
    seen.add(type)
    extensions.push({ type, data })
  }
  return extensions
}

/** Writes nothing for an empty list: old peers know no extensions. */
export function encodeExtensions(writer: Writer, extensions: readonly Extension[]): void {
  if (extensions.length === 0) return
  const list = new Writer()
  for (const extension of extensions) list.u16(extension.type).vector16(extension.data)
  writer.vector16(list.finish())
}

/** Whether a hello has the extension, which must be empty (RFC 7627 §5.1): undefined when it is not. */
export function hasExtendedMasterSecret(list: readonly Extension[]): boolean | undefined {
  const data = findExtension(list, ExtensionType.extendedMasterSecret)
  if (data === undefined) return false
  return data.length === 0 ? true : undefined
}

/** Content of `supported_groups` and `signature_algorithms`: numbers of two bytes behind a length of two. */
export function decodeList16(data: Uint8Array): number[] | undefined {
  const reader = new Reader(data)
  const list = listOf16(reader.vector16())
  return reader.complete ? list : undefined
}

export function encodeList16(values: readonly number[]): Uint8Array {
  return new Writer().list16(values).finish()
}

/** Content of `supported_versions` in a ClientHello: numbers of two bytes behind a length of one (RFC 8446 §4.2.1). */
export function decodeSupportedVersions(data: Uint8Array): number[] | undefined {
  const reader = new Reader(data)
  const list = listOf16(reader.vector8())
  return reader.complete ? list : undefined
}

/** RFC 5764 §4.1.1: profile ids and the MKI value. */
export interface UseSrtp {
  readonly profiles: readonly number[]
  readonly mki: Uint8Array
}

export function decodeUseSrtp(data: Uint8Array): UseSrtp | undefined {
  const reader = new Reader(data)
  const profiles = listOf16(reader.vector16())
  const mki = reader.vector8()
  return reader.complete && profiles !== undefined && profiles.length > 0 ? { profiles, mki } : undefined
}

export function encodeUseSrtp(value: UseSrtp): Uint8Array {
  return new Writer().list16(value.profiles).vector8(value.mki).finish()
}

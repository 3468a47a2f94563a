import type { NamedGroup } from '@kaon/crypto'
import { Reader, Writer } from '../bytes.ts'
import { type DigitallySigned, readDigitallySigned } from './signature.ts'

const GROUP_IDS: Record<NamedGroup, number> = { p256: 23, p384: 24, x25519: 29 }
const GROUPS = new Map<number, NamedGroup>(Object.entries(GROUP_IDS).map(([name, id]) => [id, name as NamedGroup]))

/** RFC 8422 §5.1.1. */
export function groupId(group: NamedGroup): number | undefined {
  return GROUP_IDS[group]
}

export function groupOf(id: number): NamedGroup | undefined {
  return GROUPS.get(id)
}

/** `ECCurveType.named_curve` (RFC 8422 §5.4). */
const NAMED_CURVE = 3

/** ServerKeyExchange with an ephemeral ECDH key (RFC 8422 §5.4). */
export interface ServerKeyExchange {
  readonly group: number
  readonly publicKey: Uint8Array
  /** What the signature covers, after the two randoms. */
  readonly parameters: Uint8Array
  readonly signed: DigitallySigned
}

export function encodeEcdhParameters(group: number, publicKey: Uint8Array): Uint8Array {
  return new Writer().u8(NAMED_CURVE).u16(group).vector8(publicKey).finish()
}

export function decodeServerKeyExchange(body: Uint8Array): ServerKeyExchange | undefined {
  const reader = new Reader(body)
  const curveType = reader.u8()
  const group = reader.u16()
  const publicKey = reader.vector8()
  const parameters = body.subarray(0, body.length - reader.remaining)
  const signed = readDigitallySigned(reader)
  if (!reader.complete || curveType !== NAMED_CURVE || publicKey.length === 0) return undefined
  return { group, publicKey, parameters, signed }
}

export function encodeServerKeyExchange(parameters: Uint8Array, signed: DigitallySigned): Uint8Array {
  return new Writer().bytes(parameters).u16(signed.scheme).vector16(signed.signature).finish()
}

/** ClientKeyExchange: the client's public key (RFC 8422 §5.7). */
export function decodeClientKeyExchange(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body)
  const publicKey = reader.vector8()
  return reader.complete && publicKey.length > 0 ? publicKey : undefined
}

export function encodeClientKeyExchange(publicKey: Uint8Array): Uint8Array {
  return new Writer().vector8(publicKey).finish()
}

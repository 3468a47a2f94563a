import { listOf16, listOf8, Reader, Writer } from '../bytes.ts'
import { decodeExtensions, encodeExtensions } from './extensions.ts'

/** An extension with its content still encoded. */
export interface Extension {
  readonly type: number
  readonly data: Uint8Array
}

/** RFC 5246 §7.4.1.2, with the cookie of RFC 6347 §4.2.1. */
export interface ClientHello {
  readonly version: number
  /** 32 bytes. */
  readonly random: Uint8Array
  /** At most 32 bytes. */
  readonly sessionId: Uint8Array
  /** At most 255 bytes. */
  readonly cookie: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly compressionMethods: readonly number[]
  readonly extensions: readonly Extension[]
}

export function decodeClientHello(body: Uint8Array): ClientHello | undefined {
  const reader = new Reader(body)
  const version = reader.u16()
  const random = reader.bytes(32)
  const sessionId = reader.vector8()
  const cookie = reader.vector8()
  const cipherSuites = listOf16(reader.vector16())
  const compressionMethods = listOf8(reader.vector8())
  const extensions = decodeExtensions(reader)
  if (!reader.complete || cipherSuites === undefined || extensions === undefined) return undefined
  if (sessionId.length > 32 || cipherSuites.length === 0 || compressionMethods.length === 0) return undefined
  return { version, random, sessionId, cookie, cipherSuites, compressionMethods, extensions }
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  const writer = new Writer()
    .u16(hello.version)
    .bytes(hello.random)
    .vector8(hello.sessionId)
    .vector8(hello.cookie)
    .list16(hello.cipherSuites)
    .vector8(Uint8Array.from(hello.compressionMethods))
  encodeExtensions(writer, hello.extensions)
  return writer.finish()
}

/**
 * The start of a ClientHello, as far as the cookie: all that a server without state can see of a hello that comes in fragments, and all
 * that it needs.
 */
export function decodeClientHelloStart(
  body: Uint8Array,
): { version: number; random: Uint8Array; sessionId: Uint8Array; cookie: Uint8Array } | undefined {
  const reader = new Reader(body)
  const version = reader.u16()
  const random = reader.bytes(32)
  const sessionId = reader.vector8()
  const cookie = reader.vector8()
  return reader.overrun || sessionId.length > 32 ? undefined : { version, random, sessionId, cookie }
}

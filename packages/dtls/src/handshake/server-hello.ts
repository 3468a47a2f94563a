import { Reader, Writer } from '../bytes.ts'
import type { Extension } from './client-hello.ts'
import { decodeExtensions, encodeExtensions } from './extensions.ts'

/** RFC 5246 §7.4.1.3. */
export interface ServerHello {
  readonly version: number
  /** 32 bytes. */
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cipherSuite: number
  readonly compressionMethod: number
  readonly extensions: readonly Extension[]
}

export function decodeServerHello(body: Uint8Array): ServerHello | undefined {
  const reader = new Reader(body)
  const version = reader.u16()
  const random = reader.bytes(32)
  const sessionId = reader.vector8()
  const cipherSuite = reader.u16()
  const compressionMethod = reader.u8()
  const extensions = decodeExtensions(reader)
  if (!reader.complete || extensions === undefined || sessionId.length > 32) return undefined
  return { version, random, sessionId, cipherSuite, compressionMethod, extensions }
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  const writer = new Writer()
    .u16(hello.version)
    .bytes(hello.random)
    .vector8(hello.sessionId)
    .u16(hello.cipherSuite)
    .u8(hello.compressionMethod)
  encodeExtensions(writer, hello.extensions)
  return writer.finish()
}

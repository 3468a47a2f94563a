import { Reader, Writer } from '../bytes.ts'

/** RFC 6347 §4.2.1. The version says nothing about what will be negotiated. */
export interface HelloVerifyRequest {
  readonly version: number
  readonly cookie: Uint8Array
}

export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest | undefined {
  const reader = new Reader(body)
  const version = reader.u16()
  const cookie = reader.vector8()
  return reader.complete ? { version, cookie } : undefined
}

export function encodeHelloVerifyRequest(request: HelloVerifyRequest): Uint8Array {
  return new Writer().u16(request.version).vector8(request.cookie).finish()
}

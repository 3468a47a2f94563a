// Records in the shape of TLS (RFC 8446 §5.1), so that connections cost the bytes and round trips of TLS.

export const ALERT = 21
export const HANDSHAKE = 22
export const APPLICATION_DATA = 23

const HEADER = 5
/** Content type and AEAD tag (RFC 8446 §5.2). */
const PROTECTION = 17
const MAX_PLAINTEXT = 16_384
const MAX_LENGTH = MAX_PLAINTEXT + 256

export interface TlsRecord {
  readonly type: number
  readonly payload: Uint8Array
}

/** As many records as `data` needs. */
export function sealRecords(data: Uint8Array): Uint8Array {
  const count = Math.ceil(data.length / MAX_PLAINTEXT)
  const out = new Uint8Array(data.length + count * (HEADER + PROTECTION))
  for (let from = 0, at = 0; from < data.length; from += MAX_PLAINTEXT) {
    const part = data.subarray(from, from + MAX_PLAINTEXT)
    writeHeader(out, at, APPLICATION_DATA, part.length + PROTECTION)
    out.set(part, at + HEADER)
    at += HEADER + part.length + PROTECTION
  }
  return out
}

/** One message of the handshake, filled up to the size that such messages have. */
export function writeMessage(type: number, message: object, size: number): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message).padEnd(size))
  const out = new Uint8Array(HEADER + body.length)
  writeHeader(out, 0, type, body.length)
  out.set(body, HEADER)
  return out
}

export function readMessage(record: TlsRecord): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(record.payload))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function writeHeader(out: Uint8Array, at: number, type: number, length: number): void {
  out[at] = type
  out[at + 1] = 3
  out[at + 2] = 3
  out[at + 3] = length >> 8
  out[at + 4] = length & 0xff
}

/** Cuts a byte stream into records. Holds one unfinished record at most. */
export class RecordReader {
  /** Something that is no record was met; nothing more is read. */
  isMalformed = false
  #pending: Uint8Array = new Uint8Array(0)

  push(data: Uint8Array): void {
    if (this.isMalformed) return
    if (this.#pending.length === 0) {
      this.#pending = data
      return
    }
    const joined = new Uint8Array(this.#pending.length + data.length)
    joined.set(this.#pending)
    joined.set(data, this.#pending.length)
    this.#pending = joined
  }

  /** The next whole record; the payload of application data without its protection. */
  read(): TlsRecord | undefined {
    const pending = this.#pending
    if (this.isMalformed || pending.length === 0) return undefined
    const type = pending[0]!
    const length = pending.length < HEADER ? 0 : (pending[3]! << 8) | pending[4]!
    const isKnown = type >= ALERT && type <= APPLICATION_DATA && (pending.length < 2 || pending[1] === 3)
    const isTooShort = type === APPLICATION_DATA && pending.length >= HEADER && length < PROTECTION
    if (!isKnown || length > MAX_LENGTH || isTooShort) {
      this.isMalformed = true
      this.#pending = pending.subarray(0, 0)
      return undefined
    }
    if (pending.length < HEADER + length) return undefined
    this.#pending = pending.subarray(HEADER + length)
    const end = HEADER + length - (type === APPLICATION_DATA ? PROTECTION : 0)
    return { type, payload: pending.subarray(HEADER, end) }
  }
}

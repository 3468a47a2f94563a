/** What `RTCDataChannel.send` takes, and what `message` events bring. */

/** Bytes of UTF-8 of a string; a lone surrogate counts as U+FFFD, which it is sent as. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) {
      bytes += 1
      continue
    }
    bytes += 2
    if (unit >= 0xd800 && unit < 0xdc00) {
      const next = text.charCodeAt(i + 1)
      if (next >= 0xdc00 && next < 0xe000) i++ // four bytes for two units
    }
  }
  return bytes
}

/** A message that can go at once, or a blob whose bytes have to be fetched first. Throws `TypeError`. */
export function toPayload(data: unknown): string | Uint8Array | Blob {
  switch (typeof data) {
    case 'string':
      return data
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(data)
    case 'object':
      if (data === null) break
      // The application goes on with its memory, so that the message is a copy.
      if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
      if (hasTag(data, 'ArrayBuffer')) return new Uint8Array((data as ArrayBuffer).slice(0))
      if (isBlob(data)) return data
  }
  throw new TypeError('A message is a string, an ArrayBuffer, a view of one, or a Blob')
}

/** Objects of other realms (a test runner's, a worker's) are no `instanceof`. */
function hasTag(value: object, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`
}

function isBlob(value: object): value is Blob {
  return value instanceof Blob || hasTag(value, 'Blob') || hasTag(value, 'File')
}

export function isBlobPayload(payload: string | Uint8Array | Blob): payload is Blob {
  return typeof payload === 'object' && !(payload instanceof Uint8Array)
}

/** A whole `ArrayBuffer` of the message: a view of a larger one is copied out of it. */
export function toArrayBuffer(data: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = data
  if (byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer
  return new Uint8Array(data).buffer
}

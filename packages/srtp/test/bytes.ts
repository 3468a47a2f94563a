export function hex(text: string): Uint8Array {
  const packed = text.replace(/\s+/g, '')
  const bytes = new Uint8Array(packed.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(packed.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export function toHex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Reproducible noise. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = (seed * 2654435761) >>> 0 || 1
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/** The code of what `run` throws. */
export function errorCode(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? 'no code'
  }
  return undefined
}

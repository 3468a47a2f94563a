// NAL units of H.264 and H.265 as MP4 and Matroska hold them; @kaon/rtp/formats has those of Annex B.

/** The NAL units behind length fields (ISO/IEC 14496-15); undefined when the lengths do not add up. */
export function splitLengthPrefixed(bytes: Uint8Array, lengthSize: number): Uint8Array[] | undefined {
  const units: Uint8Array[] = []
  let offset = 0
  while (offset < bytes.length) {
    if (offset + lengthSize > bytes.length) return undefined
    let length = 0
    for (let index = 0; index < lengthSize; index++) length = length * 256 + bytes[offset + index]!
    offset += lengthSize
    if (length > bytes.length - offset) return undefined
    if (length > 0) units.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return units
}

/** Each unit behind its length in four bytes. */
export function joinLengthPrefixed(units: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const unit of units) size += 4 + unit.length
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const unit of units) {
    bytes[offset] = unit.length >>> 24
    bytes[offset + 1] = unit.length >>> 16
    bytes[offset + 2] = unit.length >>> 8
    bytes[offset + 3] = unit.length
    bytes.set(unit, offset + 4)
    offset += 4 + unit.length
  }
  return bytes
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

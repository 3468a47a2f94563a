// NAL units in byte streams: Annex B of ITU-T H.264 and of H.265, which is the same.

/**
 * The NAL units of a byte stream in Annex B form, as views without start codes. Start codes of 3 and of 4 bytes, zeros between
 * units and empty units are all tolerated; bytes before the first start code are not looked at.
 */
export function nalUnits(stream: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  const end = stream.length
  let start = -1
  let index = 0
  while (index + 2 < end) {
    const third = stream[index + 2]!
    if (third === 0) {
      index++
      continue
    }
    if (third === 1 && stream[index] === 0 && stream[index + 1] === 0) {
      if (start >= 0) pushTrimmed(units, stream, start, index)
      start = index + 3
    }
    index += 3
  }
  if (start >= 0) pushTrimmed(units, stream, start, end)
  return units
}

/** Whether there is a start code anywhere. */
export function hasStartCode(stream: Uint8Array): boolean {
  for (let index = 2; index < stream.length; index++) {
    if (stream[index] === 1 && stream[index - 1] === 0 && stream[index - 2] === 0) return true
  }
  return false
}

// A NAL unit never ends with a zero byte (H.264 §7.4.1): those belong to what follows (trailing_zero_8bits, a longer start code).
function pushTrimmed(units: Uint8Array[], stream: Uint8Array, start: number, end: number): void {
  while (end > start && stream[end - 1] === 0) end--
  if (end > start) units.push(stream.subarray(start, end))
}

/** A byte stream in Annex B form with start codes of 4 bytes. */
export function joinNalUnits(units: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const unit of units) length += 4 + unit.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const unit of units) {
    out[offset + 3] = 1
    out.set(unit, offset + 4)
    offset += 4 + unit.length
  }
  return out
}

/**
 * The first `limit` bytes of a NAL unit without its emulation prevention bytes (H.264 §7.3.1): what the fields of a parameter
 * set are read from.
 */
export function unescapeNalUnit(unit: Uint8Array, limit = 4096): Uint8Array {
  const end = Math.min(unit.length, limit)
  const out = new Uint8Array(end)
  let length = 0
  let zeros = 0
  for (let index = 0; index < end; index++) {
    const byte = unit[index]!
    if (zeros >= 2 && byte === 3) {
      zeros = 0
      continue
    }
    zeros = byte === 0 ? zeros + 1 : 0
    out[length++] = byte
  }
  return out.subarray(0, length)
}

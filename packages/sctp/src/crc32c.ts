// CRC-32C, the checksum of SCTP (RFC 9260 appendix A): reflected Castagnoli polynomial, eight bytes a step ("slicing by 8").

const POLYNOMIAL = 0x82f63b78

let tables: Int32Array | undefined

/** Eight tables of 256 entries, one after the other. Made at the first use: importing this package computes nothing. */
function makeTables(): Int32Array {
  const table = new Int32Array(8 * 256)
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    table[i] = crc
  }
  for (let i = 256; i < table.length; i++) {
    const previous = table[i - 256]!
    table[i] = (previous >>> 8) ^ table[previous & 0xff]!
  }
  tables = table
  return table
}

/** Advances a raw (inverted) CRC state over `bytes[start, end)`. */
function update(state: number, bytes: Uint8Array, start: number, end: number): number {
  const t = tables ?? makeTables()
  let crc = state
  let i = start
  const stop = end - 7
  for (; i < stop; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    crc =
      t[1792 + (low & 0xff)]! ^
      t[1536 + ((low >>> 8) & 0xff)]! ^
      t[1280 + ((low >>> 16) & 0xff)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 0xff]!
  return crc
}

/** CRC-32C of the whole array, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  return ~update(-1, bytes, 0, bytes.length) >>> 0
}

/** CRC-32C of an SCTP packet, its checksum field (bytes 8 to 11) read as zero. */
export function packetChecksum(packet: Uint8Array): number {
  let crc = update(-1, packet, 0, 8)
  const t = tables!
  for (let i = 0; i < 4; i++) crc = (crc >>> 8) ^ t[crc & 0xff]!
  return ~update(crc, packet, 12, packet.length) >>> 0
}

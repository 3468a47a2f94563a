// CRC-32 as in ITU V.42 (reflected polynomial 0xEDB88320), four bytes per step: STUN checks one for every message of an ICE agent.

const tables = makeTables()

function makeTables(): Int32Array[] {
  const first = new Int32Array(256)
  for (let index = 0; index < 256; index++) {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    first[index] = value
  }
  const all = [first]
  for (let step = 1; step < 4; step++) {
    const previous = all[step - 1]!
    all.push(previous.map((value) => (value >>> 8) ^ first[value & 0xff]!))
  }
  return all
}

const [table0, table1, table2, table3] = tables as [Int32Array, Int32Array, Int32Array, Int32Array]

/** The CRC-32 of `bytes[start…end)` as an unsigned number. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let crc = -1
  let offset = start
  for (const last = end - 3; offset < last; offset += 4) {
    crc ^= bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)
    crc = table3[crc & 0xff]! ^ table2[(crc >>> 8) & 0xff]! ^ table1[(crc >>> 16) & 0xff]! ^ table0[crc >>> 24]!
  }
  for (; offset < end; offset++) crc = (crc >>> 8) ^ table0[(crc ^ bytes[offset]!) & 0xff]!
  return ~crc >>> 0
}

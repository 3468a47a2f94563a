import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'

/** Bytes of the common header (RFC 9260 §3.1): ports, verification tag, checksum. */
export const COMMON_HEADER_SIZE = 12

export function sourcePort(packet: Uint8Array): number {
  return readUint16(packet, 0)
}

export function destinationPort(packet: Uint8Array): number {
  return readUint16(packet, 2)
}

export function verificationTag(packet: Uint8Array): number {
  return readUint32(packet, 4)
}

/** The checksum as it is compared: CRC-32C is transmitted least significant byte first (RFC 9260 appendix A). */
export function checksum(packet: Uint8Array): number {
  return (packet[8]! | (packet[9]! << 8) | (packet[10]! << 16) | (packet[11]! << 24)) >>> 0
}

export function writeChecksum(packet: Uint8Array, value: number): void {
  packet[8] = value
  packet[9] = value >>> 8
  packet[10] = value >>> 16
  packet[11] = value >>> 24
}

/** Writes the header with a checksum of zero. */
export function writeCommonHeader(
  bytes: Uint8Array,
  offset: number,
  source: number,
  destination: number,
  tag: number,
): void {
  writeUint16(bytes, offset, source)
  writeUint16(bytes, offset + 2, destination)
  writeUint32(bytes, offset + 4, tag)
  writeUint32(bytes, offset + 8, 0)
}

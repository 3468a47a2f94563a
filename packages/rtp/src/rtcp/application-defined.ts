import { readUint32 } from '../bytes.ts'
import { APP, HEADER_SIZE } from './packet-types.ts'
import type { ApplicationDefined } from './types.ts'
import type { RtcpWriter } from './writer.ts'

/** APP (RFC 3550 §6.7) */
export function readApplicationDefined(
  bytes: Uint8Array,
  offset: number,
  end: number,
  subtype: number,
): ApplicationDefined | undefined {
  const data = offset + HEADER_SIZE + 8
  if (data > end) return undefined
  return {
    type: 'APP',
    subtype,
    ssrc: readUint32(bytes, offset + 4),
    name: String.fromCharCode(bytes[offset + 8]!, bytes[offset + 9]!, bytes[offset + 10]!, bytes[offset + 11]!),
    data: bytes.subarray(data, end),
  }
}

/** Four characters of the name are written, spaces for missing ones; data is filled up to 32 bits with zeros. */
export function writeApplicationDefined(packet: ApplicationDefined, out: RtcpWriter): void {
  out.begin(APP, packet.subtype)
  out.uint32(packet.ssrc)
  for (let i = 0; i < 4; i++) out.uint8(i < packet.name.length ? packet.name.charCodeAt(i) : 0x20)
  out.bytes(packet.data)
  out.end()
}

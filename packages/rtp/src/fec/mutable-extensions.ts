import { headerExtensionUris } from '../extensions/uris.ts'
import type { HeaderExtensionMap } from '../extensions/map.ts'
import { readUint16 } from '../bytes.ts'
import { FIXED_HEADER_SIZE, ONE_BYTE_PROFILE, TWO_BYTE_PROFILE } from '../packet/parse.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'

// Some header extensions are filled in when a packet leaves, long after its parity was taken. Senders take the parity with zeros
// there, so a receiver has to do the same. In the video timing only what the pacer and the network fill in is such.

const WHOLE = [
  headerExtensionUris.transportSequenceNumber,
  headerExtensionUris.transportSequenceNumber2,
  headerExtensionUris.absSendTime,
  headerExtensionUris.transmissionOffset,
] as const

/** Where the time at which the pacer let the packet go begins in the video timing. */
const PACER_EXIT_OFFSET = 7

/** The first byte that changes, by id. */
export type MutableExtensions = ReadonlyMap<number, number>

export function mutableExtensions(map: HeaderExtensionMap | undefined): MutableExtensions {
  const from = new Map<number, number>()
  if (map === undefined) return from
  for (const uri of WHOLE) {
    const id = map.id(uri)
    if (id !== undefined) from.set(id, 0)
  }
  const timing = map.id(headerExtensionUris.videoTiming)
  if (timing !== undefined) from.set(timing, PACER_EXIT_OFFSET)
  return from
}

/** XORs the mutable bytes of a packet into `out`, at their places: what was XORed before with all of the packet is undone there. */
export function xorMutable(out: Uint8Array, packet: Uint8Array, mutable: MutableExtensions): void {
  if (mutable.size === 0 || (packet[0]! & 0x10) === 0) return
  let offset = FIXED_HEADER_SIZE + 4 * (packet[0]! & 0x0f)
  const profile = readUint16(packet, offset)
  const oneByte = profile === ONE_BYTE_PROFILE
  if (!oneByte && (profile & 0xfff0) !== TWO_BYTE_PROFILE) return
  const end = offset + 4 + 4 * readUint16(packet, offset + 2)
  offset += 4
  while (offset < end) {
    const head = packet[offset++]!
    if (head === 0) continue
    const id = oneByte ? head >>> 4 : head
    if (oneByte && (id === 0 || id === 15)) return
    if (!oneByte && offset === end) return
    const next = oneByte ? offset + (head & 0x0f) + 1 : offset + 1 + packet[offset]!
    if (next > end) return
    const from = mutable.get(id)
    if (from !== undefined) {
      for (let i = (oneByte ? offset : offset + 1) + from; i < next && i < out.length; i++) out[i]! ^= packet[i]!
    }
    offset = next
  }
}

/** What parity cannot bring back is taken out, lest zeros pass for values. */
export function removeMutable(packet: RtpPacket, mutable: MutableExtensions): void {
  if (mutable.size > 0) packet.extensions = packet.extensions.filter(({ id }) => !mutable.has(id))
}

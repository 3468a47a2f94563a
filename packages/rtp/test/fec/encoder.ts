// Senders of repair packets, written from the specifications for the tests alone.

import { RtpPacket, writeRtp } from '../../src/index.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../src/bytes.ts'

interface Parity {
  first: number
  second: number
  length: number
  timestamp: number
  payload: Uint8Array
}

/** The XOR of whole packets, as far as `protectedBytes` behind the fixed header. */
function parity(packets: readonly Uint8Array[], protectedBytes = Infinity): Parity {
  const longest = Math.max(...packets.map((packet) => packet.length - 12))
  const out: Parity = {
    first: 0,
    second: 0,
    length: 0,
    timestamp: 0,
    payload: new Uint8Array(Math.min(longest, protectedBytes)),
  }
  for (const packet of packets) {
    out.first ^= packet[0]!
    out.second ^= packet[1]!
    out.length ^= packet.length - 12
    out.timestamp ^= readUint32(packet, 4)
    out.payload.forEach((_, i) => (out.payload[i]! ^= packet[12 + i] ?? 0))
  }
  return out
}

function setBit(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3]! |= 0x80 >>> (bit & 7)
}

const lowest = (packets: readonly Uint8Array[]): number => readUint16(packets[0]!, 2)
const offsetsOf = (packets: readonly Uint8Array[]): number[] =>
  packets.map((packet) => (readUint16(packet, 2) - lowest(packets)) & 0xffff)

/** draft-ietf-payload-flexible-fec-scheme-03 §4.2.2.1, F = 0; packets in order. */
export function flexFec(packets: readonly Uint8Array[]): Uint8Array {
  const { first, second, length, timestamp, payload } = parity(packets)
  const offsets = offsetsOf(packets)
  const last = Math.max(...offsets)
  const headerSize = last < 15 ? 20 : last < 46 ? 24 : 32
  const out = new Uint8Array(headerSize + payload.length)
  out[0] = first & 0x3f
  out[1] = second
  writeUint16(out, 2, length)
  writeUint32(out, 4, timestamp)
  out[8] = 1
  out.set(packets[0]!.subarray(8, 12), 12)
  writeUint16(out, 16, lowest(packets))
  const mask = new Uint8Array(14)
  setBit(mask, headerSize === 20 ? 0 : headerSize === 24 ? 16 : 48)
  for (const offset of offsets) setBit(mask, offset < 15 ? 1 + offset : offset < 46 ? 2 + offset : 3 + offset)
  out.set(mask.subarray(0, headerSize - 18), 18)
  out.set(payload, headerSize)
  return out
}

/** RFC 5109 §7.3, level 0 only; packets in order. */
export function ulpFec(packets: readonly Uint8Array[], protectedBytes?: number): Uint8Array {
  const { first, second, length, timestamp, payload } = parity(packets, protectedBytes)
  const offsets = offsetsOf(packets)
  const long = Math.max(...offsets) >= 16
  const headerSize = 12 + (long ? 6 : 2)
  const out = new Uint8Array(headerSize + payload.length)
  out[0] = (first & 0x3f) | (long ? 0x40 : 0)
  out[1] = second
  writeUint16(out, 2, lowest(packets))
  writeUint32(out, 4, timestamp)
  writeUint16(out, 8, length)
  writeUint16(out, 10, payload.length)
  const mask = new Uint8Array(6)
  for (const offset of offsets) setBit(mask, offset)
  out.set(mask.subarray(0, headerSize - 12), 12)
  out.set(payload, headerSize)
  return out
}

/** A packet of the repair stream. */
export function repairPacket(payload: Uint8Array, sequenceNumber = 1): RtpPacket {
  return new RtpPacket({ payloadType: 118, sequenceNumber, timestamp: 0, ssrc: 0xfec, payload })
}

/** In RED with a single block. */
export function inRed(packet: RtpPacket, redPayloadType: number): Uint8Array {
  const red = packet.clone()
  red.payloadType = redPayloadType
  red.payload = Uint8Array.of(packet.payloadType, ...packet.payload)
  return writeRtp(red)
}

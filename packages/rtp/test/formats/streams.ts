import { readFileSync } from 'node:fs'
import { joinNalUnits, joinObus, nalUnits, obus, payloadFormat } from '../../src/formats/index.ts'
import type { EncodedFrame, PayloadFormat } from '../../src/formats/index.ts'
import type { RtpPacket } from '../../src/packet/rtp-packet.ts'
import { parseRtp } from '../../src/packet/parse.ts'

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`captures/${name}`, import.meta.url)))
}

/** The frames of an IVF file. */
export function ivf(name: string): Uint8Array[] {
  const bytes = read(name)
  const view = new DataView(bytes.buffer)
  const frames: Uint8Array[] = []
  for (let offset = 32; offset < bytes.length;) {
    const length = view.getUint32(offset, true)
    frames.push(bytes.subarray(offset + 12, offset + 12 + length))
    offset += 12 + length
  }
  return frames
}

/** The access units of a stream whose first slices `begins` knows: what is not a slice belongs to the next. */
function accessUnits(name: string, isSlice: (unit: Uint8Array) => boolean, isFirst: (unit: Uint8Array) => boolean) {
  const frames: Uint8Array[][] = []
  let slices = false
  for (const unit of nalUnits(read(name))) {
    if (frames.length === 0 || (slices && (!isSlice(unit) || isFirst(unit)))) {
      frames.push([])
      slices = false
    }
    slices ||= isSlice(unit)
    frames.at(-1)!.push(unit)
  }
  return frames.map((units) => joinNalUnits(units))
}

/** Without temporal delimiters, as frames travel here. */
function withoutDelimiters(unit: Uint8Array): Uint8Array {
  return joinObus(obus(unit)!.filter((obu) => obu.type !== 2))
}

export interface Stream {
  readonly name: string
  readonly format: PayloadFormat
  /** What a packetizer must be told to use everything that the format has. */
  readonly parameters: ReadonlyMap<string, string>
  /** In the form that a depacketizer gives. */
  readonly frames: readonly EncodedFrame[]
}

function stream(name: string, mimeType: string, payloads: Uint8Array[], keyFrames: number[]): Stream {
  const frames = payloads.map((payload, index) => ({
    payload,
    timestamp: index * 66_667,
    keyFrame: keyFrames.includes(index),
  }))
  return { name, format: payloadFormat(mimeType)!, parameters: new Map([['packetization-mode', '1']]), frames }
}

export const streams: readonly Stream[] = [
  stream('libvpx', 'video/VP8', ivf('vp8.ivf'), [0, 5]),
  stream('libvpx', 'video/VP9', ivf('vp9.ivf'), [0, 5]),
  stream(
    'libx264',
    'video/H264',
    accessUnits(
      'h264.h264',
      (unit) => (unit[0]! & 0x1f) <= 5,
      (unit) => (unit[1]! & 0x80) !== 0,
    ),
    [0, 5],
  ),
  stream(
    'libx265',
    'video/H265',
    accessUnits(
      'h265.h265',
      (unit) => ((unit[0]! >> 1) & 0x3f) < 32,
      (unit) => (unit[2]! & 0x80) !== 0,
    ),
    [0, 5],
  ),
  stream('libaom', 'video/AV1', ivf('av1.ivf').map(withoutDelimiters), [0, 5]),
  stream('SVT-AV1', 'video/AV1', ivf('av1-svt.ivf').map(withoutDelimiters), [0, 5]),
]

export function streamOf(mimeType: string): Stream {
  return streams.find((stream) => stream.format.mimeType === mimeType)!
}

/** RTP packets, each behind its length in two bytes. */
export function capture(name: string): RtpPacket[] {
  const bytes = read(`${name}.rtp`)
  const packets: RtpPacket[] = []
  for (let offset = 0; offset < bytes.length;) {
    const end = offset + 2 + ((bytes[offset]! << 8) | bytes[offset + 1]!)
    packets.push(parseRtp(bytes.subarray(offset + 2, end))!)
    offset = end
  }
  return packets
}

/** Payloads by timestamp, without those that are padding only. */
export function pictures(packets: readonly RtpPacket[]): Uint8Array[][] {
  const groups = new Map<number, Uint8Array[]>()
  for (const packet of packets) {
    if (packet.payload.length === 0) continue
    const group = groups.get(packet.timestamp) ?? []
    group.push(packet.payload)
    groups.set(packet.timestamp, group)
  }
  return [...groups.values()]
}

/** Hexadecimal digits without the spaces that are for the eye. */
export function plain(text: string): string {
  return text.replaceAll(' ', '')
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(plain(text), 'hex'))
}

export function frame(payload: Uint8Array, keyFrame = false): EncodedFrame {
  return { payload, timestamp: 0, keyFrame }
}

import { headerExtensionUris as uris, RtpPacket, writeRtcp, writeRtp, type RtcpPacket } from '@kaon/rtp'
import { keyingMaterialLength, splitKeyingMaterial, SrtpSender, type SrtpProfile } from '@kaon/srtp'
import { EXTENSIONS, type Node, type World } from './world.ts'

export interface RawPacket {
  ssrc: number
  payloadType?: number
  sequenceNumber: number
  timestamp?: number
  marker?: boolean
  mid?: string
  rid?: string
  repairedRid?: string
  payload?: Uint8Array
}

/** A VP8 key frame in one payload: descriptor with the start bit, tag and sizes. */
const KEY_FRAME = new Uint8Array([0x10, 0x10, 0x01, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 48, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

/** Packets of a peer that holds the keys and does what it likes. */
export class RawPeer {
  readonly #srtp: SrtpSender
  readonly #node: Node
  readonly #world: World

  constructor(world: World, node: Node, profile: SrtpProfile = 'SRTP_AEAD_AES_128_GCM') {
    const material = Uint8Array.from({ length: keyingMaterialLength(profile) }, (_, i) => (i * 37 + 5) & 0xff)
    this.#srtp = new SrtpSender({ profile, ...splitKeyingMaterial(profile, material, 'client').local })
    this.#node = node
    this.#world = world
  }

  send({ ssrc, payloadType = 96, sequenceNumber, marker = true, payload = KEY_FRAME, ...more }: RawPacket): void {
    const encoder = new TextEncoder()
    const extensions = [
      [uris.mid, more.mid],
      [uris.rid, more.rid],
      [uris.repairedRid, more.repairedRid],
    ].flatMap(([uri, text]) => {
      const { id } = EXTENSIONS.find((extension) => extension.uri === uri)!
      return text === undefined ? [] : [{ id, data: encoder.encode(text) }]
    })
    const timestamp = more.timestamp ?? sequenceNumber * 3000
    const packet = new RtpPacket({ ssrc, payloadType, sequenceNumber, timestamp, marker, payload, extensions })
    this.plain(writeRtp(packet))
  }

  /** An RTP packet as bytes, well-formed or not: false when SRTP would not carry it. */
  plain(rtp: Uint8Array): boolean {
    let datagram
    try {
      datagram = this.#srtp.protect(rtp)
    } catch {
      return false
    }
    this.#arrive(datagram)
    return true
  }

  rtcp(packets: readonly RtcpPacket[]): void {
    this.plainRtcp(writeRtcp(packets))
  }

  plainRtcp(rtcp: Uint8Array): boolean {
    let datagram
    try {
      datagram = this.#srtp.protectRtcp(rtcp)
    } catch {
      return false
    }
    this.#arrive(datagram)
    return true
  }

  #arrive(datagram: Uint8Array): void {
    this.#node.transport.receive(datagram.slice(), this.#world.time)
    this.#node.isPending = true
  }
}

/** RFC 4588 §4: the original sequence number in front of the payload. */
export function rtxPayload(sequenceNumber: number, payload: Uint8Array = KEY_FRAME): Uint8Array {
  return new Uint8Array([sequenceNumber >>> 8, sequenceNumber & 0xff, ...payload])
}

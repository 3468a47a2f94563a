import { HANDSHAKE_HEADER_LENGTH, writeHandshakeHeader } from './handshake/header.ts'
import { ContentType, RECORD_HEADER_LENGTH } from './record/header.ts'
import type { RecordLayer } from './record/layer.ts'
import type { Ring } from './ring.ts'
import type { Slab } from './slab.ts'

/** One message of a flight: a handshake message in one piece, or ChangeCipherSpec. */
interface FlightItem {
  readonly contentType: number
  readonly epoch: number
  /** With handshake header. */
  readonly raw: Uint8Array
}

/**
 * The messages that we sent last and may have to repeat (RFC 6347 §4.2.4). Repeating numbers the records anew, in the epochs that they
 * were first sent in, and cuts the messages to the datagram size of that moment (§4.2.3).
 */
export class Flight {
  #items: FlightItem[] = []

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  clear(): void {
    this.#items = []
  }

  addHandshake(epoch: number, raw: Uint8Array): void {
    this.#items.push({ contentType: ContentType.handshake, epoch, raw })
  }

  addChangeCipherSpec(epoch: number): void {
    this.#items.push({ contentType: ContentType.changeCipherSpec, epoch, raw: Uint8Array.of(1) })
  }

  /** Writes the whole flight to `out`: as many records to a datagram, and as much of a message to a record, as `mtu` allows. */
  write(layer: RecordLayer, version: number, mtu: number, slab: Slab, out: Ring<Uint8Array>): void {
    let used = 0
    slab.reserve(mtu)
    const flush = (): void => {
      if (used > 0) out.push(slab.cut(used))
      used = 0
      slab.reserve(mtu)
    }
    for (const { contentType, epoch, raw } of this.#items) {
      if (contentType !== ContentType.handshake) {
        if (layer.sealedLength(epoch, raw.length) > mtu - used) flush()
        used += layer.seal(contentType, version, epoch, raw, slab.buffer, slab.at + used)
        continue
      }
      const length = raw.length - HANDSHAKE_HEADER_LENGTH
      let offset = 0
      do {
        let room = layer.maxPlaintext(epoch, mtu - used) - HANDSHAKE_HEADER_LENGTH
        // A sliver of a message at the end of a datagram costs more in headers than it saves.
        if (room < length - offset && room < MIN_FRAGMENT && used > 0) {
          flush()
          room = layer.maxPlaintext(epoch, mtu) - HANDSHAKE_HEADER_LENGTH
        }
        const part = Math.min(room, length - offset, MAX_FRAGMENT)
        const fragment = cutFragment(raw, offset, part)
        used += layer.seal(contentType, version, epoch, fragment, slab.buffer, slab.at + used)
        offset += part
      } while (offset < length)
    }
    flush()
  }
}

const MIN_FRAGMENT = 64
/** No record may be longer than 2^14 bytes of plaintext. */
const MAX_FRAGMENT = 0x4000 - HANDSHAKE_HEADER_LENGTH

/** Bytes that the smallest allowed datagram must have room for besides the fragment, with the most costly protection. */
export const MIN_MTU: number = RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH + 52 + 51

function cutFragment(raw: Uint8Array, offset: number, length: number): Uint8Array {
  if (length === raw.length - HANDSHAKE_HEADER_LENGTH) return raw
  const fragment = new Uint8Array(HANDSHAKE_HEADER_LENGTH + length)
  const messageSeq = (raw[4]! << 8) | raw[5]!
  writeHandshakeHeader(fragment, 0, raw[0]!, raw.length - HANDSHAKE_HEADER_LENGTH, messageSeq, offset, length)
  const start = HANDSHAKE_HEADER_LENGTH + offset
  fragment.set(raw.subarray(start, start + length), HANDSHAKE_HEADER_LENGTH)
  return fragment
}

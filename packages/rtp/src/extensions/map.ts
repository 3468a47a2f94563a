import { RtpError } from '../errors.ts'
import type { HeaderExtension, RtpPacket } from '../packet/rtp-packet.ts'
import type { HeaderExtensionCodec } from './codec.ts'

/**
 * Which id stands for which header extension: what `a=extmap` agreed on for one media section (RFC 8285 §5).
 *
 * `read` and `write` serve single values. A sender that writes the same extensions on every packet keeps a `slot` of each in one
 * array, gives that array to each packet (`packet.extensions = slots`), and rewrites the bytes in the slots before the header is
 * written: that allocates nothing. Packets that are kept show the newest bytes of a slot then, and are written with slots anew.
 */
export class HeaderExtensionMap {
  readonly #ids = new Map<string, number>()
  readonly #uris = new Map<number, string>()

  /** @throws RtpError `ERR_RTP_ARGUMENT` for an id that is not 1 to 255. */
  constructor(entries: Iterable<readonly [id: number, uri: string]> = []) {
    for (const [id, uri] of entries) this.add(id, uri)
  }

  /**
   * A later entry takes the place of an earlier one with its id or its URI.
   * @throws RtpError `ERR_RTP_ARGUMENT` for an id that is not 1 to 255.
   */
  add(id: number, uri: string): void {
    if (!(Number.isInteger(id) && id >= 1 && id <= 255)) {
      throw new RtpError('ERR_RTP_ARGUMENT', `${id} is no id of a header extension`)
    }
    const before = this.#uris.get(id)
    if (before !== undefined) this.#ids.delete(before)
    const idBefore = this.#ids.get(uri)
    if (idBefore !== undefined) this.#uris.delete(idBefore)
    this.#ids.set(uri, id)
    this.#uris.set(id, uri)
  }

  id(uri: string): number | undefined {
    return this.#ids.get(uri)
  }

  uri(id: number): string | undefined {
    return this.#uris.get(id)
  }

  entries(): IterableIterator<[id: number, uri: string]> {
    return this.#uris.entries()
  }

  /** The bytes of the extension in the packet; undefined when it is not there or was not agreed on. */
  get(packet: RtpPacket, uri: string): Uint8Array | undefined {
    const id = this.#ids.get(uri)
    return id === undefined ? undefined : packet.extension(id)
  }

  /** Its value; undefined also when it is malformed. */
  read<Value>(packet: RtpPacket, codec: HeaderExtensionCodec<Value>): Value | undefined {
    const data = this.get(packet, codec.uri)
    return data === undefined ? undefined : codec.read(data)
  }

  /** Puts the extension into the packet, in the place of an earlier one. False when it was not agreed on. */
  set(packet: RtpPacket, uri: string, data: Uint8Array): boolean {
    const id = this.#ids.get(uri)
    if (id === undefined) return false
    // The array may be shared with a clone.
    const extensions = packet.extensions.slice()
    const index = extensions.findIndex((extension) => extension.id === id)
    if (index === -1) extensions.push({ id, data })
    else extensions[index] = { id, data }
    packet.extensions = extensions
    return true
  }

  /** The same with a value. */
  write<Value>(packet: RtpPacket, codec: HeaderExtensionCodec<Value>, value: Value): boolean {
    return this.#ids.has(codec.uri) && this.set(packet, codec.uri, codec.write(value))
  }

  /** Takes the extension out of the packet. */
  delete(packet: RtpPacket, uri: string): void {
    const id = this.#ids.get(uri)
    if (id !== undefined) packet.extensions = packet.extensions.filter((extension) => extension.id !== id)
  }

  /** An element of one's own that holds the value, to be written anew with `codec.write(next, slot.data)`. */
  slot<Value>(codec: HeaderExtensionCodec<Value>, value: Value): HeaderExtension | undefined {
    const id = this.#ids.get(codec.uri)
    return id === undefined ? undefined : { id, data: codec.write(value) }
  }
}

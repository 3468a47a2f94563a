const MAX_RECORDS = 256
const MAX_BYTES = 0x40000

/** Application data that came before `connected`: the peer may be ready earlier than we are. */
export class HeldData {
  #records: Uint8Array[] = []
  #bytes = 0

  /** False beyond the limits. */
  add(content: Uint8Array): boolean {
    if (this.#records.length >= MAX_RECORDS || this.#bytes + content.length > MAX_BYTES) return false
    this.#records.push(content.slice()) // a view could keep a whole datagram for a few bytes
    this.#bytes += content.length
    return true
  }

  /** Everything, in order; nothing is left. */
  take(): Uint8Array[] {
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    return records
  }
}

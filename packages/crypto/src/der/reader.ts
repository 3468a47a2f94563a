/** ASN.1 tags as they stand in DER (ITU-T X.690 §8.1.2): class, constructed bit and number in one byte. */
export const Tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Tag of the constructed, context-specific element `[number]`. */
export function contextTag(number: number): number {
  return 0xa0 | number
}

/**
 * Reads the elements of one DER constructed value, one after the other. Every method returns undefined, and stays where it is, when what
 * is asked for is not there or not DER: indefinite or overlong lengths, tags above 30, ends past the end.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The tag of the next element, without reading it. */
  get tag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** The content of the next element, which must have this tag. */
  read(tag: number): Uint8Array | undefined {
    return this.#element(tag, false)
  }

  /** The next element with its tag and length. */
  readWhole(tag: number): Uint8Array | undefined {
    return this.#element(tag, true)
  }

  /** A reader of the content of the next element. */
  enter(tag: number): DerReader | undefined {
    const content = this.read(tag)
    return content === undefined ? undefined : new DerReader(content)
  }

  #element(tag: number, whole: boolean): Uint8Array | undefined {
    const bytes = this.#bytes
    const start = this.#at
    if (bytes.length - start < 2 || bytes[start] !== tag || (tag & 0x1f) === 0x1f) return undefined
    let at = start + 2
    let length = bytes[start + 1]!
    if (length > 0x7f) {
      const count = length & 0x7f
      if (count === 0 || count > 3 || bytes.length - at < count) return undefined // X.690 §10.1: definite form only
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + bytes[at++]!
      if (length < 0x80 || length < 256 ** (count - 1)) return undefined // X.690 §10.1: as short as possible
    }
    if (bytes.length - at < length) return undefined
    this.#at = at + length
    return bytes.subarray(whole ? start : at, at + length)
  }
}

/** A non-negative INTEGER's magnitude without its sign byte, or undefined when it is negative or not minimal. */
export function readUnsigned(content: Uint8Array | undefined): Uint8Array | undefined {
  if (content === undefined || content.length === 0 || content[0]! > 0x7f) return undefined
  if (content.length === 1 || content[0] !== 0) return content
  return content[1]! > 0x7f ? content.subarray(1) : undefined
}

/** The bytes of a BIT STRING that has no unused bits. */
export function readBitString(content: Uint8Array | undefined): Uint8Array | undefined {
  return content === undefined || content.length === 0 || content[0] !== 0 ? undefined : content.subarray(1)
}

export function equalBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a === undefined || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

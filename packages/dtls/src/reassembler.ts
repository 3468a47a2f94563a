import { type Fragment, HANDSHAKE_HEADER_LENGTH, writeHandshakeHeader } from './handshake/header.ts'

/** A whole handshake message. */
export interface HandshakeMessage {
  readonly type: number
  readonly messageSeq: number
  /** The epoch of the records that carried it, all of the same one. */
  readonly epoch: number
  /** Header and body in one piece, as the transcript sees it (RFC 6347 §4.2.6). */
  readonly raw: Uint8Array
  /** A view of `raw` behind the header. */
  readonly body: Uint8Array
}

/** Messages ahead of the next one are kept so far: more than the longest flight has. */
const MESSAGES_AHEAD = 16
/** All unfinished or waiting messages together, as a multiple of the largest allowed message. */
const BUDGET_IN_MESSAGES = 2

interface Partial {
  readonly type: number
  readonly messageSeq: number
  readonly epoch: number
  readonly length: number
  readonly raw: Uint8Array
  /** A bit per byte that has come. */
  readonly have: Uint8Array
  missing: number
}

/**
 * Puts handshake messages together from fragments that come in any order, overlap, repeat or never come (RFC 6347 §4.2.3), and hands
 * them out in the order of `message_seq`.
 *
 * Fragments are not authenticated while the handshake runs, so a forged one may contradict the real ones. The newer opinion about a
 * message's type or length wins: then one forgery costs a retransmission, whereas if the first won it would cost the handshake. What came
 * under the keys is authentic, and never gives way to what came without.
 */
export class Reassembler {
  readonly #maxMessage: number
  readonly #partials = new Map<number, Partial>()
  #bytes = 0
  /** The `message_seq` that comes next. */
  nextSeq = 0

  /** `maxMessage` is in bytes, without header. */
  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage
  }

  /** Takes a copy of the fragment. False when it was not kept: from the past, from too far ahead, or beyond a limit. */
  add(fragment: Fragment, epoch: number): boolean {
    const { type, length, messageSeq, fragmentOffset, body } = fragment
    const ahead = messageSeq - this.nextSeq
    if (ahead < 0 || ahead >= MESSAGES_AHEAD || length > this.#maxMessage) return false
    let partial = this.#partials.get(messageSeq)
    if (partial !== undefined && epoch < partial.epoch) return false
    if (partial !== undefined && (partial.type !== type || partial.length !== length || partial.epoch !== epoch)) {
      this.#remove(partial)
      partial = undefined
    }
    if (partial === undefined) {
      if (!this.#makeRoom(length, messageSeq)) return false
      partial = newPartial(type, messageSeq, epoch, length)
      this.#partials.set(messageSeq, partial)
      this.#bytes += length
    }
    partial.missing -= markNew(partial.have, fragmentOffset, body.length, partial.raw, body)
    return true
  }

  /** The next message in order once it is whole. */
  next(): HandshakeMessage | undefined {
    const partial = this.#partials.get(this.nextSeq)
    if (partial === undefined || partial.missing > 0) return undefined
    this.#remove(partial)
    this.nextSeq++
    const { type, messageSeq, epoch, raw } = partial
    return { type, messageSeq, epoch, raw, body: raw.subarray(HANDSHAKE_HEADER_LENGTH) }
  }

  /** Forgets everything and expects `nextSeq`. */
  reset(nextSeq: number): void {
    this.#partials.clear()
    this.#bytes = 0
    this.nextSeq = nextSeq
  }

  /** Messages further ahead give way to nearer ones, so that forged ones cannot keep the next one out. */
  #makeRoom(length: number, messageSeq: number): boolean {
    const budget = this.#maxMessage * BUDGET_IN_MESSAGES
    while (this.#bytes + length > budget) {
      let furthest: Partial | undefined
      for (const partial of this.#partials.values()) {
        if (furthest === undefined || partial.messageSeq > furthest.messageSeq) furthest = partial
      }
      if (furthest === undefined || furthest.messageSeq <= messageSeq) return false
      this.#remove(furthest)
    }
    return true
  }

  #remove(partial: Partial): void {
    this.#partials.delete(partial.messageSeq)
    this.#bytes -= partial.length
  }
}

function newPartial(type: number, messageSeq: number, epoch: number, length: number): Partial {
  const raw = new Uint8Array(HANDSHAKE_HEADER_LENGTH + length)
  writeHandshakeHeader(raw, 0, type, length, messageSeq, 0, length)
  return { type, messageSeq, epoch, length, raw, have: new Uint8Array((length + 7) >>> 3), missing: length }
}

/** Copies those bytes of a fragment that are new, and tells how many. */
function markNew(have: Uint8Array, offset: number, length: number, raw: Uint8Array, body: Uint8Array): number {
  let fresh = 0
  for (let i = 0; i < length; i++) {
    const at = offset + i
    const bit = 1 << (at & 7)
    if ((have[at >>> 3]! & bit) !== 0) continue
    have[at >>> 3]! |= bit
    raw[HANDSHAKE_HEADER_LENGTH + at] = body[i]!
    fresh++
  }
  return fresh
}

// Decides what is answered to a query, to whom and when (RFC 6762 §5.4, §6, §7.1). Sends nothing and reads no clock.

import {
  isKnownAnswer,
  legacyResponseFor,
  localNameKey,
  questionClass,
  RECORD_TTL,
  responseFor,
} from './mdns-records.ts'
import type { AddressRecord } from './mdns-records.ts'
import type { Message } from './multicast-dns.ts'

/**
 * In ms, between two answers with one record to one group: those who ask in the meantime share the second. RFC 6762 §6 wants a second,
 * but who has just begun to listen has not heard the last answer, and ICE cannot wait.
 */
export const ANSWER_INTERVAL = 20
/** In ms, a quarter of the record's life: after that a unicast question is answered to all (RFC 6762 §5.4). */
const MULTICAST_AGAIN = (RECORD_TTL * 1000) / 4

export interface Reply {
  readonly to: 'group' | 'asker'
  readonly message: Message
  /** In ms: 0, or until the next answer with this record may be sent. */
  readonly delay: number
  readonly record: AddressRecord
}

export interface Asker {
  /** Not on the mDNS port: an ordinary resolver (RFC 6762 §6.7). */
  readonly isLegacy: boolean
  /** The family of the group. */
  readonly family: 4 | 6
}

interface Entry {
  readonly record: AddressRecord
  /** When the last answer to the group was sent, or will be; per family. */
  readonly answered: { 4: number; 6: number }
  /** The same with announcements. */
  readonly multicast: { 4: number; 6: number }
}

export class MdnsResponder {
  readonly #entries: Map<string, Entry> = new Map()

  get size(): number {
    return this.#entries.size
  }

  /** Takes the place of an earlier record of that name. */
  add(key: string, record: AddressRecord): void {
    const answered = { 4: -Infinity, 6: -Infinity }
    this.#entries.set(key, { record, answered, multicast: { ...answered } })
  }

  get(key: string): AddressRecord | undefined {
    return this.#entries.get(key)?.record
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** The record has been multicast without being asked for. */
  announced(key: string, now: number): void {
    const multicast = this.#entries.get(key)?.multicast
    if (multicast !== undefined) multicast[4] = multicast[6] = now
  }

  answer(query: Message, asker: Asker, now: number): Reply[] {
    const replies: Reply[] = []
    for (const question of query.questions ?? []) {
      if (question.type !== 'A' && question.type !== 'AAAA' && question.type !== 'ANY') continue
      const key = localNameKey(question.name)
      const entry = key === undefined ? undefined : this.#entries.get(key)
      const wanted = questionClass(question)
      if (key === undefined || entry === undefined || wanted === undefined) continue
      const { record, multicast } = entry
      if (asker.isLegacy) {
        replies.push({ to: 'asker', message: legacyResponseFor(record, question, query.id ?? 0), delay: 0, record })
        continue
      }
      // A name that is asked for the other family was not answered with what is known: say that there is none.
      if (question.type === record.type && isKnownAnswer(query.answers ?? [], record, key)) continue
      if (replies.some((reply) => reply.record === record)) continue // one answer has both families
      const isProbe = (query.authorities ?? []).length > 0 // RFC 6762 §8.1: always gets what it asks for
      const isRecent = now - multicast[asker.family] < MULTICAST_AGAIN
      if (wanted.unicast && (isProbe || isRecent)) {
        replies.push({ to: 'asker', message: responseFor(record), delay: 0, record })
        continue
      }
      const delay = this.#schedule(entry, asker.family, now)
      if (delay !== undefined) replies.push({ to: 'group', message: responseFor(record), delay, record })
    }
    return replies
  }

  /** Undefined: an answer is on its way. */
  #schedule(entry: Entry, family: 4 | 6, now: number): number | undefined {
    const last = entry.answered[family]
    if (last > now) return undefined
    const at = Math.max(now, last + ANSWER_INTERVAL)
    entry.answered[family] = at
    entry.multicast[family] = at
    return at - now
  }
}

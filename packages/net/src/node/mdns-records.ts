// mDNS messages as data (RFC 6762): what is asked, what is answered, what an answer tells. No sockets, no clock.

import { classifyIp, normalizeAddress, parseIp } from '../address.ts'
import { isLinkLocal } from './address.ts'
import type { Answer, Message, Question } from './multicast-dns.ts'

/** In s, RFC 6762 §10: a record that has to do with a host. */
export const RECORD_TTL = 120
/** In s, RFC 6762 §6.7. */
export const LEGACY_TTL = 10
const UNICAST_RESPONSE = 0x8000
const LONGEST_NAME = 253
const LONGEST_LABEL = 63

/** A name that somebody stands for, and the one address it has. */
export interface AddressRecord {
  readonly name: string
  readonly address: string
  readonly type: 'A' | 'AAAA'
}

export function addressRecord(name: string, address: string): AddressRecord {
  return { name, address, type: address.includes(':') ? 'AAAA' : 'A' }
}

/** How a name is compared: lower case, no final dot. Undefined: it is no `.local` name. */
export function localNameKey(name: string): string | undefined {
  const key = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
  if (!key.endsWith('.local') || key.length > LONGEST_NAME) return undefined
  return key.split('.').every((label) => label.length > 0 && label.length <= LONGEST_LABEL) ? key : undefined
}

/** One question, and no unicast-response bit: Chromium drops a query with two questions, as well as one with that bit. */
export function queryFor(name: string, type: 'A' | 'AAAA'): Message {
  return { questions: [{ name, type }] }
}

/**
 * To the group, or to who asked on the mDNS port. The NSEC record says that there is no address of the other family (RFC 6762
 * §6.1), else Chromium waits 3 s for one. It is always the additional one, even if asked for that family: any answer about
 * its name ends a question of Firefox, which reads no NSEC records.
 */
export function responseFor(record: AddressRecord): Message {
  return { answers: [toAnswer(record, RECORD_TTL, true)], additionals: [noOther(record, RECORD_TTL, true)] }
}

/** RFC 6762 §10.1 */
export function goodbyeFor(record: AddressRecord): Message {
  return { answers: [toAnswer(record, 0, true)] }
}

/** For an ordinary resolver: its id and question come back, there is no cache-flush bit and a short life (RFC 6762 §6.7). */
export function legacyResponseFor(record: AddressRecord, question: Question, id: number): Message {
  return {
    id,
    questions: [{ name: question.name, type: question.type }],
    answers: question.type === record.type || question.type === 'ANY' ? [toAnswer(record, LEGACY_TTL, false)] : [],
    additionals: [noOther(record, LEGACY_TTL, false)],
  }
}

/** Whether the class allows an address, and whether a unicast answer will do (RFC 6762 §5.4). Undefined: another class. */
export function questionClass(question: Question): { unicast: boolean } | undefined {
  const name = question.class ?? 'IN'
  if (name === 'IN' || name === 'ANY') return { unicast: false }
  // dns-packet leaves the bit in the class, which it then does not know.
  const number = /^UNKNOWN_(\d+)$/.exec(name)?.[1]
  const rest = Number(number) ^ UNICAST_RESPONSE
  return rest === 1 || rest === 255 ? { unicast: true } : undefined
}

/** Whether who asks has this record already, for at least half of its life (RFC 6762 §7.1). */
export function isKnownAnswer(answers: readonly Answer[], record: AddressRecord, key: string): boolean {
  return answers.some(
    (answer) =>
      answer.type === record.type &&
      (answer.ttl ?? 0) >= RECORD_TTL / 2 &&
      typeof answer.data === 'string' &&
      normalizeAddress(answer.data) === record.address &&
      localNameKey(answer.name) === key,
  )
}

export interface HeardAddress {
  readonly key: string
  readonly address: string
  /** In s; 0: gone. */
  readonly ttl: number
}

/** The addresses in a response, the first of each name. `sender` may have a zone: a link-local answer means that link. */
export function addressesIn(message: Message, sender: string): HeardAddress[] {
  const heard = new Map<string, HeardAddress>()
  for (const answers of [message.answers, message.additionals]) {
    for (const answer of answers ?? []) {
      if ((answer.type !== 'A' && answer.type !== 'AAAA') || typeof answer.data !== 'string') continue
      const key = localNameKey(answer.name)
      const address = withZone(answer.data, sender)
      if (key === undefined || address === undefined || heard.has(key)) continue
      heard.set(key, { key, address, ttl: answer.ttl ?? 0 })
    }
  }
  return [...heard.values()]
}

/** Undefined: not the address of a host. Chromium really publishes names for 0.0.0.0 and ::. */
function withZone(text: string, sender: string): string | undefined {
  const address = normalizeAddress(text)
  const ip = address === undefined ? undefined : parseIp(address)
  if (address === undefined || ip === undefined) return undefined
  const kind = classifyIp(ip)
  if (kind === 'unspecified' || kind === 'multicast' || kind === 'broadcast') return undefined
  if (!isLinkLocal(address)) return address
  const zone = sender.split('%')[1]
  return zone === undefined ? undefined : `${address}%${zone}`
}

function toAnswer(record: AddressRecord, ttl: number, flush: boolean): Answer {
  return { name: record.name, type: record.type, class: 'IN', ttl, flush, data: record.address }
}

/** RFC 6762 §6.1: the next name is the name itself, and the bits are the types that exist. */
function noOther(record: AddressRecord, ttl: number, flush: boolean): Answer {
  const data = { nextDomain: record.name, rrtypes: [record.type] }
  return { name: record.name, type: 'NSEC', class: 'IN', ttl, flush, data }
}

// What ICE writes into STUN messages (RFC 8445 §7.1, §7.3.1) and reads from them.
import {
  attribute,
  createTransactionId,
  type IntegrityKey,
  MessageBuilder,
  methods,
  reasonPhrases,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import type { IceRole } from './types.ts'

export interface RequestFields {
  /** `remote-ufrag:local-ufrag` (RFC 8445 §7.2.2). */
  readonly username: string
  readonly key: IntegrityKey
  readonly priority: number
  readonly role: IceRole
  readonly tieBreaker: bigint
  readonly useCandidate: boolean
  /** The NOMINATION attribute, sent instead of USE-CANDIDATE and never beside it. */
  readonly nomination: number | undefined
}

/** Makes the messages of one agent. */
export class MessageWriter {
  readonly #builder = new MessageBuilder()
  readonly #random: (length: number) => Uint8Array

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random
  }

  request(fields: RequestFields): Uint8Array {
    const builder = this.#builder.start('request', methods.binding, createTransactionId(this.#random))
    builder.add(attribute.username, fields.username)
    builder.add(attribute.priority, fields.priority)
    builder.add(fields.role === 'controlling' ? attribute.iceControlling : attribute.iceControlled, fields.tieBreaker)
    if (fields.nomination !== undefined) builder.add(attribute.nomination, fields.nomination)
    else if (fields.useCandidate) builder.add(attribute.useCandidate, true)
    return builder.integrity(fields.key).fingerprint().finish()
  }

  /** `key` is the one that the request was authenticated with (RFC 8489 §9.1.3). */
  success(transactionId: Uint8Array, mapped: TransportAddress, key: IntegrityKey): Uint8Array {
    const builder = this.#builder.start('success', methods.binding, transactionId)
    return builder.add(attribute.xorMappedAddress, mapped).integrity(key).fingerprint().finish()
  }

  error(transactionId: Uint8Array, code: number, key: IntegrityKey, unknown: readonly number[] = []): Uint8Array {
    const builder = this.#builder.start('error', methods.binding, transactionId)
    builder.add(attribute.errorCode, { code, reason: reasonPhrases[code] ?? '' })
    if (unknown.length > 0) builder.add(attribute.unknownAttributes, unknown)
    return builder.integrity(key).fingerprint().finish()
  }
}

/** The two halves of a request's USERNAME: the receiver's fragment first (RFC 8445 §7.2.2). */
export function splitUsername(message: StunMessage): { local: string; remote: string } | undefined {
  const username = message.get(attribute.username)
  if (username === undefined) return undefined
  const colon = username.indexOf(':')
  if (colon <= 0) return undefined
  return { local: username.slice(0, colon), remote: username.slice(colon + 1) }
}

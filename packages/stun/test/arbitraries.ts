import fc from 'fast-check'
import {
  type Attribute,
  attribute,
  formatAddress,
  type IntegrityKey,
  MessageBuilder,
  type MessageClass,
  shortTermKey,
  type TransportAddress,
} from '../src/index.ts'

fc.configureGlobal({ seed: 8489, numRuns: 300 })

export const key: IntegrityKey = shortTermKey('a password of the tests')

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength }).map((value) => new Uint8Array(value))
const uint32 = fc.nat(0xffffffff)
const uint16 = fc.nat(0xffff)
const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'grapheme', maxLength })
const family = fc.constantFrom<4 | 6>(4, 6)

export const transportAddress: fc.Arbitrary<TransportAddress> = fc
  .tuple(fc.oneof(bytes(4, 4), bytes(16, 16)), uint16)
  .map(([raw, port]) => ({ address: formatAddress(raw), port, family: raw.length === 4 ? 4 : 6 }))

const algorithm = fc.record({ algorithm: uint16, parameters: bytes(0, 9) })
const error = { code: fc.integer({ min: 300, max: 699 }), reason: text(20) }

/** For each attribute the values that it can carry. */
export const values: { [Name in keyof typeof attribute]: fc.Arbitrary<unknown> } = {
  mappedAddress: transportAddress,
  xorMappedAddress: transportAddress,
  username: text(40),
  userhash: bytes(32, 32),
  errorCode: fc.record(error),
  unknownAttributes: fc.array(uint16, { maxLength: 6 }),
  realm: text(30),
  nonce: text(30),
  passwordAlgorithm: algorithm,
  passwordAlgorithms: fc.array(algorithm, { maxLength: 4 }),
  software: text(100),
  alternateServer: transportAddress,
  alternateDomain: text(20),
  priority: uint32,
  useCandidate: fc.constant(true),
  iceControlled: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  iceControlling: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  changeRequest: fc.record({ changeIp: fc.boolean(), changePort: fc.boolean() }),
  padding: bytes(0, 100),
  responsePort: uint16,
  cacheTimeout: uint32,
  responseOrigin: transportAddress,
  otherAddress: transportAddress,
  channelNumber: uint16,
  lifetime: uint32,
  xorPeerAddress: transportAddress,
  data: bytes(0, 200),
  xorRelayedAddress: transportAddress,
  requestedAddressFamily: family,
  evenPort: fc.boolean(),
  requestedTransport: fc.nat(0xff),
  dontFragment: fc.constant(true),
  reservationToken: bytes(8, 8),
  additionalAddressFamily: family,
  addressErrorCode: fc.record({ ...error, family }),
  icmp: fc.record({ type: fc.nat(0x7f), code: fc.nat(0x1ff), data: bytes(4, 4) }),
  connectionId: uint32,
  accessToken: bytes(0, 50),
  thirdPartyAuthorization: text(20),
  mobilityTicket: bytes(0, 40),
  transactionTransmitCounter: fc.record({ request: fc.nat(0xff), response: fc.nat(0xff) }),
  ecnCheck: uint32,
  nomination: uint32,
  googNetworkInfo: fc.record({ id: uint16, cost: uint16 }),
  googLastIceCheckReceived: bytes(0, 20),
  googMiscInfo: fc.array(uint16, { maxLength: 5 }),
  googDelta: bytes(0, 20),
  googDeltaAck: bytes(0, 20),
  googMessageIntegrity32: bytes(4, 4),
  metaDtlsInStun: bytes(0, 100),
  metaDtlsInStunAck: bytes(0, 16),
}

export interface Entry {
  readonly name: keyof typeof attribute
  readonly value: unknown
}

const names = Object.keys(values) as (keyof typeof attribute)[]

/** Different attributes in any order, with values. */
export const entries: fc.Arbitrary<Entry[]> = fc
  .shuffledSubarray(names, { maxLength: 10 })
  .chain((subset) =>
    fc
      .tuple(...subset.map((name) => values[name]))
      .map((all) => all.map((value, index) => ({ name: subset[index]!, value }))),
  )

export interface Sample {
  readonly messageClass: MessageClass
  readonly method: number
  readonly transactionId: Uint8Array
  readonly entries: Entry[]
  readonly integrity: boolean
  readonly sha256: number
  readonly fingerprint: boolean
}

export const sample: fc.Arbitrary<Sample> = fc.record({
  messageClass: fc.constantFrom<MessageClass>('request', 'indication', 'success', 'error'),
  method: fc.nat(0xfff),
  transactionId: bytes(12, 12),
  entries,
  integrity: fc.boolean(),
  sha256: fc.constantFrom(0, 16, 20, 24, 28, 32),
  fingerprint: fc.boolean(),
})

export function build(from: Sample, builder: MessageBuilder = new MessageBuilder()): Uint8Array {
  builder.start(from.messageClass, from.method, from.transactionId)
  for (const { name, value } of from.entries) builder.add(attribute[name] as Attribute<unknown>, value)
  if (from.integrity) builder.integrity(key)
  if (from.sha256 > 0) builder.integritySha256(key, from.sha256)
  if (from.fingerprint) builder.fingerprint()
  return builder.finish()
}

// Agents without a driver: one socket each, datagrams handed over by hand, time set by the test.
import { type IceAgentOptions, IceAgent, type IceEvent, type LocalCandidate, type Transmit } from '../src/index.ts'
import { candidatePriority } from '../src/index.ts'
import {
  attribute,
  createTransactionId,
  MessageBuilder,
  methods,
  shortTermKey,
  type TransportAddress,
} from '@kaon/stun'
import { seededRandom } from './driver/pair.ts'

export const SOCKET = 7

export function address(text: string, port = 5000): TransportAddress {
  return { address: text, port, family: text.includes(':') ? 6 : 4 }
}

export function hostCandidate(at: TransportAddress, socket = SOCKET, preference = 65535): LocalCandidate {
  return {
    foundation: `h${socket}`,
    component: 1,
    protocol: 'udp',
    priority: candidatePriority('host', preference),
    address: at.address,
    port: at.port,
    type: 'host',
    socket,
  }
}

export class Side {
  readonly agent: IceAgent
  readonly at: TransportAddress
  readonly events: IceEvent[] = []

  constructor(text: string, options: Partial<IceAgentOptions> = {}) {
    this.at = address(text)
    this.agent = new IceAgent({
      now: 0,
      random: seededRandom(text.length * 31 + this.at.port + hash(text)),
      ...options,
    })
    this.agent.addLocalCandidate(hostCandidate(this.at))
  }

  /** Everything it wants to send now. */
  drain(now: number): Transmit[] {
    const sent: Transmit[] = []
    for (let next = this.agent.pollTransmit(now); next !== undefined; next = this.agent.pollTransmit(now))
      sent.push(next)
    for (let event = this.agent.pollEvent(); event !== undefined; event = this.agent.pollEvent())
      this.events.push(event)
    return sent
  }

  receive(data: Uint8Array, from: TransportAddress, now: number): void {
    this.agent.receive(data.slice(), SOCKET, from, now)
  }
}

export interface Forged {
  username?: string
  password?: string
  role?: 'controlling' | 'controlled'
  tieBreaker?: bigint
  priority?: number | undefined
  useCandidate?: boolean
  nomination?: number
  unknown?: number
  noIntegrity?: boolean
  brokenFingerprint?: boolean
}

/** A request for `side` from a peer of its, with anything wrong that the test wants. */
export function forge(side: { readonly agent: IceAgent }, options: Forged = {}): Uint8Array {
  const { localParameters, remoteParameters } = side.agent
  const builder = new MessageBuilder().start('request', methods.binding, createTransactionId())
  const theirs = remoteParameters?.usernameFragment ?? 'peer'
  builder.add(attribute.username, options.username ?? `${localParameters.usernameFragment}:${theirs}`)
  if (!('priority' in options)) builder.add(attribute.priority, 1)
  else if (options.priority !== undefined) builder.add(attribute.priority, options.priority)
  const role = options.role ?? 'controlling'
  builder.add(role === 'controlling' ? attribute.iceControlling : attribute.iceControlled, options.tieBreaker ?? 1n)
  if (options.useCandidate) builder.add(attribute.useCandidate, true)
  if (options.nomination !== undefined) builder.add(attribute.nomination, options.nomination)
  if (options.unknown !== undefined) builder.addRaw(options.unknown, new Uint8Array(4))
  if (!options.noIntegrity) builder.integrity(shortTermKey(options.password ?? localParameters.password))
  const bytes = builder.fingerprint().finish().slice()
  if (options.brokenFingerprint) bytes[bytes.length - 1]! ^= 1
  return bytes
}

/** Introduces two sides to each other, candidates included. */
export function introduce(a: Side, b: Side, now = 0): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.agent.setRemoteParameters(other.agent.localParameters, now)
    one.agent.addRemoteCandidate(hostCandidate(other.at))
    one.agent.endOfRemoteCandidates()
    one.agent.endOfLocalCandidates()
  }
}

/** Hands datagrams over at once, until neither side has any, then on to the next deadline, until `end`. */
export function play(a: Side, b: Side, from: number, end: number): void {
  let now = from
  while (now <= end) {
    for (let busy = true; busy;) {
      busy = false
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        for (const { data } of one.drain(now)) {
          busy = true
          other.receive(data, one.at, now)
        }
      }
    }
    now = Math.max(now + 1e-6, Math.min(a.agent.deadline, b.agent.deadline))
  }
}

function hash(text: string): number {
  let value = 0
  for (const character of text) value = (value * 31 + character.charCodeAt(0)) >>> 0
  return value
}

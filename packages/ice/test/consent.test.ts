// Consent (RFC 7675) and the paths beside the one in use, over two addresses of the peer.
import { attribute, decodeMessage, MessageBuilder, methods, shortTermKey, type TransportAddress } from '@kaon/stun'
import { describe, expect, test } from 'vitest'
import { type IceAgentOptions, IceAgent, type IceEvent } from '../src/index.ts'
import { address, forge, hostCandidate } from './harness.ts'
import { seededRandom } from './driver/pair.ts'

const A = address('192.0.2.1')
const BEST = address('192.0.2.11')
const SPARE = address('192.0.2.12')

/** One address against two, with a wire that can be cut for each pair of them. */
class Wire {
  now = 0
  readonly a: IceAgent
  readonly b: IceAgent
  readonly events: IceEvent[] = []
  readonly cut = new Set<TransportAddress>()
  /** Where `a` sent to, and when. */
  readonly sent: { readonly at: number; readonly to: string; readonly data: Uint8Array }[] = []

  constructor(options: Partial<IceAgentOptions>, other: Partial<IceAgentOptions>, type: 'host' | 'srflx' = 'host') {
    this.a = new IceAgent({ now: 0, random: seededRandom(5), ...options })
    this.b = new IceAgent({ now: 0, random: seededRandom(6), ...other })
    this.a.addLocalCandidate(hostCandidate(A, 1))
    this.b.addLocalCandidate(hostCandidate(BEST, 1))
    this.b.addLocalCandidate(hostCandidate(SPARE, 2, 10))
    this.a.setRemoteParameters(this.b.localParameters, 0)
    this.b.setRemoteParameters(this.a.localParameters, 0)
    this.b.addRemoteCandidate({ ...hostCandidate(A), type })
    this.a.addRemoteCandidate({ ...hostCandidate(BEST), foundation: '1', type })
    this.a.addRemoteCandidate({ ...hostCandidate(SPARE, 2, 10), foundation: '2', type })
    for (const agent of [this.a, this.b]) agent.endOfLocalCandidates()
    if (type === 'host') this.a.endOfRemoteCandidates()
  }

  run(until: number): void {
    while (this.now <= until) {
      for (let busy = true; busy;) {
        busy = false
        for (let next = this.a.pollTransmit(this.now); next !== undefined; next = this.a.pollTransmit(this.now)) {
          busy = true
          this.sent.push({ at: this.now, to: next.to.address, data: next.data.slice() })
          const to = [BEST, SPARE].find((one) => one.address === next!.to.address)
          if (to !== undefined && !this.cut.has(to)) this.b.receive(next.data.slice(), to === BEST ? 1 : 2, A, this.now)
        }
        for (let next = this.b.pollTransmit(this.now); next !== undefined; next = this.b.pollTransmit(this.now)) {
          busy = true
          const from = next.socket === 1 ? BEST : SPARE
          if (!this.cut.has(from)) this.a.receive(next.data.slice(), 1, from, this.now)
        }
        for (let event = this.a.pollEvent(); event !== undefined; event = this.a.pollEvent()) this.events.push(event)
      }
      this.now = Math.max(this.now + 1e-6, Math.min(this.a.deadline, this.b.deadline))
    }
    this.now = until
  }

  get path(): string | undefined {
    return this.a.selectedPair?.to.address
  }
}

describe('a path that goes quiet', () => {
  test('before anything is nominated: the spare one carries the data, and no flapping', () => {
    const wire = new Wire({ role: 'controlling', nominationDelayMs: 10_000 }, {}, 'srflx')
    wire.run(500)
    expect(wire.a.pairs.map(({ state, nominated }) => `${state} ${nominated}`)).toEqual([
      'succeeded false',
      'succeeded false',
    ])
    expect(wire.path).toBe(BEST.address)
    wire.cut.add(BEST)
    wire.run(9900)
    expect(wire.path).toBe(SPARE.address)
    wire.run(25_000)
    expect(wire.path).toBe(SPARE.address)
    expect(wire.a.selectedPair?.nominated).toBe(true)
    expect(wire.events.filter(({ type }) => type === 'selected-pair')).toHaveLength(2)
  })

  test('while it is being nominated: the spare one is nominated without waiting for that', () => {
    const wire = new Wire({ role: 'controlling', nominationDelayMs: 3000 }, {}, 'srflx')
    wire.run(2990)
    wire.cut.add(BEST)
    wire.run(14_000) // the nomination of the first one would take until 22 s to fail
    expect(wire.path).toBe(SPARE.address)
    expect(wire.a.selectedPair?.nominated).toBe(true)
    expect(wire.b.selectedPair?.nominated).toBe(true)
  })
})

test('a path whose consent has expired is not used again, whatever the peer sends over it (RFC 7675 §5.1)', () => {
  const wire = new Wire({ role: 'controlled' }, { role: 'controlling' })
  wire.cut.add(SPARE)
  wire.run(1000)
  wire.cut.add(BEST)
  wire.run(25_000)
  wire.a.addRemoteCandidate({ ...hostCandidate(address('192.0.2.99')), foundation: '3' }) // hope, so that it does not fail
  wire.run(32_000)
  expect(wire.path).toBeUndefined()
  expect(wire.a.state).toBe('disconnected')
  wire.cut.delete(BEST)
  const silent = wire.sent.length
  wire.a.receive(forge({ agent: wire.a }, { useCandidate: true }), 1, BEST, wire.now)
  wire.run(34_000)
  const later = wire.sent.slice(silent).filter(({ to }) => to === BEST.address)
  expect(later.every(({ data }) => decodeMessage(data)?.messageClass !== 'request')).toBe(true)
  expect(wire.path).toBeUndefined()
})

test('a pair that was valid long ago is checked again before a late nomination takes it', () => {
  const wire = new Wire({ role: 'controlled' }, { role: 'controlling' })
  wire.run(60_000)
  expect(wire.path).toBe(BEST.address)
  const before = wire.sent.length
  wire.a.receive(forge({ agent: wire.a }, { nomination: 1000 }), 1, SPARE, wire.now)
  wire.run(60_000)
  const first = wire.sent[before + 1]!
  expect(first.to).toBe(SPARE.address)
  expect(decodeMessage(first.data)?.has(attribute.iceControlled)).toBe(true)
  wire.run(100_000)
  expect(wire.path).toBe(SPARE.address)
  expect(wire.a.pairs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded'])
  expect(wire.events.filter(({ type }) => type === 'selected-pair')).toHaveLength(2)
})

test('a peer that refuses every nomination is asked twice a second', () => {
  const wire = new Wire({ role: 'controlling' }, { role: 'controlled' })
  const receive = wire.b.receive.bind(wire.b)
  let nominations = 0
  wire.b.receive = (data, socket, from, now): void => {
    const message = decodeMessage(data.slice())!
    if (!message.has(attribute.nomination)) return receive(data, socket, from, now)
    nominations++
    const answer = new MessageBuilder().start('error', methods.binding, message.transactionId)
    answer.add(attribute.errorCode, { code: 400, reason: 'no' })
    wire.a.receive(answer.integrity(shortTermKey(wire.b.localParameters.password)).finish().slice(), 1, BEST, now)
  }
  wire.run(5000)
  expect(nominations).toBe(11)
  expect(wire.path).toBe(BEST.address)
})

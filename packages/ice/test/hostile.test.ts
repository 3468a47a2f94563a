// What a peer, or somebody who is not the peer, may try.
import { attribute, decodeMessage, MessageBuilder, methods, shortTermKey } from '@kaon/stun'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address, forge, type Forged, hostCandidate, introduce, play, Side, SOCKET } from './harness.ts'

function connected(): { a: Side; b: Side } {
  const a = new Side('192.0.2.1', { role: 'controlling' })
  const b = new Side('192.0.2.2')
  introduce(a, b)
  play(a, b, 0, 100)
  expect([a.agent.state, b.agent.state]).toEqual(['completed', 'completed'])
  return { a, b }
}

describe('requests that are not authentic', () => {
  const STRANGER = address('203.0.113.9')

  test('are counted by reason and neither answered nor remembered', () => {
    const { b } = connected()
    const before = { ...b.agent.stats }
    const attempts: [Forged, keyof typeof before][] = [
      [{ username: 'nobody:here' }, 'unknownUsername'],
      [{ username: 'nocolon' }, 'unknownUsername'],
      [{ username: ':x' }, 'unknownUsername'],
      [{ username: `${b.agent.localParameters.usernameFragment}:other` }, 'unknownUsername'],
      [{ password: 'wrongwrongwrongwrongwrong' }, 'badIntegrity'],
      [{ noIntegrity: true }, 'badIntegrity'],
      [{ brokenFingerprint: true }, 'malformed'],
    ]
    for (const [forged, counter] of attempts) {
      const count = b.agent.stats[counter]
      b.receive(forge(b, forged), STRANGER, 200)
      expect(b.agent.stats[counter], JSON.stringify(forged)).toBe(count + 1)
      expect(b.drain(200)).toEqual([])
    }
    expect(b.agent.pairs).toHaveLength(1)
    expect(b.agent.lookup(SOCKET, STRANGER)).toBeUndefined()
  })

  test('a flood of them costs no memory', () => {
    const { b } = connected()
    for (let i = 0; i < 5000; i++) {
      b.receive(forge(b, { username: `u${i}:x`, noIntegrity: true }), address('203.0.113.9', 1024 + i), 200)
    }
    expect(b.agent.stats.unknownUsername).toBe(5000)
    expect(b.agent.pairs).toHaveLength(1)
    expect(b.agent.remoteCandidates).toHaveLength(1)
    expect(b.drain(200)).toEqual([])
  })

  test('responses nobody asked for, forged and replayed ones', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    const [check] = a.drain(0)
    const id = decodeMessage(check!.data.slice())!.transactionId
    const forged = (key: string): Uint8Array =>
      new MessageBuilder()
        .start('success', methods.binding, id)
        .add(attribute.xorMappedAddress, a.at)
        .integrity(shortTermKey(key))
        .fingerprint()
        .finish()
    a.receive(forged('x'.repeat(24)), b.at, 1)
    expect(a.agent.stats.badIntegrity).toBe(1)
    expect(a.agent.pairs[0]!.state).toBe('in-progress')
    b.receive(check!.data, a.at, 1)
    const [answer] = b.drain(1)
    a.receive(answer!.data, b.at, 1)
    a.receive(answer!.data, b.at, 1)
    expect(a.agent.stats.unknownTransaction).toBe(1)
    expect(a.agent.pairs[0]!.state).toBe('succeeded')
  })

  test('any bytes, and valid messages with bytes changed', () => {
    const { b } = connected()
    const valid = forge(b)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => b.receive(bytes, STRANGER, 300)),
      { seed: 1 },
    )
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(changes, fc.nat(valid.length), (list, length) => {
        const bytes = valid.slice(0, length)
        for (const [at, value] of list) if (at < bytes.length) bytes[at]! ^= value
        b.receive(bytes, STRANGER, 300)
      }),
      { seed: 2, numRuns: 500 },
    )
    b.drain(300)
    expect(b.agent.pairs.length).toBeLessThanOrEqual(2) // a change of nothing, or of what nobody protects
    expect(b.agent.state).toBe('completed')
  })
})

describe('an authentic peer that misbehaves', () => {
  test('many peer-reflexive addresses: a limit, and the pair in use is not touched', () => {
    const { b } = connected()
    for (let i = 0; i < 1000; i++) {
      b.receive(forge(b), address('203.0.113.9', 1024 + i), 200 + i)
      b.drain(200 + i)
    }
    expect(b.agent.pairs.length).toBeLessThanOrEqual(21)
    expect(b.agent.remoteCandidates.length).toBeLessThanOrEqual(21)
    expect(b.agent.stats.limited).toBeGreaterThan(900)
    expect(b.agent.selectedPair?.remote.address.address).toBe('192.0.2.1')
    // Over a long time, too: as old ones fail, new ones may take their places, but never more.
    for (let i = 0; i < 600; i++) {
      b.receive(forge(b), address('203.0.113.10', 1024 + i), 2000 + i * 100)
      b.drain(2000 + i * 100)
    }
    expect(b.agent.pairs.length).toBeLessThanOrEqual(21)
  })

  test('before the remote credentials are known', () => {
    const b = new Side('192.0.2.2')
    for (let i = 0; i < 100; i++) b.receive(forge(b), address('203.0.113.9', 1024 + i), i)
    expect(b.agent.pairs.length).toBeLessThanOrEqual(20)
    expect(b.drain(100).length).toBeLessThanOrEqual(64)
  })

  test('more requests than are drained: the answers owed have a limit', () => {
    const { b } = connected()
    for (let i = 0; i < 1000; i++) b.receive(forge(b), address('192.0.2.1'), 200)
    expect(b.drain(200)).toHaveLength(64)
  })

  test('signalled candidates without end', () => {
    const { a } = connected()
    for (let i = 0; i < 1000; i++) a.agent.addRemoteCandidate(hostCandidate(address('203.0.113.9', 1024 + i)))
    expect(a.agent.remoteCandidates.length).toBeLessThanOrEqual(148)
    expect(a.agent.pairs.length).toBeLessThanOrEqual(100)
    expect(a.agent.selectedPair?.remote.address.address).toBe('192.0.2.2')
  })

  test('a full checklist keeps the highest pairs', () => {
    const a = new Side('192.0.2.1', { role: 'controlling', maxPairs: 10 })
    a.agent.setRemoteParameters({ usernameFragment: 'abcd', password: 'p'.repeat(22) }, 0)
    for (let i = 0; i < 50; i++) {
      a.agent.addRemoteCandidate({
        ...hostCandidate(address('203.0.113.9', 1024 + i)),
        priority: 1000 + ((i * 7) % 50),
      })
    }
    expect(a.agent.pairs.map(({ remote }) => remote.candidate.priority)).toEqual(
      Array.from({ length: 10 }, (_, i) => 1049 - i),
    )
  })

  test('candidates that nobody can be reached at', () => {
    const { a } = connected()
    const count = a.agent.pairs.length
    const base = hostCandidate(address('203.0.113.9'))
    const bad = [
      { ...base, address: '0.0.0.0' },
      { ...base, address: '::' },
      { ...base, address: '224.0.0.1' },
      { ...base, address: '255.255.255.255' },
      { ...base, address: 'example.org' },
      { ...base, address: 'x.local' },
      { ...base, port: 0 },
      { ...base, protocol: 'tcp' as const, tcpType: 'active' as const },
      { ...base, component: 2 },
      { ...base, usernameFragment: 'other' },
      { ...base, type: 'prflx' as const },
    ]
    for (const candidate of bad) a.agent.addRemoteCandidate(candidate)
    expect(a.agent.stats.ignoredCandidates).toBe(bad.length)
    expect(a.agent.pairs).toHaveLength(count)
  })

  test('unknown comprehension-required attributes and a missing PRIORITY are told', () => {
    const { b } = connected()
    b.receive(forge(b, { unknown: 0x7777 }), address('203.0.113.9'), 200)
    b.receive(forge(b, { priority: undefined }), address('203.0.113.9'), 200)
    const answers = b.drain(200).map(({ data }) => decodeMessage(data)!)
    expect(answers.map((message) => message.get(attribute.errorCode)?.code)).toEqual([420, 400])
    expect(answers[0]!.get(attribute.unknownAttributes)).toEqual([0x7777])
    expect(b.agent.pairs).toHaveLength(1)
  })
})

test('an answer that demands to be understood and is not fails the check (RFC 8489 §6.3.3)', () => {
  const a = new Side('192.0.2.1', { role: 'controlling' })
  const b = new Side('192.0.2.2')
  introduce(a, b)
  const message = decodeMessage(a.drain(0)[0]!.data)!
  const answer = new MessageBuilder().start('success', methods.binding, message.transactionId)
  answer.add(attribute.xorMappedAddress, a.at).addRaw(0x7ffe, new Uint8Array(4))
  a.receive(answer.integrity(shortTermKey(b.agent.localParameters.password)).finish(), b.at, 5)
  a.drain(5)
  expect(a.agent.pairs.map(({ state }) => state)).toEqual(['failed'])
})

test('a peer that has moved twenty times may move again', () => {
  const { b } = connected()
  for (let i = 0; i < 60; i++) {
    const now = 1000 + i * 1000
    const from = address('203.0.113.9', 1000 + i)
    b.receive(forge(b, { nomination: i + 2 }), from, now)
    for (const { to, data } of b.drain(now)) {
      const message = decodeMessage(data)!
      if (message.messageClass !== 'request' || to.port !== from.port) continue
      const answer = new MessageBuilder().start('success', methods.binding, message.transactionId)
      answer.add(attribute.xorMappedAddress, b.at)
      b.receive(answer.integrity(shortTermKey(b.agent.remoteParameters!.password)).finish(), from, now)
    }
    b.drain(now)
    expect(b.agent.selectedPair?.to.port).toBe(from.port)
  }
  expect(b.agent.pairs.length).toBeLessThan(40)
})

test('the zone of a signalled link-local address is not taken for one of ours', () => {
  const a = new Side('fe80::1%eth0')
  a.agent.addRemoteCandidate(hostCandidate(address('fe80::2%secret0')))
  expect(a.agent.pairs.map(({ to }) => to.address)).toEqual(['fe80::2%eth0'])
})

describe('roles in conflict (RFC 8445 §7.3.1.1)', () => {
  const HUGE = 2n ** 64n - 1n

  test.each([
    ['controlling', 'controlling', HUGE, 'controlled', undefined],
    ['controlling', 'controlling', 0n, 'controlling', 487],
    ['controlled', 'controlled', 0n, 'controlling', undefined],
    ['controlled', 'controlled', HUGE, 'controlled', 487],
  ] as const)('%s hears %s with tie-breaker %s: becomes %s', (own, theirs, tieBreaker, becomes, code) => {
    const side = new Side('192.0.2.1', { role: own })
    side.agent.setRemoteParameters({ usernameFragment: 'peer', password: 'p'.repeat(22) }, 0)
    side.receive(forge(side, { role: theirs, tieBreaker }), address('192.0.2.2'), 0)
    expect(side.agent.role).toBe(becomes)
    const answers = side.drain(0).map(({ data }) => decodeMessage(data)!)
    expect(answers[0]!.get(attribute.errorCode)?.code).toBe(code)
  })
})

describe('nomination by the peer', () => {
  /** A controlled side with three valid pairs to one peer, of ascending priority. */
  function threePairs(): {
    side: Side
    peers: ReturnType<typeof address>[]
    nominate(i: number, forged?: Forged): void
  } {
    const side = new Side('192.0.2.1')
    const password = 'p'.repeat(22)
    side.agent.setRemoteParameters({ usernameFragment: 'peer', password }, 0)
    const peers = [2, 3, 4].map((last) => address(`192.0.2.${last}`))
    for (const [i, peer] of peers.entries()) {
      side.agent.addRemoteCandidate({ ...hostCandidate(peer), foundation: `${i}`, priority: 1000 + i })
    }
    side.agent.endOfLocalCandidates()
    const key = shortTermKey(password)
    const answer = (now: number): void => {
      for (const { to, data } of side.drain(now)) {
        const message = decodeMessage(data)!
        if (message.messageClass !== 'request') continue
        const builder = new MessageBuilder().start('success', methods.binding, message.transactionId)
        side.receive(builder.add(attribute.xorMappedAddress, side.at).integrity(key).fingerprint().finish(), to, now)
      }
    }
    for (let now = 0; now < 200; now += 20) answer(now)
    expect(side.agent.pairs.every((pair) => pair.valid)).toBe(true)
    let now = 300
    const nominate = (i: number, forged: Forged = { useCandidate: true }): void => {
      side.receive(forge(side, forged), peers[i]!, ++now)
      answer(now)
    }
    return { side, peers, nominate }
  }

  const selected = (side: Side): string | undefined =>
    side.agent.pairs.find((pair) => pair.nominated)?.remote.address.address

  test('aggressive: the highest of the nominated pairs', () => {
    const { side, nominate } = threePairs()
    nominate(1)
    expect(selected(side)).toBe('192.0.2.3')
    nominate(0)
    expect(selected(side)).toBe('192.0.2.3')
    nominate(2)
    expect(selected(side)).toBe('192.0.2.4')
    expect(side.agent.pairs.filter((pair) => pair.nominated)).toHaveLength(1)
  })

  test('NOMINATION: the largest value, whatever the priority', () => {
    const { side, nominate } = threePairs()
    nominate(2, { nomination: 1 })
    expect(selected(side)).toBe('192.0.2.4')
    nominate(0, { nomination: 2 })
    expect(selected(side)).toBe('192.0.2.2')
    nominate(1, { nomination: 1 }) // late, reordered
    expect(selected(side)).toBe('192.0.2.2')
    nominate(1, { nomination: 3 })
    expect(selected(side)).toBe('192.0.2.3')
  })

  test('a nominated pair of lower priority is followed when the data comes over it', () => {
    const { side, peers, nominate } = threePairs()
    nominate(2)
    nominate(0)
    expect(selected(side)).toBe('192.0.2.4')
    side.agent.dataReceived(side.agent.lookup(SOCKET, peers[0]!)!, 310)
    expect(selected(side)).toBe('192.0.2.2')
    side.agent.dataReceived(side.agent.lookup(SOCKET, peers[2]!)!, 320) // on its way since before
    expect(selected(side)).toBe('192.0.2.2')
  })

  test('USE-CANDIDATE from a peer that has no say is ignored', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    a.agent.setRemoteParameters({ usernameFragment: 'peer', password: 'p'.repeat(22) }, 0)
    a.receive(forge(a, { role: 'controlled', useCandidate: true }), address('192.0.2.2'), 0)
    expect(a.agent.pairs[0]!.nominatedByPeerAt).toBe(0)
  })
})

import { attribute, checkFingerprint, checkIntegrity, decodeMessage, shortTermKey } from '@kaon/stun'
import { describe, expect, test } from 'vitest'
import { address, hostCandidate, introduce, play, Side, SOCKET } from './harness.ts'

describe('two agents', () => {
  test('connect, nominate and complete in no time when nothing is in the way', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    play(a, b, 0, 0)
    expect([a.agent.state, b.agent.state]).toEqual(['completed', 'completed'])
    expect(a.agent.selectedPair?.nominated).toBe(true)
    expect(b.agent.selectedPair?.nominated).toBe(true)
    expect(a.events.map((event) => event.type)).toEqual(['state', 'selected-pair', 'state', 'state'])
  })

  test('the first check is due at once, the next after Ta', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    a.agent.setRemoteParameters({ usernameFragment: 'abcd', password: 'p'.repeat(22) }, 100)
    for (let i = 2; i < 6; i++)
      a.agent.addRemoteCandidate({ ...hostCandidate(address(`192.0.2.${i}`)), foundation: `${i}` })
    expect(a.agent.deadline).toBeLessThanOrEqual(100)
    expect(a.drain(100)).toHaveLength(1)
    expect(a.agent.deadline).toBe(120)
    expect(a.drain(119)).toHaveLength(0)
    expect(a.drain(120)).toHaveLength(1)
    expect(a.drain(1000).length).toBeGreaterThanOrEqual(1) // late is late: no burst to catch up
    expect(a.agent.stats.checksSent).toBe(3)
  })

  test('the larger Ta of both sides counts, and the own one is announced', () => {
    const a = new Side('192.0.2.1', { role: 'controlling', checkIntervalMs: 30 })
    expect(a.agent.localParameters.pacing).toBe(30)
    a.agent.setRemoteParameters({ usernameFragment: 'abcd', password: 'p'.repeat(22), pacing: 50 }, 0)
    for (let i = 2; i < 6; i++)
      a.agent.addRemoteCandidate({ ...hostCandidate(address(`192.0.2.${i}`)), foundation: `${i}` })
    a.drain(0)
    expect(a.agent.deadline).toBe(50)
  })

  test('a check carries what RFC 8445 §7.1 asks for', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    const message = decodeMessage(a.drain(0)[0]!.data)!
    const [local, remote] = [a.agent.localParameters, b.agent.localParameters]
    expect(message.get(attribute.username)).toBe(`${remote.usernameFragment}:${local.usernameFragment}`)
    expect(message.get(attribute.priority)).toBe(110 * 2 ** 24 + 65535 * 256 + 255)
    expect(typeof message.get(attribute.iceControlling)).toBe('bigint')
    expect(message.has(attribute.useCandidate)).toBe(false)
    expect(checkIntegrity(message, shortTermKey(remote.password))).toBe(true)
    expect(checkFingerprint(message)).toBe(true)
  })

  test('frozen pairs wait for one of their foundation', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    // Two more addresses of the same foundation as b's: frozen until b has answered.
    for (const last of [3, 4])
      a.agent.addRemoteCandidate({ ...hostCandidate(address(`192.0.2.${last}`)), priority: last })
    expect(a.agent.pairs.map(({ state }) => state)).toEqual(['waiting', 'frozen', 'frozen'])
    const first = a.drain(0)
    expect(first).toHaveLength(1)
    expect(a.drain(400)).toHaveLength(0)
    b.receive(first[0]!.data, a.at, 400)
    for (const { data } of b.drain(400)) a.receive(data, b.at, 400)
    expect(a.agent.pairs.filter(({ state }) => state === 'frozen')).toHaveLength(0)
  })

  test('a frozen pair gets its turn when the one it waits for goes unanswered', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    a.agent.setRemoteParameters({ usernameFragment: 'abcd', password: 'p'.repeat(22) }, 0)
    for (const last of [2, 3])
      a.agent.addRemoteCandidate({ ...hostCandidate(address(`192.0.2.${last}`)), priority: last })
    const sent: string[] = []
    for (let now = 0; now < 39_000; now = Math.max(a.agent.deadline, now + 1)) {
      for (const { to } of a.drain(now)) sent.push(`${to.address} ${now}`)
    }
    expect(sent.slice(0, 4)).toEqual(['192.0.2.2 0', '192.0.2.2 500', '192.0.2.3 500', '192.0.2.3 1000'])
    expect(sent).toHaveLength(14) // RFC 8489 §6.2.1: seven times each
    expect(a.agent.pairs.map(({ state }) => state)).toEqual(['failed', 'failed'])
  })

  test('NOMINATION instead of USE-CANDIDATE for a peer that understands it, never both', () => {
    for (const renomination of [true, false]) {
      const a = new Side('192.0.2.1', { role: 'controlling' })
      const b = new Side('192.0.2.2')
      introduce(a, b)
      a.agent.restart(0)
      b.agent.restart(0)
      const again = new Side('192.0.2.1', { role: 'controlling' })
      again.agent.setRemoteParameters({ ...b.agent.localParameters, renomination }, 0)
      again.agent.addRemoteCandidate(hostCandidate(b.at))
      b.agent.addLocalCandidate(hostCandidate(b.at))
      b.agent.setRemoteParameters(again.agent.localParameters, 0)
      const seen: string[] = []
      for (let i = 0; i < 6; i++) {
        for (const { data } of again.drain(0)) {
          const message = decodeMessage(data.slice())!
          seen.push(`${message.get(attribute.nomination)} ${message.has(attribute.useCandidate)}`)
          b.receive(data, again.at, 0)
        }
        for (const { data } of b.drain(0)) again.receive(data, b.at, 0)
      }
      expect(seen).toContain(renomination ? '1 false' : 'undefined true')
      expect(seen.every((text) => !/\d true/.test(text))).toBe(true)
      expect(b.agent.selectedPair?.nominated).toBe(true)
    }
  })

  test('an idle agent has a deadline only for consent', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    play(a, b, 0, 100)
    expect(a.agent.deadline).toBeGreaterThanOrEqual(4000)
    expect(a.agent.deadline).toBeLessThanOrEqual(6000)
  })

  test('consent is asked for every 4 to 6 s', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    play(a, b, 0, 0)
    let last = 0
    const gaps: number[] = []
    for (let i = 0; i < 50; i++) {
      const now = a.agent.deadline
      gaps.push(now - last)
      last = now
      for (const { data } of a.drain(now)) b.receive(data, a.at, now)
      for (const { data } of b.drain(now)) a.receive(data, b.at, now)
      for (const { data } of a.drain(now)) b.receive(data, a.at, now)
    }
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(4000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(6000)
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(500)
  })

  test('a cancelled check is not retransmitted, but its answer still counts', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    const [first] = a.drain(0)
    a.receive(b.drain(0)[0]!.data, b.at, 100) // cancels it, and triggers another
    const again = a.drain(100)
    expect(again).toHaveLength(2) // an answer and the triggered check
    expect(a.agent.stats.checksSent).toBe(2)
    a.drain(900)
    b.receive(first!.data, a.at, 900)
    for (const { data } of b.drain(900)) a.receive(data, b.at, 900)
    expect(a.agent.pairs[0]!.state).toBe('succeeded')
  })

  test('an answer that comes back another way fails the pair', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    b.receive(a.drain(0)[0]!.data, a.at, 0)
    a.receive(b.drain(0)[0]!.data, address('192.0.2.99'), 0)
    expect(a.agent.pairs[0]!.state).toBe('failed')
    expect(a.agent.selectedPair).toBeUndefined()
  })

  test('a closed agent does nothing', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    const [check] = b.drain(0)
    a.agent.close()
    a.receive(check!.data, b.at, 0)
    expect(a.drain(10)).toEqual([])
    expect(a.agent.deadline).toBe(Infinity)
    expect(a.agent.lookup(SOCKET, b.at)).toBeUndefined()
  })

  test('data is accepted from paths that something authentic has come over, and from no other', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = new Side('192.0.2.2')
    introduce(a, b)
    expect(b.agent.lookup(SOCKET, a.at)).toBeUndefined()
    b.receive(a.drain(0)[0]!.data, a.at, 0)
    expect(b.agent.lookup(SOCKET, a.at)).toBeDefined()
    expect(b.agent.lookup(SOCKET, address('192.0.2.1', 5001))).toBeUndefined()
    expect(b.agent.lookup(SOCKET + 1, a.at)).toBeUndefined()
  })
})

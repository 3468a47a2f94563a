// An ICE-lite agent (RFC 8445 §2.5): only answers, never controls, and notices a dead peer all the same.
import { VirtualNetwork } from '@kaon/net/virtual'
import { attribute, decodeMessage } from '@kaon/stun'
import { describe, expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer, type Peer } from './driver/pair.ts'
import { address, forge, introduce, play, Side } from './harness.ts'

function lite(text = '192.0.2.2'): Side {
  return new Side(text, { lite: true, role: 'controlling' })
}

describe('a lite agent', () => {
  test('is controlled, says so, and sends nothing by itself', () => {
    const b = lite()
    expect(b.agent.role).toBe('controlled')
    expect(b.agent.localParameters.iceLite).toBe(true)
    b.agent.setRole('controlling')
    expect(b.agent.role).toBe('controlled')
    const a = new Side('192.0.2.1', { role: 'controlling' })
    introduce(a, b)
    for (let now = 0; now < 60_000; now += 500) {
      for (const _ of b.drain(now)) throw new Error('a lite agent has sent something')
    }
  })

  test('connects to a full agent, whichever role that one begins with', () => {
    for (const role of ['controlling', 'controlled'] as const) {
      const a = new Side('192.0.2.1', { role })
      const b = lite()
      introduce(a, b)
      play(a, b, 0, 100)
      expect([a.agent.state, b.agent.state]).toEqual(['completed', 'completed'])
      expect([a.agent.role, b.agent.role]).toEqual(['controlling', 'controlled'])
      expect(b.agent.selectedPair?.nominated).toBe(true)
      expect(b.agent.stats.checksSent + b.agent.stats.consentChecksSent).toBe(0)
    }
  })

  test('answers 487 to a peer that wants to be controlled, whatever the tie-breaker', () => {
    const b = lite()
    for (const tieBreaker of [0n, 2n ** 64n - 1n]) {
      b.receive(forge(b, { role: 'controlled', tieBreaker }), address('192.0.2.1'), 0)
      const [answer] = b.drain(0)
      expect(decodeMessage(answer!.data)!.get(attribute.errorCode)?.code).toBe(487)
      expect(b.agent.role).toBe('controlled')
    }
  })

  test('data may flow as soon as the peer has checked a pair, and moves to the nominated one', () => {
    const b = lite()
    const a = new Side('192.0.2.1', { role: 'controlling' })
    introduce(a, b)
    const [first, second] = [address('192.0.2.8'), address('192.0.2.9')]
    b.receive(forge(b), first, 0)
    b.drain(0)
    expect(b.agent.selectedPair?.remote.address).toEqual(first)
    expect(b.agent.state).toBe('connected')
    b.receive(forge(b, { useCandidate: true }), second, 10)
    b.drain(10)
    expect(b.agent.selectedPair?.remote.address).toEqual(second)
    b.receive(forge(b, { nomination: 2 }), first, 20)
    b.drain(20)
    expect(b.agent.selectedPair?.remote.address).toEqual(first)
  })

  test('a peer that asks no more is disconnected after 18 s and gone after 30', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = lite()
    introduce(a, b)
    play(a, b, 0, 20_000)
    const last = b.agent.selectedPair!.answeredAt
    const states: [string, number][] = []
    while (b.agent.deadline < Infinity) {
      const now = b.agent.deadline
      b.drain(now)
      const state = b.agent.state
      if (states.at(-1)?.[0] !== state) states.push([state, now - last])
      if (now > 100_000) break
    }
    expect(states.map(([state]) => state).filter((state) => state !== 'completed')).toEqual(['disconnected', 'failed'])
    expect(states.find(([state]) => state === 'disconnected')![1]).toBe(18_000)
    expect(states.find(([state]) => state === 'failed')![1]).toBe(30_000)
    expect(b.agent.selectedPair).toBeUndefined()
  })

  test('data without checks does not count as consent', () => {
    const a = new Side('192.0.2.1', { role: 'controlling' })
    const b = lite()
    introduce(a, b)
    play(a, b, 0, 100)
    const pair = b.agent.selectedPair!
    for (let now = 1000; now < 40_000; now += 1000) {
      b.agent.dataReceived(pair, now)
      b.drain(now)
    }
    expect(b.agent.state).toBe('failed')
  })

  test('fails by patience when nobody comes', () => {
    const b = lite()
    const a = new Side('192.0.2.1', { role: 'controlling' })
    introduce(a, b)
    b.drain(0)
    expect(b.agent.state).toBe('checking')
    b.drain(39_000)
    expect(b.agent.state).toBe('checking')
    b.drain(39_500)
    expect(b.agent.state).toBe('failed')
  })
})

describe('a lite connection', () => {
  async function up(seed: number): Promise<{ net: VirtualNetwork; a: Peer; b: Peer }> {
    const net = new VirtualNetwork({ seed })
    const a = makePeer(net.addHost({ via: net.addTopology('port-restricted') }), { role: 'controlling' }, 1)
    const iceServers = [{ urls: ['stun:198.18.0.77', 'turn:198.18.0.77'], username: 'u', credential: 'p' }]
    const b = makePeer(net.addHost(), { lite: true, iceServers }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    return { net, a, b }
  }

  test('serves a peer behind a NAT with host candidates alone, and asks no server', async () => {
    const { net, a, b } = await up(1)
    expect(b.ice.localCandidates.map(({ type }) => type)).toEqual(['host'])
    await exchange(net, a, b)
    await net.run(300_000)
    expect(isConnected(a, b)).toBe(true)
    expect(b.states).toEqual(['checking', 'connected', 'completed'])
  })

  test('restarts with a full peer', async () => {
    const { net, a, b } = await up(2)
    a.ice.restart()
    b.ice.setRemoteParameters(a.ice.localParameters)
    connect(a, b)
    await net.run(2000)
    expect(b.ice.selectedPair!.local.usernameFragment).toBe(b.ice.localParameters.usernameFragment)
    await exchange(net, a, b)
  })

  test('a peer that vanishes', async () => {
    const { net, a, b } = await up(3)
    a.ice.close()
    await net.run(60_000)
    expect(b.states.slice(-2)).toEqual(['disconnected', 'failed'])
  })
})

// Candidates, parameters and checks in every order that signalling can bring about.
import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, test } from 'vitest'
import { IceError } from '../../src/index.ts'
import { connect, exchange, isConnected, makePeer, overTheWire, trickle } from './pair.ts'

function twoHosts(seed = 1, delay = 5) {
  const net = new VirtualNetwork({ seed })
  const a = makePeer(net.addHost({ link: { delay } }), { role: 'controlling' }, 1)
  const b = makePeer(net.addHost({ link: { delay } }), { role: 'controlled' }, 2)
  return { net, a, b }
}

describe('odd orders', () => {
  test('no candidate is signalled in one direction: checks tell them', async () => {
    const { net, a, b } = twoHosts()
    trickle(b, a)
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    a.ice.gather()
    b.ice.gather()
    await net.runUntil(() => isConnected(a, b))
    expect(b.ice.selectedPair?.remote.type).toBe('prflx')
    await exchange(net, a, b)
  })

  test('checks arrive before the remote credentials: they are answered, remembered and used', async () => {
    const { net, a, b } = twoHosts()
    a.ice.gather()
    b.ice.gather()
    await net.run(50)
    a.ice.setRemoteParameters(b.ice.localParameters)
    for (const candidate of b.ice.localCandidates) a.ice.addRemoteCandidate(overTheWire(candidate))
    await net.runUntil(() => isConnected(a)) // b has answered, knowing nothing of a
    expect(b.ice.state).toBe('new')
    await net.run(3000)
    b.ice.setRemoteParameters(a.ice.localParameters)
    await net.runUntil(() => isConnected(b), 50) // at once: no waiting for a's next check
    await exchange(net, a, b)
  })

  test('data that follows early checks is not lost', async () => {
    const { net, a, b } = twoHosts()
    a.ice.gather()
    b.ice.gather()
    await net.run(50)
    a.ice.setRemoteParameters(b.ice.localParameters)
    for (const candidate of b.ice.localCandidates) a.ice.addRemoteCandidate(overTheWire(candidate))
    await net.runUntil(() => isConnected(a))
    a.ice.send(new Uint8Array([22, 1, 2, 3]))
    await net.run(50)
    expect(b.received).toHaveLength(1)
    expect(b.ice.send(new Uint8Array([22]))).toBe(false) // nothing of its own has been answered yet
  })

  test('early checks that claim other credentials than those signalled later are dropped', async () => {
    const { net, a, b } = twoHosts()
    a.ice.gather()
    b.ice.gather()
    await net.run(50)
    a.ice.setRemoteParameters(b.ice.localParameters)
    for (const candidate of b.ice.localCandidates) a.ice.addRemoteCandidate(overTheWire(candidate))
    await net.runUntil(() => isConnected(a))
    expect(b.ice.stats().pairs).toHaveLength(1)
    b.ice.setRemoteParameters({ usernameFragment: 'else', password: 'x'.repeat(22) })
    expect(b.ice.stats().pairs).toHaveLength(0)
  })

  test('candidates before parameters, parameters before gathering', async () => {
    const { net, a, b } = twoHosts()
    b.ice.gather()
    await net.run(10)
    for (const candidate of b.ice.localCandidates) a.ice.addRemoteCandidate(overTheWire(candidate))
    a.ice.addRemoteCandidate(undefined)
    await net.run(10)
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    trickle(a, b)
    await net.run(10)
    a.ice.gather()
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
  })

  test('without the end of candidates the state stays connected', async () => {
    const { net, a, b } = twoHosts()
    a.ice.onCandidate = (candidate) => candidate && b.ice.addRemoteCandidate(candidate)
    b.ice.onCandidate = (candidate) => candidate && a.ice.addRemoteCandidate(candidate)
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    a.ice.gather()
    b.ice.gather()
    await net.run(5000)
    expect([a.ice.state, b.ice.state]).toEqual(['connected', 'connected'])
  })

  test('the same candidates and parameters again change nothing', async () => {
    const { net, a, b } = twoHosts()
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed')
    const { pairs } = a.ice.stats()
    a.ice.setRemoteParameters(b.ice.localParameters)
    for (const candidate of b.ice.localCandidates) a.ice.addRemoteCandidate(candidate)
    expect(a.ice.stats().pairs.length).toBe(pairs.length)
    expect(a.ice.state).toBe('completed')
  })

  test('signalling of a peer-reflexive candidate that is in use tells its true type', async () => {
    const { net, a, b } = twoHosts()
    trickle(b, a)
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    a.ice.gather()
    b.ice.gather()
    await net.runUntil(() => isConnected(a, b))
    for (const candidate of a.ice.localCandidates) b.ice.addRemoteCandidate(overTheWire(candidate))
    expect(b.ice.selectedPair?.remote.type).toBe('host')
  })
})

describe('roles', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    test(`both ${role}: one gives way`, async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const net = new VirtualNetwork({ seed })
        const a = makePeer(net.addHost(), { role }, seed)
        const b = makePeer(net.addHost(), { role }, seed + 50)
        const roles: string[] = []
        a.ice.onRoleChange = (changed) => roles.push(changed)
        b.ice.onRoleChange = (changed) => roles.push(changed)
        connect(a, b)
        await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
        expect(new Set([a.ice.role, b.ice.role]).size).toBe(2)
        expect(roles.length % 2).toBe(1)
        await exchange(net, a, b)
      }
    })
  }

  test('a lite peer makes this side controlling', async () => {
    const { a, b, net } = twoHosts()
    b.ice.setRemoteParameters({ ...a.ice.localParameters, iceLite: true })
    expect(b.ice.role).toBe('controlling')
    await net.run(10)
  })

  test('setRole while checks are under way', async () => {
    const { net, a, b } = twoHosts(1, 50)
    connect(a, b)
    await net.run(60)
    a.ice.setRole('controlled')
    b.ice.setRole('controlling')
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect([a.ice.role, b.ice.role].sort()).toEqual(['controlled', 'controlling'])
    await exchange(net, a, b)
  })
})

describe('misuse', () => {
  const codeOf = (action: () => void): string | undefined => {
    try {
      action()
    } catch (error) {
      return error instanceof IceError ? error.code : 'other'
    }
    return undefined
  }

  test('short or strange credentials are refused', () => {
    const { a } = twoHosts()
    const password = 'p'.repeat(22)
    const bad = [
      { usernameFragment: 'abc', password },
      { usernameFragment: 'abcd', password: 'p'.repeat(21) },
      { usernameFragment: 'ab d', password },
      { usernameFragment: 'a'.repeat(257), password },
      { usernameFragment: 'abcd', password: 'p'.repeat(257) },
      { usernameFragment: 'abc:', password },
    ]
    for (const parameters of bad) {
      expect(codeOf(() => a.ice.setRemoteParameters(parameters))).toBe('ERR_ICE_PARAMETERS')
    }
    expect(a.ice.remoteParameters).toBeUndefined()
    expect(codeOf(() => a.ice.setRemoteParameters({ usernameFragment: 'abcd', password }))).toBeUndefined()
  })

  test('options out of range', () => {
    const network = new VirtualNetwork().addHost()
    expect(codeOf(() => makePeer(network, { checkIntervalMs: 4 }))).toBe('ERR_ICE_OPTION')
    expect(codeOf(() => makePeer(network, { iceServers: [{ urls: 'http://example.org' }] }))).toBe('ERR_ICE_SERVER_URL')
  })

  test('after close everything is quiet', async () => {
    const { net, a, b } = twoHosts()
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    a.ice.onStateChange = a.ice.onDatagram = () => expect.unreachable()
    a.ice.close()
    a.ice.close()
    expect(a.ice.state).toBe('closed')
    expect(a.ice.send(new Uint8Array([80]))).toBe(false)
    expect(codeOf(() => a.ice.gather())).toBe('ERR_ICE_STATE')
    expect(codeOf(() => a.ice.restart())).toBe('ERR_ICE_STATE')
    a.ice.addRemoteCandidate(undefined)
    a.ice.setRemoteParameters(b.ice.localParameters)
    await net.run(1000)
    b.ice.close()
    await net.runUntilIdle()
  })

  test('close from every callback', async () => {
    for (const name of ['onCandidate', 'onStateChange', 'onSelectedPairChange', 'onDatagram', 'onBurstEnd'] as const) {
      const net = new VirtualNetwork({ seed: 1 })
      const host = net.addHost()
      const a = makePeer(host, { role: 'controlling' }, 1)
      const b = makePeer(net.addHost(), {}, 2)
      connect(a, b)
      const before = a.ice[name] as ((value: never) => void) | undefined
      a.ice[name] = ((value: never) => {
        before?.(value)
        a.ice.close()
      }) as never
      for (let i = 0; i < 20; i++) {
        b.ice.send(new Uint8Array([80]))
        await net.run(50)
      }
      expect(a.ice.state).toBe('closed')
      expect(host.openHandles).toBe(0)
      b.ice.close()
    }
  })

  test('a callback that throws stops neither the others nor the clock', async () => {
    const { net, a, b } = twoHosts()
    connect(a, b)
    let thrown = 0
    a.ice.onSelectedPairChange = () => {
      thrown++
      throw new Error('from a callback')
    }
    for (let i = 0; i < 50 && !isConnected(a, b); i++) await net.run(5).catch(() => undefined)
    expect(thrown).toBeGreaterThan(0)
    expect(a.states.slice(0, 2)).toEqual(['checking', 'connected'])
    await net.run(60_000)
    expect(isConnected(a, b)).toBe(true)
  })

  test('connected is told before completed, however fast', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const a = makePeer(host, { role: 'controlling' }, 1)
    const b = makePeer(host, {}, 2)
    a.ice.gather()
    b.ice.gather()
    await net.run(10)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      one.ice.setRemoteParameters(other.ice.localParameters)
      for (const candidate of other.ice.localCandidates) one.ice.addRemoteCandidate(candidate)
      one.ice.addRemoteCandidate(undefined)
    }
    await net.run(10)
    expect(a.states).toEqual(['checking', 'connected', 'completed'])
    expect(b.states).toEqual(['checking', 'connected', 'completed'])
  })

  test('a thousand connections leave nothing behind', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const hosts = [net.addHost(), net.addHost()] as const
    for (let i = 0; i < 500; i++) {
      const a = makePeer(hosts[0], { role: 'controlling' }, 2 * i + 1)
      const b = makePeer(hosts[1], {}, 2 * i + 2)
      connect(a, b)
      await net.runUntil(() => isConnected(a, b))
      a.ice.close()
      b.ice.close()
    }
    expect(hosts[0].openHandles + hosts[1].openHandles).toBe(0)
    await net.runUntilIdle()
  })

  test('close while gathering leaves no socket', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const a = makePeer(host, { iceServers: [{ urls: 'stun:nowhere.example' }] })
    a.ice.gather()
    a.ice.close()
    await net.run(1000)
    expect(host.openHandles).toBe(0)
  })
})

import { VirtualNetwork } from '@kaon/net/virtual'
import { describe, expect, test } from 'vitest'
import { connect, exchange, isConnected, makePeer, type Peer, trickle } from './pair.ts'

async function connected(seed = 1) {
  const net = new VirtualNetwork({ seed })
  const hosts = [net.addHost({ link: { delay: 10 } }), net.addHost({ link: { delay: 10 } })] as const
  const a = makePeer(hosts[0], { role: 'controlling' }, 1)
  const b = makePeer(hosts[1], { role: 'controlled' }, 2)
  connect(a, b)
  await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
  return { net, hosts, a, b }
}

/** The offerer restarts, the answerer is told by new parameters. Signalling takes `delay` ms each way. */
async function restart(net: VirtualNetwork, offerer: Peer, answerer: Peer, delay = 100): Promise<void> {
  offerer.ice.restart()
  offerer.ice.gather()
  const offer = offerer.ice.localParameters
  await net.run(delay)
  answerer.ice.setRemoteParameters(offer)
  for (const candidate of offerer.ice.localCandidates) answerer.ice.addRemoteCandidate(candidate)
  answerer.ice.gather()
  const answer = answerer.ice.localParameters
  await net.run(delay)
  offerer.ice.setRemoteParameters(answer)
  for (const candidate of answerer.ice.localCandidates) offerer.ice.addRemoteCandidate(candidate)
  offerer.ice.addRemoteCandidate(undefined)
  answerer.ice.addRemoteCandidate(undefined)
}

describe('ICE restart', () => {
  test('changes credentials on both sides and keeps the state connected', async () => {
    const { net, a, b } = await connected()
    const before = [a.ice.localParameters, b.ice.localParameters]
    await restart(net, a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.localParameters.usernameFragment).not.toBe(before[0]!.usernameFragment)
    expect(a.ice.localParameters.password).not.toBe(before[0]!.password)
    expect(b.ice.localParameters.usernameFragment).not.toBe(before[1]!.usernameFragment)
    expect(a.states).toEqual(['checking', 'connected', 'completed', 'connected', 'completed'])
    expect(b.states).toEqual(['checking', 'connected', 'completed', 'connected', 'completed'])
    await exchange(net, a, b)
  })

  test('data flows all the time', async () => {
    const { net, hosts, a, b } = await connected()
    let sent = 0
    const pump = (): void => {
      expect(a.ice.send(new Uint8Array([80, sent]))).toBe(true)
      expect(b.ice.send(new Uint8Array([81, sent]))).toBe(true)
      if (++sent < 200) hosts[0].setTimer(hosts[0].now() + 5, pump)
    }
    pump()
    await restart(net, a, b, 200)
    await net.runUntil(() => sent === 200)
    await net.run(100)
    expect(a.received).toHaveLength(sent)
    expect(b.received).toHaveLength(sent)
    expect(a.ice.stats().pairs.some((pair) => pair.nominated)).toBe(true)
  })

  test('the controlled side may restart too', async () => {
    const { net, a, b } = await connected()
    await restart(net, b, a)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    expect([a.ice.role, b.ice.role]).toEqual(['controlling', 'controlled'])
  })

  test('moves to a new address', async () => {
    const { net, hosts, a, b } = await connected()
    const old = a.ice.selectedPair!.local.address
    hosts[0].interface().remove()
    hosts[0].addInterface({ link: { delay: 10 } })
    await restart(net, a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    expect(a.ice.selectedPair!.local.address).not.toBe(old)
    await exchange(net, a, b)
    await net.run(15_000)
    expect(a.ice.localCandidates.map(({ address }) => address)).not.toContain(old)
    a.ice.close()
    expect(hosts[0].openHandles).toBe(0)
  })

  test('recovers a transport that was disconnected: the state is checking', async () => {
    const { net, hosts, a, b } = await connected()
    hosts[0].link.down()
    await net.run(15_000)
    hosts[0].interface().remove()
    hosts[0].addInterface()
    await restart(net, a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(a.states.slice(-3)).toEqual(['disconnected', 'checking', 'connected'])
    await exchange(net, a, b)
  })

  test('recovers a transport that has failed', async () => {
    const { net, hosts, a, b } = await connected()
    hosts[0].link.down()
    await net.runUntil(() => a.ice.state === 'failed' && b.ice.state === 'failed', 60_000)
    hosts[0].link.up()
    await restart(net, a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(a.states.slice(-3)).toEqual(['failed', 'checking', 'connected'])
    await exchange(net, a, b)
  })

  test('twice in a row before an answer', async () => {
    const { net, a, b } = await connected()
    a.ice.restart()
    a.ice.gather()
    await net.run(20)
    await restart(net, a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
  })

  test('while the first checks are under way: the new credentials connect, the old ones are forgotten', async () => {
    const net = new VirtualNetwork({ seed: 3 })
    const hosts = [net.addHost({ link: { delay: 200 } }), net.addHost({ link: { delay: 200 } })] as const
    const a = makePeer(hosts[0], { role: 'controlling' }, 1)
    const b = makePeer(hosts[1], {}, 2)
    connect(a, b)
    await net.run(300) // checks have gone out, none has been answered
    expect(a.ice.state).toBe('checking')
    await restart(net, a, b, 50)
    await net.runUntil(() => isConnected(a, b), 2000)
    await exchange(net, a, b)
    expect(a.ice.stats().agent.checksFailed + b.ice.stats().agent.checksFailed).toBe(0)
  })

  test('by both sides at once', async () => {
    const { net, a, b } = await connected()
    for (const { ice } of [a, b]) {
      ice.restart()
      ice.gather()
    }
    await net.run(100)
    a.ice.setRemoteParameters(b.ice.localParameters)
    b.ice.setRemoteParameters(a.ice.localParameters)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const candidate of from.ice.localCandidates) to.ice.addRemoteCandidate(candidate)
      to.ice.addRemoteCandidate(undefined)
    }
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    expect(a.ice.selectedPair?.remote.usernameFragment).toBe(b.ice.localParameters.usernameFragment)
  })

  test('again and again, without leaving sockets behind', async () => {
    const { net, hosts, a, b } = await connected()
    for (let i = 0; i < 10; i++) {
      await restart(net, i % 2 === 0 ? a : b, i % 2 === 0 ? b : a, 10)
      await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
      await exchange(net, a, b)
    }
    await net.run(20_000)
    expect(hosts[0].openHandles).toBe(2) // a socket and a timer
  })

  test('candidates of the old generation are not taken for the new one', async () => {
    const { net, a, b } = await connected()
    const stale = b.ice.localCandidates[0]!
    await restart(net, a, b)
    const before = a.ice.stats().agent.ignoredCandidates
    a.ice.addRemoteCandidate({ ...stale, port: 9999 })
    expect(a.ice.stats().agent.ignoredCandidates).toBe(before + 1)
  })

  test('an offer that nobody answers leaves the old pair in use', async () => {
    const { net, a, b } = await connected()
    a.ice.restart()
    a.ice.gather()
    await net.run(120_000)
    expect(a.ice.state).toBe('connected')
    await exchange(net, a, b)
    trickle(a, b)
  })
})

// Sockets and streams that go, pairs in reserve, doubt, and nominating again: agents without a driver.
import { attribute, decodeMessage, type TransportAddress } from '@kaon/stun'
import { describe, expect, test } from 'vitest'
import { type CandidatePair, IceAgent, type IceAgentOptions, type IceEvent, type LocalCandidate } from '../src/index.ts'
import { seededRandom } from './driver/pair.ts'
import { address, hostCandidate } from './harness.ts'

/** Agents with any number of sockets, and paths between them that can be cut or slowed down. */
class World {
  now = 0
  readonly agents: IceAgent[] = []
  readonly events: IceEvent[] = []
  readonly messages: { nomination: number | undefined; useCandidate: boolean }[] = []
  /** ms one way, by socket of the first agent; Infinity: cut. */
  readonly delay: Record<number, number> = {}
  readonly #flying: { at: number; to: IceAgent; data: Uint8Array; socket: number; from: TransportAddress }[] = []
  readonly #homes = new Map<IceAgent, Map<number, TransportAddress>>()

  add(sockets: readonly number[], options: Partial<IceAgentOptions>): IceAgent {
    const index = this.agents.length
    const agent = new IceAgent({ now: 0, random: seededRandom(index + 11), ...options })
    this.agents.push(agent)
    this.#homes.set(agent, new Map())
    for (const socket of sockets) this.addSocket(agent, socket)
    return agent
  }

  addSocket(agent: IceAgent, socket: number, type: LocalCandidate['type'] = 'host'): LocalCandidate {
    const at = address(`192.0.2.${this.agents.indexOf(agent) * 100 + socket}`)
    this.#homes.get(agent)!.set(socket, at)
    const host = hostCandidate(at, socket, 65_535 - socket)
    const candidate = type === 'host' ? host : { ...host, type, priority: 1000 - socket }
    agent.addLocalCandidate(candidate)
    return candidate
  }

  introduce(isRenominating = true): void {
    const [a, b] = this.agents as [IceAgent, IceAgent]
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      one.setRemoteParameters({ ...other.localParameters, renomination: isRenominating }, this.now)
      for (const candidate of other.localCandidates) one.addRemoteCandidate(candidate)
      one.endOfLocalCandidates()
      one.endOfRemoteCandidates()
    }
  }

  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      for (const agent of this.agents) this.#drain(agent)
      const next = Math.min(...this.agents.map(({ deadline }) => deadline), ...this.#flying.map(({ at }) => at))
      if (next > end) break
      this.now = Math.max(next, this.now + 1e-6)
      for (const one of this.#flying.splice(0)) {
        if (one.at > this.now) this.#flying.push(one)
        else one.to.receive(one.data, one.socket, one.from, this.now)
      }
    }
    this.now = end
  }

  #drain(agent: IceAgent): void {
    for (let next = agent.pollTransmit(this.now); next !== undefined; next = agent.pollTransmit(this.now)) {
      const { socket, to, data } = next
      const message = decodeMessage(data.slice())!
      if (message.messageClass === 'request') {
        const useCandidate = message.has(attribute.useCandidate)
        this.messages.push({ nomination: message.get(attribute.nomination), useCandidate })
      }
      for (const other of this.agents) {
        for (const [number, at] of this.#homes.get(other)!) {
          if (at.address !== to.address) continue
          const delay = this.delay[agent === this.agents[0] ? socket : number] ?? 10
          const from = this.#homes.get(agent)!.get(socket)!
          if (delay < Infinity) this.#flying.push({ at: this.now + delay, to: other, data, socket: number, from })
        }
      }
    }
    for (let event = agent.pollEvent(); event !== undefined; event = agent.pollEvent()) {
      if (agent === this.agents[0]) this.events.push(event)
    }
  }
}

const path = (agent: IceAgent): string => `${agent.selectedPair?.socket} ${agent.selectedPair?.remote.address.address}`
const valid = (agent: IceAgent): CandidatePair[] => agent.pairs.filter((pair) => pair.valid)

describe('a socket that goes', () => {
  for (const standby of [true, false]) {
    for (const role of ['controlling', 'controlled'] as const) {
      test(`another pair takes over (${role}, ${standby ? 'in reserve' : 'checked anew'})`, () => {
        const world = new World()
        const a = world.add([1, 2], { role, standby })
        const b = world.add([1], { role: role === 'controlling' ? 'controlled' : 'controlling', standby })
        world.introduce()
        world.run(20_000)
        expect(a.selectedPair!.nominated).toBe(true)
        const used = a.selectedPair!.socket
        a.removeSocket(used, world.now)
        expect(a.pairs.every(({ socket }) => socket !== used)).toBe(true)
        expect(a.localCandidates).toHaveLength(1)
        if (standby) expect(a.selectedPair).toBeDefined()
        world.delay[used] = Infinity
        world.run(1500)
        expect(a.state).toBe('completed')
        expect(['connected', 'completed']).toContain(b.state)
        expect(path(a)).toBe(`${3 - used} 192.0.2.101`)
        expect(path(b)).toBe(`1 192.0.2.${3 - used}`)
        expect(a.selectedPair!.nominated && b.selectedPair!.nominated).toBe(true)
        world.run(120_000)
        expect([a.state, b.state]).toEqual(['completed', 'completed'])
      })
    }
  }

  test('the last one: disconnected with patience where another may come, failed at once where none will', () => {
    for (const standby of [true, false]) {
      const world = new World()
      const a = world.add([1], { role: 'controlling', standby })
      world.add([1], {})
      world.introduce()
      world.run(1000)
      a.removeSocket(1, world.now)
      world.run(100)
      expect(a.state).toBe(standby ? 'disconnected' : 'failed')
      if (!standby) continue
      world.run(29_000)
      expect(a.state).toBe('disconnected')
      world.run(1000)
      expect(a.state).toBe('failed')
    }
  })

  test('one that nobody knows, and a closed agent', () => {
    const world = new World()
    const a = world.add([1], { role: 'controlling' })
    world.add([1], {})
    world.introduce()
    world.run(1000)
    a.removeSocket(99, world.now)
    a.pathFailed(99, address('192.0.2.9'), world.now)
    world.run(100)
    expect(a.state).toBe('completed')
    a.close()
    a.removeSocket(1, world.now)
    a.pathFailed(1, address('192.0.2.101'), world.now)
    expect(a.state).toBe('closed')
  })
})

describe('pairs in reserve', () => {
  test('the best one of each other socket is checked every five seconds, without it none', () => {
    for (const standby of [true, false]) {
      const world = new World()
      const a = world.add([1, 2, 3], { role: 'controlling', standby })
      world.add([1], {})
      world.introduce()
      world.run(1000)
      const before = a.stats.standbyChecksSent
      world.run(50_000)
      expect(a.stats.standbyChecksSent - before).toBe(standby ? 10 * (valid(a).length - 1) : 0)
    }
  })

  test('one that does not answer twice is none', () => {
    const world = new World()
    const a = world.add([1, 2], { role: 'controlling', standby: true })
    world.add([1], {})
    world.introduce()
    world.run(1000)
    // The second pair was never needed; a peer that checks it brings it in.
    a.addRemoteCandidate({ ...hostCandidate(address('192.0.2.101')), foundation: 'again' })
    world.run(20_000)
    const count = valid(a).length
    const other = 3 - a.selectedPair!.socket
    world.delay[other] = Infinity
    world.run(60_000)
    expect(valid(a).length).toBeLessThanOrEqual(count)
    expect(valid(a).every(({ socket }) => socket !== other)).toBe(true)
    expect(a.state).toBe('completed')
  })

  test('a new socket is checked although a pair is nominated', () => {
    for (const standby of [true, false]) {
      const world = new World()
      const a = world.add([1], { role: 'controlling', standby })
      world.add([1], {})
      world.introduce()
      world.run(1000)
      world.addSocket(a, 2)
      world.run(1000)
      expect(valid(a)).toHaveLength(standby ? 2 : 1)
      expect(a.selectedPair!.socket).toBe(1)
    }
  })
})

describe('doubt', () => {
  test('a path that has just been heard is not doubted, a silent one is checked at once', () => {
    const world = new World()
    const a = world.add([1], { role: 'controlling' })
    world.add([1, 2], { role: 'controlled' })
    world.introduce()
    world.run(1000)
    const pair = a.selectedPair!
    const other = a.pairs.find((one) => one !== pair)!
    const before = a.stats.consentChecksSent
    a.dataReceived(pair, world.now)
    a.dataReceived(other, world.now)
    world.run(50)
    expect(a.stats.consentChecksSent).toBe(before)
    world.run(50)
    a.dataReceived(other, world.now)
    world.run(50)
    expect(a.stats.consentChecksSent).toBe(before + 1)
  })

  test('a peer that is slow for a moment is not disconnected', () => {
    const world = new World()
    const a = world.add([1], { role: 'controlling' })
    const b = world.add([1, 2], { role: 'controlled' })
    world.introduce()
    world.run(1000)
    const pair = a.selectedPair!
    world.delay[1] = 400
    // Data comes over another pair than the nominated one.
    const other = a.pairs.find((one) => one !== pair)!
    a.dataReceived(other, world.now)
    world.run(10_000)
    const states = world.events.flatMap((event) => (event.type === 'state' ? [event.state] : []))
    expect(states).not.toContain('disconnected')
    expect(b.state).toBe('completed')
  })
})

describe('nominating again', () => {
  test('a relayed pair gives way to a direct one; to old peers only since its priority is higher', () => {
    for (const isRenominating of [true, false]) {
      const world = new World()
      const a = world.add([], { role: 'controlling' })
      const relayed = world.addSocket(a, 5, 'relay')
      const b = world.add([1], {})
      expect(relayed.type).toBe('relay')
      world.introduce(isRenominating)
      world.run(3000)
      expect(path(a)).toBe('5 192.0.2.101')
      expect(a.selectedPair!.nominated).toBe(true)
      const late = world.addSocket(a, 1)
      b.addRemoteCandidate(late)
      world.run(3000)
      expect(path(a)).toBe('1 192.0.2.101')
      expect(path(b)).toBe('1 192.0.2.1')
      expect(world.messages.every(({ nomination, useCandidate }) => nomination === undefined || !useCandidate)).toBe(
        true,
      )
      const nominations = world.messages.filter(({ nomination }) => nomination !== undefined)
      expect(nominations.length > 0).toBe(isRenominating)
      expect(world.messages.some(({ useCandidate }) => useCandidate)).toBe(!isRenominating)
    }
  })

  test('by round trip only what a peer without renomination can follow', () => {
    for (const isRenominating of [true, false]) {
      const world = new World()
      const a = world.add([1, 2], { role: 'controlling', nominationPolicy: 'round-trip' })
      world.add([1], {})
      world.delay[1] = 12
      world.delay[2] = 12
      world.introduce(isRenominating)
      world.run(5000)
      expect(a.selectedPair!.socket).toBe(1)
      world.delay[1] = 100
      world.run(60_000)
      // Socket 2 has the lower priority, which an RFC 8445 peer would not change to.
      expect(a.selectedPair!.socket).toBe(isRenominating ? 2 : 1)
    }
  })
})

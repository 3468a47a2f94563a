import type { Mdns } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { attribute, decodeMessage, MessageBuilder, methods, transportAddress } from '@kaon/stun'
import { StunServer } from '@kaon/stun/driver'
import { describe, expect, test } from 'vitest'
import { formatCandidate, parseCandidate } from '../../src/index.ts'
import type { CandidateError, IceConnection } from '../../src/driver/index.ts'
import { connect, exchange, isConnected, makePeer } from './pair.ts'

interface Gathered {
  readonly ice: IceConnection
  readonly candidates: string[]
  readonly errors: CandidateError[]
  readonly states: string[]
  done: boolean
}

function watch(ice: IceConnection): Gathered {
  const gathered: Gathered = { ice, candidates: [], errors: [], states: [], done: false }
  ice.onCandidate = (candidate) => {
    if (candidate === undefined) gathered.done = true
    else gathered.candidates.push(`${candidate.type} ${candidate.address}`)
  }
  ice.onCandidateError = (error) => gathered.errors.push(error)
  ice.onGatheringStateChange = (state) => gathered.states.push(state)
  return gathered
}

describe('host candidates', () => {
  test('one per address, without loopback, each with a preference of its own', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ families: [4, 6] })
    host.addInterface({ families: [4, 6] })
    const { ice } = makePeer(host)
    const gathered = watch(ice)
    expect(ice.gatheringState).toBe('new')
    ice.gather()
    expect(ice.gatheringState).toBe('gathering')
    await net.run(10)
    expect(gathered).toMatchObject({ done: true, errors: [], states: ['gathering', 'complete'] })
    expect(gathered.candidates).toHaveLength(4)
    expect(new Set(ice.localCandidates.map(({ priority }) => priority)).size).toBe(4)
    expect(new Set(ice.localCandidates.map(({ foundation }) => foundation)).size).toBe(4)
    const { usernameFragment } = ice.localParameters
    expect(ice.localCandidates.every((candidate) => candidate.usernameFragment === usernameFragment)).toBe(true)
  })

  test('loopback, filters and port ranges on request', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ families: [4, 6] })
    host.addInterface({ interface: 'vpn0' })
    const { ice } = makePeer(host, {
      includeLoopback: true,
      interfaceFilter: ({ name }) => name !== 'vpn0',
      addressFilter: (_address, family) => family === 4,
      portRange: [5000, 5001],
    })
    ice.gather()
    await net.run(10)
    expect(ice.localCandidates.map(({ address }) => address)).toEqual([host.address, '127.0.0.1'])
    expect(ice.localCandidates.every(({ port }) => port >= 5000 && port <= 5001)).toBe(true)
  })

  test('a port range that is used up leaves no candidate, and gathering completes', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const first = makePeer(host, { portRange: [5000, 5000] })
    const second = makePeer(host, { portRange: [5000, 5000] })
    first.ice.gather()
    await net.run(10)
    second.ice.gather()
    await net.run(10)
    expect(second.ice.gatheringState).toBe('complete')
    expect(second.ice.localCandidates).toEqual([])
  })

  test('a socket that cannot be had is an error without a server, which keeps a hidden address to itself', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    makePeer(host, { portRange: [5000, 5000] }).ice.gather()
    await net.run(10)
    for (const mdns of ['resolve', 'hide'] as const) {
      const gathered = watch(makePeer(host, { portRange: [5000, 5000], mdns }).ice)
      gathered.ice.gather()
      await net.run(10)
      expect(gathered.done).toBe(true)
      expect(gathered.errors).toMatchObject([{ url: '', errorCode: 701, port: null }])
      expect(gathered.errors[0]!.address).toBe(mdns === 'hide' ? null : host.address)
      expect(JSON.stringify(gathered.errors).includes(host.address)).toBe(mdns !== 'hide')
    }
  })

  test('a filter that throws ends gathering with an error', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const { ice } = makePeer(net.addHost(), {
      addressFilter: () => {
        throw new Error('out of order')
      },
    })
    const gathered = watch(ice)
    ice.gather()
    await net.run(10)
    expect(gathered).toMatchObject({ done: true, candidates: [] })
    expect(gathered.errors.map(({ errorText }) => errorText)).toEqual(['gathering failed: out of order'])
  })

  test('loopback candidates connect two peers of one host', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const a = makePeer(
      host,
      { role: 'controlling', includeLoopback: true, addressFilter: (one) => one === '127.0.0.1' },
      1,
    )
    const b = makePeer(host, {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
  })
})

describe('server-reflexive candidates', () => {
  test('are found behind a NAT and left out without one', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    net.addName('stun.example.org', '198.18.0.10', { delay: 30 })
    const nat = net.addNat()
    const inside = net.addHost({ via: nat })
    const iceServers = [{ urls: ['stun:stun.example.org', 'stun:198.18.0.10:3478?transport=udp'] }]
    const a = makePeer(inside, { iceServers })
    const b = makePeer(net.addHost(), { iceServers })
    const [behind, open] = [watch(a.ice), watch(b.ice)]
    a.ice.gather()
    b.ice.gather()
    await net.runUntil(() => behind.done && open.done)
    expect(behind.candidates).toEqual([`host ${inside.address}`, `srflx ${nat.address}`])
    expect(open.candidates).toHaveLength(1)
    const reflexive = a.ice.localCandidates[1]!
    expect(reflexive).toMatchObject({ relatedAddress: inside.address, url: 'stun:198.18.0.10:3478?transport=udp' })
    expect(formatCandidate(reflexive)).not.toContain('stun')
  })

  test('a server that loses packets is asked again', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10', link: { loss: 0.3 } }), tcp: false })
    const a = makePeer(net.addHost({ via: net.addNat() }), { iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.runUntil(() => gathered.done)
    expect(gathered.candidates).toHaveLength(2)
  })

  test('errors are reported and gathering completes', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    net.addHost({ address: '198.18.0.11' }) // a host without a server
    const a = makePeer(net.addHost(), {
      iceServers: [
        {
          urls: ['stun:198.18.0.11', 'stun:no.such.name', 'turn:198.18.0.11', 'stuns:198.18.0.11'],
          username: 'u',
          credential: 'p',
        },
      ],
    })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.run(9000)
    expect(gathered.done).toBe(false)
    await net.run(1000)
    expect(gathered.done).toBe(true)
    expect(gathered.errors.map(({ url, errorCode }) => `${errorCode} ${url}`).sort()).toEqual([
      '701 stun:198.18.0.11',
      '701 stun:no.such.name',
      '701 stuns:198.18.0.11',
      '701 turn:198.18.0.11',
    ])
    expect(gathered.errors.find(({ url }) => url === 'stun:198.18.0.11')?.port).toBe(a.ice.localCandidates[0]!.port)
  })

  test('a hostile server: what it makes up is refused, and what others send in its name is not heard', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const server = await net.addHost({ address: '198.18.0.10' }).bindUdp({ port: 3478 })
    const stranger = await net.addHost({ address: '198.18.0.66' }).bindUdp({ port: 3478 })
    const told = ['127.0.0.1', '224.0.0.1', '0.0.0.0', '255.255.255.255']
    let answered = 0
    server.onmessage = (data, from) => {
      const id = decodeMessage(data)!.transactionId
      const answer = (text: string, transactionId = id): Uint8Array => {
        const mapped = transportAddress(text, 4000)!
        const builder = new MessageBuilder().start('success', methods.binding, transactionId)
        return builder.add(attribute.xorMappedAddress, mapped).finish().slice()
      }
      stranger.send(answer('203.0.113.66'), from)
      server.send(answer('203.0.113.67', new Uint8Array(12)), from)
      server.send(answer('203.0.113.68').subarray(0, 24), from)
      server.send(answer(told[answered++]!), from)
    }
    for (const _ of told) {
      const { ice } = makePeer(net.addHost(), { iceServers: [{ urls: 'stun:198.18.0.10' }] })
      const gathered = watch(ice)
      ice.gather()
      await net.runUntil(() => gathered.done)
      expect(gathered.candidates).toHaveLength(1)
      expect(gathered.errors.map(({ errorCode }) => errorCode)).toEqual([701])
    }
    expect(answered).toBe(told.length)
  })

  test("'relay' gathers nothing that shows an address", async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost(), { iceTransportPolicy: 'relay', iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.run(100)
    expect(gathered).toMatchObject({ done: true, candidates: [] })
  })
})

describe('mDNS', () => {
  test('names hide the addresses, and the other side resolves them', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const hosts = [net.addHost({ via: router }), net.addHost({ via: router })] as const
    const a = makePeer(hosts[0], { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(hosts[1], { mdns: 'hide' }, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    await exchange(net, a, b)
    const text = a.ice.localCandidates.map(formatCandidate).join()
    expect(text).toMatch(/ [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local /)
    expect(text).not.toContain(hosts[0].address)
    expect(b.ice.selectedPair?.remote.address).toMatch(/\.local$/)
    a.ice.close()
    expect(hosts[0].openHandles).toBe(0)
  })

  test('a name that only the other side can resolve still connects, by peer-reflexive candidates', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const a = makePeer(net.addHost({ via: net.addRouter() }), { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(net.addHost({ via: net.addRouter() }), {}, 2) // another link: multicast does not get there
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    await net.runUntil(() => b.ice.state === 'completed', 15_000) // the end of candidates waits for the name
  })

  test("'off' leaves names alone", async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const a = makePeer(net.addHost({ via: router }), { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(net.addHost({ via: router }), { mdns: 'off' }, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    expect(b.ice.stats().agent.ignoredCandidates).toBe(1)
    expect(b.ice.selectedPair?.remote.type).toBe('prflx')
  })

  test('the base of a reflexive candidate is hidden too', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const host = net.addHost({ via: net.addNat() })
    const a = makePeer(host, { mdns: 'hide', iceServers: [{ urls: 'stun:198.18.0.10' }] })
    const gathered = watch(a.ice)
    a.ice.gather()
    await net.runUntil(() => gathered.done)
    expect(a.ice.localCandidates[1]).toMatchObject({ type: 'srflx', relatedAddress: '0.0.0.0', relatedPort: 9 })
    expect(a.ice.localCandidates.map(formatCandidate).join()).not.toContain(host.address)
  })

  test('a public address has a reflexive candidate too, since the name is another one (draft §3.1.2.2)', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    await StunServer.listen({ network: net.addHost({ address: '198.18.0.10' }), tcp: false })
    const options = { mdns: 'hide', iceServers: [{ urls: 'stun:198.18.0.10' }] } as const
    const hosts = [net.addHost({ via: net.addRouter() }), net.addHost({ via: net.addRouter() })] as const
    const a = makePeer(hosts[0], { ...options, role: 'controlling' }, 1)
    const b = makePeer(hosts[1], options, 2)
    connect(a, b) // on two links, where no name of the other can be resolved
    await net.runUntil(() => isConnected(a, b))
    await exchange(net, a, b)
    expect(a.ice.localCandidates.map(({ type }) => type)).toEqual(['host', 'srflx'])
  })

  test('statistics name what is hidden by its name', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const router = net.addRouter()
    const hosts = [net.addHost({ via: router }), net.addHost({ via: router })] as const
    const a = makePeer(hosts[0], { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(hosts[1], {}, 2)
    connect(a, b)
    await net.runUntil(() => a.ice.state === 'completed' && b.ice.state === 'completed')
    const text = JSON.stringify([a.ice.stats(), a.ice.selectedPair, a.ice.localCandidates], (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(text).toContain('.local')
    expect(text).not.toContain(hosts[0].address)
  })

  test('closing gives up the names under way, and a name that is told again is asked for once', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const asked: string[] = []
    const aborted: string[] = []
    const mdns: Mdns = {
      resolve: (name, options) => {
        asked.push(name)
        return new Promise((_resolve, reject) => {
          options!.signal!.addEventListener('abort', () => {
            aborted.push(name)
            reject(new Error('given up'))
          })
        })
      },
      publish: () => ({ close: () => undefined }),
    }
    const network = new Proxy(host, {
      get: (target, key) => {
        const value: unknown = key === 'mdns' ? mdns : Reflect.get(target, key, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const { ice } = makePeer(network)
    const line = 'candidate:1 1 udp 2122260223 4f9a4bd0-5d2c-4a0e-8a4c-0d5d1c1b7a10.local 5000 typ host'
    for (let i = 0; i < 300; i++) ice.addRemoteCandidate(parseCandidate(line))
    expect(asked).toHaveLength(1)
    expect(ice.remoteCandidates).toHaveLength(1)
    for (let i = 0; i < 300; i++) ice.addRemoteCandidate(parseCandidate(line.replace(':1 ', `:${i + 2} `)))
    expect(ice.remoteCandidates).toHaveLength(128)
    ice.close()
    expect(aborted).toEqual(asked)
    await net.run(10)
  })

  test('the name of an address that is gone is given back after a restart', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost()
    const gone = host.addInterface()
    const a = makePeer(host, { role: 'controlling', mdns: 'hide' }, 1)
    const b = makePeer(net.addHost(), {}, 2)
    connect(a, b)
    await net.runUntil(() => isConnected(a, b))
    const [, name] = a.ice.localCandidates.map(({ address }) => address)
    expect(await host.mdns.resolve(name!)).toBeDefined()
    gone.remove()
    a.ice.restart()
    b.ice.setRemoteParameters(a.ice.localParameters)
    a.ice.setRemoteParameters(b.ice.localParameters)
    a.ice.gather()
    b.ice.gather()
    await net.run(15_000)
    expect(isConnected(a, b)).toBe(true)
    expect(a.ice.localCandidates).toHaveLength(1)
    expect(host.openHandles).toBeLessThan(5)
    const late = host.mdns.resolve(name!)
    await net.run(6000)
    expect(await late).toBeUndefined()
  })
})

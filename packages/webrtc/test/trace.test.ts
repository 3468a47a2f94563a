import { VirtualNetwork } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration } from '../src/index.ts'
import { closeAll, once } from './support/peers.ts'
import { signal, virtualPeer } from './support/virtual.ts'

afterEach(closeAll)

type Event = Parameters<NonNullable<RTCConfiguration['trace']>>[0]

describe('trace', () => {
  it('tells of every floor, in the order of a connection, without secrets', async () => {
    const net = new VirtualNetwork({ seed: 1 })
    const server = net.addHost({ address: '203.0.113.1' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const hosts = [net.addHost({ link: { delay: 5 } }), net.addHost({ link: { delay: 5 } })] as const
    const events: Event[] = []
    const keys: string[] = []
    const a = virtualPeer(hosts[0], 1, {
      iceServers: [{ urls: 'stun:203.0.113.1' }],
      trace: (event) => events.push(event),
      dtls: { keyLog: (line) => keys.push(line) },
    })
    const b = virtualPeer(hosts[1], 2, { dtls: { keyLog: (line) => keys.push(line) } })
    signal(net, [a, hosts[0]], [b, hosts[1]])
    const channel = a.createDataChannel('x')
    await net.runUntil(once(channel, 'open'), 10_000)
    b.close()
    await net.run(1000)
    a.close()
    expect(new Set(events.map(({ layer }) => layer))).toEqual(new Set(['webrtc', 'ice', 'dtls', 'sctp', 'datachannel']))
    const story = events.map(({ layer, name }) => `${layer} ${name}`)
    const inOrder = [
      'webrtc negotiationneeded',
      'ice server-answered',
      'ice pair-valid',
      'dtls message-received',
      'sctp negotiated',
      'datachannel open',
      'sctp aborted',
      'datachannel closed',
    ]
    const places = inOrder.map((name) => story.indexOf(name))
    expect(places).not.toContain(-1)
    expect([...places].sort((x, y) => x - y)).toEqual(places)
    // Both sides log the same secret, and it is nowhere else.
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
    expect(keys[0]).toMatch(/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/)
    const told = JSON.stringify(events)
    expect(told).not.toContain(keys[0]!.split(' ')[2])
    const { password } = a.sctp!.transport.iceTransport.getLocalParameters()!
    expect(told).not.toContain(password)
    stun.close()
  })

  it('a listener that throws is an uncaught exception, and nothing else', async () => {
    const net = new VirtualNetwork({ seed: 2 })
    const hosts = [net.addHost(), net.addHost()] as const
    const uncaught: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const mistake = new Error('mistake')
      const a = virtualPeer(hosts[0], 1, {
        trace: () => {
          throw mistake
        },
      })
      const b = virtualPeer(hosts[1], 2)
      signal(net, [a, hosts[0]], [b, hosts[1]])
      const channel = a.createDataChannel('x')
      await net.runUntil(once(channel, 'open'), 5000)
      closeAll()
      await new Promise((resolve) => setImmediate(resolve))
      expect(uncaught.length).toBeGreaterThan(10)
      expect(new Set(uncaught)).toEqual(new Set([mistake]))
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    }
  })
})

import { VirtualNetwork, type LinkOptions, type VirtualHost } from '@kaon/net/virtual'
import { StunServer } from '@kaon/stun/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { RTCConfiguration } from '../src/index.ts'
import { closeAll } from './support/peers.ts'
import { report } from './support/report.ts'
import { account, turnServer } from './support/turn-server.ts'
import { localCandidate, stopCalls, VirtualCall, type Caller } from './support/virtual-call.ts'

// A call whose networks come and go. Gaps are the longest time without a picture, in virtual time, pictures being 20 ms apart.

afterEach(() => {
  stopCalls()
  closeAll()
})

const LINK: LinkOptions = { delay: 20 }
const CONTINUAL: RTCConfiguration = { ice: { continualGathering: true } }
const PLAIN: RTCConfiguration = {}

/** Which peer moves: the one that offered, which is controlling, and the other. */
const MOVERS = [
  ['offerer', 0],
  ['answerer', 1],
] as const

async function meet(net: VirtualNetwork, configuration: RTCConfiguration, seed: number, hosts = homes(net)) {
  const call = await VirtualCall.start(net, hosts, seed, [configuration, configuration])
  const offers = [0, 0]
  for (const [i, { pc }] of call.sides.entries()) pc.addEventListener('negotiationneeded', () => offers[i]!++)
  await net.run(3000)
  call.mark()
  return { call, offers }
}

function homes(net: VirtualNetwork): [VirtualHost, VirtualHost] {
  return [net.addHost({ link: LINK }), net.addHost({ link: LINK })]
}

/** The interface that a side sends from. */
function inUse(side: Caller) {
  const { address, relatedAddress } = localCandidate(side)
  return side.host.interface(
    side.host.interfaces().find((one) => one.address === address || one.address === relatedAddress)!.name,
  )
}

async function expectWhole(call: VirtualCall): Promise<void> {
  expect(call.isConnected).toBe(true)
  expect(call.sides.flatMap(({ states }) => states)).not.toContain('failed')
  expect(await call.finish()).toBe(true)
  expect(call.errors).toEqual([])
}

describe('with continual gathering, and nothing else', () => {
  it.each(MOVERS)('both networks are up for a while: the %s loses the first', async (who, index) => {
    const net = new VirtualNetwork({ seed: 1 })
    const { call, offers } = await meet(net, CONTINUAL, 1)
    const mover = call.sides[index]
    const ufrag = mover.pc.sctp!.transport.iceTransport.getLocalParameters()!.usernameFragment
    const [address] = mover.host.addInterface({ interface: 'wlan0', link: LINK }).addresses
    await net.run(2000)
    mover.host.interface('eth0').remove()
    await net.run(5000)
    report(`  ${who} moves, both networks up: ${call.gap.toFixed(0)} ms without a picture`)
    expect(call.gap).toBeLessThan(1000)
    expect(localCandidate(mover)).toMatchObject({ address, usernameFragment: ufrag })
    expect(offers).toEqual([0, 0])
    await expectWhole(call)
  })

  it.each(MOVERS)('one network goes, and another comes at that moment: the %s has it', async (who, index) => {
    const net = new VirtualNetwork({ seed: 2 })
    const { call, offers } = await meet(net, CONTINUAL, 10)
    const mover = call.sides[index]
    mover.host.interface('eth0').remove()
    mover.host.addInterface({ interface: 'wlan0', link: LINK })
    await net.run(5000)
    report(`  ${who} moves from one network to the next: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(1000)
    expect(offers).toEqual([0, 0])
    await expectWhole(call)
  })

  it.each(MOVERS)('a network dies without a word, with another one up: the %s has both', async (who, index) => {
    const net = new VirtualNetwork({ seed: 3 })
    const hosts = homes(net)
    hosts[index].addInterface({ interface: 'wlan0', link: LINK })
    const { call, offers } = await meet(net, CONTINUAL, 20, hosts)
    inUse(call.sides[index]).link.down()
    await net.run(10_000)
    report(`  ${who}’s cable is pulled farther on, another network is up: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(1500)
    expect(offers).toEqual([0, 0])
    await expectWhole(call)
  })

  it('nothing for three seconds: as long as it takes, and a moment', async () => {
    const net = new VirtualNetwork({ seed: 4 })
    const { call, offers } = await meet(net, CONTINUAL, 30)
    const { host } = call.sides[0]
    host.interface('eth0').remove()
    await net.run(3000)
    host.addInterface({ interface: 'wlan0', link: LINK })
    await net.run(5000)
    report(`  no network for 3000 ms: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(4000)
    expect(offers).toEqual([0, 0])
    await expectWhole(call)
  })

  it('from behind a NAT to a network where UDP is blocked: by the relay', async () => {
    const net = new VirtualNetwork({ seed: 5 })
    const server = net.addHost({ address: '198.18.0.10' })
    await turnServer(server)
    const hosts: [VirtualHost, VirtualHost] = [
      net.addHost({ via: net.addTopology('port-restricted'), link: LINK }),
      net.addHost({ via: net.addTopology('port-restricted'), link: LINK }),
    ]
    const urls = ['turn:198.18.0.10', 'turn:198.18.0.10?transport=tcp']
    const { call, offers } = await meet(net, { ...CONTINUAL, iceServers: [{ urls, ...account }] }, 40, hosts)
    expect(localCandidate(call.sides[0]).type).not.toBe('relay')
    hosts[0].addInterface({ interface: 'wlan0', via: net.addTopology('udp-blocked'), link: LINK })
    await net.run(5000)
    call.mark()
    hosts[0].interface('eth0').remove()
    await net.run(5000)
    report(`  to where UDP is blocked, by TURN over TCP: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(1000)
    expect(localCandidate(call.sides[0])).toMatchObject({ type: 'relay', relayProtocol: 'tcp' })
    expect(offers).toEqual([0, 0])
    await expectWhole(call)
  })

  it('back and forth ten times, behind NATs', async () => {
    const net = new VirtualNetwork({ seed: 6 })
    const server = net.addHost({ address: '198.18.0.10' })
    const stun = await StunServer.listen({ network: server, addresses: [server.address], tcp: false })
    const hosts: [VirtualHost, VirtualHost] = [
      net.addHost({ via: net.addTopology('port-restricted'), link: LINK }),
      net.addHost({ via: net.addTopology('address-restricted'), link: LINK }),
    ]
    const iceServers = [{ urls: 'stun:198.18.0.10' }]
    const { call, offers } = await meet(net, { ...CONTINUAL, iceServers }, 50, hosts)
    const [{ host, pc }] = call.sides
    let last = 'eth0'
    for (let i = 0; i < 10; i++) {
      host.addInterface({ interface: `wlan${i}`, via: net.addTopology('port-restricted'), link: LINK })
      await net.run(2000)
      host.interface(last).remove()
      last = `wlan${i}`
      await net.run(1000)
    }
    report(`  ten moves from NAT to NAT: ${call.gap.toFixed(0)} ms at most`)
    expect(call.gap).toBeLessThan(1000)
    expect(offers).toEqual([0, 0])
    // What has gone is in no statistic.
    const stats = [...(await net.runUntil(pc.getStats())).values()]
    expect(stats.filter(({ type }) => type === 'candidate-pair').length).toBeLessThan(6)
    await expectWhole(call)
    stun.close()
  })
})

describe('with restartIce alone', () => {
  it.each(MOVERS)('when the network has changed: the %s moves', async (who, index) => {
    const net = new VirtualNetwork({ seed: 7 })
    const { call, offers } = await meet(net, PLAIN, 60)
    const mover = call.sides[index]
    // What an application does that listens to its platform.
    mover.host.watchInterfaces(() => mover.pc.restartIce())
    mover.host.interface('eth0').remove()
    const [address] = mover.host.addInterface({ interface: 'wlan0', link: LINK }).addresses
    await net.run(5000)
    report(`  ${who} moves from one network to the next and restarts ICE: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(1000)
    expect(localCandidate(mover).address).toBe(address)
    expect(offers[index]).toBeGreaterThan(0)
    await expectWhole(call)
  })

  it.each(MOVERS)('while the old network is still up: the %s moves, and no picture is missed', async (who, index) => {
    const net = new VirtualNetwork({ seed: 8 })
    const { call } = await meet(net, PLAIN, 70)
    const mover = call.sides[index]
    const [address] = mover.host.addInterface({ interface: 'wlan0', link: LINK }).addresses
    mover.host.interface('eth0').link.set({ delay: 60 })
    mover.pc.restartIce()
    await net.run(3000)
    mover.host.interface('eth0').remove()
    await net.run(3000)
    report(`  ${who} restarts ICE before the old network goes: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(150)
    expect(localCandidate(mover).address).toBe(address)
    await expectWhole(call)
  })

  it.each(MOVERS)('when ICE says that it is disconnected: the %s moves', async (who, index) => {
    const net = new VirtualNetwork({ seed: 9 })
    const { call } = await meet(net, PLAIN, 80)
    const mover = call.sides[index]
    for (const { pc } of call.sides) {
      pc.addEventListener('iceconnectionstatechange', () => {
        if (pc.iceConnectionState === 'disconnected') pc.restartIce()
      })
    }
    mover.host.interface('eth0').remove()
    mover.host.addInterface({ interface: 'wlan0', link: LINK })
    await net.run(15_000)
    report(`  ${who} moves, and restarts ICE when it is disconnected: ${call.gap.toFixed(0)} ms`)
    expect(call.gap).toBeLessThan(8000)
    await expectWhole(call)
  })
})

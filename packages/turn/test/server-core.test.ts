import { attribute, decodeMessage, LongTermCredentials, MessageBuilder, methods, type StunMessage } from '@kaon/stun'
import { describe, expect, it } from 'vitest'
import { ChannelDataWriter, ClientLink, formatMetrics, peerPolicy, TurnServerCore } from '../src/index.ts'
import { CoreHarness, peerAt, RawClient } from './core-harness.ts'

const writer = new ChannelDataWriter()
const bob = { username: 'bob', password: 'hidden' }
const six = { address: '2001:db8::5', port: 5, family: 6 } as const

function allocated(options?: ConstructorParameters<typeof CoreHarness>[0]): {
  harness: CoreHarness
  client: RawClient
} {
  const harness = new CoreHarness(options)
  const client = new RawClient(harness, 1000)
  expect(client.allocate()).toBe(0)
  return { harness, client }
}

const sendIndication = (peer: ReturnType<typeof peerAt>, data: Uint8Array): Uint8Array =>
  new MessageBuilder()
    .start('indication', methods.send, new Uint8Array(12))
    .add(attribute.xorPeerAddress, peer)
    .add(attribute.data, data)
    .finish()

describe('Allocate (RFC 8656 §7.2)', () => {
  it('challenges, then tells relayed and mapped address and lifetime, under the integrity of the request', () => {
    const harness = new CoreHarness({ software: 'test' })
    const client = new RawClient(harness, 1000)
    const message = client.ask(methods.allocate, (builder) => builder.add(attribute.requestedTransport, 17))!
    expect(message.get(attribute.xorRelayedAddress)).toEqual([...harness.relays][0]!.endpoint)
    expect(message.get(attribute.xorMappedAddress)).toEqual(client.at)
    expect(message.get(attribute.lifetime)).toBe(600)
    expect(message.get(attribute.software)).toBe('test')
    expect(message.integritySha256Offset).toBeGreaterThan(0)
    expect(message.fingerprintOffset).toBeGreaterThan(0)
    expect(harness.core.stats).toMatchObject({ requests: 2, successes: 1, errors: 1, errorCodes: { 401: 1 } })
  })

  it('answers a repeated request as before, another one with 437', () => {
    const { client } = allocated()
    const harness2 = new CoreHarness()
    const slow = new RawClient(harness2, 1)
    harness2.isSlow = true
    expect(slow.allocate()).toBe(-1)
    const request = slow.build(methods.allocate, (builder) => builder.add(attribute.requestedTransport, 17))
    expect(slow.send(request.slice())).toHaveLength(1) // 437: it is another request

    expect(client.allocate()).toBe(437)
    const fresh = new RawClient(new CoreHarness(), 2)
    fresh.code(methods.binding)
    expect(fresh.allocate(() => {}, 99)).toBe(442) // now it has the challenge
    const twice = fresh.build(methods.allocate, (builder) => builder.add(attribute.requestedTransport, 17))
    const [first] = fresh.send(twice.slice())
    const [second] = fresh.send(twice.slice())
    expect(second!.data).toEqual(first!.data)
    expect(fresh.harness.core.stats.allocations).toBe(1)
  })

  it('refuses what makes no sense', () => {
    const harness = new CoreHarness()
    const client = new RawClient(harness, 1000)
    const token = new Uint8Array(8)
    expect(client.code(methods.allocate)).toBe(400) // no REQUESTED-TRANSPORT
    expect(client.allocate(() => {}, 6)).toBe(442) // TCP, which is off
    expect(client.allocate((builder) => builder.add(attribute.dontFragment, true))).toBe(420)
    expect(client.allocate((builder) => builder.addRaw(0x7abc, token))).toBe(420)
    expect(client.allocate((builder) => builder.add(attribute.reservationToken, token))).toBe(508)
    const mixed = (builder: MessageBuilder): void =>
      void builder.add(attribute.reservationToken, token).add(attribute.evenPort, false)
    expect(client.allocate(mixed)).toBe(400)
    expect(
      client.allocate((builder) => builder.addRaw(attribute.requestedAddressFamily.type, Uint8Array.of(9, 0, 0, 0))),
    ).toBe(440)
    const both = (builder: MessageBuilder): void =>
      void builder.add(attribute.requestedAddressFamily, 4).add(attribute.additionalAddressFamily, 6)
    expect(client.allocate(both)).toBe(400)
    expect(client.allocate((builder) => builder.add(attribute.additionalAddressFamily, 4))).toBe(400)
    const pairOfBoth = (builder: MessageBuilder): void =>
      void builder.add(attribute.additionalAddressFamily, 6).add(attribute.evenPort, true)
    expect(client.allocate(pairOfBoth)).toBe(400)
    const old = new CoreHarness({ families: [4] })
    expect(new RawClient(old, 1).allocate((builder) => builder.add(attribute.requestedAddressFamily, 6))).toBe(440)
    expect(harness.core.stats.allocations).toBe(0)
    expect(harness.relays.size).toBe(0)
  })

  it('gives one address where two were wanted and one could be had, and says why', () => {
    const harness = new CoreHarness()
    harness.ports = 1
    const message = new RawClient(harness, 1000).ask(methods.allocate, (builder) =>
      builder.add(attribute.requestedTransport, 17).add(attribute.additionalAddressFamily, 6),
    )!
    expect(message.getAll(attribute.xorRelayedAddress)).toHaveLength(1)
    expect(message.get(attribute.addressErrorCode)).toMatchObject({ family: 6, code: 508 })
  })

  it('keeps to quotas: of a user, of all, of ports; a reserved port counts', () => {
    const harness = new CoreHarness({ maxAllocationsPerUser: 3, maxAllocations: 4 })
    const clients = Array.from({ length: 9 }, (_, index) => new RawClient(harness, index + 1))
    expect(clients[0]!.allocate((builder) => builder.add(attribute.evenPort, true))).toBe(0)
    expect(clients[1]!.allocate()).toBe(0)
    expect(clients[2]!.allocate()).toBe(486)
    const others = Array.from(
      { length: 3 },
      (_, index) => new RawClient(harness, 100 + index, new LongTermCredentials(bob)),
    )
    expect(others[0]!.allocate()).toBe(0)
    expect(others[1]!.allocate()).toBe(508)
    harness.tick(31_000)
    expect(harness.core.stats.reservations).toBe(0)
    expect(clients[2]!.allocate()).toBe(0)
    expect(clients[3]!.allocate()).toBe(486)
    expect(clients[0]!.refresh(0)).toBe(0)
    harness.ports = 0
    expect(clients[3]!.allocate()).toBe(508)
    harness.ports = 1
    expect(clients[3]!.allocate()).toBe(0)
    expect(harness.core.stats.allocations).toBe(4)
  })

  it('counts time-limited usernames for the user behind them', () => {
    const harness = new CoreHarness({ authenticator: 'open', maxAllocationsPerUser: 1 })
    expect(new RawClient(harness, 1).allocate()).toBe(0)
    expect(new RawClient(harness, 2).allocate()).toBe(486) // in an open server all are one
  })

  it('lets lifetimes be asked for within bounds, and ends what is not refreshed', () => {
    const { harness, client } = allocated()
    const lifetime = (seconds?: number): number =>
      client
        .ask(methods.refresh, (builder) => {
          if (seconds !== undefined) builder.add(attribute.lifetime, seconds)
        })!
        .get(attribute.lifetime)!
    expect([lifetime(), lifetime(1), lifetime(1800), lifetime(999_999)]).toEqual([600, 600, 1800, 3600])
    harness.tick(3_599_000)
    expect(harness.core.stats.allocations).toBe(1)
    expect(lifetime(600)).toBe(600)
    harness.tick(3_599_000 + 599_000)
    expect(harness.core.stats.allocations).toBe(1)
    harness.tick(3_599_000 + 600_000)
    expect(harness.core.stats).toMatchObject({ allocations: 0, allocationsExpired: 1 })
    expect(harness.relays.size).toBe(0)
    expect(harness.core.deadline).toBe(Infinity)
    expect(client.refresh()).toBe(437)
  })

  it('ends one family of two, or all', () => {
    const harness = new CoreHarness()
    const client = new RawClient(harness, 1000)
    client.allocate((builder) => builder.add(attribute.additionalAddressFamily, 6))
    expect(client.bind(0x4000, six)).toBe(0)
    const end = (family: 4 | 6): number =>
      client.code(methods.refresh, (builder) =>
        builder.add(attribute.lifetime, 0).add(attribute.requestedAddressFamily, family),
      )
    expect(end(6)).toBe(0)
    expect(harness.relays.size).toBe(1)
    expect(harness.core.stats).toMatchObject({ allocations: 1, channels: 0 })
    expect(end(6)).toBe(443)
    expect(client.permit(six)).toBe(443)
    expect(end(4)).toBe(0)
    expect(harness.core.stats).toMatchObject({ allocations: 0, permissions: 0, channels: 0 })
  })

  it('releases sockets of clients that have gone before they were there', () => {
    const harness = new CoreHarness()
    const link = new ClientLink('tcp', { address: '203.0.113.1', port: 3478, family: 4 })
    const client = new RawClient(harness, 1000, undefined, link)
    harness.isSlow = true
    expect(client.allocate()).toBe(-1)
    expect(harness.core.stats.allocations).toBe(1)
    harness.core.removeLink(link)
    harness.drain()
    expect(harness.core.stats.allocations).toBe(0)
  })
})

describe('who may do what', () => {
  it('asks the user of the allocation only', () => {
    const { harness, client } = allocated()
    const other = new RawClient(harness, 1000, new LongTermCredentials(bob))
    expect(other.allocate()).toBe(437)
    expect(other.refresh(0)).toBe(441)
    expect(other.permit(peerAt(1))).toBe(441)
    expect(other.bind(0x4000, peerAt(1))).toBe(441)
    expect(client.permit(peerAt(1))).toBe(0)
  })

  it('knows nobody without an allocation', () => {
    const client = new RawClient(new CoreHarness(), 1000)
    expect([client.refresh(), client.permit(peerAt(1)), client.bind(0x4000, peerAt(1))]).toEqual([437, 437, 437])
    expect(client.code(methods.connect)).toBe(437)
    expect(client.code(methods.connectionBind)).toBe(400)
  })

  it('relays to public addresses only, by itself', () => {
    const { client } = allocated({ permitPeer: peerPolicy() })
    const at = (address: string): { address: string; port: number; family: 4 } => ({ address, port: 80, family: 4 })
    expect(client.permit(at('8.8.8.8'))).toBe(0)
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.0.1', '0.0.0.0', '224.0.0.1']) {
      expect(client.permit(at(address))).toBe(403)
      expect(client.bind(0x4000, at(address))).toBe(403)
    }
    // One bad address spoils the request, and none is permitted.
    expect(client.permit(at('9.9.9.9'), at('127.0.0.1'))).toBe(403)
    expect(client.harness.core.stats.permissions).toBe(1)
  })

  it('answers a Binding request like any STUN server, and nothing else', () => {
    const harness = new CoreHarness()
    const client = new RawClient(harness, 1000)
    const request = (method: number, messageClass: 'request' | 'success' | 'indication' = 'request'): StunMessage[] =>
      client
        .send(new MessageBuilder().start(messageClass, method, new Uint8Array(12)).finish())
        .map(({ data }) => decodeMessage(data)!)
    expect(request(methods.binding)[0]!.get(attribute.xorMappedAddress)).toEqual(client.at)
    expect(request(0x0ff)).toEqual([])
    expect(request(methods.allocate, 'success')).toEqual([])
    expect(request(methods.data, 'indication')).toEqual([])
    expect(request(methods.binding, 'indication')).toEqual([])
  })
})

describe('permissions and channels (RFC 8656 §9–§12)', () => {
  it('let data through both ways, as indications', () => {
    const { harness, client } = allocated()
    const [relay] = [...harness.relays]
    const data = Uint8Array.of(1, 2, 3)
    expect(client.send(sendIndication(peerAt(1), data))).toEqual([])
    harness.core.receivePeer(relay!, data, peerAt(1), 0)
    expect(harness.core.pollTransmit()).toBeUndefined()
    expect(client.permit(peerAt(1, 0))).toBe(0)
    expect(client.send(sendIndication(peerAt(1, 77), data))).toEqual([{ via: relay, to: peerAt(1, 77), data }])
    harness.core.receivePeer(relay!, data, peerAt(1, 78), 0)
    const { via, to, data: sent } = harness.core.pollTransmit()!
    expect([via, to]).toEqual([client.link, client.at])
    const message = decodeMessage(sent)!
    expect([message.messageClass, message.method]).toEqual(['indication', methods.data])
    expect(message.get(attribute.xorPeerAddress)).toEqual(peerAt(1, 78))
    expect(message.get(attribute.data)).toEqual(data)
    expect(harness.core.stats).toMatchObject({
      droppedUnpermitted: 1,
      droppedUninvited: 1,
      bytesToPeers: 3,
      bytesToClients: 3,
    })
  })

  it('let data through both ways, as channel data', () => {
    const { harness, client } = allocated()
    const [relay] = [...harness.relays]
    expect(client.bind(0x4abc, peerAt(1))).toBe(0)
    const data = Uint8Array.of(1, 2, 3)
    expect(client.send(writer.write(0x4abc, data, false))).toEqual([{ via: relay, to: peerAt(1), data }])
    expect(client.send(writer.write(0x4abc, data, true))).toHaveLength(1) // padding over UDP
    expect(client.send(writer.write(0x4abd, data, false))).toEqual([])
    harness.core.receivePeer(relay!, data, peerAt(1), 0)
    expect([...harness.core.pollTransmit()!.data]).toEqual([0x4a, 0xbc, 0, 3, 1, 2, 3])
    // Another port of the same address has the permission, not the channel.
    harness.core.receivePeer(relay!, data, peerAt(1, 1), 0)
    expect(decodeMessage(harness.core.pollTransmit()!.data)!.method).toBe(methods.data)
  })

  it('end in time: permissions after five minutes, channels after ten', () => {
    const { harness, client } = allocated()
    const [relay] = [...harness.relays]
    client.refresh(3600)
    client.bind(0x4000, peerAt(1))
    client.permit(peerAt(2))
    const data = Uint8Array.of(1)
    harness.now = 299_999
    expect(client.send(writer.write(0x4000, data, false))).toHaveLength(1)
    expect(client.send(sendIndication(peerAt(2), data))).toHaveLength(1)
    harness.now = 300_000
    expect(client.send(writer.write(0x4000, data, false))).toHaveLength(0)
    expect(client.send(sendIndication(peerAt(2), data))).toHaveLength(0)
    harness.core.receivePeer(relay!, data, peerAt(1), harness.now)
    expect(harness.core.pollTransmit()).toBeUndefined()
    // The channel waits for its permission.
    expect(client.permit(peerAt(1))).toBe(0)
    expect(client.send(writer.write(0x4000, data, false))).toHaveLength(1)
    harness.now = 599_999
    client.permit(peerAt(1))
    harness.now = 600_000
    expect(client.send(writer.write(0x4000, data, false))).toHaveLength(0)
    harness.core.receivePeer(relay!, data, peerAt(1), harness.now)
    expect(decodeMessage(harness.core.pollTransmit()!.data)!.method).toBe(methods.data)
    // And its number is free again.
    expect(client.bind(0x4000, peerAt(3))).toBe(0)
    expect(harness.core.stats).toMatchObject({ channels: 1 })
  })

  it('refuse a number that is another peer’s, a second number, and numbers that are none', () => {
    const { client } = allocated()
    expect(client.bind(0x4000, peerAt(1))).toBe(0)
    expect(client.bind(0x4000, peerAt(1))).toBe(0)
    expect(client.bind(0x4000, peerAt(2))).toBe(400)
    expect(client.bind(0x4001, peerAt(1))).toBe(400)
    expect(client.bind(0x3fff, peerAt(3))).toBe(400)
    expect(client.bind(0x8000, peerAt(3))).toBe(400)
    expect(client.bind(0x4000, peerAt(3, 0))).toBe(400)
    expect(client.bind(0x7fff, peerAt(3))).toBe(0) // RFC 5766
    expect(client.code(methods.channelBind, (builder) => builder.add(attribute.channelNumber, 0x4002))).toBe(400)
    expect(client.code(methods.createPermission)).toBe(400)
    expect(client.permit(six)).toBe(443)
    expect(client.bind(0x4003, six)).toBe(443)
  })

  it('keep to their limits, and make room for new ones when old ones have ended', () => {
    const { harness, client } = allocated({ maxPermissions: 3, maxChannels: 2 })
    client.refresh(3600)
    expect(client.permit(peerAt(1), peerAt(2))).toBe(0)
    expect(client.permit(peerAt(3), peerAt(4))).toBe(508)
    expect(client.bind(0x4000, peerAt(3))).toBe(0)
    expect(client.bind(0x4001, peerAt(4))).toBe(508)
    expect(client.bind(0x4001, peerAt(1))).toBe(0)
    expect(client.bind(0x4002, peerAt(2))).toBe(508)
    expect(harness.core.stats).toMatchObject({ permissions: 3, channels: 2 })
    harness.now = 300_000
    expect(client.permit(peerAt(9))).toBe(0) // 2 has ended; 1 and 3 have channels
    expect(client.permit(peerAt(10))).toBe(508)
    harness.now = 600_000
    expect(client.permit(peerAt(11), peerAt(12), peerAt(13))).toBe(0)
    expect(harness.core.stats).toMatchObject({ permissions: 3, channels: 0 })
  })

  it('drop Send indications that are not sound, or want what cannot be done', () => {
    const { harness, client } = allocated()
    client.permit(peerAt(1))
    const indication = (add: (builder: MessageBuilder) => void): Uint8Array => {
      const builder = new MessageBuilder().start('indication', methods.send, new Uint8Array(12))
      add(builder)
      return builder.finish()
    }
    expect(client.send(indication(() => {}))).toEqual([])
    expect(client.send(indication((builder) => builder.add(attribute.xorPeerAddress, peerAt(1))))).toEqual([])
    const withDf = indication((builder) =>
      builder
        .add(attribute.xorPeerAddress, peerAt(1))
        .add(attribute.dontFragment, true)
        .add(attribute.data, new Uint8Array(1)),
    )
    expect(client.send(withDf)).toEqual([])
    expect(harness.core.stats.droppedMalformed).toBe(3)
    expect(client.send(sendIndication(peerAt(1, 0), new Uint8Array(1)))).toEqual([])
    expect(client.send(sendIndication(peerAt(1), new Uint8Array(0)))).toHaveLength(1)
  })
})

it('tells its counters to Prometheus', () => {
  const { harness, client } = allocated()
  client.permit(peerAt(1))
  client.send(sendIndication(peerAt(1), new Uint8Array(5)))
  const text = formatMetrics(harness.core.stats)
  expect(text).toContain('\nkaon_turn_allocations 1\n')
  expect(text).toContain('\nkaon_turn_errors_total{code="401"} 1\n')
  expect(text).toContain('\nkaon_turn_bytes_total{direction="to_peers"} 5\n')
  expect(text).toMatch(/\n$/)
  for (const line of text.trim().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) kaon_turn_[a-z_]+ .+|kaon_turn_[a-z_]+(\{[a-z]+="[a-z_0-9]+"\})? \d+)$/)
  }
})

it('refuses options that make no sense', () => {
  const make = (options: object) => () => new TurnServerCore({ authenticator: 'open', ...options })
  for (const options of [{ maxAllocations: 0 }, { maxBytesPerSecond: -1 }, { families: [] }, { families: [5] }]) {
    expect(make(options)).toThrow(expect.objectContaining({ code: 'ERR_TURN_OPTION' }))
  }
})

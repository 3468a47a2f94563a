// The client's machine against answers made by hand.
import {
  type ClientCredentials,
  attribute,
  decodeMessage,
  MessageBuilder,
  methods,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { describe, expect, it } from 'vitest'
import { TurnAllocation, type TurnAllocationOptions, type TurnEvent } from '../src/index.ts'

const relayed = { address: '203.0.113.1', port: 50_000, family: 4 } as const
const mapped = { address: '192.0.2.1', port: 1000, family: 4 } as const
const peer = { address: '198.51.100.1', port: 9, family: 4 } as const
/** Everything is authentic: these tests are about something else. */
const trusting: ClientCredentials = {
  authenticate: () => ({ accept: () => true, retry: () => false }),
  reset: () => {},
}
const builder = new MessageBuilder()

class Client {
  readonly allocation: TurnAllocation
  now = 0

  constructor(options: Partial<TurnAllocationOptions> = {}) {
    this.allocation = new TurnAllocation({ credentials: trusting, keepaliveInterval: Infinity, ...options })
  }

  /** The next request, decoded. */
  request(): StunMessage | undefined {
    const bytes = this.allocation.pollTransmit(this.now)
    return bytes === undefined ? undefined : decodeMessage(bytes)
  }

  succeed(request: StunMessage, add: (builder: MessageBuilder) => void = () => {}): void {
    builder.start('success', request.method, request.transactionId)
    add(builder)
    this.allocation.receive(builder.finish(), this.now)
  }

  fail(request: StunMessage, code: number, add: (builder: MessageBuilder) => void = () => {}): void {
    builder.start('error', request.method, request.transactionId).add(attribute.errorCode, { code, reason: '' })
    add(builder)
    this.allocation.receive(builder.finish(), this.now)
  }

  indicate(method: number, add: (builder: MessageBuilder) => void): void {
    builder.start('indication', method, new Uint8Array(12))
    add(builder)
    this.allocation.receive(builder.finish(), this.now)
  }

  allocate(lifetime = 600): this {
    this.allocation.allocate(this.now)
    this.succeed(this.request()!, (one) =>
      one
        .add(attribute.xorRelayedAddress, relayed)
        .add(attribute.xorMappedAddress, mapped)
        .add(attribute.lifetime, lifetime),
    )
    expect(this.events()).toMatchObject([{ type: 'allocated', relayed: [relayed], mapped, lifetime: lifetime * 1000 }])
    return this
  }

  tick(to: number): void {
    this.now = to
    this.allocation.tick(to)
  }

  events(): TurnEvent[] {
    const events: TurnEvent[] = []
    for (let event = this.allocation.pollEvent(); event !== undefined; event = this.allocation.pollEvent()) {
      events.push(event)
    }
    return events
  }
}

const peersOf = (request: StunMessage | undefined): TransportAddress[] =>
  request?.getAll(attribute.xorPeerAddress) ?? []

describe('TurnAllocation', () => {
  it('asks for what the options say', () => {
    const request = (options: Partial<TurnAllocationOptions>): StunMessage => {
      const client = new Client(options)
      client.allocation.allocate(0)
      return client.request()!
    }
    const plain = request({})
    expect(plain.method).toBe(methods.allocate)
    expect(plain.get(attribute.requestedTransport)).toBe(17)
    expect(plain.attributes().map(({ type }) => type)).toEqual([attribute.requestedTransport.type])
    const rich = request({ families: [6], lifetime: 90_500, evenPort: 'pair', software: 'x' })
    expect(rich.get(attribute.requestedAddressFamily)).toBe(6)
    expect(rich.get(attribute.lifetime)).toBe(91)
    expect(rich.get(attribute.evenPort)).toBe(true)
    expect(rich.get(attribute.software)).toBe('x')
    expect(request({ families: [4, 6] }).get(attribute.additionalAddressFamily)).toBe(6)
    expect(request({ reservationToken: new Uint8Array(8) }).get(attribute.reservationToken)).toHaveLength(8)
    expect(request({ relay: 'tcp', reliable: true }).get(attribute.requestedTransport)).toBe(6)
  })

  it.each([
    { families: [] },
    { families: [6, 4] as const },
    { relay: 'tcp' as const },
    { relay: 'tcp' as const, reliable: true, evenPort: 'even' as const },
    { reservationToken: new Uint8Array(7) },
    { reservationToken: new Uint8Array(8), families: [4] as const },
    { evenPort: 'pair' as const, families: [4, 6] as const },
    { lifetime: 0 },
    { maxPeers: 0 },
  ])('refuses %j', (options) => {
    expect(() => new Client(options)).toThrow(expect.objectContaining({ code: 'ERR_TURN_OPTION' }))
  })

  it('ends when the answer lacks what it must carry, or sends it elsewhere', () => {
    const ended = (answer: (client: Client, request: StunMessage) => void): TurnEvent[] => {
      const client = new Client()
      client.allocation.allocate(0)
      answer(client, client.request()!)
      expect(client.allocation.state).toBe('ended')
      expect(client.allocation.deadline).toBe(Infinity)
      return client.events()
    }
    const malformed = [{ type: 'failed', error: { code: 'ERR_TURN_MALFORMED' } }]
    expect(ended((client, request) => client.succeed(request))).toMatchObject(malformed)
    const mappedOnly = (one: MessageBuilder): void => void one.add(attribute.xorMappedAddress, mapped)
    expect(ended((client, request) => client.succeed(request, mappedOnly))).toMatchObject(malformed)
    expect(ended((client, request) => client.fail(request, 486))).toMatchObject([
      { type: 'failed', error: { code: 'ERR_TURN_RESPONSE', responseCode: 486 } },
    ])
    const elsewhere = (one: MessageBuilder): void =>
      void one.add(attribute.alternateServer, relayed).add(attribute.alternateDomain, 'example.net')
    expect(ended((client, request) => client.fail(request, 300, elsewhere))).toEqual([
      { type: 'redirected', server: relayed, domain: 'example.net' },
    ])
    expect(ended((client, request) => client.fail(request, 300))).toMatchObject([{ type: 'failed' }])
  })

  it('refreshes a minute before the end, or at half of a short life', () => {
    const client = new Client().allocate()
    expect(client.allocation.deadline).toBe(540_000)
    client.tick(539_999)
    expect(client.request()).toBeUndefined()
    client.tick(540_000)
    const request = client.request()!
    expect(request.method).toBe(methods.refresh)
    client.succeed(request, (one) => one.add(attribute.lifetime, 60))
    expect(client.events()).toEqual([{ type: 'refreshed', lifetime: 60_000 }])
    expect(client.allocation.deadline).toBe(570_000)
  })

  it('asks after a silent server, and leaves one alone that is heard', () => {
    const client = new Client({ keepaliveInterval: 25_000 }).allocate()
    client.tick(25_000)
    client.succeed(client.request()!, (one) => one.add(attribute.lifetime, 600))
    client.events()
    client.now = 49_000
    client.indicate(methods.data, (one) =>
      one.add(attribute.xorPeerAddress, peer).add(attribute.data, new Uint8Array(1)),
    )
    client.tick(50_000)
    expect(client.request()).toBeUndefined()
    expect(client.allocation.deadline).toBe(74_000)
  })

  it('is lost when the server does not know it any more', () => {
    for (const method of ['refresh', 'permit', 'bind'] as const) {
      const client = new Client().allocate()
      if (method === 'refresh') client.allocation.refresh(0)
      else if (method === 'permit') client.allocation.permit(peer.address, 0)
      else client.allocation.bindChannel(peer, 0)
      client.fail(client.request()!, 437)
      expect(client.events()).toMatchObject([{ type: 'failed', error: { code: 'ERR_TURN_LOST', responseCode: 437 } }])
      expect(() => client.allocation.send(peer, new Uint8Array(1), 0)).toThrow(
        expect.objectContaining({ code: 'ERR_TURN_STATE' }),
      )
    }
  })

  it('goes on to its end when it may not refresh', () => {
    const client = new Client({ keepaliveInterval: 25_000 }).allocate()
    client.tick(25_000)
    client.fail(client.request()!, 401)
    expect(client.events()).toEqual([])
    expect(client.allocation.deadline).toBe(600_000)
    client.tick(600_000)
    expect(client.events()).toMatchObject([{ type: 'failed', error: { code: 'ERR_TURN_CREDENTIALS' } }])
  })

  it('asks for many permissions at once, and for each alone when one is refused', () => {
    const client = new Client().allocate()
    const addresses = Array.from({ length: 20 }, (_, index) => `198.51.100.${index + 1}`)
    for (const address of addresses) client.allocation.permit(address, 0)
    const first = client.request()!
    expect(peersOf(first).map(({ address }) => address)).toEqual(addresses.slice(0, 16))
    expect(client.request()).toBeUndefined() // one at a time
    client.fail(first, 403)
    const asked: string[] = []
    for (let request = client.request(); request !== undefined; request = client.request()) {
      const peers = peersOf(request)
      asked.push(...peers.map(({ address }) => address))
      if (peers.some(({ address }) => address === '198.51.100.3')) client.fail(request, 403)
      else client.succeed(request)
    }
    expect(asked.toSorted()).toEqual(addresses.toSorted())
    const events = client.events()
    expect(events.filter(({ type }) => type === 'permitted')).toHaveLength(19)
    expect(events.filter(({ type }) => type === 'refused')).toMatchObject([{ address: '198.51.100.3' }])
    // What was asked for by name is asked for again, half a minute later.
    client.tick(29_999)
    expect(client.request()).toBeUndefined()
    client.tick(30_000)
    expect(peersOf(client.request())).toMatchObject([{ address: '198.51.100.3' }])
  })

  it('sends by indication until the channel is there, and hears the channel before its answer', () => {
    const client = new Client().allocate()
    client.allocation.send(peer, Uint8Array.of(1), 0)
    client.succeed(client.request()!)
    expect(client.events()).toEqual([{ type: 'permitted', address: peer.address }])
    const [bind, indication] = [client.request()!, client.request()!]
    expect([bind.method, indication.method]).toEqual([methods.channelBind, methods.send])
    const channel = bind.get(attribute.channelNumber)!
    client.allocation.receive(Uint8Array.of(channel >> 8, channel & 255, 0, 1, 7), 0)
    expect(client.events()).toEqual([{ type: 'data', peer, data: Uint8Array.of(7) }])
    client.allocation.send(peer, Uint8Array.of(2), 0)
    expect(client.request()!.method).toBe(methods.send)
    client.succeed(bind)
    expect(client.events()).toEqual([{ type: 'channel-bound', peer, channel }])
    client.allocation.send(peer, Uint8Array.of(3), 0)
    expect([...client.allocation.pollTransmit(0)!]).toEqual([channel >> 8, channel & 255, 0, 1, 3])
    client.allocation.receive(Uint8Array.of(channel >> 8, (channel & 255) + 1, 0, 0), 0)
    expect(client.allocation.stats.droppedUnexpected).toBe(1)
  })

  it('does with indications where the server has no channels', () => {
    const client = new Client().allocate()
    client.allocation.send(peer, Uint8Array.of(1), 0)
    client.succeed(client.request()!)
    client.fail(client.request()!, 508)
    expect(client.request()!.method).toBe(methods.send)
    client.allocation.send(peer, Uint8Array.of(2), 0)
    expect(client.request()!.method).toBe(methods.send)
    expect(client.request()).toBeUndefined()
  })

  it('tells of ICMP, and of data only where it was permitted', () => {
    const client = new Client().allocate()
    const data = (one: MessageBuilder): void =>
      void one.add(attribute.xorPeerAddress, peer).add(attribute.data, Uint8Array.of(1))
    client.indicate(methods.data, data)
    expect(client.events()).toEqual([])
    client.allocation.permit(peer.address, 0)
    client.succeed(client.request()!)
    client.events()
    client.indicate(methods.data, data)
    client.indicate(methods.data, (one) =>
      one.add(attribute.xorPeerAddress, peer).add(attribute.icmp, { type: 3, code: 3, data: new Uint8Array(4) }),
    )
    client.indicate(methods.data, (one) => one.add(attribute.xorPeerAddress, peer))
    expect(client.events()).toEqual([
      { type: 'data', peer, data: Uint8Array.of(1) },
      { type: 'icmp', peer, icmpType: 3, icmpCode: 3 },
    ])
    expect(client.allocation.stats).toMatchObject({ droppedUnexpected: 1, droppedMalformed: 1 })
  })

  it('tells the server when it closes, three times nothing, and ends with its answer', () => {
    const client = new Client().allocate()
    client.allocation.close(0)
    client.allocation.close(0)
    const request = client.request()!
    expect(request.get(attribute.lifetime)).toBe(0)
    expect(client.request()).toBeUndefined()
    client.succeed(request, (one) => one.add(attribute.lifetime, 0))
    expect(client.events()).toEqual([{ type: 'closed' }])
    const early = new Client()
    early.allocation.close(0)
    expect(early.events()).toEqual([{ type: 'closed' }])
    expect(() => early.allocation.allocate(0)).toThrow()
  })

  it('gives back what comes when it is not wanted any more', () => {
    const client = new Client()
    client.allocation.allocate(0)
    const request = client.request()!
    client.allocation.close(0)
    client.tick(600)
    expect(client.request()).toBeUndefined() // not repeated
    client.succeed(request, (one) =>
      one.add(attribute.xorRelayedAddress, relayed).add(attribute.xorMappedAddress, mapped),
    )
    const refresh = client.request()!
    expect([refresh.method, refresh.get(attribute.lifetime)]).toEqual([methods.refresh, 0])
    client.succeed(refresh)
    expect(client.events()).toEqual([{ type: 'closed' }])

    const refused = new Client()
    refused.allocation.allocate(0)
    const other = refused.request()!
    refused.allocation.close(0)
    refused.fail(other, 401)
    expect(refused.request()).toBeUndefined()
    expect(refused.events()).toEqual([{ type: 'closed' }])

    const silent = new Client().allocate()
    silent.allocation.close(0)
    silent.tick(4999)
    expect(silent.events()).toEqual([])
    silent.tick(5000)
    expect(silent.events()).toEqual([{ type: 'closed' }])
  })

  it('gives TCP connections their numbers (RFC 6062)', () => {
    const client = new Client({ relay: 'tcp', reliable: true }).allocate()
    client.allocation.connect(peer, 0)
    client.succeed(client.request()!, (one) => one.add(attribute.connectionId, 77))
    client.allocation.connect(peer, 0)
    client.fail(client.request()!, 447)
    client.allocation.connect(peer, 0)
    client.succeed(client.request()!)
    client.indicate(methods.connectionAttempt, (one) =>
      one.add(attribute.xorPeerAddress, peer).add(attribute.connectionId, 78),
    )
    expect(client.events()).toMatchObject([
      { type: 'connection', peer, connectionId: 77, incoming: false },
      { type: 'connection-failed', peer, error: { responseCode: 447 } },
      { type: 'connection-failed', peer, error: { code: 'ERR_TURN_MALFORMED' } },
      { type: 'connection', peer, connectionId: 78, incoming: true },
    ])
    expect(() => client.allocation.send(peer, new Uint8Array(1), 0)).toThrow()
    expect(() => new Client().allocate().allocation.connect(peer, 0)).toThrow()
  })

  it('lets a number rest before it is another peer’s, and runs out of them in the end', () => {
    const client = new Client({ maxPeers: 5000 }).allocate(100_000)
    const bind = (index: number): number => {
      const endpoint = { address: `198.51.${index >> 8}.${index & 255}`, port: 9, family: 4 } as const
      client.allocation.bindChannel(endpoint, client.now)
      const request = client.request()
      if (request === undefined) return 0
      client.succeed(request)
      client.events()
      return request.get(attribute.channelNumber)!
    }
    const numbers = Array.from({ length: 4096 }, (_, index) => bind(index))
    expect(new Set(numbers).size).toBe(4096)
    expect([Math.min(...numbers), Math.max(...numbers)]).toEqual([0x4000, 0x4fff])
    expect(bind(4096)).toBe(0)
    client.now = 899_999
    expect(bind(4097)).toBe(0)
    client.now = 900_000
    expect(bind(4098)).toBe(0x4000)
  })
})

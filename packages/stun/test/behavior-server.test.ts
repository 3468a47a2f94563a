import { VirtualNetwork } from '@kaon/net/virtual'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BindingArrival, BindingServer, type BindingOrigins } from '../src/binding-server.ts'
import { attribute, createTransactionId, decodeMessage, MessageBuilder, type StunMessage } from '../src/index.ts'
import { StunServer, type StunServerOptions } from '../src/driver/index.ts'
import { build, sample, transportAddress } from './arbitraries.ts'

// A server of RFC 5780 §6: the machine's answers, then the sockets they leave from.

const from = { address: '192.0.2.7', port: 4321, family: 4 } as const
const at = (address: string, port: number) => ({ address, port, family: 4 }) as const
const origins: BindingOrigins = [
  at('203.0.113.1', 3478),
  at('203.0.113.1', 3479),
  at('203.0.113.2', 3478),
  at('203.0.113.2', 3479),
]
const arrival = (index: number, movable = true): BindingArrival => ({ origins, index, movable })
const request = (): MessageBuilder => new MessageBuilder().start('request', 1, createTransactionId())

function answer(
  bytes: Uint8Array,
  to: BindingArrival = arrival(0),
): { message: StunMessage; origin: number; port: number; error: number | undefined } {
  const result = new BindingServer().answer(bytes, from, 0, to)!
  const message = decodeMessage(result.bytes)!
  return { message, origin: result.origin, port: result.port, error: message.get(attribute.errorCode)?.code }
}

describe('BindingServer with a second address', () => {
  it('answers from where table 1 of RFC 5780 §6.1 says', () => {
    for (let index = 0; index < 4; index++) {
      for (const changeIp of [false, true]) {
        for (const changePort of [false, true]) {
          const bytes = request().add(attribute.changeRequest, { changeIp, changePort }).finish()
          const { message, origin, port } = answer(bytes, arrival(index))
          const expected = {
            address: changeIp ? origins[index ^ 2]!.address : origins[index]!.address,
            port: changePort ? origins[index ^ 1]!.port : origins[index]!.port,
            family: 4,
          }
          expect(origins[origin]).toEqual(expected)
          expect(message.get(attribute.responseOrigin)).toEqual(expected)
          expect(message.get(attribute.otherAddress)).toEqual(origins[index ^ 3])
          expect(port).toBe(from.port)
        }
      }
    }
  })

  it('tells both addresses to whom asks plainly, twice his own', () => {
    const { message, origin } = answer(request().finish(), arrival(2))
    expect(origin).toBe(2)
    expect(message.get(attribute.responseOrigin)).toEqual(origins[2])
    expect(message.get(attribute.otherAddress)).toEqual(origins[1])
    expect(message.get(attribute.mappedAddress)).toEqual(from)
    expect(message.get(attribute.xorMappedAddress)).toEqual(from)
  })

  it('answers to RESPONSE-PORT, and only to the address that asked', () => {
    const { port, message } = answer(request().add(attribute.responsePort, 999).finish())
    expect(port).toBe(999)
    expect(message.get(attribute.xorMappedAddress)).toEqual(from)
    // Some count the attribute's padding into its length, others do not.
    expect(answer(request().addRaw(0x0027, Uint8Array.of(1, 2)).finish()).port).toBe(0x0102)
  })

  it('gives back as much PADDING as it got', () => {
    const { message } = answer(request().add(attribute.padding, new Uint8Array(1200)).finish())
    expect(message.get(attribute.padding)).toEqual(new Uint8Array(1200))
  })

  it('refuses with 400 what makes no sense', () => {
    const malformed = [
      request().add(attribute.responsePort, 5).add(attribute.padding, new Uint8Array(4)), // §7.5
      request().add(attribute.responsePort, 0),
      request().addRaw(0x0027, new Uint8Array(3)),
      request().addRaw(0x0003, new Uint8Array(3)),
    ]
    for (const builder of malformed)
      expect(answer(builder.finish())).toMatchObject({ error: 400, origin: 0, port: 4321 })
  })

  it('does not know over TCP what TCP cannot do', () => {
    const bytes = request().add(attribute.changeRequest, { changeIp: true, changePort: true }).finish()
    expect(answer(bytes, arrival(0, false)).error).toBe(420)
    expect(answer(request().add(attribute.responsePort, 5).finish(), arrival(0, false)).error).toBe(420)
    expect(answer(request().finish(), arrival(0, false)).message.get(attribute.otherAddress)).toEqual(origins[3])
  })

  it('survives any message from anywhere, with a response that is not much longer', () => {
    const server = new BindingServer()
    fc.assert(
      fc.property(sample, transportAddress, fc.nat(3), (message, source, index) => {
        const bytes = build({ ...message, messageClass: 'request', method: 1 })
        const result = server.answer(bytes, source, 0, arrival(index))!
        expect(decodeMessage(result.bytes)!.transactionId).toEqual(message.transactionId)
        expect(result.bytes.length).toBeLessThanOrEqual(bytes.length + 96)
        expect(result.port > 0 || source.port === 0).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), transportAddress, fc.nat(3), (bytes, source, index) => {
        server.answer(new Uint8Array(bytes), source, 0, arrival(index))
      }),
    )
  })
})

describe('StunServer with a second address', () => {
  const listen = async (
    options: Partial<StunServerOptions> = {},
  ): Promise<{ net: VirtualNetwork; server: StunServer; host: ReturnType<VirtualNetwork['addHost']> }> => {
    const net = new VirtualNetwork({ seed: 1 })
    const host = net.addHost({ address: ['203.0.113.1', '203.0.113.2', '2001:db8:1::1'] })
    const server = await StunServer.listen({
      network: host,
      addresses: ['203.0.113.1'],
      alternate: { address: '203.0.113.2' },
      ...options,
    })
    return { net, server, host }
  }

  it('listens on two addresses and two ports, over UDP and TCP', async () => {
    const { server, host } = await listen()
    const places = server.endpoints.map(({ transport, local }) => `${transport} ${local.address} ${local.port}`)
    expect(places.toSorted()).toEqual(
      ['tcp', 'udp'].flatMap((transport) => origins.map(({ address, port }) => `${transport} ${address} ${port}`)),
    )
    expect(server.port).toBe(3478)
    server.close()
    expect(host.openHandles).toBe(0)
    const anywhere = await listen({ port: 0, tcp: false })
    expect(new Set(anywhere.server.endpoints.map(({ local }) => local.port)).size).toBe(2)
    expect(anywhere.server.endpoints.length).toBe(4)
  })

  it('serves further addresses plainly', async () => {
    const { net } = await listen({ addresses: ['::', '203.0.113.1'] })
    const client = net.addHost({ families: [6] })
    const socket = await client.bindUdp({ family: 6 })
    const answers: StunMessage[] = []
    socket.onmessage = (data) => answers.push(decodeMessage(data)!)
    const to = { address: '2001:db8:1::1', port: 3478, family: 6 as const }
    socket.send(request().finish(), to)
    socket.send(request().add(attribute.responsePort, 5).finish(), to)
    await net.run(100)
    expect(answers.map((message) => message.get(attribute.otherAddress))).toEqual([undefined, undefined])
    expect(answers.map((message) => message.get(attribute.errorCode)?.code)).toEqual([undefined, 420])
  })

  it('tells the addresses outside of its own NAT when it is told them', async () => {
    const { net } = await listen({ alternate: { address: '203.0.113.2', external: ['198.51.100.1', '198.51.100.2'] } })
    const socket = await net.addHost().bindUdp()
    let message: StunMessage | undefined
    socket.onmessage = (data) => {
      message = decodeMessage(data)
    }
    socket.send(request().finish(), origins[0])
    await net.run(100)
    expect(message?.get(attribute.otherAddress)).toEqual(at('198.51.100.2', 3479))
    expect(message?.get(attribute.responseOrigin)).toEqual(at('198.51.100.1', 3478))
  })

  it('answers one address only so often, wherever it asks and wherever it wants the answers', async () => {
    const { net, server } = await listen({ maxRequestsPerSecond: 10 })
    const client = net.addHost()
    const [asker, hearer] = [await client.bindUdp(), await client.bindUdp()]
    for (let count = 0; count < 100; count++) {
      const bytes = request().add(attribute.responsePort, hearer.local.port).finish()
      asker.send(bytes, origins[count & 3]!)
    }
    await net.run(100)
    expect([asker.stats.datagramsReceived, hearer.stats.datagramsReceived, server.stats.droppedRate]).toEqual([
      0, 10, 90,
    ])
  })

  it.each([
    [{ addresses: undefined }, 'not with none'],
    [{ addresses: ['0.0.0.0'] }, 'not with 0.0.0.0'],
    [{ addresses: ['203.0.113.2'] }, 'not with 203.0.113.2'],
    [{ addresses: ['203.0.113.1', '203.0.113.3'] }, 'not with 203.0.113.1, 203.0.113.3'],
    [{ addresses: ['::'] }, 'not with none'],
    [{ alternate: { address: 'example.org' } }, 'not an IP address'],
    [{ alternate: { address: '203.0.113.2', port: 3478 } }, 'no alternate port'],
    [{ port: 65_535 }, 'no alternate port'],
    [{ alternate: { address: '203.0.113.2', external: ['a', 'b'] as const } }, 'not an IP address'],
  ])('refuses %j', async (options, message) => {
    await expect(listen(options as Partial<StunServerOptions>)).rejects.toMatchObject({
      code: 'ERR_STUN_OPTION',
      message: expect.stringContaining(message),
    })
  })
})

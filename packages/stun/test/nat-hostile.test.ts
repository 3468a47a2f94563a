import { VirtualNetwork } from '@kaon/net/virtual'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attribute, decodeMessage, MessageBuilder, type StunMessage } from '../src/index.ts'
import { discoverNat, type NatReport } from '../src/driver/index.ts'

// Servers that lie, are broken, or mean harm: the discovery ends, says `unknown`, and sends nothing to third parties.

const PRIMARY = '203.0.113.1'
const ALTERNATE = '203.0.113.2'
type Address = { address: string; port: number; family: 4 | 6 }

interface Request {
  readonly message: StunMessage
  readonly from: Address
  /** Index of the socket it came to: bit 0 the port, bit 1 the address. */
  readonly index: number
  readonly count: number
}

/** What an honest server says; a liar changes parts of it. */
function honest({ message, from, index }: Request): { add(builder: MessageBuilder): void; origin: number } {
  const change = message.get(attribute.changeRequest)
  return {
    add: (builder) => builder.add(attribute.xorMappedAddress, from).add(attribute.otherAddress, other(index)),
    origin: index ^ (change?.changeIp ? 2 : 0) ^ (change?.changePort ? 1 : 0),
  }
}

const other = (index: number): Address => ({
  address: index & 2 ? PRIMARY : ALTERNATE,
  port: index & 1 ? 3478 : 3479,
  family: 4,
})

type Lie = (request: Request, socketOf: (index: number) => (bytes: Uint8Array) => void) => void

async function askLiar(lie: Lie, topology: 'port-restricted' | 'symmetric-random' | 'full-cone'): Promise<NatReport> {
  const net = new VirtualNetwork({ seed: 1 })
  const serverHost = net.addHost({ address: [PRIMARY, ALTERNATE] })
  const sockets = [
    await serverHost.bindUdp({ address: PRIMARY, port: 3478 }),
    await serverHost.bindUdp({ address: PRIMARY, port: 3479 }),
    await serverHost.bindUdp({ address: ALTERNATE, port: 3478 }),
    await serverHost.bindUdp({ address: ALTERNATE, port: 3479 }),
  ]
  let count = 0
  for (const [index, socket] of sockets.entries()) {
    socket.onmessage = (data, from) => {
      const message = decodeMessage(data)
      if (message?.messageClass !== 'request') return
      lie({ message, from, index, count: count++ }, (origin) => (bytes) => sockets[origin]!.send(bytes, from))
    }
  }
  const host = net.addHost({ via: net.addTopology(topology), link: { delay: 5 } })
  const strangers = new Set<string>()
  net.tap(({ kind, packet }) => {
    if (kind !== 'sent' || packet.source !== host.address) return
    if (![PRIMARY, ALTERNATE].includes(packet.destination)) strangers.add(packet.destination)
  })
  const report = await net.runUntil(discoverNat({ network: host, server: PRIMARY }), 120_000)
  expect(host.openHandles).toBe(0)
  // Nobody else was written to, but for the own outside address.
  for (const address of strangers) expect([report.mappedAddress?.address]).toContain(address)
  expect(count).toBeLessThan(120)
  return report
}

function reply(
  request: Request,
  add: (builder: MessageBuilder) => void,
  messageClass: 'success' | 'error' = 'success',
) {
  const builder = new MessageBuilder().start(messageClass, 1, request.message.transactionId)
  add(builder)
  return builder.finish()
}

const reasons = (report: NatReport): string[] => report.doubts.map(({ topic, reason }) => `${topic}: ${reason}`)

describe('discoverNat and a server', () => {
  it('that is honest, for comparison', async () => {
    const report = await askLiar((request, socketOf) => {
      const { add, origin } = honest(request)
      socketOf(origin)(reply(request, add))
    }, 'port-restricted')
    expect(report).toMatchObject({
      mapping: 'endpoint-independent',
      filtering: 'address-and-port-dependent',
      doubts: [],
    })
  })

  it('that answers CHANGE-REQUEST from where it was asked', async () => {
    const report = await askLiar(
      (request, socketOf) => socketOf(request.index)(reply(request, honest(request).add)),
      'port-restricted',
    )
    expect(report).toMatchObject({ mapping: 'endpoint-independent', filtering: 'unknown' })
    expect(reasons(report)).toEqual(['filtering: change-ignored'])
  })

  it('that does not answer CHANGE-REQUEST at all', async () => {
    const report = await askLiar((request, socketOf) => {
      if (!request.message.has(attribute.changeRequest)) socketOf(request.index)(reply(request, honest(request).add))
    }, 'full-cone')
    expect(report).toMatchObject({ mapping: 'endpoint-independent', filtering: 'unknown' })
    expect(reasons(report)).toEqual(['filtering: change-ignored'])
  })

  it('that refuses it', async () => {
    const report = await askLiar((request, socketOf) => {
      const bytes = request.message.has(attribute.changeRequest)
        ? reply(request, (builder) => builder.add(attribute.errorCode, { code: 420, reason: '' }), 'error')
        : reply(request, honest(request).add)
      socketOf(request.index)(bytes)
    }, 'full-cone')
    expect(reasons(report)).toEqual(['filtering: change-ignored'])
  })

  it('whose second address does not answer', async () => {
    const report = await askLiar((request, socketOf) => {
      if (request.index === 0) socketOf(0)(reply(request, honest(request).add))
    }, 'full-cone')
    expect(report).toMatchObject({ udp: 'open', mapping: 'unknown', filtering: 'unknown' })
    expect(reasons(report).slice(0, 2)).toEqual(['mapping: other-address-silent', 'filtering: change-ignored'])
  })

  it('that falls silent after its first answer', async () => {
    const report = await askLiar((request, socketOf) => {
      if (request.count === 0) socketOf(0)(reply(request, honest(request).add))
    }, 'full-cone')
    expect(report).toMatchObject({ udp: 'open', mapping: 'unknown', filtering: 'unknown', hairpinning: undefined })
    expect(report.mappedAddress).toBeDefined()
  })

  it('that invents the addresses that it tells', async () => {
    const report = await askLiar((request, socketOf) => {
      const { origin } = honest(request)
      const add = (builder: MessageBuilder): unknown =>
        builder
          .add(attribute.xorMappedAddress, { ...request.from, port: 1024 + request.count })
          .add(attribute.otherAddress, other(request.index))
      socketOf(origin)(reply(request, add))
    }, 'port-restricted')
    expect(report.mapping).toBe('unknown')
    expect(reasons(report)).toContain('mapping: contradiction')
  })

  it.each([
    ['its own address', PRIMARY, 3479],
    ['its own port', ALTERNATE, 3478],
    ['no port', ALTERNATE, 0],
    ['a host of the client’s network', '192.168.0.7', 53],
    ['the client itself', '127.0.0.1', 53],
    ['many', '224.0.0.1', 53],
    ['everybody', '255.255.255.255', 53],
    ['nobody', '0.0.0.0', 53],
    ['another family', '2001:db8::1', 53],
  ])('that names as its second address %s', async (_name, address, port) => {
    const report = await askLiar((request, socketOf) => {
      const add = (builder: MessageBuilder): unknown =>
        builder
          .add(attribute.xorMappedAddress, request.from)
          .add(attribute.otherAddress, { address, port, family: address.includes(':') ? 6 : 4 })
      socketOf(request.index)(reply(request, add))
    }, 'full-cone')
    expect(report.mapping).toBe('unknown')
    expect(report.servers[0]?.otherAddress).toBeUndefined()
    expect(reasons(report)).toEqual(['mapping: other-address-unusable', 'filtering: other-address-unusable'])
  })

  it('that tells addresses of the wrong family, or none', async () => {
    for (const wrong of [{ address: '2001:db8::1', port: 5, family: 6 as const }, undefined]) {
      const report = await askLiar((request, socketOf) => {
        const bytes = reply(request, (builder) => wrong && builder.add(attribute.xorMappedAddress, wrong))
        socketOf(request.index)(bytes)
      }, 'full-cone')
      expect(report.udp).not.toBe('open')
    }
  })

  it('that rewrites one of the two addresses, as a gateway would', async () => {
    const report = await askLiar((request, socketOf) => {
      const { add, origin } = honest(request)
      const both = (builder: MessageBuilder): void => {
        add(builder)
        builder.add(attribute.mappedAddress, { ...request.from, address: '192.168.0.7' })
      }
      socketOf(origin)(reply(request, both))
    }, 'full-cone')
    expect(report).toMatchObject({ rewritesPayload: true, mapping: 'endpoint-independent' })
  })

  it('that sends anything, from anywhere', async () => {
    const junk = fc.array(
      fc.record({
        origin: fc.nat(3),
        isError: fc.boolean(),
        mapped: fc.option(fc.tuple(fc.ipV4(), fc.nat(0xffff))),
        other: fc.option(fc.tuple(fc.constantFrom(ALTERNATE, PRIMARY, '10.0.0.1'), fc.nat(0xffff))),
        raw: fc.uint8Array({ maxLength: 30 }),
        cut: fc.nat(60),
      }),
      { minLength: 1, maxLength: 20 },
    )
    await fc.assert(
      fc.asyncProperty(junk, async (answers) => {
        const net = new VirtualNetwork({ seed: 1 })
        const serverHost = net.addHost({ address: [PRIMARY, ALTERNATE] })
        const sockets = [
          await serverHost.bindUdp({ address: PRIMARY, port: 3478 }),
          await serverHost.bindUdp({ address: ALTERNATE, port: 3478 }),
        ]
        let next = 0
        for (const socket of sockets) {
          socket.onmessage = (data, from) => {
            const chosen = answers[next++ % answers.length]!
            const builder = new MessageBuilder().start(chosen.isError ? 'error' : 'success', 1, data.slice(8, 20))
            if (chosen.mapped !== null) {
              const [address, port] = chosen.mapped
              builder.add(attribute.xorMappedAddress, { address, port, family: 4 })
            }
            if (chosen.other !== null) {
              const [address, port] = chosen.other
              builder.add(attribute.otherAddress, { address, port, family: 4 })
            }
            builder.addRaw(0x0027, chosen.raw)
            const bytes = builder.finish()
            sockets[chosen.origin & 1]!.send(bytes.slice(0, chosen.cut < 20 ? chosen.cut : bytes.length), from)
          }
        }
        const host = net.addHost({ via: net.addTopology('full-cone') })
        const options = { network: host, server: PRIMARY, bindingLifetime: [100, 200] }
        await net.runUntil(discoverNat(options), 600_000)
        expect(host.openHandles).toBe(0)
      }),
      { numRuns: 60, seed: 7 },
    )
  })
})

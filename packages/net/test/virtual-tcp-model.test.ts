import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { TcpConnection, TcpListener } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'

// Two sides do what they like on links that do what they like; in the end each has read what the other has written.

type Step =
  | { readonly kind: 'write'; readonly size: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'pause' | 'resume' | 'end' | 'cut' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), size: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ kind: fc.constant('write' as const), size: fc.integer({ min: 100_000, max: 1_500_000 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(500) }),
  fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'end' as const, 'cut' as const) }),
)

const effects = fc.record({
  delay: fc.constantFrom(0.5, 20),
  loss: fc.constantFrom(0, 0.02, 0.08),
  jitter: fc.constantFrom(0, 10),
  reorder: fc.constantFrom(0, 0.2),
  duplicate: fc.constantFrom(0, 0.1),
  rate: fc.constantFrom(Infinity, 20e6),
  mtu: fc.constantFrom(1500, 576),
})

class Side {
  readonly #connection: TcpConnection
  written = 0
  read = 0
  isOrderly = true
  hasEnded = false
  isEnding = false
  closed: (Error | undefined)[] = []

  constructor(connection: TcpConnection) {
    this.#connection = connection
    connection.ondata = (data) => {
      for (const byte of data) if (byte !== valueAt(this.read++)) this.isOrderly = false
    }
    connection.onend = () => {
      this.hasEnded = true
    }
    connection.onclose = (error) => this.closed.push(error)
  }

  do(action: Step): void {
    if (action.kind === 'write' && !this.isEnding) {
      const data = new Uint8Array(action.size)
      for (let i = 0; i < data.length; i++) data[i] = valueAt(this.written++)
      this.#connection.write(data)
    }
    if (action.kind === 'pause') this.#connection.pause()
    if (action.kind === 'resume') this.#connection.resume()
    if (action.kind === 'end') this.end()
  }

  end(): void {
    this.isEnding = true
    this.#connection.end()
  }
}

function valueAt(index: number): number {
  return Math.imul(index, 2654435761) >>> 24
}

it('whatever two sides do, each reads what the other has written', async () => {
  const property = fc.asyncProperty(
    fc.nat(2 ** 31),
    effects,
    fc.boolean(),
    fc.array(fc.tuple(fc.nat(1), step), { maxLength: 20 }),
    async (seed, link, isTls, steps) => {
      const net = new VirtualNetwork({ seed })
      const server = net.addHost({ link })
      const client = net.addHost({ link })
      const tls = isTls ? { tls: net.issueCertificate(server.address) } : {}
      const listener: TcpListener = await server.listenTcp({ port: 443, ...tls })
      const accepted = new Promise<TcpConnection>((resolve) => {
        listener.onconnection = resolve
      })
      const connecting = client.connectTcp({ host: server.address, port: 443, tls: isTls })
      const sides = (await net.runUntil(Promise.all([connecting, accepted]), 300_000)).map((one) => new Side(one))
      for (const [index, action] of steps) {
        sides[index]!.do(action)
        if (action.kind === 'wait') await net.run(action.ms)
        if (action.kind !== 'cut') continue
        server.link.down()
        await net.run(3000)
        server.link.up()
      }
      for (const side of sides) {
        side.do({ kind: 'resume' })
        side.end()
      }
      await net.runUntil(() => sides.every(({ closed }) => closed.length > 0), 3_600_000)
      const [a, b] = sides as [Side, Side]
      expect([a.read, b.read]).toEqual([b.written, a.written])
      for (const { closed, isOrderly, hasEnded } of sides) {
        expect({ closed, isOrderly, hasEnded }).toEqual({ closed: [undefined], isOrderly: true, hasEnded: true })
      }
      listener.close()
      await net.runUntilIdle(3_600_000)
      expect([client.openHandles, server.openHandles]).toEqual([0, 0])
    },
  )
  await fc.assert(property, { seed: 20_261_127, numRuns: 25 })
})

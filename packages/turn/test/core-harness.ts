// The server's core without a driver: relayed addresses are made up, and what it sends is looked at.
import {
  attribute,
  type ClientCredentials,
  decodeMessage,
  LongTermCredentials,
  MessageBuilder,
  methods,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { ClientLink, RelayPort, TurnServerCore, type TurnServerCoreOptions, type TurnTransmit } from '../src/index.ts'
import { authenticator, user } from './scene.ts'

export const clientAt = (port: number): TransportAddress => ({ address: '192.0.2.1', port, family: 4 })
export const peerAt = (last: number, port = 9000): TransportAddress => ({
  address: `198.51.100.${last}`,
  port,
  family: 4,
})

export class CoreHarness {
  readonly core: TurnServerCore
  readonly link: ClientLink = new ClientLink('udp', { address: '203.0.113.1', port: 3478, family: 4 })
  readonly relays: Set<RelayPort> = new Set()
  readonly sent: TurnTransmit[] = []
  now = 0
  /** How many more relayed addresses can be had. */
  ports = Infinity
  /** Leave `bind` events unanswered. */
  isSlow = false
  #nextPort = 50_000

  constructor(options: Partial<TurnServerCoreOptions> = {}) {
    this.core = new TurnServerCore({
      authenticator: authenticator(),
      permitPeer: () => true,
      families: [4, 6],
      ...options,
    })
  }

  receive(datagram: Uint8Array, from: TransportAddress, link: ClientLink = this.link): void {
    this.core.receive(link, datagram, from, this.now)
    this.drain()
  }

  drain(): void {
    for (;;) {
      const transmit = this.core.pollTransmit()
      if (transmit !== undefined) {
        this.sent.push(transmit)
        continue
      }
      const event = this.core.pollEvent()
      if (event === undefined) return
      if (event.type === 'release') this.relays.delete(event.relay)
      if (event.type !== 'bind' || this.isSlow) continue
      const { request } = event
      const wanted = request.pair ? 2 : request.families.length
      const made = Array.from({ length: Math.min(this.ports, wanted) }, (_, index) => {
        const family = request.pair ? 4 : request.families[index]!
        const port = this.#nextPort++
        return new RelayPort({ address: family === 4 ? '203.0.113.1' : '2001:db8::1', port, family })
      })
      this.ports -= made.length
      for (const relay of made) this.relays.add(relay)
      if (made.length === 0) this.core.bindFailed(request, this.now)
      else if (request.pair) this.core.bound(request, made.slice(0, 1), made[1], this.now)
      else this.core.bound(request, made, undefined, this.now)
    }
  }

  tick(to: number): void {
    this.now = to
    this.core.tick(to)
    this.drain()
  }
}

/** A client that says whatever it is told to, with or without the right credentials. */
export class RawClient {
  readonly harness: CoreHarness
  readonly at: TransportAddress
  readonly credentials: ClientCredentials
  readonly link: ClientLink
  readonly #builder = new MessageBuilder()
  #count = 0

  constructor(
    harness: CoreHarness,
    port: number,
    credentials: ClientCredentials | undefined = undefined,
    link?: ClientLink,
  ) {
    this.harness = harness
    this.at = clientAt(port)
    this.credentials = credentials ?? new LongTermCredentials(user)
    this.link = link ?? harness.link
  }

  /** The bytes of a request as the credentials make it now. */
  build(method: number, add: (builder: MessageBuilder) => void = () => {}): Uint8Array {
    const id = new Uint8Array(12)
    id[0] = this.at.port & 0xff
    id[1] = ++this.#count >> 8
    id[2] = this.#count & 0xff
    const builder = this.#builder.start('request', method, id)
    add(builder)
    this.credentials.authenticate(builder)
    return builder.fingerprint().finish()
  }

  /** Asks, and answers a challenge; undefined when nothing comes. */
  ask(method: number, add?: (builder: MessageBuilder) => void): StunMessage | undefined {
    for (let attempt = 0; ; attempt++) {
      const sent = this.#exchange(this.build(method, add))
      if (sent === undefined) return undefined
      const judge = this.credentials.authenticate(new MessageBuilder().start('request', method, new Uint8Array(12)))
      judge.accept(sent)
      if (sent.messageClass === 'success' || attempt === 3) return sent
      if (!judge.retry(sent)) return sent
    }
  }

  /** The code of the error; 0 for success, -1 when nothing came. */
  code(method: number, add?: (builder: MessageBuilder) => void): number {
    const message = this.ask(method, add)
    if (message === undefined) return -1
    return message.get(attribute.errorCode)?.code ?? 0
  }

  allocate(add: (builder: MessageBuilder) => void = () => {}, transport = 17): number {
    return this.code(methods.allocate, (builder) => {
      builder.add(attribute.requestedTransport, transport)
      add(builder)
    })
  }

  permit(...peers: TransportAddress[]): number {
    return this.code(methods.createPermission, (builder) => {
      for (const peer of peers) builder.add(attribute.xorPeerAddress, peer)
    })
  }

  bind(channel: number, peer: TransportAddress): number {
    return this.code(methods.channelBind, (builder) =>
      builder.add(attribute.channelNumber, channel).add(attribute.xorPeerAddress, peer),
    )
  }

  refresh(lifetime?: number): number {
    return this.code(methods.refresh, (builder) => {
      if (lifetime !== undefined) builder.add(attribute.lifetime, lifetime)
    })
  }

  send(datagram: Uint8Array): TurnTransmit[] {
    const { sent } = this.harness
    sent.length = 0
    this.harness.receive(datagram, this.at, this.link)
    return [...sent]
  }

  #exchange(datagram: Uint8Array): StunMessage | undefined {
    const answer = this.send(datagram).find(({ via }) => via === this.link)
    return answer === undefined ? undefined : decodeMessage(answer.data)
  }
}

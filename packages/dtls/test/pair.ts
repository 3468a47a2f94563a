import { createSelfSignedCertificate, defaultProvider, fingerprint, type SigningKeyType } from '@kaon/crypto'
import { DtlsConnection, type DtlsCertificate, type DtlsEvent, type DtlsOptions } from '@kaon/dtls'

const identities = new Map<string, DtlsCertificate>()

/** A key with a certificate of its own, made once per type and name. */
export function identity(type: SigningKeyType = 'ecdsa-p256', name = 'kaon'): DtlsCertificate {
  const key = `${type} ${name}`
  let made = identities.get(key)
  if (made === undefined) {
    const privateKey = defaultProvider.generateSigningKey(type)
    const der = createSelfSignedCertificate({
      key: privateKey,
      commonName: name,
      notBefore: Date.UTC(2020, 0, 1),
      notAfter: Date.UTC(2049, 0, 1),
    })
    made = { chain: [der], privateKey }
    identities.set(key, made)
  }
  return made
}

export function sha256Of(certificate: DtlsCertificate): { algorithm: string; value: string } {
  return { algorithm: 'sha-256', value: fingerprint(certificate.chain[0]!) }
}

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export interface Weather {
  readonly random: () => number
  readonly loss: number
  readonly duplicate: number
  /** Delay of each datagram in ms: uniform in this range. */
  readonly delay: readonly [number, number]
}

const CALM: Weather = { random: () => 0, loss: -1, duplicate: -1, delay: [10, 10] }

interface InFlight {
  readonly at: number
  readonly order: number
  readonly to: 'client' | 'server'
  readonly datagram: Uint8Array
}

/** A client and a server on virtual time, with a network between them that can be seen and tampered with. */
export class Pair {
  now = 1000
  readonly client: DtlsConnection
  readonly server: DtlsConnection
  readonly clientEvents: DtlsEvent[] = []
  readonly serverEvents: DtlsEvent[] = []
  /** Everything that was sent, before loss. */
  readonly sent: { from: 'client' | 'server'; at: number; datagram: Uint8Array }[] = []
  /** Changes, multiplies or swallows datagrams. */
  intercept: (from: 'client' | 'server', datagram: Uint8Array) => Uint8Array[] = (_from, datagram) => [datagram]
  readonly #weather: Weather
  #inFlight: InFlight[] = []
  #order = 0

  constructor(client: Partial<DtlsOptions> = {}, server: Partial<DtlsOptions> = {}, weather: Weather = CALM) {
    const clientId = client.certificate ?? identity('ecdsa-p256', 'client')
    const serverId = server.certificate ?? identity('ecdsa-p256', 'server')
    this.client = new DtlsConnection({
      role: 'client',
      now: this.now,
      certificate: clientId,
      ...(client.verifyPeer === undefined ? { remoteFingerprints: [sha256Of(serverId)] } : {}),
      ...client,
    })
    this.server = new DtlsConnection({
      role: 'server',
      now: this.now,
      certificate: serverId,
      ...(server.verifyPeer === undefined ? { remoteFingerprints: [sha256Of(clientId)] } : {}),
      ...server,
    })
    this.#weather = weather
  }

  /** Runs until nothing moves any more or `until` ms have passed. */
  run(until = 100_000): this {
    const end = this.now + until
    for (;;) {
      this.drain()
      const next = Math.min(
        this.#inFlight.reduce((least, { at }) => Math.min(least, at), Infinity),
        this.client.deadline,
        this.server.deadline,
      )
      if (next > end) {
        if (end < Infinity && next < Infinity) this.now = end
        return this
      }
      this.now = Math.max(this.now, next)
      const due = this.#inFlight.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order)
      this.#inFlight = this.#inFlight.filter(({ at }) => at > this.now)
      for (const { to, datagram } of due) this[to].receive(datagram, this.now)
      this.client.tick(this.now)
      this.server.tick(this.now)
    }
  }

  drain(): void {
    this.#drain('client')
    this.#drain('server')
  }

  /** Puts a datagram on its way as if the other side had sent it. */
  inject(to: 'client' | 'server', datagram: Uint8Array): void {
    this.#inFlight.push({ at: this.now, order: this.#order++, to, datagram })
  }

  /** Starts the client and runs until both are connected. */
  connect(): this {
    this.client.start(this.now)
    this.run()
    if (this.client.state !== 'connected' || this.server.state !== 'connected') {
      throw new Error(`client ${this.client.state}, server ${this.server.state}`)
    }
    this.clientEvents.length = 0
    this.serverEvents.length = 0
    return this
  }

  #drain(from: 'client' | 'server'): void {
    const machine = this[from]
    for (let datagram = machine.pollTransmit(this.now); datagram !== undefined;) {
      this.sent.push({ from, at: this.now, datagram: datagram.slice() })
      for (const passed of this.intercept(from, datagram)) this.#launch(from, passed)
      datagram = machine.pollTransmit(this.now)
    }
    const events = from === 'client' ? this.clientEvents : this.serverEvents
    for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) events.push(event)
  }

  #launch(from: 'client' | 'server', datagram: Uint8Array): void {
    const { random, loss, duplicate, delay } = this.#weather
    const to = from === 'client' ? 'server' : 'client'
    const copies = random() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (random() < loss) continue
      const at = this.now + delay[0] + random() * (delay[1] - delay[0])
      this.#inFlight.push({ at, order: this.#order++, to, datagram: datagram.slice() })
    }
  }
}

/** The data of all `data` events. */
export function dataOf(events: readonly DtlsEvent[]): Uint8Array[] {
  return events.flatMap((event) => (event.type === 'data' ? [event.data] : []))
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data)
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

import type { Endpoint, Network } from '@kaon/net'
import { attribute } from '../../attributes.ts'
import { StunError } from '../../error.ts'
import { inferMapping, isSame, type MappingObservation, type NatMapping } from '../../nat-mapping.ts'
import { requestBinding } from '../client.ts'
import { describe } from '../failures.ts'
import { Guard } from '../guard.ts'
import { type BehaviorServer, confirmFiltering, testFiltering } from './filtering.ts'
import { testHairpinning } from './hairpinning.ts'
import { LIFETIMES, measureLifetime } from './lifetime.ts'
import type { ProbeResult, ProbeSocket } from './probe-socket.ts'
import type { NatDoubt, NatDoubtReason, NatReport, NatServerReport, NatTopic } from './report.ts'
import { otherAddressOf, parseServers, resolveServers } from './servers.ts'
import { rtoFor, Session } from './session.ts'

export interface DiscoverNatOptions {
  readonly network: Network
  /**
   * One or several, up to 8: `stun.example.org`, `192.0.2.1:3478`, `[2001:db8::1]:3478`, or a `stun:` URI. The first with a second address
   * (RFC 5780) is asked everything; of two that have none, at different addresses, at least the mapping is learnt.
   */
  readonly server: string | readonly string[]
  /** Default: IPv4, if any of the servers has it. */
  readonly family?: 4 | 6
  readonly localAddress?: string
  /** For the test of the mapping: the port that matters, since mappings may differ from port to port (RFC 5780 §4.1). Default: any. */
  readonly localPort?: number
  /**
   * Measures how long mappings live, which takes as long as they do: up to five minutes with `true`, or with the pauses that are given, in
   * ms and ascending, the longest of them. Default false.
   */
  readonly bindingLifetime?: boolean | readonly number[]
  /** First retransmission timeout in ms until a server's distance is known. Default 500. */
  readonly rto?: number
  /** ms for all. Default: as long as it takes, some seconds without `bindingLifetime`. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** The random source for transaction ids. Default: the platform's. */
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

/** ms that a server may take over TCP when nobody answers over UDP. */
const TCP_TIMEOUT = 3000

/** A server that answered. */
interface Heard {
  readonly endpoint: Endpoint
  readonly answer: ProbeResult & { readonly type: 'answer' }
  readonly other: Endpoint | 'unusable' | undefined
}

/**
 * Finds out how the NAT in front of this machine behaves (RFC 5780 §4). Asks with a few dozen small packets; a result that needs
 * silence to be heard takes some seconds. What the servers do not allow to find out is `unknown` or undefined, and `doubts` says why.
 * @throws StunError `ERR_STUN_OPTION`, `ERR_STUN_UNREACHABLE` (no server has an address, or none that the system will send to), `ERR_STUN_ABORTED`, `ERR_STUN_TIMEOUT`; NetError when
 * `localPort` cannot be had.
 */
export async function discoverNat(options: DiscoverNatOptions): Promise<NatReport> {
  const { network, bindingLifetime = false, rto = 500 } = options
  const servers = parseServers(options.server)
  const lifetimes = bindingLifetime === true ? LIFETIMES : bindingLifetime === false ? [] : bindingLifetime
  if (!(rto > 0)) throw new StunError('ERR_STUN_OPTION', `rto must be above 0, not ${rto}`)
  if (lifetimes.length > 30 || lifetimes.some((ms, index) => !(ms > (lifetimes[index - 1] ?? 0) && ms < Infinity))) {
    throw new StunError('ERR_STUN_OPTION', 'bindingLifetime has at most 30 times in ms, in ascending order')
  }
  const guard = new Guard(network, options.timeout, options.signal)
  let session: Session | undefined
  try {
    const { family, endpoints } = await guard.race(resolveServers(network, servers, options.family))
    session = new Session({ ...options, family })
    const discovery = new Discovery(session, rto)
    const named = servers.map(({ server }, index) => ({ server, endpoint: endpoints[index] }))
    return await guard.race(discovery.run(named, lifetimes, options.localPort))
  } finally {
    guard.release()
    session?.close()
  }
}

class Discovery {
  readonly #session: Session
  readonly #rto: number
  readonly #doubts: NatDoubt[] = []
  /** How many servers the system would not send to, and what it said first. */
  #refusals = 0
  #refusal: Error | undefined

  constructor(session: Session, rto: number) {
    this.#session = session
    this.#rto = rto
  }

  async run(
    servers: readonly { server: string; endpoint: Endpoint | undefined }[],
    lifetimes: readonly number[],
    localPort: number | undefined,
  ): Promise<NatReport> {
    const session = this.#session
    const socket = await session.open(localPort)
    const heard = await Promise.all(servers.map(({ endpoint }) => this.#hear(socket, endpoint)))
    if (this.#refusals > 0 && this.#refusals === servers.filter(({ endpoint }) => endpoint !== undefined).length) {
      const { server } = servers[0]!
      throw new StunError('ERR_STUN_UNREACHABLE', `cannot reach ${server}: ${describe(this.#refusal)}`, {
        cause: this.#refusal,
      })
    }
    const tcp = heard.some(Boolean)
      ? undefined
      : await Promise.all(servers.map(({ endpoint }) => this.#askTcp(endpoint)))
    const reports = servers.map(({ server, endpoint }, index): NatServerReport => {
      const { answer, other } = heard[index] ?? {}
      return {
        server,
        endpoint,
        mappedAddress: answer?.mapped,
        otherAddress: other === 'unusable' ? undefined : other,
        roundTripTime: answer?.roundTripTime,
        answersTcp: tcp?.[index],
      }
    })
    const answered = heard.filter((one) => one !== undefined)
    const first = answered[0]
    if (first === undefined) {
      for (const topic of ['mapping', 'filtering', 'hairpinning', 'portPreservation'] as const) {
        this.#doubt(topic, 'udp-blocked')
      }
      if (lifetimes.length > 0) this.#doubt('bindingLifetime', 'udp-blocked')
      return {
        udp: tcp?.includes(true) ? 'blocked' : 'silent',
        mapping: 'unknown',
        filtering: 'unknown',
        hairpinning: undefined,
        portPreservation: undefined,
        rewritesPayload: undefined,
        bindingLifetime: undefined,
        mappedAddress: undefined,
        localAddress: undefined,
        servers: reports,
        doubts: this.#doubts,
      }
    }
    const server = behaviorServer(answered)
    const isLocal = session.isLocal(socket, first.endpoint, first.answer.mapped)
    // Before anything is sent to the other address: some NATs let in whom any of their ports has written to.
    const filteringTest = server === undefined ? undefined : await testFiltering(session, server)
    const mapping = isLocal ? 'none' : await this.#mapping(socket, answered, server)
    const filtering =
      server === undefined || filteringTest === undefined
        ? noOtherAddress(answered)
        : await confirmFiltering(session, server, filteringTest, mapping)
    const isFilteringKnown = isDependence(filtering)
    if (!isFilteringKnown) this.#doubt('filtering', filtering)
    const rto = rtoFor(first.answer.roundTripTime, this.#rto)
    const hairpinning = isLocal ? undefined : await this.#hairpinning(first.endpoint, rto, mapping)
    return {
      udp: 'open',
      mapping,
      filtering: isFilteringKnown ? filtering : 'unknown',
      hairpinning,
      portPreservation: isLocal ? undefined : session.keepsPorts,
      rewritesPayload: rewritesPayload(answered),
      bindingLifetime: lifetimes.length === 0 ? undefined : await this.#lifetime(server, answered, lifetimes),
      mappedAddress: first.answer.mapped,
      localAddress: session.localOf(socket, first.endpoint, first.answer.mapped),
      servers: reports,
      doubts: this.#doubts,
    }
  }

  /** RFC 5780 §4.2: whether a server answers, and what it sees. */
  async #hear(socket: ProbeSocket, endpoint: Endpoint | undefined): Promise<Heard | undefined> {
    if (endpoint === undefined) return undefined
    const answer = await this.#session.ask('connectivity', socket, endpoint, { rto: this.#rto })
    if (answer.type === 'silence' && answer.cause !== undefined) {
      this.#refusals++
      this.#refusal ??= answer.cause
    }
    if (answer.type !== 'answer') return undefined
    return { endpoint, answer, other: otherAddressOf(answer.message, endpoint) }
  }

  async #askTcp(endpoint: Endpoint | undefined): Promise<boolean> {
    if (endpoint === undefined) return false
    const server =
      endpoint.family === 6 ? `[${endpoint.address}]:${endpoint.port}` : `${endpoint.address}:${endpoint.port}`
    try {
      const { network, signal } = this.#session
      await requestBinding({ network, server, transport: 'tcp', timeout: TCP_TIMEOUT, signal })
      return true
    } catch (error) {
      // A refusal is an answer, too.
      return (error as StunError).code === 'ERR_STUN_RESPONSE'
    }
  }

  /** RFC 5780 §4.3, with what other servers have seen of the same socket. */
  async #mapping(
    socket: ProbeSocket,
    answered: readonly Heard[],
    server: BehaviorServer | undefined,
  ): Promise<NatMapping> {
    const seen: MappingObservation[] = answered.map(({ endpoint, answer }) => ({
      server: endpoint,
      mapped: answer.mapped,
    }))
    const look = async (test: string, to: Endpoint, rto: number): Promise<boolean> => {
      const result = await this.#session.ask(test, socket, to, { rto })
      if (result.type === 'answer') seen.push({ server: to, mapped: result.mapped })
      return result.type === 'answer'
    }
    let isOtherSilent = false
    if (server !== undefined) {
      const { primary, other, rto } = server
      isOtherSilent = !(await look('mapping II', { ...other, port: primary.port }, rto))
      if (inferMapping(seen).mapping !== 'endpoint-independent' && !(await look('mapping III', other, rto))) {
        isOtherSilent = true
      }
    }
    if (inferMapping(seen).mapping !== 'endpoint-independent') {
      const { endpoint, answer } = answered[0]!
      await look('mapping, again', endpoint, rtoFor(answer.roundTripTime, this.#rto))
    }
    const { mapping, isContradictory } = inferMapping(seen)
    if (isContradictory) this.#doubt('mapping', 'contradiction')
    else if (mapping === 'unknown' || mapping === 'endpoint-dependent') {
      this.#doubt('mapping', isOtherSilent ? 'other-address-silent' : noOtherAddress(answered))
    }
    return mapping
  }

  async #hairpinning(server: Endpoint, rto: number, mapping: NatMapping): Promise<boolean | undefined> {
    const heard = await testHairpinning(this.#session, server, rto)
    if (heard === undefined) this.#doubt('hairpinning', 'answers-missing')
    if (heard !== false || mapping === 'endpoint-independent') return heard
    // What is sent to a peer comes from a port that the peer could not open its own mapping for.
    this.#doubt('hairpinning', 'mapping')
    return undefined
  }

  async #lifetime(
    server: BehaviorServer | undefined,
    answered: readonly Heard[],
    lifetimes: readonly number[],
  ): Promise<NatReport['bindingLifetime']> {
    const result =
      server === undefined
        ? noOtherAddress(answered)
        : await measureLifetime(this.#session, server.primary, server.rto, lifetimes)
    if (typeof result !== 'string') return result
    this.#doubt('bindingLifetime', result)
    return undefined
  }

  #doubt(topic: NatTopic, reason: NatDoubtReason): void {
    this.#doubts.push({ topic, reason })
  }
}

function behaviorServer(answered: readonly Heard[]): BehaviorServer | undefined {
  for (const { endpoint, answer, other } of answered) {
    if (other === undefined || other === 'unusable') continue
    return { primary: endpoint, other, rto: rtoFor(answer.roundTripTime, 500) }
  }
  return undefined
}

function noOtherAddress(answered: readonly Heard[]): NatDoubtReason {
  return answered.some(({ other }) => other === 'unusable') ? 'other-address-unusable' : 'no-other-address'
}

function isDependence(outcome: string): outcome is Exclude<NatReport['filtering'], 'unknown'> {
  return outcome.endsWith('-independent') || outcome.endsWith('-dependent')
}

/** RFC 5780 §3.6: MAPPED-ADDRESS is what such a gateway would change, XOR-MAPPED-ADDRESS what it does not recognize. */
function rewritesPayload(answered: readonly Heard[]): boolean | undefined {
  let result: boolean | undefined
  for (const { answer } of answered) {
    const plain = answer.message.get(attribute.mappedAddress)
    const hidden = answer.message.get(attribute.xorMappedAddress)
    if (plain === undefined || hidden === undefined) continue
    if (!isSame(plain, hidden)) return true
    result = false
  }
  return result
}

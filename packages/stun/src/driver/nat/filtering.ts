import type { Endpoint } from '@kaon/net'
import { attribute } from '../../attributes.ts'
import type { NatDependence, NatMapping } from '../../nat-mapping.ts'
import type { ProbeOptions, ProbeSocket } from './probe-socket.ts'
import type { NatDoubtReason } from './report.ts'
import { rtoFor, type Session } from './session.ts'

/** A server of RFC 5780. */
export interface BehaviorServer {
  readonly primary: Endpoint
  readonly other: Endpoint
  /** For requests to it, ms. */
  readonly rto: number
}

export interface FilteringTest {
  readonly socket: ProbeSocket
  readonly outcome: NatDependence | NatDoubtReason
}

/**
 * RFC 5780 §4.4: who may answer. The socket must not have sent anything to the other address before. Tests II and III run side by side: neither
 * sends anything to where the other's answer comes from.
 */
export async function testFiltering(session: Session, server: BehaviorServer): Promise<FilteringTest> {
  const { primary, other } = server
  const socket = await session.open()
  const first = await session.ask('filtering I', socket, primary, { rto: server.rto })
  if (first.type !== 'answer') return { socket, outcome: 'answers-missing' }
  const rto = rtoFor(first.roundTripTime, server.rto)
  const [second, third] = await Promise.all([
    session.ask('filtering II', socket, primary, changed({ ...server, rto })),
    session.ask('filtering III', socket, primary, {
      rto,
      from: { ...primary, port: other.port },
      build: (builder) => builder.add(attribute.changeRequest, { changeIp: false, changePort: true }),
    }),
  ])
  if (second.type === 'answer') return { socket, outcome: 'endpoint-independent' }
  if (second.type !== 'silence') return { socket, outcome: 'change-ignored' }
  if (third.type === 'answer') return { socket, outcome: 'address-dependent' }
  if (third.type !== 'silence') return { socket, outcome: 'change-ignored' }
  return { socket, outcome: 'address-and-port-dependent' }
}

/**
 * Whether the silence of `testFiltering` was the NAT's: once something was sent to the other address, an answer from there must come. It
 * would come to another mapping where mappings depend on it; there it has to do that the other address answers at all.
 */
export async function confirmFiltering(
  session: Session,
  server: BehaviorServer,
  { socket, outcome }: FilteringTest,
  mapping: NatMapping,
): Promise<NatDependence | NatDoubtReason> {
  if (outcome !== 'address-dependent' && outcome !== 'address-and-port-dependent') return outcome
  const direct = await session.ask('filtering, other address', socket, server.other, { rto: server.rto })
  if (direct.type !== 'answer') return 'other-address-silent'
  if (mapping !== 'endpoint-independent' && mapping !== 'none') return outcome
  const control = await session.ask('filtering, control', socket, server.primary, changed(server))
  return control.type === 'answer' ? outcome : 'change-ignored'
}

function changed({ rto, other }: BehaviorServer): ProbeOptions {
  return {
    rto,
    from: other,
    build: (builder) => builder.add(attribute.changeRequest, { changeIp: true, changePort: true }),
  }
}

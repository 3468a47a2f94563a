// What the parts of one virtual network share.

import { normalizeAddress, parseIp } from '../address.ts'
import type { IpAddress } from '../address.ts'
import type { Endpoint } from '../network.ts'
import { VirtualNetworkError } from './errors.ts'
import type { DropReason, Packet, PacketEvent } from './packet.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { writeIdentity } from './tcp/certificate.ts'
import type { VirtualIdentity } from './tcp/certificate.ts'

export class Core {
  readonly scheduler: Scheduler
  readonly seed: number
  readonly epoch: number
  readonly dropped: Record<DropReason, number> = {
    loss: 0,
    queue: 0,
    mtu: 0,
    down: 0,
    filter: 0,
    route: 0,
    hops: 0,
    'nat-filtering': 0,
    'nat-hairpin': 0,
    'nat-ports': 0,
    'udp-blocked': 0,
    'tcp-blocked': 0,
    port: 0,
  }
  readonly names: Map<string, { addresses: string[]; delay: number }> = new Map()
  readonly taps: Set<(event: PacketEvent) => void> = new Set()
  nextPacketId = 1
  /** Initial sequence number of the next TCP connection; 0 is nobody's. */
  nextSequence: number = 2 ** 32
  nextSerial = 1
  /** Signs what `issueCertificate` issues. All hosts trust it. */
  readonly authority: VirtualIdentity = writeIdentity({ serial: 0, issuer: 0, names: [], notAfter: null })

  constructor(seed: number, start: number, epoch: number) {
    this.seed = seed
    this.epoch = epoch
    this.scheduler = new Scheduler(start)
  }

  random(label: string): Random {
    return createRandom(this.seed, label)
  }

  drop(where: string, reason: DropReason, packet: Packet): void {
    this.dropped[reason]++
    if (this.taps.size > 0) this.tell('dropped', where, packet, reason)
  }

  tell(kind: PacketEvent['kind'], where: string, packet: Packet, reason?: DropReason): void {
    for (const tap of this.taps) tap({ time: this.scheduler.now, kind, where, reason, packet })
  }
}

/** The address in the spelling that routes use. */
export function requireAddress(text: string): { text: string; ip: IpAddress } {
  const normalized = normalizeAddress(text)
  if (normalized === undefined) throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `Not an IP address: ${text}`)
  const ip = parseIp(normalized)!
  if (ip.zone !== undefined) {
    throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `Give link-local addresses without a zone: ${text}`)
  }
  return { text: normalized, ip }
}

const LINK_LOCAL = /^(?:fe[89ab].:|169\.254\.)/

/** For normalised addresses: sparing the parser on the path of every datagram. */
export function isLinkLocal(address: string): boolean {
  return LINK_LOCAL.test(address)
}

export function endpoint(address: string, port: number, family: 4 | 6): Endpoint {
  return { address, port, family }
}

import { SctpError } from '../errors.ts'
import type { AssociationOptions, TraceEvent } from '../options.ts'
import { cubic } from '../tx/cubic.ts'
import type { CongestionControllerFactory } from '../tx/congestion.ts'

export const MIN_MTU = 512
export const MAX_MTU = 65_535

/** The options with their defaults. */
export interface Settings {
  readonly localPort: number
  readonly remotePort: number
  readonly maxReceiveMessageSize: number
  readonly maxBufferedAmount: number
  readonly initialReceiveBuffer: number
  readonly maxReceiveBuffer: number
  readonly outboundStreams: number
  readonly inboundStreams: number
  readonly zeroChecksum: boolean
  readonly interleaving: boolean
  readonly partialReliability: boolean
  readonly reusePackets: boolean
  readonly congestionController: CongestionControllerFactory
  readonly rtoInitial: number
  readonly rtoMin: number
  readonly rtoMax: number
  readonly maxRetransmissions: number
  readonly maxInitRetransmissions: number
  readonly heartbeatInterval: number
  readonly sackDelay: number
  readonly cookieLifetime: number
  readonly random: (length: number) => Uint8Array
  readonly trace: ((event: TraceEvent) => void) | undefined
}

/** Throws `ERR_SCTP_ARGUMENT` for what is out of range. */
export function resolveSettings(options: AssociationOptions): Settings {
  const maxReceiveMessageSize = options.maxReceiveMessageSize ?? 262_144
  const maxReceiveBuffer = options.maxReceiveBuffer ?? 16 * 1024 * 1024
  const settings: Settings = {
    localPort: inRange('localPort', options.localPort ?? 5000, 1, 65_535),
    remotePort: inRange('remotePort', options.remotePort ?? 5000, 1, 65_535),
    maxReceiveMessageSize,
    maxBufferedAmount: options.maxBufferedAmount ?? Infinity,
    initialReceiveBuffer: Math.min(options.initialReceiveBuffer ?? 1024 * 1024, maxReceiveBuffer),
    maxReceiveBuffer,
    outboundStreams: inRange('outboundStreams', options.outboundStreams ?? 65_535, 1, 65_535),
    inboundStreams: inRange('inboundStreams', options.inboundStreams ?? 65_535, 1, 65_535),
    zeroChecksum: options.zeroChecksum ?? false,
    interleaving: options.interleaving ?? true,
    partialReliability: options.partialReliability ?? true,
    reusePackets: options.reusePackets ?? false,
    congestionController: options.congestionController ?? cubic(),
    rtoInitial: options.rtoInitial ?? 500,
    rtoMin: options.rtoMin ?? 220,
    rtoMax: options.rtoMax ?? 10_000,
    maxRetransmissions: options.maxRetransmissions ?? 10,
    maxInitRetransmissions: options.maxInitRetransmissions ?? 10,
    heartbeatInterval: options.heartbeatInterval ?? 30_000,
    sackDelay: options.sackDelay ?? 20,
    cookieLifetime: options.cookieLifetime ?? 60_000,
    random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
    trace: options.trace,
  }
  // RFC 9260 §3.3.2: a window below 1500 is refused by the peer.
  inRange('initialReceiveBuffer', settings.initialReceiveBuffer, 1500, 0xffffffff)
  inRange('maxReceiveBuffer', maxReceiveBuffer, 1500, 0xffffffff)
  atLeast('maxReceiveMessageSize', maxReceiveMessageSize, 1)
  atLeast('maxBufferedAmount', settings.maxBufferedAmount, 0)
  atLeast('maxRetransmissions', settings.maxRetransmissions, 0)
  atLeast('maxInitRetransmissions', settings.maxInitRetransmissions, 0)
  atLeast('heartbeatInterval', settings.heartbeatInterval, 0)
  atLeast('cookieLifetime', settings.cookieLifetime, 0)
  atLeast('rtoInitial', settings.rtoInitial, 1)
  atLeast('rtoMin', settings.rtoMin, 0)
  atLeast('rtoMax', settings.rtoMax, Math.max(1, settings.rtoMin))
  // RFC 9260 §6.2: a SACK must not be delayed by more than 500 ms.
  inRange('sackDelay', settings.sackDelay, 0, 500)
  return settings
}

function atLeast(name: string, value: number, min: number): void {
  if (!(value >= min)) throw new SctpError('ERR_SCTP_ARGUMENT', `${name} must be at least ${min}, not ${value}`)
}

export function inRange(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new SctpError('ERR_SCTP_ARGUMENT', `${name} must be an integer from ${min} to ${max}, not ${value}`)
  }
  return value
}

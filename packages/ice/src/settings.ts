import { type CryptoProvider, defaultProvider } from '@kaon/crypto'
import { IceError } from './error.ts'
import type { IceAgentOptions, IceRole, NominationPolicy, TraceEvent } from './types.ts'

/** The options with their defaults, checked. */
export interface Settings {
  readonly role: IceRole
  readonly crypto: CryptoProvider
  readonly random: (length: number) => Uint8Array
  readonly checkIntervalMs: number
  readonly checkTimeoutMs: number
  readonly consentIntervalMs: number
  readonly consentTimeoutMs: number
  readonly disconnectedTimeoutMs: number
  readonly patienceMs: number
  readonly nominationDelayMs: number
  readonly nominationPolicy: NominationPolicy
  readonly standby: boolean
  readonly standbyIntervalMs: number
  readonly lite: boolean
  readonly maxPairs: number
  readonly trace: ((event: TraceEvent) => void) | undefined
}

/**
 * Ta. RFC 8445 §14.2 has 50 ms by default, allows others down to 5 ms, and wants them announced (`a=ice-pacing`, RFC 8839
 * §5.5), which `localParameters.pacing` is for. A peer's larger value is obeyed; one that announces nothing would count as 50
 * by the letter, which browsers, who never announce theirs, would turn into a constant. What Ta guards is the rate at which
 * NATs must make bindings and the network sees unsolicited packets: at 20 ms that is 50 checks of some 100 bytes a second,
 * 40 kbit/s, less than a single voice call, and what NATs have long seen: Firefox's Ta is 20 ms too, Chromium's 48 ms with
 * one agent for each of its transports. It brings the first server-reflexive pair of a host with several addresses out 2.5 times as early.
 */
const CHECK_INTERVAL = 20

/** @throws IceError `ERR_ICE_OPTION`. */
export function makeSettings(options: IceAgentOptions): Settings {
  const crypto = options.crypto ?? defaultProvider
  return {
    role: options.lite === true ? 'controlled' : (options.role ?? 'controlled'), // RFC 8445 §6.1.1
    crypto,
    random: options.random ?? ((length) => crypto.random(length)),
    checkIntervalMs: inRange('checkIntervalMs', options.checkIntervalMs, CHECK_INTERVAL, 5, 1000), // RFC 8445 §14.2
    checkTimeoutMs: inRange('checkTimeoutMs', options.checkTimeoutMs, 500, 500, 10_000), // RFC 8445 §14.3
    consentIntervalMs: inRange('consentIntervalMs', options.consentIntervalMs, 5000, 5000, 30_000), // RFC 7675 §5.1
    consentTimeoutMs: inRange('consentTimeoutMs', options.consentTimeoutMs, 30_000, 5000, 30_000), // RFC 7675 §5.1
    disconnectedTimeoutMs: inRange('disconnectedTimeoutMs', options.disconnectedTimeoutMs, 5000, 1000, 30_000),
    patienceMs: inRange('patienceMs', options.patienceMs, 39_500, 0, 600_000), // RFC 8863 §4
    nominationDelayMs: inRange('nominationDelayMs', options.nominationDelayMs, 200, 0, 10_000),
    nominationPolicy: options.nominationPolicy ?? 'priority',
    // Round trips can be compared only while they are measured.
    standby: options.standby ?? options.nominationPolicy === 'round-trip',
    standbyIntervalMs: inRange('standbyIntervalMs', options.standbyIntervalMs, 5000, 1000, 25_000),
    lite: options.lite ?? false,
    maxPairs: inRange('maxPairs', options.maxPairs, 100, 1, 1000), // RFC 8445 §6.1.2.5
    trace: options.trace,
  }
}

function inRange(name: string, value: number | undefined, otherwise: number, min: number, max: number): number {
  if (value === undefined) return otherwise
  if (!(value >= min && value <= max)) throw new IceError('ERR_ICE_OPTION', `${name} is not from ${min} to ${max}`)
  return value
}

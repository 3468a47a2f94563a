import { IceError } from '../error.ts'
import { makeSettings } from '../settings.ts'
import { compileMappings } from './mapping.ts'
import type { IceConnectionOptions } from './options.ts'

const TCP_TYPES: readonly string[] = ['active', 'passive', 'so']
const MDNS_POLICIES: readonly string[] = ['off', 'resolve', 'hide']
const NOMINATION_POLICIES: readonly string[] = ['priority', 'round-trip']

/**
 * What `new IceConnection` would say to these options, for those who make the connection later. Servers are not looked at.
 * @throws IceError `ERR_ICE_OPTION`.
 */
export function checkIceOptions(options: Omit<IceConnectionOptions, 'network'>): void {
  const { portRange, tcp, mdns, sharedPorts, gatherTimeoutMs, addressMapping, agent, checkIntervalMs } = options
  const fail = (text: string): never => {
    throw new IceError('ERR_ICE_OPTION', text)
  }
  if (portRange !== undefined) {
    const [min, max] = portRange
    const isRange = Number.isInteger(min) && Number.isInteger(max) && min >= 1 && min <= max && max <= 65_535
    if (!isRange) fail(`portRange: not a range of ports: ${String(min)} to ${String(max)}`)
  }
  for (const type of tcp ?? []) if (!TCP_TYPES.includes(type)) fail(`tcp: unknown type ${String(type)}`)
  if (mdns !== undefined && !MDNS_POLICIES.includes(mdns)) fail(`mdns: unknown policy ${String(mdns)}`)
  const { nominationPolicy } = agent ?? {}
  if (nominationPolicy !== undefined && !NOMINATION_POLICIES.includes(nominationPolicy)) {
    fail(`nominationPolicy: unknown policy ${String(nominationPolicy)}`)
  }
  if (sharedPorts !== undefined && typeof sharedPorts.shareUdp !== 'function') fail('sharedPorts: not a SharedPorts')
  if (gatherTimeoutMs !== undefined && !(gatherTimeoutMs >= 0)) fail('gatherTimeoutMs is not a time')
  compileMappings(addressMapping)
  makeSettings({ ...agent, ...(checkIntervalMs === undefined ? {} : { checkIntervalMs }), now: 0 })
}

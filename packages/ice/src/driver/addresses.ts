// Which local addresses become host candidates, and in which order (RFC 8445 §5.1.1.1, RFC 8421).
import { classifyIp, type NetworkInterface, parseIp } from '@kaon/net'
import { localPreferences } from '../priority.ts'
import type { IceConnectionOptions } from './options.ts'

/** A multihomed server with hundreds of addresses would otherwise make as many sockets and thousands of pairs. */
const MAX_ADDRESSES = 16

export interface LocalAddress {
  readonly address: string
  readonly interfaceName: string
  readonly family: 4 | 6
  readonly isLoopback: boolean
  readonly isLinkLocal: boolean
  /** RFC 8445 §5.1.2.1; 0–65535, all different. */
  readonly preference: number
}

type Selection = Pick<
  IceConnectionOptions,
  'includeLoopback' | 'includeLinkLocal' | 'interfaceFilter' | 'addressFilter'
>

export function selectAddresses(interfaces: readonly NetworkInterface[], options: Selection): LocalAddress[] {
  const seen = new Set<string>()
  const ordinary: Omit<LocalAddress, 'preference'>[] = []
  const special: Omit<LocalAddress, 'preference'>[] = []
  for (const one of interfaces) {
    const ip = parseIp(one.address)
    if (ip === undefined || seen.has(one.address)) continue
    seen.add(one.address)
    const kind = classifyIp(ip)
    if (ip.family === 6 && (isObsolete(ip.bytes) || isTraceable(one, ip.bytes, interfaces))) continue
    const isLoopback = kind === 'loopback' || (one.internal && kind !== 'link-local')
    const isLinkLocal = kind === 'link-local' && ip.family === 6
    if (isLoopback && options.includeLoopback !== true) continue
    if (isLinkLocal && (options.includeLinkLocal !== true || one.internal)) continue
    if (kind === 'unspecified' || kind === 'multicast' || kind === 'broadcast' || kind === 'ipv4-mapped') continue
    if (options.interfaceFilter !== undefined && !options.interfaceFilter(one)) continue
    if (options.addressFilter !== undefined && !options.addressFilter(one.address, one.family)) continue
    // What only reaches this host or this link comes last; RFC 3927 addresses are what a host without a network has.
    const isLast = isLoopback || kind === 'link-local'
    ;(isLast ? special : ordinary).push({
      address: one.address,
      interfaceName: one.name,
      family: one.family,
      isLoopback,
      isLinkLocal,
    })
  }
  const chosen = [...ordinary, ...special].slice(0, MAX_ADDRESSES)
  const first = chosen.slice(0, ordinary.length)
  const last = chosen.slice(ordinary.length)
  const preferences = [
    ...localPreferences(first.map((one) => one.family)),
    ...localPreferences(last.map((one) => one.family)).map((preference) => preference - first.length),
  ]
  return chosen.map((one, index) => ({ ...one, preference: preferences[index]! }))
}

/** IPv4-compatible (::/96) and site-local (fec0::/10) addresses MUST NOT become candidates (RFC 8445 §5.1.1.1). */
function isObsolete(bytes: Uint8Array): boolean {
  if (bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0xc0) return true
  return bytes.subarray(0, 12).every((byte) => byte === 0) && (bytes[12] !== 0 || bytes[13] !== 0)
}

/**
 * RFC 8445 §5.1.1.1: an address that lets its host be traced stays unused where the same interface has one in the same
 * prefix that was made so that it does not. The system does not tell how an address was made, but one made of the hardware
 * address (RFC 4291 appendix A) has ff:fe in the middle of its interface identifier, and one given by hand is short.
 */
function isTraceable(own: NetworkInterface, bytes: Uint8Array, interfaces: readonly NetworkInterface[]): boolean {
  if (bytes[11] !== 0xff || bytes[12] !== 0xfe) return false
  return interfaces.some((other) => {
    if (other.name !== own.name || other.address === own.address) return false
    const ip = parseIp(other.address)
    if (ip?.family !== 6 || (ip.bytes[11] === 0xff && ip.bytes[12] === 0xfe)) return false
    const isRandom = ip.bytes.subarray(8, 12).some((byte) => byte !== 0)
    return isRandom && ip.bytes.subarray(0, 8).every((byte, i) => byte === bytes[i])
  })
}

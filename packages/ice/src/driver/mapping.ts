// Static 1:1 NAT: what a host knows of its outside, since somebody configured it (a cloud's elastic address, a port forward).
import { classifyIp, parseIp } from '@kaon/net'
import { IceError } from '../error.ts'
import type { LocalAddress } from './addresses.ts'

/** One rule; the first that fits a local address is taken. */
export interface AddressMapping {
  /** The address outside. It stands for local addresses of its own family. */
  readonly external: string
  /** Which local address: `10.0.0.5`, or all of `10.0.0.0/24`. Default: all that are not loopback or link-local. */
  readonly local?: string
  /** Only addresses of this interface. */
  readonly interfaceName?: string
  /** The port outside; default: the same as inside. */
  readonly externalPort?: number
  /**
   * 'host': the address outside is announced in place of the local one. 'srflx': beside it, as a server-reflexive candidate, as a
   * STUN server would tell it. Default 'host'.
   */
  readonly as?: 'host' | 'srflx'
}

export interface CompiledMapping extends AddressMapping {
  readonly family: 4 | 6
  readonly prefix: Uint8Array | undefined
  readonly prefixLength: number
}

/** @throws IceError `ERR_ICE_OPTION`. */
export function compileMappings(rules: readonly AddressMapping[] | undefined): CompiledMapping[] {
  return (rules ?? []).map((rule) => {
    const external = parseIp(rule.external)
    if (external === undefined) throw new IceError('ERR_ICE_OPTION', `not an IP address: ${rule.external}`)
    const { externalPort } = rule
    if (externalPort !== undefined && !(Number.isInteger(externalPort) && externalPort > 0 && externalPort < 65_536)) {
      throw new IceError('ERR_ICE_OPTION', `not a port: ${externalPort}`)
    }
    if (rule.local === undefined) return { ...rule, family: external.family, prefix: undefined, prefixLength: 0 }
    const [text, lengthText] = rule.local.split('/') as [string, string | undefined]
    const local = parseIp(text)
    const most = local === undefined ? 0 : local.bytes.length * 8
    const length = lengthText === undefined ? most : Number(lengthText)
    if (local?.family !== external.family || !Number.isInteger(length) || length < 0 || length > most) {
      throw new IceError('ERR_ICE_OPTION', `not an address or network of that family: ${rule.local}`)
    }
    return { ...rule, family: external.family, prefix: local.bytes, prefixLength: length }
  })
}

export function findMapping(rules: readonly CompiledMapping[], at: LocalAddress): CompiledMapping | undefined {
  const ip = parseIp(at.address)
  if (ip === undefined) return undefined
  return rules.find(({ family, prefix, prefixLength, interfaceName }) => {
    if (family !== at.family || (interfaceName !== undefined && interfaceName !== at.interfaceName)) return false
    if (prefix !== undefined) return isIn(ip.bytes, prefix, prefixLength)
    const kind = classifyIp(ip)
    return kind !== 'loopback' && kind !== 'link-local'
  })
}

function isIn(bytes: Uint8Array, prefix: Uint8Array, length: number): boolean {
  for (let bit = 0; bit < length; bit += 8) {
    const mask = length - bit >= 8 ? 0xff : (0xff << (8 - (length - bit))) & 0xff
    if (((bytes[bit >> 3]! ^ prefix[bit >> 3]!) & mask) !== 0) return false
  }
  return true
}

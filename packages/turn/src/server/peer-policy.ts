// Which peers a server relays to. A relay with an address inside of a private network would let the whole world in there.
import { parseAddress, type TransportAddress } from '@kaon/stun'
import { TurnError } from '../error.ts'

/**
 * What the registries of special-purpose addresses (RFC 6890) do not call globally reachable, multicast, and the IPv6 ranges that carry an IPv4
 * address inside and lead back into the others (mapped, NAT64, 6to4, Teredo).
 */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

interface Prefix {
  readonly bytes: Uint8Array
  readonly length: number
}

export interface PeerPolicyOptions {
  /** Addresses or prefixes (`10.1.0.0/16`) that are relayed to, private or not. */
  readonly allow?: readonly string[]
  /** Those that are not, whatever else is said. */
  readonly deny?: readonly string[]
}

/**
 * A rule for `permitPeer`: public addresses and those of `allow`, but none of `deny`.
 * @throws TurnError `ERR_TURN_OPTION` for what is neither address nor prefix
 */
export function peerPolicy(options: PeerPolicyOptions = {}): (peer: TransportAddress) => boolean {
  const allow = (options.allow ?? []).map(parsePrefix)
  const deny = (options.deny ?? []).map(parsePrefix)
  const special = NOT_PUBLIC.map(parsePrefix)
  return (peer) => {
    const bytes = parseAddress(peer.address)
    if (bytes === undefined || peer.address.includes('%') || peer.port === 0) return false
    const lies = (prefix: Prefix): boolean => contains(prefix, bytes)
    if (deny.some(lies)) return false
    return allow.some(lies) || !special.some(lies)
  }
}

function parsePrefix(text: string): Prefix {
  const [address = '', suffix, extra] = text.split('/')
  const bytes = parseAddress(address)
  const most = (bytes?.length ?? 0) * 8
  const length = suffix === undefined ? most : /^\d{1,3}$/.test(suffix) ? Number(suffix) : NaN
  if (bytes === undefined || extra !== undefined || !(length <= most)) {
    throw new TurnError('ERR_TURN_OPTION', `neither an address nor a prefix: ${text}`)
  }
  return { bytes, length }
}

function contains(prefix: Prefix, bytes: Uint8Array): boolean {
  if (prefix.bytes.length !== bytes.length) return false
  const whole = prefix.length >> 3
  for (let index = 0; index < whole; index++) if (prefix.bytes[index] !== bytes[index]) return false
  const mask = (0xff00 >> (prefix.length & 7)) & 0xff
  return ((prefix.bytes[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask)
}

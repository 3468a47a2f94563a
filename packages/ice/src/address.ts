import { parseAddress, transportAddress, type TransportAddress } from '@kaon/stun'

/** What two addresses must have in common to form a pair (RFC 8445 §6.1.2.2). */
export type AddressScope = 'loopback' | 'link-local' | 'other'

/** In canonical form; undefined for host names and for addresses that nobody can be reached at. */
export function usableAddress(address: string, port: number): TransportAddress | undefined {
  const bytes = unmapped(parseAddress(address))
  if (bytes === undefined || port < 1 || port > 65535) return undefined
  if (bytes.every((byte) => byte === 0) || isMulticast(bytes)) return undefined
  return transportAddress(bytes.length === 4 ? bytes.join('.') : address, port)
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:192.0.2.1` is that IPv4 address (RFC 4291 §2.5.5.2). */
function unmapped(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined || bytes.length === 4) return bytes
  const isMapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)
  return isMapped ? bytes.subarray(12) : bytes
}

/** The same address, an IPv4-mapped one as IPv4. */
export function canonicalAddress(from: TransportAddress): TransportAddress {
  if (from.family === 4 || !from.address.startsWith('::ffff:')) return from
  return usableAddress(from.address, from.port) ?? from
}

export function addressScope(address: TransportAddress): AddressScope {
  const bytes = parseAddress(address.address)
  if (bytes === undefined) return 'other'
  if (bytes.length === 4) return bytes[0] === 127 ? 'loopback' : 'other'
  if (bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80) return 'link-local'
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0) ? 'loopback' : 'other'
}

/** A zone is a name of the local host only: the peer's words about link-local addresses carry none. */
export function isSameAddress(a: TransportAddress, b: TransportAddress): boolean {
  if (a === b) return true
  if (a.port !== b.port) return false
  return a.address === b.address || (a.family === 6 && withoutZone(a.address) === withoutZone(b.address))
}

/** Where to send to reach `remote` from `local`: a link-local address gets the local one's zone. */
export function zoned(remote: TransportAddress, local: TransportAddress | undefined): TransportAddress {
  if (local === undefined || remote.family === 4 || addressScope(remote) !== 'link-local') return remote
  const zone = local.address.indexOf('%')
  if (zone < 0 || remote.address.includes('%')) return remote
  return { address: remote.address + local.address.slice(zone), port: remote.port, family: 6 }
}

export function withoutZone(address: string): string {
  const zone = address.indexOf('%')
  return zone < 0 ? address : address.slice(0, zone)
}

/** Whether a datagram may get from one to the other. */
export function canReach(local: TransportAddress, remote: TransportAddress): boolean {
  if (local.family !== remote.family) return false
  const from = addressScope(local)
  const to = addressScope(remote)
  if (from === to) return true
  // RFC 8445 §6.1.2.2 pairs link-local addresses with their like only; a loopback address reaches nothing outside. The
  // reverse, from an interface's address to a loopback candidate, is how two processes of one host meet when one of them
  // has gathered nothing else.
  return from === 'other' && to === 'loopback'
}

function isMulticast(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? (bytes[0]! & 0xf0) === 0xe0 || bytes[0] === 255 : bytes[0] === 0xff
}

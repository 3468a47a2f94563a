import { parseAddress, transportAddress } from '../address.ts'
import type { BindingOrigins } from '../binding-server.ts'
import { StunError } from '../error.ts'

/** The second address and port with which a server lets clients find out how their NAT behaves (RFC 5780 §6). */
export interface AlternateOptions {
  /** Another IP address of this machine, of the family of one in `addresses`. */
  readonly address: string
  /** Of both addresses. Default: the port after `port`, or any when that is 0. */
  readonly port?: number
  /** What clients are told in place of the first and the second address, for a server behind a NAT that translates one to one. */
  readonly external?: readonly [primary: string, alternate: string]
}

/** Somewhere to listen. */
export interface Place {
  readonly address: string
  /** Which of the four transport addresses of RFC 5780 it is; undefined for one that is not among them. */
  readonly index: number | undefined
  /** The alternate port is meant, not the primary one. */
  readonly isAlternatePort: boolean
}

/**
 * Where a server listens, and in which order.
 * @throws StunError `ERR_STUN_OPTION` when an alternate address does not go with the others.
 */
export function planPlaces(addresses: readonly string[] | undefined, alternate: AlternateOptions | undefined): Place[] {
  const plain = (addresses ?? ['0.0.0.0', '::']).map((address) => ({
    address,
    index: undefined,
    isAlternatePort: false,
  }))
  if (alternate === undefined) return plain
  const primary = primaryOf(addresses, alternate)
  return [
    { address: primary, index: 0, isAlternatePort: false },
    ...plain.filter(({ address }) => address !== primary),
    { address: primary, index: 1, isAlternatePort: true },
    { address: alternate.address, index: 2, isAlternatePort: false },
    { address: alternate.address, index: 3, isAlternatePort: true },
  ]
}

/** What clients are told: the primary address, with the other port, with the other address, with both. */
export function originsOf(
  addresses: readonly string[] | undefined,
  alternate: AlternateOptions,
  port: number,
  alternatePort: number,
): BindingOrigins {
  const [first, second] = alternate.external ?? [primaryOf(addresses, alternate), alternate.address]
  return [
    transportAddress(first, port),
    transportAddress(first, alternatePort),
    transportAddress(second, port),
    transportAddress(second, alternatePort),
  ]
}

/** Whether these two can be had at all; before anything is opened. */
export function checkAlternate(
  addresses: readonly string[] | undefined,
  alternate: AlternateOptions,
  port: number,
): void {
  primaryOf(addresses, alternate)
  const { port: other = port === 0 ? 0 : port + 1, external } = alternate
  if (!Number.isInteger(other) || other < 0 || other > 0xffff || (other === port && port !== 0)) {
    throw new StunError('ERR_STUN_OPTION', `no alternate port: ${other}`)
  }
  for (const address of external ?? []) {
    if (parseAddress(address) === undefined) throw new StunError('ERR_STUN_OPTION', `not an IP address: ${address}`)
  }
}

function primaryOf(addresses: readonly string[] | undefined, alternate: AlternateOptions): string {
  const size = parseAddress(alternate.address)?.length
  if (size === undefined) throw new StunError('ERR_STUN_OPTION', `not an IP address: ${alternate.address}`)
  const same = (addresses ?? []).filter((address) => parseAddress(address)?.length === size)
  // A response has to leave from an address that is told beforehand: sockets of all addresses leave the choice to the system.
  if (same.length !== 1 || /^(0\.0\.0\.0|::)$/.test(same[0]!) || same[0] === alternate.address) {
    throw new StunError(
      'ERR_STUN_OPTION',
      `an alternate address goes with one other address of its family, not with ${same.length === 0 ? 'none' : same.join(', ')}`,
    )
  }
  return same[0]!
}

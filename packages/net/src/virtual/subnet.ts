import { formatIp, parseIp } from '../address.ts'
import type { IpAddress } from '../address.ts'
import { VirtualNetworkError } from './errors.ts'

/** A prefix that hands out its addresses one after the other. */
export class Subnet {
  readonly family: 4 | 6
  readonly prefixLength: number
  readonly #base: Uint8Array
  #next = 1

  /** @param cidr such as `'10.0.0.0/8'` or `'fd00::/64'` */
  constructor(cidr: string) {
    const slash = cidr.indexOf('/')
    const ip = slash > 0 ? parseIp(cidr.slice(0, slash)) : undefined
    const length = slash > 0 && /^\d{1,3}$/.test(cidr.slice(slash + 1)) ? Number(cidr.slice(slash + 1)) : -1
    if (ip === undefined || ip.zone !== undefined || length < 0 || length > ip.bytes.length * 8) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `Not a subnet: ${cidr}`)
    }
    this.family = ip.family
    this.prefixLength = length
    this.#base = ip.bytes.slice()
    for (let bit = length; bit < this.#base.length * 8; bit++) this.#base[bit >> 3]! &= ~(0x80 >> (bit & 7))
  }

  contains(ip: IpAddress): boolean {
    if (ip.family !== this.family) return false
    for (let bit = 0; bit < this.prefixLength; bit++) {
      const mask = 0x80 >> (bit & 7)
      if ((ip.bytes[bit >> 3]! & mask) !== (this.#base[bit >> 3]! & mask)) return false
    }
    return true
  }

  /** The next address that `isTaken` does not know. The first of the prefix is left to the router. */
  allocate(isTaken: (address: string) => boolean): string {
    const bits = this.#base.length * 8 - this.prefixLength
    const size = bits >= 31 ? 0x7fff_ffff : 2 ** bits
    for (let tries = 0; tries < size; tries++) {
      const offset = ++this.#next
      // The last address of an IPv4 prefix is its broadcast address.
      if (offset >= size - (this.family === 4 ? 1 : 0)) break
      const bytes = this.#base.slice()
      for (let i = 0, rest = offset; rest > 0; i++) {
        bytes[bytes.length - 1 - i]! += rest & 0xff
        rest = Math.floor(rest / 256)
      }
      const address = formatIp({ family: this.family, bytes })
      if (!isTaken(address)) return address
    }
    throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', 'The subnet has no free address left')
  }
}

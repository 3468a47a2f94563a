import { networkInterfaces } from 'node:os'
import { normalizeAddress } from '../address.ts'
import type { NetworkInterface } from '../network.ts'
import { isLinkLocal } from './address.ts'

/** The zone that names an interface in an address: its name, but its number on Windows. */
function zoneOf(name: string, scopeId: number): string {
  return process.platform === 'win32' ? String(scopeId) : name
}

export function listInterfaces(): NetworkInterface[] {
  const list: NetworkInterface[] = []
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    for (const entry of entries ?? []) {
      let address = normalizeAddress(entry.address)
      if (address === undefined) continue
      const family = entry.family === 'IPv6' ? 6 : 4
      if (family === 6 && isLinkLocal(address) && !address.includes('%')) {
        address += `%${zoneOf(name, entry.family === 'IPv6' ? entry.scopeid : 0)}`
      }
      // `cidr` is null when the netmask is not a prefix.
      const prefixLength = Number(entry.cidr?.split('/')[1] ?? (family === 4 ? 32 : 128))
      list.push({ name, address, family, internal: entry.internal, prefixLength })
    }
  }
  return list
}

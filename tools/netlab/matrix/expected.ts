import type { Access } from '../ruleset.mjs'
import type { Cell, Help, Winner } from './help.ts'

const isSymmetric = (one: Access): boolean => one === 'symmetric-random'
/** Lets in what comes from another port of an address that was sent to. */
const isLenient = (one: Access): boolean => one === 'full-cone' || one === 'address-restricted'
const letsUdpOut = (one: Access, help: Help): boolean =>
  help !== 'no udp' && one !== 'udp-blocked' && one !== 'tcp-443-only'

/** What RFC 4787's terms, and the TCP that a browser has, leave as the best path; worked out by hand, not by trying. */
export function expectedWinner({ chromium, kaon, help }: Cell): Winner {
  if (letsUdpOut(chromium, help) && letsUdpOut(kaon, help)) {
    // A host without NAT is reached by everybody. Two NATs have to know their outside, and one of them to be predictable.
    if (chromium === 'open' || kaon === 'open') return 'udp'
    const isPunchable = !isSymmetric(chromium) && !isSymmetric(kaon)
    if (help !== 'none' && (isPunchable || isLenient(chromium) || isLenient(kaon))) return 'udp'
  }
  // Chromium connects to Kaon's listener but has none itself, and it is on some port.
  if (kaon === 'open' && chromium !== 'tcp-443-only') return 'tcp'
  const relays = [relayOf(chromium, help), relayOf(kaon, help)]
  // One relay is enough for both where the other side can send to it.
  for (const [i, one] of [chromium, kaon].entries()) if (!letsUdpOut(one, help) && relays[i] === undefined) return '–'
  for (const transport of ['udp', 'tcp', 'tls'] as const) if (relays.includes(transport)) return `relay/${transport}`
  return '–'
}

function relayOf(one: Access, help: Help): 'udp' | 'tcp' | 'tls' | undefined {
  switch (help) {
    case 'turn udp':
      return letsUdpOut(one, help) ? 'udp' : undefined
    case 'turn tcp':
      return one === 'tcp-443-only' ? undefined : 'tcp'
    case 'turn tls':
      return 'tls'
    case 'no udp':
      return one === 'tcp-443-only' ? 'tls' : 'tcp'
    default:
      return undefined
  }
}

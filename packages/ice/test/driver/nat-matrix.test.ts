// Every way to the internet with every other, with every kind of help: who wins, and how long it takes on virtual time.
// The table is printed by `npm run nat-matrix -w @kaon/ice`.
import { TOPOLOGIES, type TopologyName, type VirtualNetwork } from '@kaon/net/virtual'
import { afterAll, describe, expect, test } from 'vitest'
import type { IceServer } from '../../src/driver/index.ts'
import { connect, exchange, isConnected, makePeer, type Peer } from './pair.ts'
import { report } from './report.ts'
import { makeTurnScene, SERVER, turnServers } from './turn-scene.ts'

const STUN: IceServer = { urls: `stun:${SERVER}` }
/** The kinds of help. A TURN server is asked by one transport; STUN is a server that answers UDP. */
const HELP = {
  none: [],
  stun: [STUN],
  'turn udp': turnServers('udp'),
  'turn tcp': [STUN, ...turnServers('tcp')],
  'turn tls': [STUN, ...turnServers('tls')],
  /** Everything, and both networks let no UDP out. */
  'no udp': [STUN, ...turnServers('udp', 'tcp', 'tls')],
} satisfies Record<string, IceServer[]>
type Help = keyof typeof HELP
const KINDS = Object.keys(HELP) as Help[]

type Winner = 'udp' | 'tcp' | 'relay/udp' | 'relay/tcp' | 'relay/tls' | '–'

const isSymmetric = (one: TopologyName): boolean => one === 'symmetric' || one === 'symmetric-random'
const isBlocked = (one: TopologyName, help: Help): boolean =>
  help === 'no udp' || one === 'udp-blocked' || one === 'tcp-443-only'
/** Lets in what comes from another port of an address that was sent to. */
const isLenient = (one: TopologyName): boolean => one === 'open' || one === 'full-cone' || one === 'address-restricted'

/** Worked out by hand from RFC 4787's terms, not by trying. */
function expected(a: TopologyName, b: TopologyName, help: Help): Winner {
  const blocked = [isBlocked(a, help), isBlocked(b, help)]
  const hasOpen = a === 'open' || b === 'open'
  if (!blocked[0] && !blocked[1]) {
    // A host without NAT is reached by everybody; two NATs need to know their outside.
    if (hasOpen) return 'udp'
    if (help !== 'none') {
      if (!isSymmetric(a) && !isSymmetric(b)) return 'udp'
      if (!isSymmetric(a) && isLenient(a)) return 'udp'
      if (!isSymmetric(b) && isLenient(b)) return 'udp'
    }
  }
  // TCP to a listener on some port of a host without NAT.
  const canConnect = (from: TopologyName, to: TopologyName): boolean => to === 'open' && from !== 'tcp-443-only'
  if (canConnect(a, b) || canConnect(b, a)) return 'tcp'
  if (help === 'none' || help === 'stun') return '–'
  const relayOf = (one: TopologyName, isUdpBlocked: boolean): Winner => {
    if (help === 'turn udp') return isUdpBlocked ? '–' : 'relay/udp'
    if (help === 'turn tcp') return one === 'tcp-443-only' ? '–' : 'relay/tcp'
    if (help === 'turn tls') return 'relay/tls'
    return one === 'tcp-443-only' ? 'relay/tls' : 'relay/tcp'
  }
  const relays = [relayOf(a, blocked[0]!), relayOf(b, blocked[1]!)] as const
  // Who has no UDP needs a relay of its own; one relay is enough for both if the other side can send to it.
  if ((blocked[0] && relays[0] === '–') || (blocked[1] && relays[1] === '–')) return '–'
  if (relays[0] === '–') return relays[1]
  if (relays[1] === '–') return relays[0]
  return relays[0] === relays[1] ? relays[0] : 'relay/tcp'
}

function home(net: VirtualNetwork, name: TopologyName, help: Help, subnet: string) {
  const wall = help === 'no udp' ? net.addRouter({ blockUdp: true, subnets: [subnet] }) : undefined
  return net.addHost({ via: net.addTopology(name, wall && { via: wall }), link: { delay: 10 } })
}

/** By which of the two relays, when there are two, is a matter of priorities that are near to each other: the better one is named. */
function winnerOf(a: Peer, b: Peer): Winner {
  const pairs = [a.ice.selectedPair!, b.ice.selectedPair!]
  const relays = pairs.map(({ local }) => (local.type === 'relay' ? local.relayProtocol! : undefined))
  for (const transport of ['udp', 'tcp', 'tls'] as const) if (relays.includes(transport)) return `relay/${transport}`
  return pairs[0]!.local.protocol
}

async function meet(
  a: TopologyName,
  b: TopologyName,
  help: Help,
  seed: number,
): Promise<{ winner: Winner; ms: number }> {
  const { net, authority } = await makeTurnScene(seed)
  const options = { iceServers: HELP[help], tls: { authorities: [authority] }, tcp: ['active', 'passive'] as const }
  const one = makePeer(home(net, a, help, '198.51.100.0/24'), { role: 'controlling', ...options }, seed)
  const two = makePeer(home(net, b, help, '203.0.113.0/24'), options, seed + 1)
  const begin = net.now
  connect(one, two)
  const isOver = (): boolean => isConnected(one, two) || (one.ice.state === 'failed' && two.ice.state === 'failed')
  await net.runUntil(isOver, 90_000)
  const ms = net.now - begin
  if (!isConnected(one, two)) return { winner: '–', ms }
  // What is better may still turn up.
  await net.run(3000)
  await exchange(net, one, two)
  const winner = winnerOf(one, two)
  one.ice.close()
  two.ice.close()
  return { winner, ms }
}

describe('two networks', () => {
  const rows: string[] = []
  for (const [i, a] of TOPOLOGIES.entries()) {
    for (const b of TOPOLOGIES.slice(i)) {
      test(`${a} and ${b}`, async () => {
        const cells: string[] = []
        const found: Partial<Record<Help, Winner>> = {}
        for (const [k, help] of KINDS.entries()) {
          const { winner, ms } = await meet(a, b, help, 1000 + i * 10 + k)
          found[help] = winner
          // Nothing waits for a timeout: a few round trips of 44 ms, and 50 of Ta.
          if (winner !== '–') expect(ms).toBeLessThan(250)
          cells.push(winner === '–' ? `${winner}`.padEnd(16) : `${winner} ${Math.round(ms)}`.padEnd(16))
        }
        rows.push(`${a.padEnd(18)} ${b.padEnd(18)} ${cells.join(' ')}`)
        expect(found).toEqual(Object.fromEntries(KINDS.map((help) => [help, expected(a, b, help)])))
      })
    }
  }

  afterAll(() => {
    const head = `${''.padEnd(37)} ${KINDS.map((help) => help.padEnd(16)).join(' ')}`
    report(
      ['', 'Winner, and ms from the beginning of gathering until both sides are connected', head, ...rows].join('\n'),
    )
  })
})

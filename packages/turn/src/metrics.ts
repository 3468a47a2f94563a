import type { TurnServerStats } from './server/types.ts'

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string, value: (stats: TurnServerStats) => number]

const rows: readonly Row[] = [
  ['allocations', 'gauge', 'Allocations at this moment.', (stats) => stats.allocations],
  ['permissions', 'gauge', 'Permissions at this moment.', (stats) => stats.permissions],
  ['channels', 'gauge', 'Channels at this moment.', (stats) => stats.channels],
  ['peer_connections', 'gauge', 'TCP connections of peers at this moment.', (stats) => stats.connections],
  ['reserved_ports', 'gauge', 'Reserved ports at this moment.', (stats) => stats.reservations],
  ['allocations_created_total', 'counter', 'Allocations made.', (stats) => stats.allocationsCreated],
  ['allocations_expired_total', 'counter', 'Allocations not refreshed.', (stats) => stats.allocationsExpired],
  ['requests_total', 'counter', 'Requests.', (stats) => stats.requests],
  ['successes_total', 'counter', 'Success responses.', (stats) => stats.successes],
]

const directions = [
  ['datagrams_total', 'Datagrams relayed.', 'datagramsToPeers', 'datagramsToClients'],
  ['bytes_total', 'Bytes of data relayed.', 'bytesToPeers', 'bytesToClients'],
] as const

const drops = [
  ['malformed', 'droppedMalformed'],
  ['other', 'droppedOther'],
  ['unpermitted', 'droppedUnpermitted'],
  ['uninvited', 'droppedUninvited'],
  ['bandwidth', 'droppedBandwidth'],
  ['backlog', 'droppedBacklog'],
  ['rate', 'droppedRate'],
] as const

/** The counters in the text format of Prometheus (version 0.0.4). */
export function formatMetrics(stats: TurnServerStats & { readonly clientConnections?: number }): string {
  const lines: string[] = []
  const head = (name: string, type: string, help: string): void => {
    lines.push(`# HELP kaon_turn_${name} ${help}`, `# TYPE kaon_turn_${name} ${type}`)
  }
  for (const [name, type, help, value] of rows) {
    head(name, type, help)
    lines.push(`kaon_turn_${name} ${value(stats)}`)
  }
  if (stats.clientConnections !== undefined) {
    head('client_connections', 'gauge', 'TCP and TLS connections of clients at this moment.')
    lines.push(`kaon_turn_client_connections ${stats.clientConnections}`)
  }
  head('errors_total', 'counter', 'Error responses by code.')
  for (const code of Object.keys(stats.errorCodes)) {
    lines.push(`kaon_turn_errors_total{code="${code}"} ${stats.errorCodes[Number(code)]}`)
  }
  for (const [name, help, toPeers, toClients] of directions) {
    head(name, 'counter', help)
    lines.push(`kaon_turn_${name}{direction="to_peers"} ${stats[toPeers]}`)
    lines.push(`kaon_turn_${name}{direction="to_clients"} ${stats[toClients]}`)
  }
  head('dropped_total', 'counter', 'What was dropped, by reason.')
  for (const [reason, key] of drops) lines.push(`kaon_turn_dropped_total{reason="${reason}"} ${stats[key]}`)
  return lines.join('\n') + '\n'
}

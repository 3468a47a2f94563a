import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Network, TlsServerOptions } from '@kaon/net'
import { formatTransportAddress, LongTermAuthenticator } from '@kaon/stun'
import { acceptAccessTokens } from '../access-token.ts'
import { TurnServer } from '../driver/server.ts'
import { formatMetrics } from '../metrics.ts'
import { restPasswords } from '../rest-credentials.ts'
import { peerPolicy } from '../server/peer-policy.ts'
import { type ServeCommand, UsageError } from './options.ts'
import type { Surroundings } from './main.ts'

/** Runs the server until it is told to stop. */
export async function serve(
  command: ServeCommand,
  io: Surroundings,
  network: Network,
  version: string,
): Promise<number> {
  const tls = await readIdentity(command)
  const server = await TurnServer.listen({
    network,
    authenticator: await makeAuthenticator(command, io, network),
    permitPeer: makePolicy(command),
    port: command.port,
    udp: command.udp,
    tcpRelay: command.tcpRelay,
    ...(command.tcp ? {} : { tcp: false }),
    ...(command.addresses && { addresses: command.addresses }),
    ...(tls && { tls: { ...tls, port: command.tlsPort } }),
    ...(command.relayAddresses && { relayAddresses: command.relayAddresses }),
    ...(command.relayPorts && { portRange: command.relayPorts }),
    ...(command.maxAllocations !== undefined && { maxAllocations: command.maxAllocations }),
    ...(command.maxPerUser !== undefined && { maxAllocationsPerUser: command.maxPerUser }),
    ...(command.maxRate !== undefined && { maxBytesPerSecond: command.maxRate }),
    ...(command.software && { software: `kaon-turn ${version}` }),
    ...(command.log && { trace: (event) => io.stdout(logLine(event, command.json)) }),
  })
  let metrics: Server | undefined
  try {
    metrics = command.metrics && (await serveMetrics(command.metrics, () => formatMetrics(server.stats)))
    for (const { transport, local } of server.endpoints)
      tell(io, command, transport, formatTransportAddress(local), local)
    if (metrics !== undefined) {
      const { address, port, family } = metrics.address() as AddressInfo
      const local = { address, port, family: family === 'IPv6' ? 6 : 4 } as const
      tell(io, command, 'metrics', `http://${formatTransportAddress(local)}/metrics`, local)
    }
    for (const relay of server.relayAddresses) tellRelay(io, command, relay)
    io.onreload?.(() => void renew(server, command, io))
    await aborted(io.signal)
  } finally {
    metrics?.close()
    metrics?.closeAllConnections()
    server.close()
  }
  const { stats } = server
  if (command.json) io.stdout(JSON.stringify({ stats }) + '\n')
  else
    io.stdout(`${stats.allocationsCreated} allocations, ${stats.bytesToPeers + stats.bytesToClients} bytes relayed\n`)
  return 0
}

/** The secret of time-limited credentials: an option, a file (its first line), or the environment. */
export async function readSecret(
  command: { readonly secret: string | undefined; readonly secretFile: string | undefined },
  io: Surroundings,
): Promise<string | undefined> {
  if (command.secret !== undefined) return command.secret
  if (command.secretFile === undefined) return io.env?.KAON_TURN_SECRET
  const [line = ''] = (await readFile(command.secretFile, 'utf8')).split(/\r?\n/)
  if (line === '') throw new Error(`${command.secretFile} has no secret on its first line`)
  return line
}

async function makeAuthenticator(
  command: ServeCommand,
  io: Surroundings,
  network: Network,
): Promise<LongTermAuthenticator> {
  const { users, tokenKeys, realm, serverName } = command
  const secret = await readSecret(command, io)
  if (users.size === 0 && secret === undefined && tokenKeys.size === 0) {
    throw new UsageError('nobody may use this server: give --user, --secret or --token-key')
  }
  const wallClock = (): number => network.wallClock()
  const timed = secret === undefined ? () => undefined : restPasswords(secret, { wallClock })
  return new LongTermAuthenticator({
    realm,
    passwords: (username) => users.get(username) ?? timed(username),
    ...(tokenKeys.size > 0 && {
      tokens: acceptAccessTokens({ keys: tokenKeys, serverName: serverName ?? realm, wallClock }),
    }),
  })
}

function makePolicy({ allow, deny }: ServeCommand): ReturnType<typeof peerPolicy> {
  try {
    return peerPolicy({ allow, deny })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function readIdentity({ certFile, keyFile }: ServeCommand): Promise<TlsServerOptions | undefined> {
  if (certFile === undefined || keyFile === undefined) return undefined
  return { certificate: await readFile(certFile, 'utf8'), privateKey: await readFile(keyFile, 'utf8') }
}

async function renew(server: TurnServer, command: ServeCommand, io: Surroundings): Promise<void> {
  try {
    const tls = await readIdentity(command)
    if (tls !== undefined) await server.renewTls(tls)
    io.stderr('kaon-turn: certificate read again\n')
  } catch (error) {
    io.stderr(`kaon-turn: the certificate stays as it is: ${(error as Error).message}\n`)
  }
}

/** One page, in the text format of Prometheus. */
function serveMetrics(at: { host: string; port: number }, page: () => string): Promise<Server> {
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && request.url?.split('?')[0] === '/metrics'
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    response.end(found ? page() : 'see /metrics\n')
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => resolve(server))
  })
}

function tell(
  io: Surroundings,
  { json }: ServeCommand,
  transport: string,
  text: string,
  local: { address: string; port: number },
): void {
  io.stdout(
    json ? JSON.stringify({ listening: { transport, ...local } }) + '\n' : `listening on ${transport} ${text}\n`,
  )
}

/** Where it relays from; clients elsewhere can do nothing with an address that is not public. */
function tellRelay(io: Surroundings, { json }: ServeCommand, relay: { address: string; publicAddress?: string }): void {
  const { address, publicAddress } = relay
  const known = publicAddress === undefined ? '' : `, known as ${publicAddress}`
  io.stdout(json ? JSON.stringify({ relaying: relay }) + '\n' : `relaying from ${address}${known}\n`)
  const family = address.includes(':') ? 6 : 4
  if (publicAddress === undefined && !peerPolicy()({ address, port: 9, family })) {
    io.stderr(
      `kaon-turn: ${address} is not a public address: behind a NAT, say --relay-address ${address}/<public address>\n`,
    )
  }
}

function logLine(event: { layer: string; name: string; data?: unknown }, json: boolean): string {
  return json ? JSON.stringify({ log: event }) + '\n' : `${event.name} ${JSON.stringify(event.data)}\n`
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}

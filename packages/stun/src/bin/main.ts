import { createRequire } from 'node:module'
import { createNetwork, type Network } from '@kaon/net'
import { formatTransportAddress } from '../address.ts'
import { LongTermCredentials } from '../client-credentials.ts'
import { type BindingResult, requestBinding } from '../driver/client.ts'
import { discoverNat } from '../driver/nat/discover.ts'
import { StunServer } from '../driver/server.ts'
import { StunError } from '../error.ts'
import { LongTermAuthenticator } from '../server-credentials.ts'
import { jsonNat, readableNat } from './nat.ts'
import { type Command, parseCommand, usage, UsageError } from './options.ts'

/** What the command touches of its surroundings; tests bring their own. */
export interface Surroundings {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Ends a query or the server, as Ctrl-C does. */
  readonly signal?: AbortSignal
  readonly network?: Network
}

/** Runs the command and resolves with its exit status. Never rejects. */
export async function main(args: readonly string[], io: Surroundings): Promise<number> {
  try {
    const command = parseCommand(args)
    switch (command.kind) {
      case 'help':
        io.stdout(usage)
        return 0
      case 'version':
        io.stdout(version() + '\n')
        return 0
      case 'query':
        return await query(command, io)
      case 'nat':
        return await nat(command, io)
      case 'serve':
        return await serve(command, io)
    }
  } catch (error) {
    const misused = error instanceof UsageError || (error instanceof StunError && error.code === 'ERR_STUN_OPTION')
    io.stderr(`kaon-stun: ${error instanceof Error ? error.message : String(error)}\n`)
    if (misused) io.stderr(`Try kaon-stun --help.\n`)
    return misused ? 2 : 1
  }
}

async function query(command: Command & { kind: 'query' }, io: Surroundings): Promise<number> {
  const { username, password, transport, family, localAddress, localPort } = command
  try {
    const result = await requestBinding({
      network: io.network ?? createNetwork(),
      server: command.server,
      timeout: command.timeout,
      ...(transport !== undefined && { transport }),
      ...(family !== undefined && { family }),
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
      ...(io.signal && { signal: io.signal }),
      ...(username !== undefined &&
        password !== undefined && { credentials: new LongTermCredentials({ username, password }) }),
    })
    io.stdout(command.json ? JSON.stringify(plain(result)) + '\n' : readable(result))
    return 0
  } catch (error) {
    return failed(error, command.json, io)
  }
}

/** Says what went wrong: as JSON here, else where errors are said. */
function failed(error: unknown, json: boolean, io: Surroundings): number {
  if (!json || (error instanceof StunError && error.code === 'ERR_STUN_OPTION')) throw error
  const { code, responseCode } = error as StunError
  io.stdout(JSON.stringify({ error: { code, responseCode, message: (error as Error).message } }) + '\n')
  return 1
}

async function nat(command: Command & { kind: 'nat' }, io: Surroundings): Promise<number> {
  const { servers, timeout, family, localAddress, localPort, lifetime, json } = command
  try {
    const report = await discoverNat({
      network: io.network ?? createNetwork(),
      server: servers,
      bindingLifetime: lifetime,
      ...(timeout !== undefined && { timeout }),
      ...(family !== undefined && { family }),
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
      ...(io.signal && { signal: io.signal }),
    })
    io.stdout(json ? jsonNat(report) : readableNat(report))
    return report.udp === 'open' ? 0 : 1
  } catch (error) {
    return failed(error, json, io)
  }
}

function plain(result: BindingResult): object {
  return {
    mappedAddress: result.mappedAddress,
    localAddress: result.local,
    server: result.server,
    roundTripTime: result.roundTripTime === undefined ? null : milliseconds(result.roundTripTime),
    transmissions: result.transmissions,
    software: result.software ?? null,
  }
}

function readable(result: BindingResult): string {
  const { roundTripTime, transmissions } = result
  const rows = [
    ['mapped address', formatTransportAddress(result.mappedAddress)],
    ['local address', formatTransportAddress(result.local)],
    ['server', formatTransportAddress(result.server)],
    [
      'round trip',
      roundTripTime === undefined ? `unknown, after ${transmissions} requests` : `${milliseconds(roundTripTime)} ms`,
    ],
    // Whatever the server writes must not steer the terminal.
    ['software', result.software?.replace(/\p{C}/gu, '\ufffd') ?? 'not told'],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(16)}${value}\n`).join('')
}

function milliseconds(value: number): number {
  return Math.round(value * 100) / 100
}

async function serve(command: Command & { kind: 'serve' }, io: Surroundings): Promise<number> {
  const { realm, username, password, addresses, alternate, alternatePort, json } = command
  const server = await StunServer.listen({
    network: io.network ?? createNetwork(),
    port: command.port,
    ...(addresses && { addresses }),
    ...(alternate !== undefined && {
      alternate: { address: alternate, ...(alternatePort !== undefined && { port: alternatePort }) },
    }),
    ...(command.tcp ? {} : { tcp: false }),
    ...(command.software && { software: `kaon-stun ${version()}` }),
    ...(username !== undefined &&
      password !== undefined && {
        authenticator: new LongTermAuthenticator({
          realm: realm ?? 'kaon',
          passwords: new Map([[username, password]]),
        }),
      }),
  })
  for (const { transport, local } of server.endpoints) {
    const text = json ? JSON.stringify({ listening: { transport, ...local } }) : listening(transport, local)
    io.stdout(text + '\n')
  }
  await aborted(io.signal)
  server.close()
  if (json) io.stdout(JSON.stringify({ stats: server.stats }) + '\n')
  else io.stdout(`${server.stats.requests} requests, ${server.stats.successes} answered with an address\n`)
  return 0
}

function listening(transport: string, local: Parameters<typeof formatTransportAddress>[0]): string {
  return `listening on ${transport} ${formatTransportAddress(local)}`
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}

function version(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version
}

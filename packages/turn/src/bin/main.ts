import { createRequire } from 'node:module'
import { createNetwork, type Network } from '@kaon/net'
import { StunError } from '@kaon/stun'
import { TurnError } from '../error.ts'
import { createRestCredentials } from '../rest-credentials.ts'
import { check } from './check.ts'
import { type CredentialsCommand, parseCommand, usage, UsageError } from './options.ts'
import { readSecret, serve } from './serve.ts'

/** What the command touches of its surroundings; tests bring their own. */
export interface Surroundings {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Ends the server or the check, as Ctrl-C does. */
  readonly signal?: AbortSignal
  /** Takes what is to be done on SIGHUP. */
  readonly onreload?: (callback: () => void) => void
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly network?: Network
}

/** Runs the command and resolves with its exit status. Never rejects. */
export async function main(args: readonly string[], io: Surroundings): Promise<number> {
  try {
    const command = parseCommand(args)
    const network = io.network ?? createNetwork()
    switch (command.kind) {
      case 'help':
        io.stdout(usage)
        return 0
      case 'version':
        io.stdout(version() + '\n')
        return 0
      case 'serve':
        return await serve(command, io, network, version())
      case 'credentials':
        return await credentials(command, io, network)
      case 'check':
        return await check(command, io, network)
    }
  } catch (error) {
    const misused = error instanceof UsageError || isOption(error)
    io.stderr(`kaon-turn: ${error instanceof Error ? error.message : String(error)}\n`)
    if (misused) io.stderr('Try kaon-turn --help.\n')
    return misused ? 2 : 1
  }
}

function isOption(error: unknown): boolean {
  return (
    (error instanceof TurnError && error.code === 'ERR_TURN_OPTION') ||
    (error instanceof StunError && error.code === 'ERR_STUN_OPTION')
  )
}

async function credentials(command: CredentialsCommand, io: Surroundings, network: Network): Promise<number> {
  const secret = await readSecret(command, io)
  if (secret === undefined) throw new UsageError('no secret: give --secret, --secret-file or KAON_TURN_SECRET')
  const made = createRestCredentials(secret, command.user, command.ttl, { wallClock: () => network.wallClock() })
  if (command.json) io.stdout(JSON.stringify({ ...made, ttl: command.ttl / 1000 }) + '\n')
  else io.stdout(`username: ${made.username}\npassword: ${made.password}\n`)
  return 0
}

function version(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version
}

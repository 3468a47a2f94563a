import { parseArgs } from 'node:util'

export const usage = `Usage: kaon-stun [options] <server>
       kaon-stun serve [options]

Asks a STUN server (RFC 8489) for the address and port that it sees.
<server> is host[:port], 192.0.2.1[:port], [2001:db8::1][:port], or a stun: or stuns: URI.

Options:
  --tcp                 ask over TCP
  --tls                 ask over TLS (as a stuns: URI does)
  --family <4|6>        use only IPv4 or only IPv6
  --timeout <ms>        give up after this time (default 5000)
  --local-address <ip>  send from this address
  --local-port <port>   send from this port
  --username <name>     long-term credential, with --password
  --password <text>
  --json                print one JSON object
  -h, --help            show this text
  -V, --version         show the version

Options of serve:
  --port <port>         UDP and TCP port (default 3478)
  --address <ip>        listen on this address only (may be repeated)
  --no-tcp              UDP only
  --no-software         do not tell name and version
  --realm <text>        ask for a long-term credential: with --username and --password
  --json                print one JSON object per line

Exit status: 0 answered, 1 no (good) answer, 2 wrong usage.
`

/** Something is wrong with the command line. */
export class UsageError extends Error {}

export type Command =
  | { readonly kind: 'help' | 'version' }
  | {
      readonly kind: 'query'
      readonly server: string
      readonly transport: 'udp' | 'tcp' | 'tls' | undefined
      readonly family: 4 | 6 | undefined
      readonly timeout: number
      readonly localAddress: string | undefined
      readonly localPort: number | undefined
      readonly username: string | undefined
      readonly password: string | undefined
      readonly json: boolean
    }
  | {
      readonly kind: 'serve'
      readonly port: number
      readonly addresses: readonly string[] | undefined
      readonly tcp: boolean
      readonly software: boolean
      readonly realm: string | undefined
      readonly username: string | undefined
      readonly password: string | undefined
      readonly json: boolean
    }

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (values.help) return { kind: 'help' }
  if (values.version) return { kind: 'version' }
  const credential = { username: values.username, password: values.password }
  if ((credential.username === undefined) !== (credential.password === undefined)) {
    throw new UsageError('--username and --password belong together')
  }
  if (positionals[0] === 'serve') {
    if (positionals.length > 1) throw new UsageError(`unexpected argument: ${positionals[1]}`)
    refuse(values, ['tls', 'family', 'timeout', 'local-address', 'local-port'], 'serve')
    if (values.realm !== undefined && credential.username === undefined) {
      throw new UsageError('--realm needs --username and --password')
    }
    return {
      kind: 'serve',
      ...credential,
      port: number('--port', values.port ?? '3478', 0, 65_535),
      addresses: values.address,
      tcp: !values['no-tcp'],
      software: !values['no-software'],
      realm: values.realm,
      json: values.json ?? false,
    }
  }
  const [server, extra] = positionals
  if (server === undefined) throw new UsageError('no server given')
  if (extra !== undefined) throw new UsageError(`unexpected argument: ${extra}`)
  refuse(values, ['port', 'address', 'no-tcp', 'no-software', 'realm'], 'a query')
  if (values.tcp && values.tls) throw new UsageError('--tcp and --tls exclude each other')
  return {
    kind: 'query',
    ...credential,
    server,
    transport: values.tls ? 'tls' : values.tcp ? 'tcp' : undefined,
    family: values.family === undefined ? undefined : family(values.family),
    timeout: number('--timeout', values.timeout ?? '5000', 1, 2 ** 31 - 1),
    localAddress: values['local-address'],
    localPort: values['local-port'] === undefined ? undefined : number('--local-port', values['local-port'], 0, 65_535),
    json: values.json ?? false,
  }
}

type Values = ReturnType<typeof parse>['values']

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' },
        json: { type: 'boolean' },
        tcp: { type: 'boolean' },
        tls: { type: 'boolean' },
        family: { type: 'string' },
        timeout: { type: 'string' },
        'local-address': { type: 'string' },
        'local-port': { type: 'string' },
        username: { type: 'string' },
        password: { type: 'string' },
        port: { type: 'string' },
        address: { type: 'string', multiple: true },
        'no-tcp': { type: 'boolean' },
        'no-software': { type: 'boolean' },
        realm: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function refuse(values: Values, names: readonly (keyof Values)[], command: string): void {
  for (const name of names)
    if (values[name] !== undefined) throw new UsageError(`--${name} means nothing for ${command}`)
}

function family(text: string): 4 | 6 {
  if (text !== '4' && text !== '6') throw new UsageError(`--family is 4 or 6, not ${text}`)
  return text === '4' ? 4 : 6
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} is a number from ${min} to ${max}, not ${text}`)
  }
  return value
}

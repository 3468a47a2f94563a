import { parseArgs } from 'node:util'

export const usage = `Usage: kaon-stun [options] <server>
       kaon-stun --nat [options] <server> [<server> ...]
       kaon-stun serve [options]

Asks a STUN server (RFC 8489) for the address and port that it sees, or with --nat
finds out what kind of NAT is in between and with whom direct connections work.
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

Options of --nat (RFC 5780), with --family, --timeout, --local-address, --local-port, --json:
  --lifetime            also measure how long the NAT remembers; takes up to five minutes
  One server with a second address tells all; several without one tell the mapping.
  Without --timeout it takes as long as it needs, some seconds.

Options of serve:
  --port <port>         UDP and TCP port (default 3478)
  --address <ip>        listen on this address only (may be repeated)
  --alternate <ip>      second address, so that clients can use --nat: with one --address
  --alternate-port <p>  second port (default: the next one)
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
      readonly kind: 'nat'
      readonly servers: readonly string[]
      readonly family: 4 | 6 | undefined
      readonly timeout: number | undefined
      readonly localAddress: string | undefined
      readonly localPort: number | undefined
      readonly lifetime: boolean
      readonly json: boolean
    }
  | {
      readonly kind: 'serve'
      readonly port: number
      readonly addresses: readonly string[] | undefined
      readonly alternate: string | undefined
      readonly alternatePort: number | undefined
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
    refuse(values, ['tls', 'family', 'timeout', 'local-address', 'local-port', 'nat', 'lifetime'], 'serve')
    if (values.realm !== undefined && credential.username === undefined) {
      throw new UsageError('--realm needs --username and --password')
    }
    if (values['alternate-port'] !== undefined && values.alternate === undefined) {
      throw new UsageError('--alternate-port needs --alternate')
    }
    return {
      kind: 'serve',
      ...credential,
      port: number('--port', values.port ?? '3478', 0, 65_535),
      addresses: values.address,
      alternate: values.alternate,
      alternatePort: port('--alternate-port', values['alternate-port']),
      tcp: !values['no-tcp'],
      software: !values['no-software'],
      realm: values.realm,
      json: values.json ?? false,
    }
  }
  const [server, extra] = positionals
  if (server === undefined) throw new UsageError('no server given')
  const ofServe = ['port', 'address', 'alternate', 'alternate-port', 'no-tcp', 'no-software', 'realm'] as const
  const common = {
    family: values.family === undefined ? undefined : family(values.family),
    localAddress: values['local-address'],
    localPort: port('--local-port', values['local-port']),
    json: values.json ?? false,
  }
  if (values.nat) {
    refuse(values, [...ofServe, 'tcp', 'tls', 'username', 'password'], '--nat')
    const timeout = values.timeout === undefined ? undefined : milliseconds(values.timeout)
    return { kind: 'nat', ...common, servers: positionals, timeout, lifetime: values.lifetime ?? false }
  }
  if (extra !== undefined) throw new UsageError(`unexpected argument: ${extra}`)
  refuse(values, [...ofServe, 'lifetime'], 'a query')
  if (values.tcp && values.tls) throw new UsageError('--tcp and --tls exclude each other')
  return {
    kind: 'query',
    ...credential,
    ...common,
    server,
    transport: values.tls ? 'tls' : values.tcp ? 'tcp' : undefined,
    timeout: milliseconds(values.timeout ?? '5000'),
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
        alternate: { type: 'string' },
        'alternate-port': { type: 'string' },
        nat: { type: 'boolean' },
        lifetime: { type: 'boolean' },
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

function port(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : number(name, text, 0, 65_535)
}

function milliseconds(text: string): number {
  return number('--timeout', text, 1, 2 ** 31 - 1)
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} is a number from ${min} to ${max}, not ${text}`)
  }
  return value
}

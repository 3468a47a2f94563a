import { parseArgs } from 'node:util'

export const usage = `Usage: kaon-turn [serve] [options]
       kaon-turn credentials [options] <user>
       kaon-turn check [options] <server>

A TURN server (RFC 8656), credentials for its clients, and a client that tries a server.

Who may use the server (at least one):
  --user <name:password>    a long-term credential (may be repeated)
  --secret <text>           time-limited credentials under this secret (TURN REST API);
                            better: --secret-file <path>, or KAON_TURN_SECRET in the environment
  --token-key <id:base64>   access tokens (RFC 7635) sealed with this key (may be repeated)
  --realm <text>            default kaon

Where it listens and relays:
  --port <port>             UDP and TCP (default 3478)
  --address <ip>            on this address only (may be repeated)
  --no-tcp, --no-udp
  --cert <file> --key <file>
                            PEM; listen with TLS too. SIGHUP reads them again
  --tls-port <port>         default 5349
  --relay-address <ip[/public ip]>
                            relay from this address, known outside as the other (one per family)
  --relay-ports <min-max>   default 49152-65535
  --tcp-relay               relay TCP connections too (RFC 6062)

What it relays:
  --allow-peer <prefix>     peers that are not public, such as 10.1.0.0/16 (may be repeated)
  --deny-peer <prefix>      never to these (may be repeated)
  --max-allocations <n>     in all (default 4000)
  --max-per-user <n>        of one user (default 100)
  --max-rate <bytes>        per second, allocation and direction (default: no limit)

Others:
  --metrics <[ip:]port>     Prometheus over HTTP at /metrics (on 127.0.0.1 unless an address is given)
  --server-name <name>      for access tokens: how the authorization server calls this one
  --no-software             do not tell name and version
  --log                     tell of each allocation and each refusal
  --json                    print JSON, one object per line
  -h, --help                show this text
  -V, --version             show the version

Options of credentials:     --secret, --secret-file; --ttl <seconds> (default 86400); --json
Options of check:           --username, --password; --tls-insecure; --ca <file>; --timeout <ms>; --json
                            <server> is a turn: or turns: URI. Two allocations talk to each other.

Exit status: 0 all went well, 1 it did not, 2 wrong usage.
`

/** Something is wrong with the command line. */
export class UsageError extends Error {}

export interface ServeCommand {
  readonly kind: 'serve'
  readonly users: ReadonlyMap<string, string>
  readonly secret: string | undefined
  readonly secretFile: string | undefined
  readonly tokenKeys: ReadonlyMap<string, Uint8Array>
  readonly serverName: string | undefined
  readonly realm: string
  readonly port: number
  readonly addresses: readonly string[] | undefined
  readonly tcp: boolean
  readonly udp: boolean
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly tlsPort: number
  readonly relayAddresses: readonly { readonly address: string; readonly publicAddress?: string }[] | undefined
  readonly relayPorts: readonly [number, number] | undefined
  readonly tcpRelay: boolean
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  readonly maxAllocations: number | undefined
  readonly maxPerUser: number | undefined
  readonly maxRate: number | undefined
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly software: boolean
  readonly log: boolean
  readonly json: boolean
}

export interface CredentialsCommand {
  readonly kind: 'credentials'
  readonly user: string
  readonly secret: string | undefined
  readonly secretFile: string | undefined
  /** ms */
  readonly ttl: number
  readonly json: boolean
}

export interface CheckCommand {
  readonly kind: 'check'
  readonly server: string
  readonly username: string
  readonly password: string
  readonly insecure: boolean
  readonly caFile: string | undefined
  readonly timeout: number
  readonly json: boolean
}

export type Command = { readonly kind: 'help' | 'version' } | ServeCommand | CredentialsCommand | CheckCommand

const common = ['json', 'help', 'version']
const allowed = {
  credentials: [...common, 'secret', 'secret-file', 'ttl'],
  check: [...common, 'username', 'password', 'tls-insecure', 'ca', 'timeout'],
}
const onlyElsewhere = ['ttl', 'username', 'password', 'tls-insecure', 'ca', 'timeout']

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (values.help) return { kind: 'help' }
  if (values.version) return { kind: 'version' }
  const [first = 'serve', ...rest] = positionals
  const given = Object.keys(values)
  switch (first) {
    case 'credentials':
      refuse(
        given.filter((name) => !allowed.credentials.includes(name)),
        first,
      )
      return parseCredentials(values, rest)
    case 'check':
      refuse(
        given.filter((name) => !allowed.check.includes(name)),
        first,
      )
      return parseCheck(values, rest)
    case 'serve':
      refuse(
        given.filter((name) => onlyElsewhere.includes(name)),
        first,
      )
      if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`)
      return parseServe(values)
    default:
      throw new UsageError(`unexpected argument: ${first}`)
  }
}

type Values = ReturnType<typeof parse>['values']

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const many = { type: 'string', multiple: true } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { ...flag, short: 'h' },
        version: { ...flag, short: 'V' },
        json: flag,
        user: many,
        secret: text,
        'secret-file': text,
        'token-key': many,
        'server-name': text,
        realm: text,
        port: text,
        address: many,
        'no-tcp': flag,
        'no-udp': flag,
        cert: text,
        key: text,
        'tls-port': text,
        'relay-address': many,
        'relay-ports': text,
        'tcp-relay': flag,
        'allow-peer': many,
        'deny-peer': many,
        'max-allocations': text,
        'max-per-user': text,
        'max-rate': text,
        metrics: text,
        'no-software': flag,
        log: flag,
        ttl: text,
        username: text,
        password: text,
        'tls-insecure': flag,
        ca: text,
        timeout: text,
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function parseServe(values: Values): ServeCommand {
  if ((values.cert === undefined) !== (values.key === undefined)) {
    throw new UsageError('--cert and --key belong together')
  }
  if (values['tls-port'] !== undefined && values.cert === undefined) {
    throw new UsageError('--tls-port needs --cert and --key')
  }
  if (values['no-tcp'] && values['no-udp'] && values.cert === undefined) {
    throw new UsageError('--no-tcp and --no-udp leave nothing to listen on')
  }
  return {
    kind: 'serve',
    users: new Map(values.user?.map((pair) => split('--user', pair))),
    secret: values.secret,
    secretFile: values['secret-file'],
    tokenKeys: new Map(values['token-key']?.map((pair) => tokenKey(pair))),
    serverName: values['server-name'],
    realm: values.realm ?? 'kaon',
    port: number('--port', values.port ?? '3478', 0, 65_535),
    addresses: values.address,
    tcp: !values['no-tcp'],
    udp: !values['no-udp'],
    certFile: values.cert,
    keyFile: values.key,
    tlsPort: number('--tls-port', values['tls-port'] ?? '5349', 0, 65_535),
    relayAddresses: values['relay-address']?.map((pair) => relayAddress(pair)),
    relayPorts: values['relay-ports'] === undefined ? undefined : range(values['relay-ports']),
    tcpRelay: values['tcp-relay'] ?? false,
    allow: values['allow-peer'] ?? [],
    deny: values['deny-peer'] ?? [],
    maxAllocations: optionalNumber('--max-allocations', values['max-allocations']),
    maxPerUser: optionalNumber('--max-per-user', values['max-per-user']),
    maxRate: optionalNumber('--max-rate', values['max-rate']),
    metrics: values.metrics === undefined ? undefined : hostPort(values.metrics),
    software: !values['no-software'],
    log: values.log ?? false,
    json: values.json ?? false,
  }
}

function parseCredentials(values: Values, rest: string[]): CredentialsCommand {
  const [user, extra] = rest
  if (user === undefined) throw new UsageError('no user given')
  if (extra !== undefined) throw new UsageError(`unexpected argument: ${extra}`)
  return {
    kind: 'credentials',
    user,
    secret: values.secret,
    secretFile: values['secret-file'],
    ttl: number('--ttl', values.ttl ?? '86400', 1, 2 ** 31) * 1000,
    json: values.json ?? false,
  }
}

function parseCheck(values: Values, rest: string[]): CheckCommand {
  const [server, extra] = rest
  if (server === undefined) throw new UsageError('no server given')
  if (extra !== undefined) throw new UsageError(`unexpected argument: ${extra}`)
  const { username, password } = values
  if (username === undefined || password === undefined) throw new UsageError('--username and --password are needed')
  return {
    kind: 'check',
    server,
    username,
    password,
    insecure: values['tls-insecure'] ?? false,
    caFile: values.ca,
    timeout: number('--timeout', values.timeout ?? '10000', 1, 2 ** 31 - 1),
    json: values.json ?? false,
  }
}

function refuse(names: readonly string[], command: string): void {
  if (names.length > 0) throw new UsageError(`--${names[0]} means nothing for ${command}`)
}

function split(name: string, pair: string): [string, string] {
  const at = pair.indexOf(':')
  if (at < 1) throw new UsageError(`${name} is name:value, not ${pair}`)
  return [pair.slice(0, at), pair.slice(at + 1)]
}

function tokenKey(pair: string): [string, Uint8Array] {
  const [id, text] = split('--token-key', pair)
  const key = new Uint8Array(Buffer.from(text, 'base64'))
  if (key.length !== 16 && key.length !== 32) throw new UsageError('--token-key is id:base64 of 16 or 32 bytes')
  return [id, key]
}

function relayAddress(pair: string): { address: string; publicAddress?: string } {
  const [address = '', publicAddress] = pair.split('/')
  return publicAddress === undefined ? { address } : { address, publicAddress }
}

function range(text: string): readonly [number, number] {
  const match = /^(\d+)-(\d+)$/.exec(text)
  if (match === null) throw new UsageError(`--relay-ports is min-max, not ${text}`)
  const min = number('--relay-ports', match[1]!, 1, 65_535)
  return [min, number('--relay-ports', match[2]!, min, 65_535)]
}

function hostPort(text: string): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d+)$/.exec(text)
  if (match === null) throw new UsageError(`--metrics is a port, or address:port, not ${text}`)
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port: number('--metrics', match[3]!, 0, 65_535) }
}

function optionalNumber(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : number(name, text, 1, Number.MAX_SAFE_INTEGER)
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} is a number from ${min} to ${max}, not ${text}`)
  }
  return value
}

// Debian's coturn, started for a test.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSelfSignedCertificate, defaultProvider, derToPem } from '@kaon/crypto'
import { createNetwork } from '@kaon/net'

export interface Coturn {
  readonly port: number
  readonly tlsPort: number
  readonly certificate: string
  /** Everything it has said. */
  readonly output: () => string
  /** Ends the process at once, without goodbye. */
  kill(): Promise<void>
}

export interface Identity {
  readonly certificate: string
  readonly privateKey: string
}

/** A certificate that signs itself, and its key. */
export function makeIdentity(commonName = 'turn.test'): Identity {
  const key = defaultProvider.generateSigningKey('ecdsa-p256')
  const at = Date.now()
  const certificate = createSelfSignedCertificate({
    key,
    commonName,
    notBefore: at - 86_400_000,
    notAfter: at + 86_400_000,
  })
  return { certificate: derToPem(certificate, 'CERTIFICATE'), privateKey: derToPem(key.toPkcs8(), 'PRIVATE KEY') }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const listener = await createNetwork().listenTcp({ address: '127.0.0.1' })
  const { port } = listener.local
  listener.close()
  return port
}

export async function startCoturn(
  args: readonly string[],
  options: { port?: number; identity?: Identity } = {},
): Promise<Coturn> {
  const folder = mkdtempSync(join(tmpdir(), 'kaon-coturn-'))
  const port = options.port ?? (await freePort())
  const tlsPort = await freePort()
  const identity = options.identity ?? makeIdentity()
  writeFileSync(join(folder, 'cert.pem'), identity.certificate)
  writeFileSync(join(folder, 'key.pem'), identity.privateKey)
  const child = spawn(
    'turnserver',
    [
      '-n',
      '-L',
      '127.0.0.1',
      '-L',
      '::1',
      '-p',
      `${port}`,
      '--tls-listening-port',
      `${tlsPort}`,
      '--cert',
      join(folder, 'cert.pem'),
      '--pkey',
      join(folder, 'key.pem'),
      '--realm',
      'kaon.test',
      '--fingerprint',
      '--allow-loopback-peers',
      '--no-cli',
      '--log-file',
      'stdout',
      '--simple-log',
      '--verbose',
      '--pidfile',
      join(folder, 'pid'),
      '--userdb',
      join(folder, 'db'),
      ...args,
    ],
    { cwd: folder },
  )
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await accepting(port, child, () => output)
  return {
    port,
    tlsPort,
    certificate: identity.certificate,
    output: () => output,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function accepting(port: number, child: ChildProcess, output: () => string): Promise<void> {
  const network = createNetwork()
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    try {
      const connection = await network.connectTcp({ host: '127.0.0.1', port })
      connection.close()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`turnserver does not start:\n${output()}`)
}

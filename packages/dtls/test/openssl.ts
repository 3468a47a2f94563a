import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { derToPem } from '@kaon/crypto'
import type { DtlsCertificate } from '@kaon/dtls'

/** A running `openssl`, with everything that it has printed. */
export class OpenSsl {
  output = ''
  readonly #process: ChildProcessWithoutNullStreams
  readonly #waiting = new Set<() => void>()
  exited: number | null | undefined

  constructor(args: readonly string[]) {
    this.#process = spawn('openssl', args)
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString('latin1')
      this.#wake()
    }
    this.#process.stdout.on('data', collect)
    this.#process.stderr.on('data', collect)
    this.#process.on('error', (error) => {
      this.output += String(error)
      this.exited = -1
      this.#wake()
    })
    this.#process.on('close', (code) => {
      this.exited = code
      this.#wake()
    })
    this.#process.stdin.on('error', () => {})
  }

  /** Resolves when the output matches. */
  async until(pattern: RegExp, timeout = 15_000): Promise<RegExpExecArray> {
    return this.#wait(() => pattern.exec(this.output) ?? undefined, String(pattern), timeout)
  }

  async untilExit(timeout = 15_000): Promise<number | null> {
    const { code } = await this.#wait(
      () => (this.exited === undefined ? undefined : { code: this.exited }),
      'exit',
      timeout,
    )
    return code
  }

  write(text: string): void {
    this.#process.stdin.write(text)
  }

  endInput(): void {
    this.#process.stdin.end()
  }

  async kill(): Promise<void> {
    if (this.exited !== undefined) return
    this.#process.kill('SIGKILL')
    await this.untilExit()
  }

  #wake(): void {
    for (const waiting of this.#waiting) waiting()
  }

  #wait<T>(check: () => T | undefined, what: string, timeout: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): boolean => {
        const value = check()
        if (value !== undefined) resolve(value)
        else if (this.exited !== undefined) reject(new Error(`openssl ended before ${what}:\n${this.output}`))
        else return false
        this.#waiting.delete(attempt)
        clearTimeout(timer)
        return true
      }
      const attempt = (): void => void done()
      const timer = setTimeout(() => {
        this.#waiting.delete(attempt)
        reject(new Error(`no ${what} from openssl:\n${this.output}`))
      }, timeout)
      if (!done()) this.#waiting.add(attempt)
    })
  }
}

/** A folder for key files that lasts as long as the test. */
export class KeyFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'kaon-dtls-'))

  /** Writes certificate and key, and returns the arguments that name them. */
  arguments(name: string, certificate: DtlsCertificate): string[] {
    const cert = join(this.path, `${name}.pem`)
    const key = join(this.path, `${name}.key`)
    writeFileSync(cert, certificate.chain.map((der) => derToPem(der, 'CERTIFICATE')).join(''))
    writeFileSync(key, derToPem(certificate.privateKey.toPkcs8(), 'PRIVATE KEY'), { mode: 0o600 })
    return ['-cert', cert, '-key', key]
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

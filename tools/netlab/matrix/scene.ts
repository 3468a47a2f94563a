// Chromium in one namespace, Kaon in another, Kaon's TURN server between them, and nothing else.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Identity, makeIdentity } from '../../../packages/turn/test/coturn.ts'
import { type Chromium, launchChromium } from '../../peers/chromium.ts'
import { guardNetlab } from '../guard.mjs'
import { createTown } from '../netlab.mjs'
import type { Access } from '../ruleset.mjs'
import { account, type Cell, iceServers, SERVER, TLS_NAME } from './help.ts'
import { type Message, startPeer } from './peer.mjs'

type Home = ReturnType<typeof createTown>['homes'][number]
type Tell = (message: Message) => void

/** A peer somewhere else. What it says goes to the callback that it was made with. */
interface Remote {
  readonly hear: Tell
  close(): Promise<void>
}

export interface Outcome {
  /** From the beginning of the side that offers until its channel is open; undefined if it never is. */
  readonly ms?: number
  readonly chromium?: Message['pair']
  readonly kaon?: Message['pair']
}

export interface SceneOptions {
  /** Namespaces begin with it. */
  readonly name: string
  readonly chromium: readonly Access[]
  readonly kaon: readonly Access[]
}

export interface MeetOptions {
  readonly offerer?: 'chromium' | 'kaon'
  /** When it is given up, in ms. */
  readonly timeout?: number
  /** How long a better path may still turn up, in ms. */
  readonly settle?: number
}

export class Scene {
  readonly #town: ReturnType<typeof createTown>
  readonly #folder = mkdtempSync(join(tmpdir(), 'kaon-matrix-'))
  readonly #identity: Identity = makeIdentity(TLS_NAME)
  readonly #server: ChildProcessWithoutNullStreams
  readonly #serverListens: Promise<void>
  readonly #chromium = new Map<Access, Home>()
  readonly #kaon = new Map<Access, Home>()
  readonly #browsers = new Map<Access, Promise<Chromium>>()
  readonly #processes = new Map<Access, KaonProcess>()

  constructor({ name, chromium, kaon }: SceneOptions) {
    guardNetlab(name, this.#folder)
    this.#town = createTown({ name, homes: [...chromium, ...kaon] })
    for (const [i, home] of this.#town.homes.entries())
      (i < chromium.length ? this.#chromium : this.#kaon).set(home.access, home)
    const [cert, key] = [join(this.#folder, 'cert.pem'), join(this.#folder, 'key.pem')]
    writeFileSync(cert, this.#identity.certificate)
    writeFileSync(key, this.#identity.privateKey)
    const command = fileURLToPath(new URL('../../../packages/turn/dist/bin/turn.js', import.meta.url))
    const options = ['--user', `${account.username}:${account.credential}`, '--address', SERVER]
    options.push('--relay-address', `${SERVER}/${SERVER}`) // or it warns that this is no public address
    const peers = ['192.168.0.0/16', '203.0.113.0/24'].flatMap((prefix) => ['--allow-peer', prefix])
    const tls = ['--cert', cert, '--key', key, '--tls-port', '443']
    const [program, ...rest] = [...this.#town.public.prefix, process.execPath, command, ...options, ...peers, ...tls]
    this.#server = spawn(program!, rest)
    this.#server.stderr.pipe(process.stderr)
    this.#serverListens = new Promise((resolve, reject) => {
      this.#server.stdout.once('data', () => resolve())
      this.#server.once('close', () => reject(new Error('the TURN server has ended')))
    })
    this.#serverListens.catch(() => {})
  }

  /** Lets no UDP through at any home, or as before. */
  blockUdp(isBlocked: boolean): void {
    for (const home of this.#town.homes) home.blockUdp(isBlocked)
  }

  /** Has two peers connect. The `help` of the cell names the servers; blocking UDP is up to the caller. */
  async meet({ chromium, kaon, help }: Cell, options: MeetOptions = {}): Promise<Outcome> {
    const { offerer = 'chromium', timeout = 10_000, settle = 2500 } = options
    await this.#serverListens
    const browser = await this.#browser(chromium)
    const servers = iceServers[help]
    const heard = new Inbox()
    // The signalling: each hears what the other tells.
    const left: Remote = await pagePeer(browser, { iceServers: servers }, (message) => {
      if (!heard.take('chromium', message)) right.hear(message)
    })
    const tls = { serverName: TLS_NAME, authorities: [this.#identity.certificate] }
    const ice = { tls, tcp: ['active', 'passive'] }
    const right = this.#process(kaon).peer({ iceServers: servers, ice }, (message) => {
      if (!heard.take('kaon', message)) left.hear(message)
    })
    const first = offerer === 'chromium' ? left : right
    try {
      first.hear({ do: 'offer' })
      const opened = await heard.next('opened', timeout)
      if (opened === undefined) return {}
      await new Promise((resolve) => setTimeout(resolve, settle))
      first.hear({ do: 'echo' })
      if ((await heard.next('echoed', timeout)) === undefined) return {}
      for (const side of [left, right]) side.hear({ do: 'pair' })
      await heard.next('pair', timeout)
      return { ms: opened.opened!, ...heard.pairs }
    } finally {
      await Promise.all([left.close(), right.close()])
    }
  }

  /** Ends the Chromium of a home; the next cell would start another. */
  async endBrowser(access: Access): Promise<void> {
    const browser = this.#browsers.get(access)
    this.#browsers.delete(access)
    await (await browser)?.close()
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#browsers.keys()].map((access) => this.endBrowser(access)))
    for (const one of this.#processes.values()) one.close()
    this.#server.kill('SIGKILL')
    this.#town.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #browser(access: Access): Promise<Chromium> {
    let browser = this.#browsers.get(access)
    if (browser === undefined) {
      const { prefix } = this.#chromium.get(access)!.host
      // Only with its address in sight is a host candidate of the open network one; and TLS with an authority of one's own.
      browser = launchChromium({ prefix, mdns: false, args: ['--ignore-certificate-errors'] })
      this.#browsers.set(access, browser)
    }
    return browser
  }

  #process(access: Access): KaonProcess {
    let found = this.#processes.get(access)
    if (found === undefined) this.#processes.set(access, (found = new KaonProcess(this.#kaon.get(access)!)))
    return found
  }
}

/** What is said to the one who watches, and to nobody else. */
class Inbox {
  readonly pairs: { chromium?: Message['pair']; kaon?: Message['pair'] } = {}
  readonly #seen: Message = {}
  #changed = (): void => {}

  take(side: 'chromium' | 'kaon', message: Message): boolean {
    if (message.description !== undefined || message.candidate !== undefined) return false
    if (message.pair !== undefined) {
      this.pairs[side] = message.pair
      if (this.pairs.chromium === undefined || this.pairs.kaon === undefined) return true
    }
    Object.assign(this.#seen, message)
    this.#changed()
    return true
  }

  /** Waits until something of that kind was said: of pairs, both. */
  async next(kind: 'opened' | 'echoed' | 'pair', timeout: number): Promise<Message | undefined> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout)
      this.#changed = () => {
        if (this.#seen[kind] !== undefined) resolve()
      }
      this.#changed()
    })
    clearTimeout(timer)
    return this.#seen[kind] === undefined ? undefined : this.#seen
  }
}

async function pagePeer(browser: Chromium, configuration: object, tell: Tell): Promise<Remote> {
  const page = await browser.newPage()
  await page.exposeFunction('tell', tell)
  await page.evaluate(
    `window.hear = (${startPeer})(RTCPeerConnection, ${JSON.stringify(configuration)}, (message) => void tell(message))`,
  )
  return {
    hear: (message) =>
      void page
        .evaluate((one) => (window as unknown as { hear: (message: unknown) => void }).hear(one), message)
        .catch(() => {}), // closed by now
    close: () => page.close(),
  }
}

class KaonProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #peers = new Map<number, Tell>()
  #nextPeer = 0

  constructor(home: Home) {
    const file = fileURLToPath(new URL('kaon-process.mjs', import.meta.url))
    const [program, ...rest] = [...home.host.prefix, process.execPath, file]
    this.#child = spawn(program!, rest)
    this.#child.stderr.pipe(process.stderr)
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { peer, message } = JSON.parse(line) as { peer: number; message: Message }
      this.#peers.get(peer)?.(message)
    })
  }

  peer(configuration: object, tell: Tell): Remote {
    const peer = this.#nextPeer++
    this.#peers.set(peer, tell)
    const write = (what: object): void => void this.#child.stdin.write(`${JSON.stringify({ peer, ...what })}\n`)
    write({ configuration })
    return {
      hear: (message) => write({ message }),
      close: async () => {
        write({ message: { do: 'close' } })
        this.#peers.delete(peer)
      },
    }
  }

  close(): void {
    this.#child.stdin.end()
  }
}

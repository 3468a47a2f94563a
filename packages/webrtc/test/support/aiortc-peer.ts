import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peers } from '../../../../tools/peers/catalogue.mjs'

/** What the script says of its own accord. */
export type AiortcEvent = { event: 'open' | 'message' | 'close' | 'state' } & Record<string, unknown>

interface Answer {
  id: number
  result?: unknown
  error?: string
}

/** The peer of aiortc-peer.py, in a Python process of its own. */
export class AiortcPeer {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #calls = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  readonly #events: AiortcEvent[] = []
  readonly #waiters = new Set<() => void>()
  #ids = 0
  #stderr = ''
  #ended: Error | undefined

  constructor() {
    const python = peers.find((peer) => peer.name === 'aiortc')?.find()
    if (python === undefined) throw new Error('aiortc is not installed; set KAON_AIORTC_PYTHON to a Python that has it')
    this.#child = spawn(python, [join(import.meta.dirname, 'aiortc-peer.py')])
    this.#child.stderr.on('data', (data: Buffer) => (this.#stderr += data.toString()))
    this.#child.stdin.on('error', () => {}) // the process ended: `exit` tells
    this.#child.on('error', (error) => this.#end(error))
    this.#child.on('close', (code, signal) => this.#end(new Error(`aiortc ended (${signal ?? code}): ${this.#stderr}`)))
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.#hear(JSON.parse(line) as Answer | AiortcEvent),
    )
  }

  #hear(said: Answer | AiortcEvent): void {
    if ('event' in said) {
      this.#events.push(said)
      for (const check of this.#waiters) check()
      return
    }
    const call = this.#calls.get(said.id)
    this.#calls.delete(said.id)
    if (said.error === undefined) call?.resolve(said.result)
    else call?.reject(new Error(`aiortc: ${said.error}`))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#calls.values()) reject(this.#ended)
    this.#calls.clear()
    for (const check of this.#waiters) check()
  }

  /** Asks for something and gives the result. */
  call<T = unknown>(what: string, values: Record<string, unknown> = {}): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const id = ++this.#ids
    this.#child.stdin.write(`${JSON.stringify({ id, do: what, ...values })}\n`)
    return new Promise<T>((resolve, reject) => {
      this.#calls.set(id, { resolve: resolve as (result: unknown) => void, reject })
    })
  }

  /** Takes the first event with these members, which may have come already. */
  event(wanted: Partial<AiortcEvent>): Promise<AiortcEvent> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const at = this.#events.findIndex((event) =>
          Object.entries(wanted).every(([name, value]) => event[name] === value),
        )
        if (at < 0 && this.#ended === undefined) return
        this.#waiters.delete(check)
        if (at >= 0) resolve(this.#events.splice(at, 1)[0]!)
        else reject(this.#ended!)
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}

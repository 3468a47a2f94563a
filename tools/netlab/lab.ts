// One way to do experiments on two grounds: the namespaces of netlab.mjs, and the virtual network with the same topology.
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { VirtualNetwork } from '@kaon/net/virtual'
import type { TopologyName, VirtualHost } from '@kaon/net/virtual'
import { createNetlab } from './netlab.mjs'
import type { Access } from './ruleset.mjs'

/** Endpoints are written `'192.0.2.1 1234'`. */
export interface Socket {
  /** What came, in order, as `'192.0.2.1 1234 text'`. */
  readonly heard: string[]
  send(to: string, text: string): Promise<void>
}

export interface Probe {
  readonly address: string
  udp(port: number, address?: string): Promise<Socket>
  /** Answers every TCP connection with where it came from. */
  serve(port: number): Promise<void>
  /** What such a server says, the name of the error, or after some seconds `'no answer'` or a silent `'connected'`. */
  connect(to: string, localPort: number): Promise<string>
}

export interface Lab {
  readonly public: Probe
  readonly addresses: readonly [string, string]
  readonly homes: readonly { readonly host: Probe; readonly neighbour: Probe; readonly outside: string }[]
  /** Waits until everything that was sent has arrived. */
  settle(): Promise<void>
  /** Lets time pass until the promise is settled. */
  wait<T>(promise: Promise<T>): Promise<T>
  remove(): void
}

export interface LabOptions {
  readonly accesses: readonly [Access, Access?]
  readonly hairpin?: boolean
}

const CONNECT_TIMEOUT = 5000

export function createKernelLab(name: string, { accesses, hairpin = false }: LabOptions): Lab {
  const [left, right] = accesses
  const built = createNetlab({ name, left, hairpin, ...(right !== undefined && { right }) })
  const probes: KernelProbe[] = []
  const probe = ({ prefix, address }: { prefix: string[]; address: string }): Probe => {
    const made = new KernelProbe(prefix, address)
    probes.push(made)
    return made
  }
  return {
    public: probe(built.public),
    addresses: built.addresses,
    homes: [built.left, built.right].flatMap((home) =>
      home === undefined ? [] : [{ host: probe(home.host), neighbour: probe(home.neighbour), outside: home.outside }],
    ),
    settle: () => new Promise((resolve) => setTimeout(resolve, 100)),
    wait: (promise) => promise,
    remove: () => {
      for (const one of probes) one.close()
      built.remove()
    },
  }
}

class KernelProbe implements Probe {
  readonly address: string
  readonly #prefix: readonly string[]
  /** Started with the first command. */
  #process: ChildProcessWithoutNullStreams | undefined
  readonly #waiting = new Map<number, (result: string) => void>()
  readonly #heard = new Map<string, string[]>()
  #nextId = 0

  constructor(prefix: readonly string[], address: string) {
    this.address = address
    this.#prefix = prefix
  }

  async udp(port: number, address: string = this.address): Promise<Socket> {
    const heard: string[] = []
    this.#heard.set(`${address} ${port}`, heard)
    const socket = await this.#ask({ do: 'udp', address, port })
    return { heard, send: async (to, text) => void (await this.#ask({ do: 'send', socket, to, text })) }
  }

  async serve(port: number): Promise<void> {
    await this.#ask({ do: 'serve', port })
  }

  connect(to: string, localPort: number): Promise<string> {
    const [address, port] = to.split(' ')
    return this.#ask({ do: 'connect', address, port: Number(port), localPort, timeout: CONNECT_TIMEOUT })
  }

  close(): void {
    this.#process?.kill()
  }

  #ask(command: object): Promise<string> {
    this.#process ??= this.#start()
    const id = this.#nextId++
    const { stdin } = this.#process
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  }

  #start(): ChildProcessWithoutNullStreams {
    const program = fileURLToPath(new URL('probe.mjs', import.meta.url))
    const [command, ...rest] = [...this.#prefix, process.execPath, program]
    const started = spawn(command!, rest)
    started.stderr.pipe(process.stderr)
    createInterface({ input: started.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { id: number; result: string; heard?: string; from: string; text: string }
      if (message.heard === undefined) this.#waiting.get(message.id)?.(message.result)
      else this.#heard.get(message.heard)?.push(`${message.from} ${message.text}`)
    })
    return started
  }
}

export function createVirtualLab({ accesses, hairpin = false }: LabOptions): Lab {
  const net = new VirtualNetwork({ seed: 1 })
  const addresses = ['203.0.113.1', '203.0.113.2'] as const
  const homes = accesses.map((access) => {
    const via = net.addTopology(access as TopologyName, { hairpin })
    const [host, neighbour] = [net.addHost({ via }), net.addHost({ via })]
    const top = access === 'cgnat' ? via.parent! : via
    const outside = 'address' in top ? String(top.address) : host.address
    return { host: new VirtualProbe(host), neighbour: new VirtualProbe(neighbour), outside }
  })
  return {
    public: new VirtualProbe(net.addHost({ address: addresses })),
    addresses,
    homes,
    settle: () => net.run(100),
    wait: (promise) => net.runUntil(promise),
    remove: () => {},
  }
}

class VirtualProbe implements Probe {
  readonly address: string
  readonly #host: VirtualHost

  constructor(host: VirtualHost) {
    this.address = host.address
    this.#host = host
  }

  async udp(port: number, address: string = this.address): Promise<Socket> {
    const socket = await this.#host.bindUdp({ address, port })
    const heard: string[] = []
    socket.onmessage = (data, from) => heard.push(`${from.address} ${from.port} ${new TextDecoder().decode(data)}`)
    return {
      heard,
      send: async (to, text) => {
        const [remote, remotePort] = to.split(' ')
        socket.send(new TextEncoder().encode(text), { address: remote!, port: Number(remotePort), family: 4 })
      },
    }
  }

  async serve(port: number): Promise<void> {
    const listener = await this.#host.listenTcp({ port })
    listener.onconnection = (connection) => {
      const { address, port: remotePort } = connection.remote
      connection.ondata = () => {}
      connection.write(new TextEncoder().encode(`${address} ${remotePort}`))
      connection.end()
    }
  }

  async connect(to: string, localPort: number): Promise<string> {
    const [address, port] = to.split(' ')
    const tooLate = new AbortController()
    const later = new Promise<string>((resolve) => {
      this.#host.setTimer(this.#host.now() + CONNECT_TIMEOUT, () => {
        tooLate.abort('no answer')
        resolve('connected')
      })
    })
    try {
      const options = { host: address!, port: Number(port), localPort, signal: tooLate.signal }
      const connection = await this.#host.connectTcp(options)
      const said = new Promise<string>((resolve) => {
        connection.ondata = (data) => resolve(new TextDecoder().decode(data))
      })
      const result = await Promise.race([said, later])
      connection.close()
      return result
    } catch (error) {
      return (error as { systemCode?: string }).systemCode ?? String(error)
    }
  }
}

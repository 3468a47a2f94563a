import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Association } from '../src/index.ts'
import type { AssociationOptions, SctpEvent } from '../src/index.ts'
import { pattern, seeded } from './pair.ts'

// usrsctp is the stack of Firefox, and was Chromium's. Needs a C compiler and libusrsctp-dev.

let folder = ''
let program = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kaon-usrsctp-'))
  program = join(folder, 'echo')
  const source = join(import.meta.dirname, 'peers', 'usrsctp-echo.c')
  const flags = (process.env['KAON_USRSCTP_FLAGS'] ?? '-lusrsctp').split(' ')
  const built = spawnSync('cc', ['-O2', '-o', program, source, ...flags, '-lpthread'], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`usrsctp-echo.c does not compile: ${built.stderr}`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An association over UDP, and usrsctp at the other end of it. */
class Line {
  readonly association: Association
  readonly events: SctpEvent[] = []
  output = ''
  loss = 0
  private readonly socket: Socket
  private readonly random = seeded(1)
  private timer: NodeJS.Timeout | undefined
  private child: ChildProcess | undefined

  constructor(options: Partial<AssociationOptions>) {
    this.association = new Association({ now: performance.now(), ...options })
    this.socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 })
    this.socket.on('error', () => {})
    this.socket.on('message', (packet) => {
      if (this.random() < this.loss) return
      this.association.receive(packet, performance.now())
      this.drain()
    })
  }

  async start(mode: 'listen' | 'connect', interleave: boolean): Promise<void> {
    const spare = createSocket('udp4')
    await new Promise<void>((resolve) => spare.bind(0, '127.0.0.1', resolve))
    const peerPort = spare.address().port
    await new Promise<void>((resolve) => spare.close(() => resolve()))
    await new Promise<void>((resolve) => this.socket.bind(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => this.socket.connect(peerPort, '127.0.0.1', () => resolve()))
    const ports = [String(peerPort), String(this.socket.address().port)]
    this.child = spawn(program, [...ports, mode, interleave ? '1' : '0'])
    this.child.stdout!.on('data', (text: Buffer) => (this.output += text.toString()))
    this.child.stderr!.on('data', (text: Buffer) => (this.output += text.toString()))
    await this.until(() => this.output.includes('ready'))
  }

  drain(): void {
    const now = performance.now()
    const { association } = this
    for (let event = association.pollEvent(); event !== undefined; event = association.pollEvent())
      this.events.push(event)
    for (let packet = association.pollTransmit(now); packet !== undefined; packet = association.pollTransmit(now)) {
      if (this.random() >= this.loss) this.socket.send(packet)
    }
    clearTimeout(this.timer)
    if (association.deadline === Infinity) return
    this.timer = setTimeout(
      () => {
        association.tick(performance.now())
        this.drain()
      },
      Math.max(0, association.deadline - now),
    )
  }

  async until(condition: () => boolean): Promise<void> {
    const end = performance.now() + 20_000
    while (!condition()) {
      if (performance.now() > end) {
        throw new Error(
          `It did not come to pass. Events: ${this.events.map((event) => event.type).join(' ')}; peer: ${this.output}`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  async connected(): Promise<void> {
    await this.until(() => this.association.state === 'established')
  }

  messages(): Uint8Array[] {
    return this.events.flatMap((event) => (event.type === 'message' ? [event.data] : []))
  }

  close(): void {
    clearTimeout(this.timer)
    this.child?.kill('SIGKILL')
    this.socket.close()
  }
}

const lines: Line[] = []

async function open(mode: 'listen' | 'connect', interleave = false): Promise<Line> {
  const line = new Line({ interleaving: interleave, maxReceiveMessageSize: 1e6, maxMessageSize: 1e6 })
  lines.push(line)
  await line.start(mode, interleave)
  if (mode === 'listen') {
    line.association.connect(performance.now())
    line.drain()
  }
  await line.connected()
  return line
}

afterEach(() => {
  for (const line of lines.splice(0)) line.close()
})

for (const interleave of [false, true]) {
  describe(interleave ? 'usrsctp, I-DATA' : 'usrsctp, DATA', () => {
    for (const mode of ['listen', 'connect'] as const) {
      test(`echoes messages of every size, and it ${mode}s`, async () => {
        const line = await open(mode, interleave)
        expect(line.association.negotiated!.interleaving).toBe(interleave)
        expect(line.association.negotiated!.streamReset).toBe(true)
        expect(line.association.negotiated!.partialReliability).toBe(true)
        const sizes = [1, 2, 100, 1100, 1163, 1164, 5000, 70_000, 250_000]
        sizes.forEach((size, i) => {
          line.association.send({ streamId: i, ppid: 50 + i, data: pattern(size, i) }, performance.now())
        })
        line.drain()
        await line.until(() => line.messages().length === sizes.length)
        for (const event of line.events) {
          if (event.type !== 'message') continue
          expect(event.ppid).toBe(50 + event.streamId)
          expect(Buffer.compare(event.data, pattern(sizes[event.streamId]!, event.streamId))).toBe(0)
        }
      })
    }

    test('5 MB there and back over a line that loses 3 % each way', async () => {
      const line = await open('listen', interleave)
      line.loss = 0.03
      for (let i = 0; i < 100; i++) {
        line.association.send({ streamId: 1, ppid: 53, data: pattern(50_000, i) }, performance.now())
      }
      line.drain()
      await line.until(() => line.messages().length === 100)
      line.messages().forEach((data, i) => expect(Buffer.compare(data, pattern(50_000, i))).toBe(0))
    })

    test('streams are reset both ways, and used again', async () => {
      const line = await open('listen', interleave)
      for (let round = 1; round <= 3; round++) {
        line.association.send({ streamId: 7, ppid: 53, data: pattern(3000, round) }, performance.now())
        line.drain()
        await line.until(() => line.messages().length === round)
        line.association.resetStreams([7])
        line.drain()
        const count = (type: string): number => line.events.filter((event) => event.type === type).length
        await line.until(() => count('outgoing-reset') === round && count('incoming-reset') === round)
        expect(line.messages().at(-1)).toEqual(pattern(3000, round))
      }
      for (const event of line.events) if (event.type === 'outgoing-reset') expect(event.ok).toBe(true)
    })

    test('unreliable messages over a line that loses 20 %', async () => {
      const line = await open('listen', interleave)
      line.loss = 0.2
      for (let i = 0; i < 100; i++) {
        // Not both on one stream: usrsctp 0.9.5 takes a skipped unordered MID for an ordered one and ends the association.
        const unordered = i % 2 === 0
        const message = { streamId: unordered ? 2 : 3, ppid: 53, data: pattern(2000, i), unordered, maxRetransmits: 0 }
        line.association.send(message, performance.now())
        line.drain()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      line.loss = 0
      line.association.send({ streamId: 3, ppid: 99, data: pattern(10) }, performance.now())
      line.drain()
      await line.until(() => line.events.some((event) => event.type === 'message' && event.ppid === 99))
      expect(line.messages().length).toBeGreaterThan(20)
      expect(line.association.state).toBe('established')
    })

    test('shuts down', async () => {
      const line = await open('listen', interleave)
      line.association.shutdown()
      line.drain()
      await line.until(() => line.events.at(-1)?.type === 'closed' && line.output.includes('closed'))
    })
  })
}

test('an ABORT is understood', async () => {
  const line = await open('listen')
  line.association.abort('enough')
  line.drain()
  // SCTP_COMM_LOST
  await line.until(() => line.output.includes('assoc 2'))
})

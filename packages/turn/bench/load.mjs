// A TURN server under load, Kaon's beside coturn: allocations and relayed datagrams, by the wall clock and per second of the server's CPU.
// `npm run build && node packages/turn/bench/load.mjs`
// The load comes from this process; the server is kept on one core where `taskset` can do that.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createNetwork } from '@kaon/net'
import { attribute, decodeMessage, LongTermCredentials, MessageBuilder, createTransactionId, methods } from '@kaon/stun'
import { ChannelDataWriter } from '@kaon/turn'

const CLIENTS = 300
const ROUNDS = 6
/** Rounds before, which are not counted: a server begins slowly until its code is compiled. */
const WARM = 8
const SIZE = 1200
const SECONDS = 3
/** Datagrams on their way at a time: what the system's buffers hold. */
const WINDOW = 64
const network = createNetwork()
/** Ticks of /proc/…/stat per second. */
const TICKS = 100

/** @typedef {{ name: string, port: number, pid: number, stop: () => void }} Server */
/** @typedef {{ server: string, allocations: { perSecond: number, perCpuSecond: number }, toPeers: Rate, toClients: Rate }} Result */
/** @typedef {{ perSecond: number, perCpuSecond: number, lost: number }} Rate */

/** @param {string} command */
const has = (command) => spawnSync('which', [command], { stdio: 'ignore' }).status === 0

/** @param {string} command @param {string[]} args @param {string} [cwd] */
function start(command, args, cwd) {
  const pinned = has('taskset') ? ['taskset', '-c', '0', command, ...args] : [command, ...args]
  return spawn(pinned[0] ?? command, pinned.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], ...(cwd && { cwd }) })
}

/** @returns {Promise<Server>} */
async function startKaon() {
  const child = start(process.execPath, [fileURLToPath(new URL('server.mjs', import.meta.url))])
  const { port } = await new Promise((resolve) =>
    child.stdout.once('data', (line) => resolve(JSON.parse(String(line)))),
  )
  return { name: 'kaon', port, pid: child.pid ?? 0, stop: () => child.kill('SIGKILL') }
}

/** @returns {Promise<Server>} */
async function startCoturn() {
  const folder = mkdtempSync(join(tmpdir(), 'kaon-bench-'))
  const probe = await network.bindUdp({ address: '127.0.0.1' })
  const { port } = probe.local
  probe.close()
  const args = ['-n', '-L', '127.0.0.1', '-p', `${port}`, '--lt-cred-mech', '--realm', 'bench', '--user', 'u:p']
  const quiet = ['--no-tls', '--no-dtls', '--no-tcp', '--no-cli', '--log-file', '/dev/null', '--allow-loopback-peers']
  const child = start(
    'turnserver',
    [...args, ...quiet, '-m', '1', '--pidfile', join(folder, 'pid'), '--userdb', join(folder, 'db')],
    folder,
  )
  child.stdout.resume()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const stop = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  return { name: 'coturn', port, pid: child.pid ?? 0, stop }
}

/** CPU seconds of a process so far. @param {number} pid */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** A client with no more in it than the load needs. */
class Client {
  /** @type {import('@kaon/net').UdpSocket | undefined} */
  socket
  credentials = new LongTermCredentials({ username: 'u', password: 'p' })
  builder = new MessageBuilder({ slabSize: 2048 })

  /** @param {number} port */
  constructor(port) {
    this.server = { address: '127.0.0.1', port, family: /** @type {const} */ (4) }
  }

  async open(address = '127.0.0.1') {
    this.socket = await network.bindUdp({ address })
  }

  /**
   * @param {number} method @param {(builder: MessageBuilder) => void} add
   * @returns {Promise<import('@kaon/stun').StunMessage>}
   */
  async request(method, add) {
    for (let attempt = 0; ; attempt++) {
      const builder = this.builder.start('request', method, createTransactionId())
      add(builder)
      const sent = this.credentials.authenticate(builder)
      const bytes = builder.finish()
      const message = await /** @type {Promise<import('@kaon/stun').StunMessage>} */ (
        new Promise((resolve) => {
          const socket = this.socket
          if (socket === undefined) return
          const timer = setInterval(() => socket.send(bytes, this.server), 1000)
          socket.onmessage = (data) => {
            const decoded = decodeMessage(data)
            if (decoded === undefined) return
            clearInterval(timer)
            resolve(decoded)
          }
          socket.send(bytes, this.server)
        })
      )
      if (message.messageClass === 'success') return message
      if (attempt === 3 || !sent.retry(message)) throw new Error(`refused: ${message.get(attribute.errorCode)?.code}`)
    }
  }

  async allocate() {
    const message = await this.request(methods.allocate, (builder) => builder.add(attribute.requestedTransport, 17))
    return /** @type {import('@kaon/net').Endpoint} */ (message.get(attribute.xorRelayedAddress))
  }

  release() {
    return this.request(methods.refresh, (builder) => builder.add(attribute.lifetime, 0))
  }
}

/** Of clients that are all new: coturn does not let a 5-tuple go at once. @param {Server} server */
async function allocations(server) {
  let [time, used] = [0, 0]
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const clients = Array.from({ length: CLIENTS }, () => new Client(server.port))
    await Promise.all(clients.map((client) => client.open(`127.0.0.${round + 2}`)))
    const cpu = cpuOf(server.pid)
    const began = performance.now()
    await Promise.all(clients.map((client) => client.allocate()))
    await Promise.all(clients.map((client) => client.release()))
    if (round >= WARM) {
      time += (performance.now() - began) / 1000
      used += cpuOf(server.pid) - cpu
    }
    for (const { socket } of clients) socket?.close()
  }
  const count = CLIENTS * ROUNDS
  return { perSecond: count / time, perCpuSecond: count / used }
}

/** Datagrams by channel, in one direction. @param {Server} server @param {boolean} toPeers @returns {Promise<Rate>} */
async function relayed(server, toPeers) {
  const client = new Client(server.port)
  await client.open()
  const socket = /** @type {import('@kaon/net').UdpSocket} */ (client.socket)
  const relay = await client.allocate()
  const peer = await network.bindUdp({ address: '127.0.0.1' })
  await client.request(methods.channelBind, (builder) =>
    builder.add(attribute.channelNumber, 0x4000).add(attribute.xorPeerAddress, peer.local),
  )
  const message = toPeers ? new ChannelDataWriter().write(0x4000, new Uint8Array(SIZE), false) : new Uint8Array(SIZE)
  const [from, to] = toPeers ? [socket, peer] : [peer, socket]
  const target = toPeers ? client.server : relay
  let sent = 0
  let received = 0
  let heardAt = performance.now()
  const cpu = cpuOf(server.pid)
  const began = performance.now()
  const until = began + SECONDS * 1000
  await /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      let lost = 0
      const fill = () => {
        const now = performance.now()
        if (now >= until) {
          resolve()
          return
        }
        // What has not come for a while will not come.
        if (now - heardAt > 20) {
          lost = sent - received
          heardAt = now
        }
        while (sent - received - lost < WINDOW) {
          from.send(message, target)
          sent++
        }
        setImmediate(fill)
      }
      to.onmessage = () => {
        received++
        heardAt = performance.now()
      }
      fill()
    })
  )
  const time = (performance.now() - began) / 1000
  const used = cpuOf(server.pid) - cpu
  const rate = { perSecond: received / time, perCpuSecond: received / used, lost: sent - received - WINDOW }
  await client.release()
  socket.close()
  peer.close()
  return { ...rate, lost: Math.max(0, rate.lost) }
}

/** @param {() => Promise<Server>} begin @returns {Promise<Result>} */
async function measure(begin) {
  const server = await begin()
  try {
    const made = await allocations(server)
    await relayed(server, true) // warm
    return {
      server: server.name,
      allocations: made,
      toPeers: await relayed(server, true),
      toClients: await relayed(server, false),
    }
  } finally {
    server.stop()
  }
}

/** All servers that can be had, one after the other. @returns {Promise<Result[]>} */
export async function load() {
  if (process.platform !== 'linux') throw new Error('the CPU time of another process is read from /proc')
  const results = [await measure(startKaon)]
  if (has('turnserver')) results.push(await measure(startCoturn))
  return results
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const round = (/** @type {number} */ value) => Math.round(value).toLocaleString('en')
  const row = (/** @type {string[]} */ cells) =>
    console.log(cells.map((cell, i) => cell.padEnd(i === 0 ? 10 : 26)).join(''))
  row(['server', 'allocations/s', `${SIZE} B to peers/s`, `${SIZE} B to clients/s`])
  for (const { server, allocations: made, toPeers, toClients } of await load()) {
    const cell = (/** @type {{ perSecond: number, perCpuSecond: number }} */ rate) =>
      `${round(rate.perSecond)} (${round(rate.perCpuSecond)} a CPU s)`
    row([server, cell(made), cell(toPeers), cell(toClients)])
  }
  process.exit(0)
}

// µs per datagram through a pair of UDP sockets on loopback, in one process, and what bare node:dgram needs for it.
// After a build: npx esbuild bench/udp.ts | node --input-type=module - 200000

import { createSocket } from 'node:dgram'
import { createNetwork } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'

const COUNT = Number(process.argv[2] ?? 200_000)
const BURST = 64

interface Row {
  name: string
  size: number
  wall: number
  user: number
  system: number
  received: number
}

/** Sends in bursts and lets the other side read in between. */
async function measure(name: string, size: number, send: () => void, received: () => number): Promise<Row> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let sent = 0; sent < COUNT; sent += BURST) {
    for (let i = 0; i < BURST; i++) send()
    // libuv reads 32 datagrams per turn of the loop: do not overrun the receiver.
    do await new Promise(setImmediate)
    while (sent - received() > 512 && performance.now() - start < 60_000)
  }
  // What is still on its way.
  for (let before = -1; before !== received();) {
    before = received()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { user, system } = process.cpuUsage(cpu)
  const wall = (performance.now() - start) * 1000
  return { name, size, wall: wall / COUNT, user: user / COUNT, system: system / COUNT, received: received() / COUNT }
}

async function kaon(size: number): Promise<Row> {
  const network = createNetwork()
  const a = await network.bindUdp({ address: '127.0.0.1' })
  const b = await network.bindUdp({ address: '127.0.0.1' })
  let count = 0
  b.onmessage = () => count++
  const data = new Uint8Array(size)
  const row = await measure(
    '@kaon/net',
    size,
    () => a.send(data, b.local),
    () => count,
  )
  a.close()
  b.close()
  return row
}

async function bare(size: number): Promise<Row> {
  const [a, b] = [createSocket('udp4'), createSocket('udp4')]
  for (const socket of [a, b]) await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  const { port } = b.address()
  for (const socket of [a, b]) {
    socket.setRecvBufferSize(4 << 20)
    socket.setSendBufferSize(4 << 20)
  }
  // Connected: dgram skips its DNS look-up then.
  await new Promise<void>((resolve) => a.connect(port, '127.0.0.1', () => resolve()))
  let count = 0
  b.on('message', () => count++)
  const data = new Uint8Array(size)
  const row = await measure(
    'node:dgram, connected',
    size,
    () => a.send(data),
    () => count,
  )
  a.close()
  b.close()
  return row
}

async function virtual(size: number): Promise<Row> {
  const net = new VirtualNetwork()
  const [from, to] = [net.addHost(), net.addHost()]
  const a = await from.bindUdp()
  const b = await to.bindUdp({ address: to.address })
  let count = 0
  b.onmessage = () => count++
  const data = new Uint8Array(size)
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let sent = 0; sent < COUNT; sent += BURST) {
    for (let i = 0; i < BURST; i++) a.send(data, b.local)
    await net.run(10)
  }
  const { user, system } = process.cpuUsage(cpu)
  const wall = (performance.now() - start) * 1000
  return {
    name: 'virtual, 2 links',
    size,
    wall: wall / COUNT,
    user: user / COUNT,
    system: system / COUNT,
    received: count / COUNT,
  }
}

const rows: Row[] = []
for (const size of [100, 1200]) {
  for (const run of [bare, kaon, bare, kaon, virtual]) rows.push(await run(size))
}
console.log(`${COUNT} datagrams, sent and received in one process; µs per datagram (both ends together)`)
console.log('| | bytes | wall | cpu user | cpu system | arrived |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const { name, size, wall, user, system, received } of rows) {
  const cells = [name, size, wall.toFixed(2), user.toFixed(2), system.toFixed(2), `${(received * 100).toFixed(1)} %`]
  console.log(`| ${cells.join(' | ')} |`)
}

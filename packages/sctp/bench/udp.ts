// Two processes and plain UDP on the loopback (no DTLS): what sockets and their small buffers leave of it.
import { fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Association } from '../src/index.ts'

const TOTAL = 300e6
const SIZE = 16_384
const role = process.env['KAON_BENCH_ROLE']

function start(
  port: number,
  remotePort: number,
  onMessage: (bytes: number) => void,
  refill: (association: Association) => void,
): [Association, () => void] {
  const clock = (): number => performance.now()
  const association = new Association({ now: clock(), zeroChecksum: true })
  const socket = createSocket('udp4')
  let scheduled = false
  let timer: NodeJS.Timeout | undefined
  const drain = (): void => {
    scheduled = false
    const now = clock()
    for (let event = association.pollEvent(); event !== undefined; event = association.pollEvent()) {
      if (event.type === 'message') onMessage(event.data.length)
    }
    refill(association)
    for (let packet = association.pollTransmit(now); packet !== undefined; packet = association.pollTransmit(now)) {
      socket.send(packet)
    }
    clearTimeout(timer)
    if (association.deadline !== Infinity) {
      timer = setTimeout(() => {
        association.tick(clock())
        drain()
      }, association.deadline - now)
    }
  }
  const wake = (): void => {
    if (!scheduled) setImmediate(drain)
    scheduled = true
  }
  socket.on('message', (packet) => {
    association.receive(packet, clock())
    wake()
  })
  socket.on('error', () => {})
  socket.bind(port, '127.0.0.1', () => socket.connect(remotePort, '127.0.0.1', wake))
  return [association, wake]
}

if (role === 'receiver') {
  let received = 0
  start(
    47_002,
    47_001,
    (bytes) => {
      received += bytes
      if (received >= TOTAL) process.send!({ done: process.cpuUsage() })
    },
    () => {},
  )
  process.send!({ ready: true })
} else {
  const child = fork(process.argv[1]!, { env: { ...process.env, KAON_BENCH_ROLE: 'receiver' } })
  await new Promise((resolve) => child.once('message', resolve))
  const begin = performance.now()
  const data = new Uint8Array(SIZE)
  let sent = 0
  const [association] = start(
    47_001,
    47_002,
    () => {},
    (to) => {
      while (to.totalBufferedAmount < 1_000_000 && sent < TOTAL + 2e6) {
        to.send({ streamId: 0, ppid: 53, data }, performance.now())
        sent += SIZE
      }
    },
  )
  association.connect(performance.now())
  const { done } = await new Promise<{ done: NodeJS.CpuUsage }>((resolve) => child.once('message', resolve as never))
  const seconds = (performance.now() - begin) / 1000
  const own = process.cpuUsage()
  const cpu = (own.user + own.system + done.user + done.system) / 1e6
  console.log(
    `UDP between two processes, 16 KB messages: ${((TOTAL * 8) / seconds / 1e6).toFixed(0)} Mbit/s, ` +
      `${((cpu / TOTAL) * 1e8).toFixed(2)} CPU s per 100 MB, ${association.stats.retransmittedChunks} retransmitted, ` +
      `${association.stats.retransmissionTimeouts} timeouts, round trip ${association.smoothedRoundTripTime!.toFixed(2)} ms, ` +
      `window ${Math.round(association.congestionWindow / 1000)} KB`,
  )
  child.kill()
  process.exit(0)
}

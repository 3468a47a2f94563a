// Two associations in one process, packets handed over as they are: what the protocol itself costs.
import { Association } from '../src/index.ts'

interface Shape {
  readonly name: string
  readonly size: number
  readonly zeroChecksum: boolean
  readonly interleaving: boolean
  readonly mtu?: number
  readonly megabytes: number
}

const SHAPES: Shape[] = [
  { name: '16 KB messages, zero checksum', size: 16_384, zeroChecksum: true, interleaving: false, megabytes: 400 },
  { name: '16 KB messages, CRC-32C', size: 16_384, zeroChecksum: false, interleaving: false, megabytes: 400 },
  { name: '16 KB messages, I-DATA', size: 16_384, zeroChecksum: true, interleaving: true, megabytes: 400 },
  { name: '1 KB messages, zero checksum', size: 1024, zeroChecksum: true, interleaving: false, megabytes: 300 },
  { name: '100 B messages, zero checksum', size: 100, zeroChecksum: true, interleaving: false, megabytes: 50 },
  {
    name: '256 KB messages, MTU 16 KB',
    size: 262_144,
    zeroChecksum: true,
    interleaving: false,
    mtu: 16_000,
    megabytes: 2000,
  },
]

function run(shape: Shape): void {
  const clock = (): number => performance.now()
  const options = { zeroChecksum: shape.zeroChecksum, interleaving: shape.interleaving, mtu: shape.mtu ?? 1191 }
  const a = new Association({ now: clock(), ...options })
  const b = new Association({ now: clock(), ...options })
  const total = shape.megabytes * 1e6
  const data = new Uint8Array(shape.size)
  let sent = 0
  let received = 0
  a.connect(clock())
  const cpu = process.cpuUsage()
  let start = clock()
  while (received < total) {
    const now = clock()
    if (a.deadline <= now) a.tick(now)
    if (b.deadline <= now) b.tick(now)
    if (a.state === 'established') {
      if (sent === 0) start = now
      while (a.totalBufferedAmount < 1_000_000 && sent < total + 2e6) {
        a.send({ streamId: 1, ppid: 53, data }, now)
        sent += shape.size
      }
    }
    // Bursts of at most 64 packets, as a socket hands them over.
    for (let i = 0; i < 64; i++) {
      const packet = a.pollTransmit(now)
      if (packet === undefined) break
      b.receive(packet, now)
    }
    for (let event = b.pollEvent(); event !== undefined; event = b.pollEvent()) {
      if (event.type === 'message') received += event.data.length
    }
    for (let packet = b.pollTransmit(now); packet !== undefined; packet = b.pollTransmit(now)) a.receive(packet, now)
    while (a.pollEvent() !== undefined);
  }
  const seconds = (clock() - start) / 1000
  const used = process.cpuUsage(cpu)
  const rate = (received * 8) / seconds / 1e6
  const perPacket = ((used.user + used.system) / (a.stats.packetsSent + b.stats.packetsSent)).toFixed(2)
  console.log(
    `${shape.name.padEnd(34)} ${rate.toFixed(0).padStart(7)} Mbit/s  ${(a.stats.packetsSent / seconds / 1000).toFixed(0).padStart(5)} k packets/s` +
      `  ${perPacket} µs CPU a packet (either way)  ${(((used.user + used.system) / 1e6 / received) * 1e8).toFixed(2)} CPU s per 100 MB`,
  )
}

for (const shape of SHAPES) run(shape)

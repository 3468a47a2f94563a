// Microseconds per record, sealed (send + pollTransmit) and opened (receive + pollEvent), over the built package:
// `npm run build && node bench/record.mjs [bytes]`. Median of many short batches; the last column is a whole handshake, both ends.
import { createSelfSignedCertificate, defaultProvider } from '@kaon/crypto'
import { DtlsConnection } from '@kaon/dtls'

const SIZE = Number(process.argv[2] ?? 1200)
const BATCH = 500
const ROUNDS = 60

const ECDSA = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
]

const key = defaultProvider.generateSigningKey('ecdsa-p256')
const der = createSelfSignedCertificate({ key, notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2040, 0, 1) })
const certificate = { chain: [der], privateKey: key }

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

function connect(suite) {
  const options = { now: 0, certificate, verifyPeer: () => true, cipherSuites: [suite] }
  const client = new DtlsConnection({ ...options, role: 'client' })
  const server = new DtlsConnection({ ...options, role: 'server' })
  client.start(0)
  for (let i = 0; i < 4; i++) {
    for (let d = client.pollTransmit(0); d; d = client.pollTransmit(0)) server.receive(d, 0)
    for (let d = server.pollTransmit(0); d; d = server.pollTransmit(0)) client.receive(d, 0)
  }
  while (client.pollEvent());
  while (server.pollEvent());
  if (client.state !== 'connected' || server.state !== 'connected') throw new Error('no connection')
  return { client, server }
}

console.log(`${SIZE} bytes a record, ${defaultProvider.name}, node ${process.version}`)
for (const suite of ECDSA) {
  const { client, server } = connect(suite)
  const data = new Uint8Array(SIZE).fill(7)
  const sealed = []
  const opened = []
  for (let round = 0; round < ROUNDS; round++) {
    const datagrams = []
    let start = performance.now()
    for (let i = 0; i < BATCH; i++) {
      client.send(data)
      datagrams.push(client.pollTransmit(0))
    }
    sealed.push(((performance.now() - start) * 1000) / BATCH)
    start = performance.now()
    for (const datagram of datagrams) {
      server.receive(datagram, 0)
      if (server.pollEvent().data.length !== SIZE) throw new Error('wrong data')
    }
    opened.push(((performance.now() - start) * 1000) / BATCH)
  }
  const handshakes = []
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    connect(suite)
    handshakes.push(performance.now() - start)
  }
  console.log(
    `${suite.slice(21).padEnd(28)} seal ${median(sealed).toFixed(2).padStart(6)} µs  open ${median(opened).toFixed(2).padStart(6)} µs` +
      `  handshake ${median(handshakes).toFixed(2).padStart(6)} ms`,
  )
}

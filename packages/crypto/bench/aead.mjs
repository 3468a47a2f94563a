// Microseconds per record of every AEAD, over the built package: `npm run build && node bench/aead.mjs [bytes]`.
// Median of many short batches, so that other load on the machine matters little, and the mean, which has garbage collection in it.
import { defaultProvider, nobleProvider } from '@kaon/crypto'
import { createNodeAead } from '../dist/node/aead.js'

const SIZE = Number(process.argv[2] ?? 1200)
const BATCH = 500
const ROUNDS = 45
const NAMES = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305', 'aes-128-ccm']
const BUN_LACKS = ['chacha20-poly1305', 'aes-128-ccm']

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** Nonces as DTLS 1.2 makes them: four fixed bytes and a counter. */
function counter() {
  const nonce = new Uint8Array(12)
  let next = 0
  return () => {
    next++
    nonce[11] = next
    nonce[10] = next >>> 8
    nonce[9] = next >>> 16
    return nonce
  }
}

function measure(provider, name, slow) {
  const batch = slow ? BATCH / 10 : BATCH
  const key = provider.random(name.includes('128') ? 16 : 32)
  const sender = provider.createAead(name, key)
  const receiver = provider.createAead(name, key)
  const aad = provider.random(13)
  const plaintext = provider.random(SIZE)
  const sealed = Array.from({ length: batch }, () => new Uint8Array(SIZE + 16))
  const sealNonce = counter()
  const openNonce = counter()
  const seals = []
  const opens = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < batch; i++) sender.seal(sealNonce(), aad, plaintext, sealed[i], 0)
    const middle = performance.now()
    for (let i = 0; i < batch; i++) {
      if (receiver.open(openNonce(), aad, sealed[i], sealed[i], 0) === undefined) throw new Error('not opened')
    }
    const end = performance.now()
    seals.push(((middle - start) * 1000) / batch)
    opens.push(((end - middle) * 1000) / batch)
  }
  return [seals.slice(5), opens.slice(5)]
}

console.log(`${SIZE} bytes, ${process.version} ${process.arch}, µs per record`)
const plain = { name: 'plain', random: defaultProvider.random, createAead: createNodeAead } // one createCipheriv per record
for (const [provider, slow] of [
  [defaultProvider, false],
  [plain, false],
  [nobleProvider, true],
]) {
  for (const name of NAMES) {
    if (provider === plain && process.versions.bun !== undefined && BUN_LACKS.includes(name)) continue
    const [seal, open] = measure(provider, name, slow).map(
      (values) =>
        `${median(values).toFixed(2).padStart(6)} (mean ${(values.reduce((a, b) => a + b) / values.length).toFixed(2)})`,
    )
    console.log(`${provider.name.padEnd(6)} ${name.padEnd(18)} seal ${seal}  open ${open}`)
  }
}

// Microseconds per packet, protect and unprotect, per profile, over the built packages: `npm run build && node bench/packets.mjs [bytes …]`.
// Beside them werift's, when `npm ci` was run in tools/bench. Median of many short batches, so that other load on the machine matters little.
import { createRequire } from 'node:module'
import { keyingMaterialLength, splitKeyingMaterial, SrtpReceiver, SrtpSender } from '@kaon/srtp'
import { defaultProvider, nobleProvider } from '@kaon/crypto'

const SIZES = process.argv.slice(2).map(Number)
const BATCH = 400
const ROUNDS = 40
const PROFILES = {
  SRTP_AES128_CM_HMAC_SHA1_80: 1,
  SRTP_AES128_CM_HMAC_SHA1_32: 2,
  SRTP_AEAD_AES_128_GCM: 7,
  SRTP_AEAD_AES_256_GCM: 8,
}
const WERIFT_HAS = [1, 7]

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

function setSequence(packet, number) {
  packet[2] = number >>> 8
  packet[3] = number
}

/** A pair of functions, and how to make the packets for them. */
function kaon(profile, crypto) {
  const { local } = splitKeyingMaterial(profile, defaultProvider.random(keyingMaterialLength(profile)), 'client')
  const sender = new SrtpSender({ profile, ...local, crypto })
  const receiver = new SrtpReceiver({ profile, ...local, crypto })
  return {
    protect: (header, payload) => sender.protect(header, payload),
    unprotect: (packet) => receiver.unprotect(packet) !== undefined,
  }
}

function werift(library, profile) {
  const keys = {
    localMasterKey: Buffer.from(defaultProvider.random(16)),
    localMasterSalt: Buffer.from(defaultProvider.random(profile === 1 ? 14 : 12)),
  }
  const session = new library.SrtpSession({
    keys: { ...keys, remoteMasterKey: keys.localMasterKey, remoteMasterSalt: keys.localMasterSalt },
    profile,
  })
  return {
    protect: (header, payload) => session.encrypt(payload, library.RtpHeader.deSerialize(header)),
    unprotect: (packet) => session.decrypt(packet).length > 0,
  }
}

function measure({ protect, unprotect }, size, batch) {
  const header = Buffer.from([0x80, 96, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4])
  const payload = Buffer.from(defaultProvider.random(size - header.length))
  const out = []
  const back = []
  let number = 0
  for (let round = 0; round < ROUNDS; round++) {
    const packets = []
    const start = performance.now()
    for (let i = 0; i < batch; i++) {
      setSequence(header, number++ & 0xffff)
      packets.push(protect(header, payload))
    }
    const middle = performance.now()
    for (let i = 0; i < batch; i++) if (!unprotect(packets[i])) throw new Error('not unprotected')
    const end = performance.now()
    out.push(((middle - start) * 1000) / batch)
    back.push(((end - middle) * 1000) / batch)
  }
  return [median(out.slice(5)), median(back.slice(5))]
}

function row(name, profile, size, [protect, unprotect]) {
  const perSecond = (microseconds) => `${Math.round(1e3 / microseconds)} k/s`.padStart(9)
  console.log(
    `${name.padEnd(7)} ${profile.padEnd(28)} ${String(size).padStart(5)} bytes  ` +
      `protect ${protect.toFixed(2).padStart(6)} µs ${perSecond(protect)}  ` +
      `unprotect ${unprotect.toFixed(2).padStart(6)} µs ${perSecond(unprotect)}`,
  )
}

let library
try {
  const require = createRequire(new URL('../../../tools/bench/package.json', import.meta.url))
  library = require('werift')
} catch {
  console.log('werift is not installed in tools/bench')
}

console.log(`${process.version} ${process.arch}`)
for (const size of SIZES.length > 0 ? SIZES : [1200, 100]) {
  for (const [profile, id] of Object.entries(PROFILES)) {
    row('kaon', profile, size, measure(kaon(profile, defaultProvider), size, BATCH))
    if (library !== undefined && WERIFT_HAS.includes(id)) {
      row('werift', profile, size, measure(werift(library, id), size, BATCH))
    }
    row('noble', profile, size, measure(kaon(profile, nobleProvider), size, BATCH / 10))
  }
}

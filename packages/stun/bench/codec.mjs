// What a connectivity check costs: `npm run build && node packages/stun/bench/codec.mjs`
import {
  attribute,
  checkFingerprint,
  checkIntegrity,
  createTransactionId,
  decodeMessage,
  iceAttributes,
  isStunMessage,
  MessageBuilder,
  shortTermKey,
} from '@kaon/stun'

const key = shortTermKey('VOkJxbRl1RmTxUk/WvJxBt')
const builder = new MessageBuilder({ slabSize: 16_384 })
const id = createTransactionId()
const from = { address: '192.0.2.1', port: 50_000, family: 4 }

const bare = () =>
  builder
    .start('request', 1, id)
    .add(attribute.username, 'evtj:h6vYabcdefgh')
    .add(attribute.priority, 0x6e0001ff)
    .add(attribute.iceControlling, 0x932ff9b151263b36n)
    .add(attribute.googNetworkInfo, { id: 1, cost: 10 })
const request = () => bare().integrity(key).fingerprint().finish()
const response = () =>
  builder.start('success', 1, id).add(attribute.xorMappedAddress, from).integrity(key).fingerprint().finish()
const sample = request()
const answer = response()
const message = decodeMessage(sample)

const read = () => {
  const decoded = decodeMessage(sample)
  decoded.unknownRequired(iceAttributes)
  return (
    decoded.get(attribute.username).length +
    decoded.get(attribute.priority) +
    Number(decoded.has(attribute.useCandidate)) +
    Number(decoded.get(attribute.iceControlling) & 1n)
  )
}

for (const [name, run] of [
  ['isStunMessage', () => isStunMessage(sample)],
  ['decodeMessage', () => decodeMessage(sample)],
  ['decode and read a request', read],
  ['decode and read a response', () => decodeMessage(answer).get(attribute.xorMappedAddress)],
  ['checkFingerprint', () => checkFingerprint(message)],
  ['checkIntegrity', () => checkIntegrity(message, key)],
  ['HMAC-SHA1 alone', () => key.sha1.sign(sample)],
  ['build a request without integrity', () => bare().fingerprint().finish()],
  ['build a request', request],
  ['build a response', response],
]) {
  const time = (count) => {
    const start = process.hrtime.bigint()
    for (let index = 0; index < count; index++) run()
    return Number(process.hrtime.bigint() - start) / count
  }
  time(20_000)
  const best = Math.min(...Array.from({ length: 5 }, () => time(40_000)))
  console.log(`${name.padEnd(36)}${(best / 1000).toFixed(3).padStart(8)} µs`)
}

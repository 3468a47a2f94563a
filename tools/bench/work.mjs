// What is measured, for one stack, in the process that runs it. Every function takes a stack (see stacks/w3c.mjs).

const highWater = 1 << 20

/** @typedef {import('./stacks/w3c.mjs').Peer} Peer */

/** Sends that many bytes with backpressure. @param {Peer} peer @param {number} bytes @param {number} size */
export async function pump(peer, bytes, size) {
  /** @type {(() => void) | undefined} */
  let wake
  peer.lowAt(highWater / 4)
  peer.onLow(() => wake?.())
  for (let sent = 0; sent < bytes; sent += size) {
    if (peer.buffered() > highWater) await new Promise((resolve) => (wake = () => resolve(undefined)))
    // A fresh message each time: whoever keeps a reference and sends later must not be favoured.
    peer.send(new Uint8Array(size))
  }
}

/** Resolves when that many bytes have arrived. @param {Peer} peer @param {number} bytes @returns {Promise<void>} */
export function drain(peer, bytes) {
  let received = 0
  return new Promise((resolve) => peer.onMessage((count) => (received += count) >= bytes && resolve()))
}

/** Connects two peers of one stack in this process. @param {import('./stacks/w3c.mjs').Stack} stack */
export async function connectPair(stack) {
  /** @type {{ ready: boolean, held: unknown[] }[]} */
  const inbox = [
    { ready: false, held: [] },
    { ready: false, held: [] },
  ]
  /** @param {number} to */
  const relay = (to) => (/** @type {unknown} */ candidate) =>
    inbox[to].ready ? peers[to].candidate(candidate) : void inbox[to].held.push(candidate)
  /** @param {number} to */
  const ready = (to) => {
    inbox[to].ready = true
    for (const candidate of inbox[to].held) peers[to].candidate(candidate)
  }
  const peers = [stack.create(relay(1)), stack.create(relay(0))]
  const [a, b] = peers
  a.open('bench')
  const offer = await a.offer()
  const answer = await b.answer(offer)
  ready(1)
  await a.accept(answer)
  ready(0)
  await Promise.all([a.opened, b.opened])
  return [a, b]
}

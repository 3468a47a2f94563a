// What forwarding one track to N receivers costs: a hub of the stack in a process of its own, its source and its receivers (Kaon's, for
// every stack) in this one. The load is the same for all, below what any of them can carry, and the hub's processor time is what counts.
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MediaStreamTrack, RTCPeerConnection } from '@kaon/webrtc'

const here = fileURLToPath(new URL('.', import.meta.url))
const PAYLOAD = 1000
/** ms */
const WARM_UP = 1000
const MEASURED = 4000

/**
 * @param {string} stack
 * @param {number} receivers
 * @param {number} rate packets/s that leave the hub
 * @param {string} execPath
 * @returns {Promise<{ packetsPerCpuSecond: number, lost: number }>} `lost` is a share
 */
export async function forward(stack, receivers, rate, execPath) {
  const hub = fork(join(here, 'hub.mjs'), [stack], { execPath, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  /** @type {RTCPeerConnection[]} */
  const peers = []
  /** @param {string} type @returns {Promise<any>} */
  const next = (type) =>
    new Promise((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error(`no “${type}” from the hub`)), 20_000)
      const onMessage = (/** @type {any} */ message) => {
        if (message.type !== type) return
        clearTimeout(timeout)
        hub.off('message', onMessage)
        hub.off('exit', onExit)
        resolve(message)
      }
      const onExit = () => reject(new Error(`the hub ended before “${type}”`))
      hub.on('message', onMessage)
      hub.once('exit', onExit)
    })
  /** @param {RTCPeerConnection} peer @param {boolean} isSource */
  const connect = async (peer, isSource) => {
    peers.push(peer)
    await peer.setLocalDescription()
    while (peer.iceGatheringState !== 'complete') await sleep(5)
    const answer = next('answer')
    hub.send({ type: 'offer', sdp: peer.localDescription?.sdp, isSource })
    await peer.setRemoteDescription({ type: 'answer', sdp: (await answer).sdp })
    for (let i = 0; peer.connectionState !== 'connected'; i++) {
      if (i > 1000) throw new Error(`a peer is ${peer.connectionState}`)
      await sleep(10)
    }
  }
  // One family for all: an IPv6 datagram costs more.
  const options = {
    ice: {
      includeLoopback: true,
      addressFilter: (/** @type {string} */ _address, /** @type {4 | 6} */ family) => family === 4,
    },
  }
  try {
    await next('ready')
    const track = new MediaStreamTrack({ kind: 'video', codec: 'video/VP8' })
    const source = new RTCPeerConnection(options)
    source.addTrack(track)
    await connect(source, true)
    const payload = new Uint8Array(PAYLOAD)
    // Every frame is a key frame of one packet, so that whoever comes late begins at once.
    payload.set([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00])
    let written = 0
    const begun = performance.now()
    const timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * (rate / receivers)
      for (; written < due; written++) {
        track.writeFrame({ payload: payload.slice(), timestamp: (written * 1e6 * receivers) / rate, keyFrame: true })
      }
    }, 5)
    try {
      await sleep(100)
      const viewers = []
      for (let i = 0; i < receivers; i++) {
        const viewer = new RTCPeerConnection(options)
        viewer.addTransceiver('video', { direction: 'recvonly' })
        await connect(viewer, false)
        viewers.push(viewer)
      }
      await sleep(WARM_UP)
      const before = [written, await received(viewers)]
      hub.send({ type: 'start' })
      await next('started')
      await sleep(MEASURED)
      const stopped = next('stopped')
      hub.send({ type: 'stop' })
      const { cpu } = await stopped
      const [sent, arrived] = [written - before[0], (await received(viewers)) - before[1]]
      return { packetsPerCpuSecond: arrived / cpu, lost: Math.max(0, 1 - arrived / (sent * receivers)) }
    } finally {
      clearInterval(timer)
    }
  } finally {
    for (const peer of peers) peer.close()
    hub.kill()
  }
}

/** @param {RTCPeerConnection[]} viewers */
async function received(viewers) {
  let sum = 0
  for (const viewer of viewers) {
    for (const entry of (await viewer.getStats()).values()) {
      if (entry.type === 'inbound-rtp') sum += /** @type {number} */ (entry.packetsReceived)
    }
  }
  return sum
}

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

import { RTCPeerConnection, type RTCDataChannel } from '@kaon/webrtc'
import { PhaseWatch, type PhaseMark } from './phases.ts'

export interface PeerToPeerResult {
  marks: PhaseMark[]
  /** ms from the first call to the open channel */
  total: number
  offerBytes: number
  answerBytes: number
  /** the pair that ICE selected, as seen by the offerer */
  pair: string
  cipher: string
  /** bytes carried, and the ms that took */
  bytes: number
  elapsed: number
}

const messageSize = 65_536
const highWater = 4 << 20

/** Connects two Kaon peers in this process over real sockets and measures a one-way transfer. Throws when they do not connect in time. */
export async function connectTwoPeers(bytes: number, timeout = 15_000): Promise<PeerToPeerResult> {
  const began = performance.now()
  const configuration = { ice: { includeLoopback: true } }
  const offerer = new RTCPeerConnection(configuration)
  const answerer = new RTCPeerConnection(configuration)
  try {
    const watch = new PhaseWatch(offerer, began)
    offerer.onicecandidate = ({ candidate }) => void answerer.addIceCandidate(candidate ?? undefined)
    answerer.onicecandidate = ({ candidate }) => void offerer.addIceCandidate(candidate ?? undefined)
    const channel = offerer.createDataChannel('throughput')
    watch.watchChannel(channel)
    const arrived = new Promise<number>((resolve) => {
      answerer.ondatachannel = ({ channel: incoming }) => resolve(receiveAll(incoming, bytes))
    })

    await offerer.setLocalDescription()
    await answerer.setRemoteDescription(offerer.localDescription!)
    await answerer.setLocalDescription()
    await offerer.setRemoteDescription(answerer.localDescription!)
    await within(timeout, opened(channel))
    const total = performance.now() - began

    const started = performance.now()
    await within(120_000, Promise.all([arrived, sendAll(channel, bytes)]))
    const elapsed = performance.now() - started
    return {
      marks: watch.marks,
      total,
      offerBytes: offerer.localDescription!.sdp.length,
      answerBytes: answerer.localDescription!.sdp.length,
      ...(await describeTransport(offerer)),
      bytes,
      elapsed,
    }
  } finally {
    offerer.close()
    answerer.close()
  }
}

function opened(channel: RTCDataChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    if (channel.readyState === 'open') resolve()
    channel.addEventListener('open', () => resolve(), { once: true })
    channel.addEventListener('close', () => reject(new Error('the channel closed before it opened')), { once: true })
  })
}

async function sendAll(channel: RTCDataChannel, bytes: number): Promise<void> {
  const message = new Uint8Array(messageSize)
  channel.bufferedAmountLowThreshold = highWater / 4
  for (let sent = 0; sent < bytes; sent += messageSize) {
    if (channel.bufferedAmount > highWater)
      await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
    channel.send(message.subarray(0, Math.min(messageSize, bytes - sent)))
  }
}

function receiveAll(channel: RTCDataChannel, bytes: number): Promise<number> {
  channel.binaryType = 'arraybuffer'
  return new Promise((resolve) => {
    let received = 0
    channel.onmessage = ({ data }) => {
      received += (data as ArrayBuffer).byteLength
      if (received >= bytes) resolve(received)
    }
  })
}

async function describeTransport(connection: RTCPeerConnection): Promise<{ pair: string; cipher: string }> {
  const report = await connection.getStats()
  const byId = new Map<string, Record<string, string | undefined>>()
  report.forEach((stats) => byId.set((stats as { id: string }).id, stats as Record<string, string | undefined>))
  const transport = [...byId.values()].find((stats) => stats.type === 'transport')
  const pair = byId.get(transport?.selectedCandidatePairId ?? '')
  const side = (id: string | undefined): string => {
    const candidate = byId.get(id ?? '')
    return candidate === undefined ? '?' : `${candidate.candidateType} ${candidate.address}:${candidate.port}`
  }
  return {
    pair: `${side(pair?.localCandidateId)} ⇄ ${side(pair?.remoteCandidateId)}`,
    cipher: transport?.dtlsCipher ?? '?',
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing after ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

import { playFile } from '@kaon/media/node'
import { MediaStreamTrack, RTCPeerConnection, type RTCDataChannel } from '@kaon/webrtc'
import { clip } from './media.ts'
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
  media: MediaResult
}

export interface MediaResult {
  /** `video/VP8` and its like */
  mimeType: string
  framesSent: number
  framesReceived: number
  /** ms that playing took */
  elapsed: number
}

const messageSize = 65_536
const highWater = 4 << 20
const playRate = 8 // times the clip's own speed

/** Connects two Kaon peers in this process over real sockets and measures a one-way transfer, then a track. Throws when they do not connect in time. */
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

    await negotiate(offerer, answerer)
    const [offerBytes, answerBytes] = [offerer, answerer].map((peer) => peer.localDescription!.sdp.length)
    await within(timeout, opened(channel))
    const total = performance.now() - began

    const started = performance.now()
    await within(120_000, Promise.all([arrived, sendAll(channel, bytes)]))
    const elapsed = performance.now() - started
    return {
      marks: watch.marks,
      total,
      offerBytes: offerBytes!,
      answerBytes: answerBytes!,
      ...(await describeTransport(offerer)),
      bytes,
      elapsed,
      media: await within(30_000, playClip(offerer, answerer)),
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

async function negotiate(offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<void> {
  await offerer.setLocalDescription()
  await answerer.setRemoteDescription(offerer.localDescription!)
  await answerer.setLocalDescription()
  await offerer.setRemoteDescription(answerer.localDescription!)
}

/** The demo's clip from one peer to the other, in a track that is added now, and faster than it would be watched. */
async function playClip(offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<MediaResult> {
  const local = new MediaStreamTrack({ kind: 'video', codec: 'video/VP8' })
  offerer.addTrack(local)
  const added = new Promise<MediaStreamTrack>((resolve) => {
    answerer.ontrack = ({ track }) => resolve(track)
  })
  await negotiate(offerer, answerer)
  const remote = await added
  const result = { mimeType: '', framesSent: 0, framesReceived: 0, elapsed: 0 }
  const stop = remote.listen({
    frame: ({ mimeType }) => {
      result.mimeType = mimeType
      result.framesReceived++
    },
  })
  const started = performance.now()
  const video = {
    kind: 'video',
    writeFrame: (frame: Parameters<MediaStreamTrack['writeFrame']>[0]): void => {
      result.framesSent++
      local.writeFrame(frame)
    },
  }
  await (
    await playFile(clip, { video }, { rate: playRate })
  ).ended
  result.elapsed = performance.now() - started
  // The last frames are on their way.
  for (let wait = 0; wait < 50 && result.framesReceived < result.framesSent; wait++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  stop()
  return result
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

import { type InPage, installInPage } from './page-proxy.ts'

/** What is asked of a page, whoever drives its browser: Playwright's `Page` is one, and so is Puppeteer's. */
export interface DrivenPage {
  evaluate(script: (call: PageCall) => unknown, call: PageCall): Promise<unknown>
  exposeFunction(name: string, callback: (candidate: RTCIceCandidateInit | null) => void): Promise<unknown>
  close(): Promise<void>
}

/** A method of the page's peer and its arguments. */
export type PageCall = readonly [method: string, values: readonly unknown[]]

/** What a message looked like when it arrived, small enough to cross from the page to the test. */
export interface Received {
  kind: 'string' | 'binary' | 'blob'
  text?: string
  size: number
  sha256: string
}

/** The page's half of a connection: one `RTCPeerConnection` of the browser, driven from the test. */
export interface PagePeer {
  create(configuration?: RTCConfiguration): void
  channel(label: string, init?: RTCDataChannelInit): void
  /** Asks for a section of media. */
  addAudio(): void
  offer(full: boolean): Promise<RTCSessionDescriptionInit>
  answer(offer: RTCSessionDescriptionInit, full: boolean): Promise<RTCSessionDescriptionInit>
  accept(answer: RTCSessionDescriptionInit): Promise<void>
  candidate(candidate: RTCIceCandidateInit | null): Promise<void>
  opened(label: string): Promise<Record<string, unknown>>
  closed(label: string): Promise<void>
  closeChannel(label: string): void
  sendText(label: string, text: string): void
  sendBytes(label: string, size: number, seed: number): Promise<string>
  sendMany(label: string, total: number, size: number, seed: number): Promise<string>
  received(label: string, count: number): Promise<Received[]>
  collected(label: string, total: number): Promise<string>
  state(): Record<string, string>
  connectionState(state: RTCPeerConnectionState): Promise<void>
  restartIce(): void
  selectedPair(): Promise<{ local: string; remote: string } | undefined>
  close(): void
}

/** Runs in the page: puts a `PagePeer` on `window.peer`. Self-contained, since it travels as source text. */
function installPagePeer(): void {
  let pc: RTCPeerConnection
  const channels = new Map<string, RTCDataChannel>()
  const inbox = new Map<string, (string | ArrayBuffer | Blob)[]>()
  const waiters: (() => void)[] = []
  const changed = (): void => {
    for (const check of waiters.slice()) check()
  }
  function until<T>(probe: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const value = probe()
        if (value === undefined || value === false) return
        const at = waiters.indexOf(check)
        if (at >= 0) waiters.splice(at, 1)
        resolve(value)
      }
      waiters.push(check)
      check()
    })
  }
  const hex = (buffer: ArrayBuffer): string =>
    [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const sha256 = async (data: BufferSource): Promise<string> => hex(await crypto.subtle.digest('SHA-256', data))
  function bytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(size)
    let x = seed | 1
    for (let i = 0; i < size; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      out[i] = x
    }
    return out
  }
  function adopt(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer'
    channels.set(channel.label, channel)
    inbox.set(channel.label, [])
    channel.onopen = channel.onclose = channel.onerror = changed
    channel.onmessage = (event) => {
      inbox.get(channel.label)!.push(event.data as ArrayBuffer)
      changed()
    }
    changed()
  }
  const get = (label: string): RTCDataChannel => channels.get(label)!
  const local = async (full: boolean): Promise<RTCSessionDescriptionInit> => {
    if (full) await until(() => pc.iceGatheringState === 'complete')
    return { type: pc.localDescription!.type, sdp: pc.localDescription!.sdp }
  }
  const peer: PagePeer = {
    create(configuration) {
      pc = new RTCPeerConnection(configuration)
      pc.ondatachannel = (event) => adopt(event.channel)
      pc.onicecandidate = (event) =>
        (window as unknown as { onPageCandidate(candidate: RTCIceCandidateInit | null): void }).onPageCandidate(
          event.candidate?.toJSON() ?? null,
        )
      pc.onicegatheringstatechange = pc.onconnectionstatechange = pc.oniceconnectionstatechange = changed
    },
    channel(label, init) {
      adopt(pc.createDataChannel(label, init))
    },
    addAudio() {
      pc.addTransceiver('audio', { direction: 'recvonly' })
    },
    async offer(full) {
      await pc.setLocalDescription()
      return local(full)
    },
    async answer(offer, full) {
      await pc.setRemoteDescription(offer)
      await pc.setLocalDescription()
      return local(full)
    },
    accept: (answer) => pc.setRemoteDescription(answer),
    candidate: (candidate) => pc.addIceCandidate(candidate ?? undefined),
    async opened(label) {
      await until(() => channels.get(label)?.readyState === 'open')
      const { ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id } = get(label)
      return { label: get(label).label, ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id }
    },
    async closed(label) {
      await until(() => get(label).readyState === 'closed')
    },
    closeChannel: (label) => get(label).close(),
    sendText: (label, text) => get(label).send(text),
    async sendBytes(label, size, seed) {
      const data = bytes(size, seed)
      get(label).send(data)
      return sha256(data)
    },
    async sendMany(label, total, size, seed) {
      const data = bytes(total, seed)
      const channel = get(label)
      channel.bufferedAmountLowThreshold = 1 << 20
      channel.onbufferedamountlow = changed
      for (let offset = 0; offset < total; offset += size) {
        if (channel.bufferedAmount > 4 << 20) await until(() => channel.bufferedAmount <= 1 << 20)
        channel.send(data.subarray(offset, offset + size))
      }
      return sha256(data)
    },
    async received(label, count) {
      await until(() => (inbox.get(label)?.length ?? 0) >= count)
      const messages = inbox.get(label)!.splice(0, count)
      return Promise.all(
        messages.map(async (message): Promise<Received> => {
          if (typeof message === 'string') {
            return {
              kind: 'string',
              text: message,
              size: message.length,
              sha256: await sha256(new TextEncoder().encode(message)),
            }
          }
          const buffer = message instanceof Blob ? await message.arrayBuffer() : message
          return {
            kind: message instanceof Blob ? 'blob' : 'binary',
            size: buffer.byteLength,
            sha256: await sha256(buffer),
          }
        }),
      )
    },
    async collected(label, total) {
      const size = (): number =>
        inbox.get(label)!.reduce((sum, message) => sum + (message as ArrayBuffer).byteLength, 0)
      await until(() => inbox.has(label) && size() >= total)
      const all = new Uint8Array(size())
      let offset = 0
      for (const message of inbox.get(label)!.splice(0)) {
        all.set(new Uint8Array(message as ArrayBuffer), offset)
        offset += (message as ArrayBuffer).byteLength
      }
      return sha256(all)
    },
    state: () => ({
      connection: pc.connectionState,
      ice: pc.iceConnectionState,
      signaling: pc.signalingState,
      dtls: pc.sctp?.transport.state ?? 'none',
    }),
    async connectionState(state) {
      await until(() => pc.connectionState === state)
    },
    restartIce: () => pc.restartIce(),
    async selectedPair() {
      const report = await pc.getStats()
      const all = [...(report.values() as Iterable<Record<string, string>>)]
      const named = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId
      // Firefox marks the pair itself.
      const pair = all.find(({ type, id, selected }) => type === 'candidate-pair' && (named ? id === named : selected))
      if (pair === undefined) return undefined
      const describe = (id: string): string => {
        const candidate = report.get(id) as Record<string, string>
        return `${candidate.candidateType} ${candidate.address}:${candidate.port}`
      }
      return { local: describe(pair.localCandidateId!), remote: describe(pair.remoteCandidateId!) }
    },
    close: () => pc.close(),
  }
  ;(window as unknown as { peer: PagePeer }).peer = peer
}

export type RemotePeer = InPage<PagePeer>

/** Installs the page's peer and gives a proxy whose methods run in the page. `onCandidate` hears its trickled candidates. */
export async function pagePeer(
  page: DrivenPage,
  onCandidate: (candidate: RTCIceCandidateInit | null) => void,
): Promise<RemotePeer> {
  await page.exposeFunction('onPageCandidate', onCandidate)
  return installInPage<PagePeer>(page, 'peer', installPagePeer)
}

/** The bytes that `sendBytes` of the page makes from a seed, made here. */
export function patternBytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size)
  let x = seed | 1
  for (let i = 0; i < size; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    out[i] = x
  }
  return out
}

import type { RTCPeerConnection, RTCDataChannel } from '@kaon/webrtc'

/** The floors of a connection in the order in which they come up. */
export const phases = ['signaling', 'ice', 'dtls', 'sctp', 'channel'] as const
export type Phase = (typeof phases)[number]

export interface PhaseMark {
  phase: Phase
  /** ms since the watch began */
  start: number
  end: number
}

/**
 * Notes when each floor of a connection began and was up, from the W3C events alone. Times are ms since `began`.
 * A floor begins when the one below it is up.
 */
export class PhaseWatch {
  readonly #marks = new Map<Phase, PhaseMark>()
  readonly #began: number
  readonly #onMark: ((mark: PhaseMark) => void) | undefined

  constructor(connection: RTCPeerConnection, began: number, onMark?: (mark: PhaseMark) => void) {
    this.#began = began
    this.#onMark = onMark
    let watched = false
    const watchTransports = (): void => {
      const sctp = connection.sctp
      if (sctp === null || watched) return
      watched = true
      const dtls = sctp.transport
      const check = (): void => {
        if (dtls.iceTransport.state === 'connected' || dtls.iceTransport.state === 'completed')
          this.#mark('ice', 'signaling')
        if (dtls.state === 'connected') this.#mark('dtls', 'ice')
        if (sctp.state === 'connected') this.#mark('sctp', 'dtls')
      }
      for (const target of [dtls.iceTransport, dtls, sctp]) target.addEventListener('statechange', check)
      check()
    }
    connection.addEventListener('signalingstatechange', () => {
      watchTransports()
      if (connection.signalingState === 'stable') this.#mark('signaling')
    })
    connection.addEventListener('iceconnectionstatechange', watchTransports)
    connection.addEventListener('connectionstatechange', watchTransports)
  }

  /** A channel that counts as the top floor. */
  watchChannel(channel: RTCDataChannel): void {
    if (channel.readyState === 'open') this.#mark('channel', 'sctp')
    else channel.addEventListener('open', () => this.#mark('channel', 'sctp'), { once: true })
  }

  get marks(): PhaseMark[] {
    return phases.flatMap((phase) => this.#marks.get(phase) ?? [])
  }

  #mark(phase: Phase, after?: Phase): void {
    if (this.#marks.has(phase)) return
    const end = performance.now() - this.#began
    const start = after === undefined ? 0 : Math.min(end, this.#marks.get(after)?.end ?? end)
    const mark = { phase, start, end }
    this.#marks.set(phase, mark)
    this.#onMark?.(mark)
  }
}

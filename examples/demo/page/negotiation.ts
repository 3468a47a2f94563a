import type { Signaling } from './signaling.js'

/** Perfect negotiation, as W3C WebRTC §10.7 writes it, once the first offer is answered. The page is the polite peer: its offer gives way to Node's. */
export class Negotiation {
  readonly #connection: RTCPeerConnection
  readonly #signaling: Signaling

  constructor(connection: RTCPeerConnection, signaling: Signaling, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#signaling = signaling
    connection.addEventListener('negotiationneeded', () => this.offer().catch(onError))
  }

  /** Also for what the browser does not ask to negotiate by itself: the order of codecs. */
  async offer(): Promise<void> {
    await this.#connection.setLocalDescription()
    await this.#signaling.describe(this.#connection.localDescription!)
  }

  /** A description of Node. An offer that meets one of ours rolls that back, and `negotiationneeded` brings it again. */
  async receive(description: RTCSessionDescriptionInit): Promise<void> {
    await this.#connection.setRemoteDescription(description)
    if (description.type !== 'offer') return
    await this.#connection.setLocalDescription()
    await this.#signaling.describe(this.#connection.localDescription!)
  }
}

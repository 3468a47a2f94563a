import type { Signaling } from './signaling.js'

/**
 * Perfect negotiation, as W3C WebRTC §10.7 writes it, once the first offer is answered. The page is the impolite peer: where offers cross,
 * Node's gives way.
 */
export class Negotiation {
  readonly #connection: RTCPeerConnection
  readonly #signaling: Signaling
  #makingOffer = false
  #ignoreOffer = false
  #settingAnswer = false

  constructor(connection: RTCPeerConnection, signaling: Signaling, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#signaling = signaling
    connection.addEventListener('negotiationneeded', () => this.#offer().catch(onError))
  }

  /** For what a browser does not see a reason in to negotiate: the order of codecs. Waits for the end of a negotiation that goes on. */
  async renegotiate(): Promise<void> {
    while (this.#makingOffer || this.#connection.signalingState !== 'stable')
      await new Promise((resolve) => this.#connection.addEventListener('signalingstatechange', resolve, { once: true }))
    await this.#offer()
  }

  async #offer(): Promise<void> {
    this.#makingOffer = true
    try {
      await this.#connection.setLocalDescription()
    } finally {
      this.#makingOffer = false // before the request is through: Node's answer, and a next offer of its own, may overtake the response
    }
    await this.#signaling.describe(this.#connection.localDescription!)
  }

  /** A description of Node. */
  async receive(description: RTCSessionDescriptionInit): Promise<void> {
    const isStable = this.#connection.signalingState === 'stable' || this.#settingAnswer
    this.#ignoreOffer = description.type === 'offer' && (this.#makingOffer || !isStable)
    if (this.#ignoreOffer) return
    this.#settingAnswer = description.type === 'answer'
    try {
      await this.#connection.setRemoteDescription(description)
    } finally {
      this.#settingAnswer = false
    }
    if (description.type !== 'offer') return
    await this.#connection.setLocalDescription()
    await this.#signaling.describe(this.#connection.localDescription!)
  }

  /** A candidate of Node, or the end of them. */
  async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    try {
      await this.#connection.addIceCandidate(candidate ?? undefined)
    } catch (error) {
      if (!this.#ignoreOffer) throw error // else it belongs to the offer that was ignored
    }
  }
}

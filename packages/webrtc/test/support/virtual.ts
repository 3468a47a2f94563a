import { defaultProvider, type CryptoProvider } from '@kaon/crypto'
import type { Network } from '@kaon/net'
import type { VirtualNetwork } from '@kaon/net/virtual'
import type { RTCConfiguration, RTCPeerConnection } from '../../src/index.ts'
import { peer } from './peers.ts'

/** Random bytes from a seed (xorshift), for everything but keys: the same run every time. */
export function seededRandom(seed: number): (length: number) => Uint8Array {
  let x = (seed * 2654435761) | 1
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      bytes[i] = x >>> 8
    }
    return bytes
  }
}

function seededCrypto(seed: number): CryptoProvider {
  const random = seededRandom(seed)
  return new Proxy(defaultProvider, {
    get(target, key) {
      if (key === 'random') return random
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export function virtualPeer(net: Network, seed: number, configuration: RTCConfiguration = {}): RTCPeerConnection {
  return peer({
    net,
    crypto: seededCrypto(seed),
    ...configuration,
    sctp: { random: seededRandom(seed + 1000), ...configuration.sctp },
  })
}

type Message = { description?: RTCSessionDescriptionInit; candidate?: RTCIceCandidateInit | null }

/** A signalling channel with a delay, one way; ordered. */
export class Signaling {
  readonly #net: Network
  readonly #delay: () => number
  #last = 0
  receive: (message: Message) => unknown = () => {}

  constructor(net: Network, delay: () => number) {
    this.#net = net
    this.#delay = delay
  }

  send(message: Message): void {
    const copy = JSON.parse(JSON.stringify(message)) as Message
    this.#last = Math.max(this.#last, this.#net.now() + this.#delay())
    this.#net.setTimer(this.#last, () => void this.receive(copy))
  }
}

/** Two peers that signal to each other by the W3C specification's perfect negotiation (§10.7), as written there. */
export function perfectNegotiation(
  pc: RTCPeerConnection,
  polite: boolean,
  outgoing: Signaling,
  incoming: Signaling,
  errors: unknown[],
): void {
  let makingOffer = false
  let ignoreOffer = false
  let isSettingRemoteAnswerPending = false

  pc.onicecandidate = ({ candidate }) => outgoing.send({ candidate: candidate?.toJSON() ?? null })
  pc.onnegotiationneeded = async () => {
    try {
      makingOffer = true
      await pc.setLocalDescription()
      outgoing.send({ description: pc.localDescription! })
    } catch (error) {
      errors.push(error)
    } finally {
      makingOffer = false
    }
  }
  incoming.receive = async ({ description, candidate }) => {
    try {
      if (description !== undefined) {
        const readyForOffer = !makingOffer && (pc.signalingState === 'stable' || isSettingRemoteAnswerPending)
        const offerCollision = description.type === 'offer' && !readyForOffer
        ignoreOffer = !polite && offerCollision
        if (ignoreOffer) return
        isSettingRemoteAnswerPending = description.type === 'answer'
        await pc.setRemoteDescription(description)
        isSettingRemoteAnswerPending = false
        if (description.type === 'offer') {
          await pc.setLocalDescription()
          outgoing.send({ description: pc.localDescription! })
        }
      } else {
        try {
          await pc.addIceCandidate(candidate ?? undefined)
        } catch (error) {
          if (!ignoreOffer) throw error
        }
      }
    } catch (error) {
      errors.push(error)
    }
  }
}

export function signal(
  net: VirtualNetwork,
  [a, hostA]: [RTCPeerConnection, Network],
  [b, hostB]: [RTCPeerConnection, Network],
  delay: () => number = () => 20,
): unknown[] {
  void net
  const errors: unknown[] = []
  const toB = new Signaling(hostA, delay)
  const toA = new Signaling(hostB, delay)
  perfectNegotiation(a, false, toB, toA, errors)
  perfectNegotiation(b, true, toA, toB, errors)
  return errors
}

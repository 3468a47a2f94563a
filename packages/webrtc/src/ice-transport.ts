/** W3C WebRTC 1.0 §5.6. */
import type { RTCIceCandidate, RTCIceCandidatePair } from './ice-candidate.ts'
import { defineInterface } from './interface.ts'
import type {
  Handler,
  RTCIceComponent,
  RTCIceGatheringState,
  RTCIceParameters,
  RTCIceRole,
  RTCIceTransportState,
} from './types.ts'
import { assertInternal } from './webidl.ts'

/** The slots of an `RTCIceTransport`; the connection writes them, in tasks. */
export interface IceTransportSlots {
  role: RTCIceRole
  state: RTCIceTransportState
  gatheringState: RTCIceGatheringState
  localCandidates: RTCIceCandidate[]
  remoteCandidates: RTCIceCandidate[]
  selectedPair: RTCIceCandidatePair | null
  localParameters: RTCIceParameters | null
  remoteParameters: RTCIceParameters | null
}

export function createIceTransportSlots(): IceTransportSlots {
  return {
    role: 'unknown',
    state: 'new',
    gatheringState: 'new',
    localCandidates: [],
    remoteCandidates: [],
    selectedPair: null,
    localParameters: null,
    remoteParameters: null,
  }
}

export class RTCIceTransport extends EventTarget {
  declare onstatechange: Handler<RTCIceTransport>
  declare ongatheringstatechange: Handler<RTCIceTransport>
  declare onselectedcandidatepairchange: Handler<RTCIceTransport>
  readonly #slots: IceTransportSlots

  /** Not for scripts. */
  constructor(token: symbol, slots: IceTransportSlots) {
    assertInternal(token)
    super()
    this.#slots = slots
  }

  get role(): RTCIceRole {
    return this.#slots.role
  }

  get component(): RTCIceComponent {
    return 'rtp'
  }

  get state(): RTCIceTransportState {
    return this.#slots.state
  }

  get gatheringState(): RTCIceGatheringState {
    return this.#slots.gatheringState
  }

  getLocalCandidates(): RTCIceCandidate[] {
    return [...this.#slots.localCandidates]
  }

  getRemoteCandidates(): RTCIceCandidate[] {
    return [...this.#slots.remoteCandidates]
  }

  getSelectedCandidatePair(): RTCIceCandidatePair | null {
    const { state, selectedPair } = this.#slots
    return state === 'new' || state === 'closed' ? null : selectedPair
  }

  getLocalParameters(): RTCIceParameters | null {
    const { localParameters } = this.#slots
    return localParameters === null ? null : { ...localParameters }
  }

  getRemoteParameters(): RTCIceParameters | null {
    const { remoteParameters } = this.#slots
    return remoteParameters === null ? null : { ...remoteParameters }
  }
}

defineInterface(RTCIceTransport, 'RTCIceTransport', {
  handlers: ['statechange', 'gatheringstatechange', 'selectedcandidatepairchange'],
  isInternal: true,
})

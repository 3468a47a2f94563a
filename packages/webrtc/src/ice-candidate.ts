/** W3C WebRTC 1.0 §4.8.1. */
import { formatCandidate, parseCandidate, type Candidate } from '@kaon/ice'
import { defineInterface } from './interface.ts'
import type { RTCIceCandidateInit, RTCIceComponent, RTCLocalIceCandidateInit } from './types.ts'
import { assertInternal, INTERNAL, toDictionary, toDOMString, toEnum, toUnsignedShort, toUSVString } from './webidl.ts'

export interface CandidateInit {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly usernameFragment: string | null
}

/** Web IDL conversion to `RTCIceCandidateInit`, its defaults filled in. */
export function toCandidateInit(value: RTCIceCandidateInit | null | undefined): CandidateInit {
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = toDictionary(value, 'RTCIceCandidateInit')
  return {
    candidate: candidate === undefined ? '' : toDOMString(candidate),
    sdpMid: sdpMid === undefined || sdpMid === null ? null : toDOMString(sdpMid),
    sdpMLineIndex: sdpMLineIndex === undefined || sdpMLineIndex === null ? null : toUnsignedShort(sdpMLineIndex),
    usernameFragment:
      usernameFragment === undefined || usernameFragment === null ? null : toDOMString(usernameFragment),
  }
}

const RELAY_PROTOCOLS = ['udp', 'tcp', 'tls'] as const

export class RTCIceCandidate {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly foundation: string | null = null
  readonly component: RTCIceComponent | null = null
  readonly priority: number | null = null
  readonly address: string | null = null
  readonly protocol: 'udp' | 'tcp' | null = null
  readonly port: number | null = null
  readonly type: 'host' | 'srflx' | 'prflx' | 'relay' | null = null
  readonly tcpType: 'active' | 'passive' | 'so' | null = null
  readonly relatedAddress: string | null = null
  readonly relatedPort: number | null = null
  readonly usernameFragment: string | null
  readonly relayProtocol: 'udp' | 'tcp' | 'tls' | null
  readonly url: string | null

  constructor(init: RTCLocalIceCandidateInit = {}) {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = toCandidateInit(init)
    const { relayProtocol, url } = toDictionary(init, 'RTCLocalIceCandidateInit')
    this.relayProtocol =
      relayProtocol === undefined || relayProtocol === null
        ? null
        : toEnum(relayProtocol, RELAY_PROTOCOLS, 'udp', 'RTCIceServerTransportProtocol')
    this.url = url === undefined || url === null ? null : toUSVString(url)
    if (sdpMid === null && sdpMLineIndex === null) throw new TypeError('sdpMid and sdpMLineIndex are both null')
    this.candidate = candidate
    this.sdpMid = sdpMid
    this.sdpMLineIndex = sdpMLineIndex
    this.usernameFragment = usernameFragment

    // What cannot be parsed leaves the derived attributes null and is no error here.
    const parsed = candidate === '' ? undefined : parseCandidate(candidate)
    if (parsed === undefined || parsed.component > 2) return
    this.foundation = parsed.foundation
    this.component = parsed.component === 1 ? 'rtp' : 'rtcp'
    this.priority = parsed.priority
    this.address = parsed.address
    this.protocol = parsed.protocol
    this.port = parsed.port
    this.type = parsed.type
    this.tcpType = parsed.tcpType ?? null
    this.relatedAddress = parsed.relatedAddress ?? null
    this.relatedPort = parsed.relatedPort ?? null
  }

  /** `relayProtocol` and `url` are for local eyes only. */
  toJSON(): Required<RTCIceCandidateInit> {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment }
  }
}

/** Where the candidates of a transport stand in the descriptions. */
export interface CandidateOrigin {
  readonly mid: string
  readonly index: number
  readonly usernameFragment: string
}

/** The agent's candidate as the interface shows it; undefined makes the end-of-candidates indication. */
export function exposeCandidate(candidate: Candidate | undefined, origin: CandidateOrigin): RTCIceCandidate {
  return new RTCIceCandidate({
    candidate: candidate === undefined ? '' : formatCandidate(candidate),
    sdpMid: origin.mid,
    sdpMLineIndex: origin.index,
    usernameFragment: origin.usernameFragment,
    ...(candidate?.url === undefined ? {} : { url: candidate.url }),
    ...(candidate?.relayProtocol === undefined ? {} : { relayProtocol: candidate.relayProtocol }),
  })
}

/** W3C WebRTC 1.0 §5.6.3. */
export class RTCIceCandidatePair {
  readonly #local: RTCIceCandidate
  readonly #remote: RTCIceCandidate

  /** Not for scripts. */
  constructor(token: symbol, local: RTCIceCandidate, remote: RTCIceCandidate) {
    assertInternal(token)
    this.#local = local
    this.#remote = remote
  }

  get local(): RTCIceCandidate {
    return this.#local
  }

  get remote(): RTCIceCandidate {
    return this.#remote
  }
}

export function exposePair(local: RTCIceCandidate, remote: RTCIceCandidate): RTCIceCandidatePair {
  return new RTCIceCandidatePair(INTERNAL, local, remote)
}

defineInterface(RTCIceCandidate, 'RTCIceCandidate')
defineInterface(RTCIceCandidatePair, 'RTCIceCandidatePair', { isInternal: true })

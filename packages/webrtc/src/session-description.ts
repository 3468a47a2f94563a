import { defineInterface } from './interface.ts'
import type { RTCSdpType, RTCSessionDescriptionInit } from './types.ts'
import { toDictionary, toDOMString, toEnum } from './webidl.ts'

export const SDP_TYPES: readonly RTCSdpType[] = ['offer', 'pranswer', 'answer', 'rollback']

/**
 * W3C WebRTC 1.0 §4.6.2. Deviation: `type` and `sdp` are the object's own, writable properties and not getters of the
 * prototype, so that an application may spread, clone or edit a description before it signals it. What an application
 * writes there stays there: the connection never reads it back.
 */
export class RTCSessionDescription {
  type: RTCSdpType
  sdp: string

  constructor(init: RTCSessionDescriptionInit) {
    const { type, sdp } = toDescriptionInit(init)
    this.type = type
    this.sdp = sdp
  }

  toJSON(): { type: RTCSdpType; sdp: string } {
    return { type: this.type, sdp: this.sdp }
  }
}

defineInterface(RTCSessionDescription, 'RTCSessionDescription')

/** Web IDL conversion to `RTCSessionDescriptionInit`. Throws `TypeError`. */
export function toDescriptionInit(value: RTCSessionDescriptionInit): { type: RTCSdpType; sdp: string } {
  const { type, sdp } = toDictionary(value, 'RTCSessionDescriptionInit')
  if (type === undefined) throw new TypeError("RTCSessionDescriptionInit needs 'type'")
  return { type: toEnum(type, SDP_TYPES, 'offer', 'RTCSdpType'), sdp: sdp === undefined ? '' : toDOMString(sdp) }
}

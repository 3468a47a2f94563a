/** What `createDataChannel` is given: first Web IDL's conversion, then the checks of W3C WebRTC 1.0 §6.1. */
import type { DataChannelParameters } from './data-channel-core.ts'
import { utf8Length } from './message-data.ts'
import type { RTCDataChannelInit } from './types.ts'
import { enforceRange, toDictionary, toEnum, toUSVString } from './webidl.ts'

const MAX_TEXT = 65535
const MAX_ID = 65534
export const PRIORITIES = ['very-low', 'low', 'medium', 'high'] as const

/** The label with the members of `RTCDataChannelInit`; null is absent. */
export interface ConvertedInit extends DataChannelParameters {
  readonly id: number | null
}

/** Web IDL conversion, which comes before any step of the method. Throws `TypeError`. */
export function toDataChannelInit(label: unknown, value: RTCDataChannelInit | null | undefined): ConvertedInit {
  const converted = toUSVString(label)
  const init = toDictionary(value, 'RTCDataChannelInit')
  const unsignedShort = (name: 'id' | 'maxPacketLifeTime' | 'maxRetransmits'): number | null => {
    const member = init[name]
    return member === undefined ? null : enforceRange(member, 65535, name)
  }
  return {
    label: converted,
    id: unsignedShort('id'),
    maxPacketLifeTime: unsignedShort('maxPacketLifeTime'),
    maxRetransmits: unsignedShort('maxRetransmits'),
    negotiated: Boolean(init.negotiated),
    ordered: init.ordered === undefined ? true : Boolean(init.ordered),
    priority: toEnum(init.priority, PRIORITIES, 'low', 'RTCPriorityType'),
    protocol: init.protocol === undefined ? '' : toUSVString(init.protocol),
  }
}

/** Throws `TypeError`. */
export function toParameters(init: ConvertedInit): { parameters: DataChannelParameters; id: number | null } {
  const { id: given, ...parameters } = init
  const id = parameters.negotiated ? given : null
  if (utf8Length(parameters.label) > MAX_TEXT) throw new TypeError('The label has more than 65535 bytes')
  if (utf8Length(parameters.protocol) > MAX_TEXT) throw new TypeError('The protocol has more than 65535 bytes')
  if (parameters.negotiated && id === null) throw new TypeError('A negotiated channel needs an id')
  if (parameters.maxPacketLifeTime !== null && parameters.maxRetransmits !== null) {
    throw new TypeError('maxPacketLifeTime and maxRetransmits exclude each other')
  }
  if (id !== null && id > MAX_ID) throw new TypeError('The id 65535 is reserved')
  return { parameters, id }
}

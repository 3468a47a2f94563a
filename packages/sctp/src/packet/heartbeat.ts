import { encodeChunk } from './chunk.ts'
import { HEARTBEAT, HEARTBEAT_ACK } from './types.ts'
import { encodeParameter, forEachParameter, HEARTBEAT_INFO, joinParameters } from '../parameter/parameter.ts'

/** HEARTBEAT (RFC 9260 §3.3.5) with the sender's opaque information. */
export function encodeHeartbeat(info: Uint8Array): Uint8Array {
  return encodeChunk(HEARTBEAT, 0, joinParameters([encodeParameter(HEARTBEAT_INFO, info)]))
}

/** HEARTBEAT ACK (RFC 9260 §3.3.6): the value of the HEARTBEAT comes back unchanged. */
export function encodeHeartbeatAck(heartbeatValue: Uint8Array): Uint8Array {
  return encodeChunk(HEARTBEAT_ACK, 0, heartbeatValue)
}

/** The information of a HEARTBEAT or HEARTBEAT ACK. */
export function parseHeartbeat(packet: Uint8Array, offset: number, length: number): Uint8Array | undefined {
  let info: Uint8Array | undefined
  const whole = forEachParameter(packet.subarray(offset + 4, offset + length), (type, value) => {
    if (type === HEARTBEAT_INFO && info === undefined) info = value
    return true
  })
  return whole ? info : undefined
}

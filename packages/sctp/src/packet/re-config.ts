import { joinParameters } from '../parameter/parameter.ts'
import { encodeChunk } from './chunk.ts'
import { RE_CONFIG } from './types.ts'

/** RE-CONFIG (RFC 6525 §3.1) with encoded re-configuration parameters. */
export function encodeReConfig(parameters: readonly Uint8Array[]): Uint8Array {
  return encodeChunk(RE_CONFIG, 0, joinParameters(parameters))
}

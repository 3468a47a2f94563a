/** `sendEncodings`: W3C WebRTC 1.0 §5.2 (`addTransceiver`) and `setParameters`. */
import { domError } from '../rtc-error.ts'
import { toDictionary, toDOMString, toEnum, toSequence, enforceRange } from '../webidl.ts'
import type { MediaKind, RTCPriorityType, RTCRtpCodec, RTCRtpEncodingParameters } from './types.ts'

/** Layers of a simulcast that a sender may have. */
export const MAX_ENCODINGS = 8
const PRIORITIES: readonly RTCPriorityType[] = ['very-low', 'low', 'medium', 'high']

/** An encoding with its SSRCs. What has no effect on encoded media is kept for its source to read. */
export interface Encoding {
  readonly rid: string | undefined
  readonly ssrc: number
  readonly rtxSsrc: number
  active: boolean
  codec: RTCRtpCodec | undefined
  maxBitrate: number | undefined
  maxFramerate: number | undefined
  scaleResolutionDownBy: number | undefined
  priority: RTCPriorityType
  networkPriority: RTCPriorityType
}

export type EncodingInit = Omit<Encoding, 'ssrc' | 'rtxSsrc'>

const DEFAULTS: EncodingInit = {
  rid: undefined,
  active: true,
  codec: undefined,
  maxBitrate: undefined,
  maxFramerate: undefined,
  scaleResolutionDownBy: undefined,
  priority: 'low',
  networkPriority: 'low',
}

/** Web IDL conversion of one dictionary. Throws `TypeError` and `RangeError`. */
export function toEncoding(value: unknown): EncodingInit {
  const init = toDictionary(value as RTCRtpEncodingParameters, 'RTCRtpEncodingParameters')
  const { rid, active, codec, maxBitrate, maxFramerate, scaleResolutionDownBy, priority, networkPriority } = init
  return {
    rid: rid === undefined ? undefined : toDOMString(rid),
    active: active === undefined ? true : Boolean(active),
    codec: codec === undefined ? undefined : ({ ...toDictionary(codec, 'RTCRtpCodec') } as RTCRtpCodec),
    maxBitrate: maxBitrate === undefined ? undefined : enforceRange(maxBitrate, 0xffffffff, 'maxBitrate'),
    maxFramerate: atLeast(maxFramerate, 0, 'maxFramerate'),
    scaleResolutionDownBy: atLeast(scaleResolutionDownBy, 1, 'scaleResolutionDownBy'),
    priority: toEnum(priority, PRIORITIES, 'low', 'RTCPriorityType'),
    networkPriority: toEnum(networkPriority, PRIORITIES, 'low', 'RTCPriorityType'),
  }
}

function atLeast(value: number | undefined, least: number, what: string): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (!Number.isFinite(number)) throw new TypeError(`${what} is not a finite number`)
  if (number < least) throw new RangeError(`${what} must be at least ${least}`)
  return number
}

/** "Add a transceiver's sendEncodings validation steps". Throws `TypeError`, `OperationError`, `InvalidAccessError`, `RangeError`. */
export function checkSendEncodings(kind: MediaKind, value: unknown): EncodingInit[] {
  const encodings = value === undefined ? [] : toSequence<unknown>(value, 'sendEncodings').map(toEncoding)
  const rids = encodings.map(({ rid }) => rid)
  for (const rid of rids) {
    // RFC 8851 §10, and RFC 8852 §3.1 wants it short.
    if (rid !== undefined && !/^[A-Za-z0-9_-]{1,255}$/.test(rid)) throw new TypeError(`'${rid}' is not a valid rid`)
  }
  if (encodings.length > 1 && rids.includes(undefined)) throw new TypeError('Each of several encodings needs a rid')
  if (rids.some((rid, i) => rid !== undefined && rids.indexOf(rid) !== i)) throw new TypeError('A rid is there twice')
  if (kind === 'audio') return [{ ...(encodings[0] ?? DEFAULTS), rid: undefined, scaleResolutionDownBy: undefined }]
  const kept = encodings.slice(0, MAX_ENCODINGS)
  if (kept.length === 0) return [{ ...DEFAULTS, scaleResolutionDownBy: 1 }]
  // Without a word about scaling the layers halve from the last to the first.
  const isSilent = kept.every(({ scaleResolutionDownBy }) => scaleResolutionDownBy === undefined)
  return kept.map((encoding, i) => ({
    ...encoding,
    scaleResolutionDownBy: isSilent ? 2 ** (kept.length - 1 - i) : (encoding.scaleResolutionDownBy ?? 1),
  }))
}

/** What `getParameters` shows. */
export function exposeEncoding(encoding: Encoding): RTCRtpEncodingParameters {
  const { rid, active, codec, maxBitrate, maxFramerate, scaleResolutionDownBy, priority, networkPriority } = encoding
  return {
    ...(rid === undefined ? {} : { rid }),
    active,
    ...(codec === undefined ? {} : { codec }),
    ...(maxBitrate === undefined ? {} : { maxBitrate }),
    ...(maxFramerate === undefined ? {} : { maxFramerate }),
    ...(scaleResolutionDownBy === undefined ? {} : { scaleResolutionDownBy }),
    priority,
    networkPriority,
  }
}

/** The specification's name for a change that is none of the application's to make. */
export function refuseModification(what: string): never {
  throw domError('InvalidModificationError', what)
}

import { DataChannelError } from './errors.ts'
import { utf8 } from './dcep.ts'

/** The four steps of the W3C's `RTCPriorityType` in numbers (RFC 8831 §6.4, W3C WebRTC Priority §3). */
export const channelPriority: {
  readonly 'very-low': 128
  readonly low: 256
  readonly medium: 512
  readonly high: 1024
} = { 'very-low': 128, low: 256, medium: 512, high: 1024 }

/** Options of a new channel. */
export interface ChannelOptions {
  /** A name for people; up to 65535 bytes of UTF-8. Default ''. */
  label?: string
  /** The application's protocol on the channel (RFC 6455's registry); up to 65535 bytes of UTF-8. Default ''. */
  protocol?: string
  /** Default true. */
  ordered?: boolean
  /** Give a message up after so many retransmissions; 0 sends it once. 0…65535. Excludes `maxPacketLifeTime`. */
  maxRetransmits?: number | undefined
  /** Give a message up after so many ms. 0…65535. Excludes `maxRetransmits`. */
  maxPacketLifeTime?: number | undefined
  /** Both sides agreed on the channel elsewhere and open it with the same `id`. Nothing is announced. Default false. */
  negotiated?: boolean
  /** 0…65534. Needed for `negotiated` channels, chosen by the manager for all others. */
  id?: number | undefined
  /** 0…65535 or a step of the W3C's scale. Default 256. */
  priority?: number | keyof typeof channelPriority
}

/** Options of a manager. */
export interface ManagerOptions {
  /**
   * Our role in the DTLS handshake: the client's channels have even ids, the server's odd ones (RFC 8832 §6). May be
   * set later with `setRole`; until then in-band channels wait.
   */
  role?: DtlsRole
  /** The peer's `a=max-message-size` in bytes; 0 is without limit (RFC 8841 §6.1). Default 65536. */
  maxMessageSize?: number
  /** Open channels that the peer may have created at a time. More are refused. Default 1024. */
  maxIncomingChannels?: number
  /** Bytes of labels and protocols which these may have together. Default 1 MiB. */
  maxIncomingLabelBytes?: number
  /** Bytes kept for streams that have no channel yet. Default 256 KiB. */
  maxHeldBytes?: number
  /** Bytes kept of deprecated partial messages (PPIDs 52 and 54) that are not whole yet. Default 256 KiB. */
  maxPartialBytes?: number
  trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

export type DtlsRole = 'client' | 'server'

/** Options with defaults filled in and checked. */
export interface ChannelParameters {
  readonly label: string
  readonly protocol: string
  readonly ordered: boolean
  readonly maxRetransmits: number | undefined
  readonly maxPacketLifeTime: number | undefined
  readonly negotiated: boolean
  readonly priority: number
}

/** @throws {DataChannelError} `ERR_DATACHANNEL_ARGUMENT` */
export function checkOptions(options: ChannelOptions): ChannelParameters & { readonly id: number | undefined } {
  const { label = '', protocol = '', ordered = true, negotiated = false, id } = options
  const { maxRetransmits, maxPacketLifeTime } = options
  if (utf8(label).length > 65535) throw argument('label has more than 65535 bytes')
  if (utf8(protocol).length > 65535) throw argument('protocol has more than 65535 bytes')
  if (maxRetransmits !== undefined && maxPacketLifeTime !== undefined) {
    throw argument('maxRetransmits and maxPacketLifeTime exclude each other')
  }
  checkInteger('maxRetransmits', maxRetransmits, 65535)
  checkInteger('maxPacketLifeTime', maxPacketLifeTime, 65535)
  // RFC 8832 §6: 65535 is reserved because an INIT cannot ask for 65536 streams.
  checkInteger('id', id, 65534)
  if (negotiated !== (id !== undefined)) throw argument('id belongs to negotiated channels, and they need one')
  const priority = typeof options.priority === 'string' ? channelPriority[options.priority] : (options.priority ?? 256)
  if (priority === undefined) throw argument('priority is not very-low, low, medium or high')
  checkInteger('priority', priority, 65535)
  return { label, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated, priority, id }
}

function checkInteger(name: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= max)) return
  throw argument(`${name} is not an integer from 0 to ${max}`)
}

function argument(message: string): DataChannelError {
  return new DataChannelError('ERR_DATACHANNEL_ARGUMENT', message)
}

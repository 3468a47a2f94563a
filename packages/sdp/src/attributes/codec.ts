import { isToken, parseInteger, splitFirst } from '../text.ts'

/** A payload type of an `m=` line with its `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` lines put together. */
export interface Codec {
  /** 0…127 */
  readonly payloadType: number
  /** Encoding name as written, e.g. `opus`, `VP8`, `rtx`. Names compare without case (RFC 4855 §3). */
  readonly name: string
  /** Hz */
  readonly clockRate: number
  /** Audio channels when written (`opus/48000/2`). */
  readonly channels?: number
  /** The format parameters as written, e.g. `minptime=10;useinbandfec=1`. Several lines are joined with `;`. */
  readonly fmtp?: string
  /** Feedback messages (RFC 4585 §4.2), e.g. `nack`, `nack pli`, `ccm fir`; those given for `*` included. */
  readonly feedback: readonly string[]
}

export interface Rtpmap {
  readonly payloadType: number
  readonly name: string
  readonly clockRate: number
  readonly channels?: number
}

/** `a=rtpmap:96 VP8/90000` (RFC 8866 §6.6) */
export function parseRtpmap(text: string): Rtpmap | undefined {
  const [head, rest] = splitFirst(text)
  const payloadType = parseInteger(head, 127)
  const [encoding, junk] = splitFirst(rest)
  const parts = encoding.split('/')
  const clockRate = parseInteger(parts[1], 0xffffffff)
  if (payloadType === undefined || junk !== '' || !isToken(parts[0]!) || clockRate === undefined) return undefined
  if (parts.length > 3) return undefined
  if (parts.length < 3) return { payloadType, name: parts[0]!, clockRate }
  const channels = parseInteger(parts[2], 255)
  return channels === undefined ? undefined : { payloadType, name: parts[0]!, clockRate, channels }
}

/** `a=fmtp:111 minptime=10` (RFC 8866 §6.15): the format, which is a payload type for RTP, and the rest. */
export function parseFmtp(text: string): { format: string; parameters: string } | undefined {
  const [format, parameters] = splitFirst(text)
  return isToken(format) && parameters !== '' ? { format, parameters } : undefined
}

/** `a=rtcp-fb:96 nack pli` (RFC 4585 §4.2); `*` stands for every payload type. */
export function parseRtcpFeedback(text: string): { payloadType: number | '*'; message: string } | undefined {
  const [head, message] = splitFirst(text)
  const payloadType = head === '*' ? '*' : parseInteger(head, 127)
  return payloadType === undefined || message === '' ? undefined : { payloadType, message }
}

/**
 * Takes `name=value;name=value` apart. Names are lower-cased, a parameter without `=` has the value ''.
 * Later duplicates win.
 */
export function parseFormatParameters(fmtp: string | undefined): Map<string, string> {
  const result = new Map<string, string>()
  if (fmtp === undefined) return result
  for (const part of fmtp.split(';')) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    if (name !== '') result.set(name, equals < 0 ? '' : part.slice(equals + 1).trim())
  }
  return result
}

/** Payload types that need no `a=rtpmap` (RFC 3551 §6, tables 4 and 5). */
export const staticPayloadTypes: ReadonlyMap<number, Rtpmap> = new Map(
  (
    [
      [0, 'PCMU', 8000, 1],
      [3, 'GSM', 8000, 1],
      [4, 'G723', 8000, 1],
      [5, 'DVI4', 8000, 1],
      [6, 'DVI4', 16000, 1],
      [7, 'LPC', 8000, 1],
      [8, 'PCMA', 8000, 1],
      [9, 'G722', 8000, 1],
      [10, 'L16', 44100, 2],
      [11, 'L16', 44100, 1],
      [12, 'QCELP', 8000, 1],
      [13, 'CN', 8000, 1],
      [14, 'MPA', 90000, undefined],
      [15, 'G728', 8000, 1],
      [16, 'DVI4', 11025, 1],
      [17, 'DVI4', 22050, 1],
      [18, 'G729', 8000, 1],
      [25, 'CelB', 90000, undefined],
      [26, 'JPEG', 90000, undefined],
      [28, 'nv', 90000, undefined],
      [31, 'H261', 90000, undefined],
      [32, 'MPV', 90000, undefined],
      [33, 'MP2T', 90000, undefined],
      [34, 'H263', 90000, undefined],
    ] as const
  ).map(([payloadType, name, clockRate, channels]) => [
    payloadType,
    channels === undefined || channels === 1
      ? { payloadType, name, clockRate }
      : { payloadType, name, clockRate, channels },
  ]),
)

/** The lines of one codec, in the order browsers write them. */
export function codecLines(codec: Codec): [name: string, value: string][] {
  const channels = codec.channels === undefined ? '' : `/${codec.channels}`
  const lines: [string, string][] = [['rtpmap', `${codec.payloadType} ${codec.name}/${codec.clockRate}${channels}`]]
  for (const message of codec.feedback) lines.push(['rtcp-fb', `${codec.payloadType} ${message}`])
  if (codec.fmtp !== undefined && codec.fmtp !== '') lines.push(['fmtp', `${codec.payloadType} ${codec.fmtp}`])
  return lines
}

import { attributeValue, type Line } from '../line.ts'
import { isWord, parseInteger, parseReal, splitFirst } from '../text.ts'
import { parseCandidate } from './candidate.ts'
import { parseFmtp, parseRtcpFeedback, parseRtpmap } from './codec.ts'
import { parseExtmap, parseMsid, parseRtcp, parseSsrc, parseSsrcGroup } from './rtp.ts'
import { isIceText, parseFingerprint, parseGroup, parseSctpmap, parseSetup } from './transport.ts'

/** Undefined or false from a check means malformed. */
type Check = (value: string) => unknown

// The attributes that RFC 9429 §5.8 names. `rid` and `simulcast` are missing on purpose: a malformed one is discarded
// and the description stands (RFC 8851 §6.2, RFC 8853 §5.3.2).
const valued: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['group', parseGroup],
  ['ice-ufrag', (v) => isIceText(v, 4)], // RFC 8839 §5.4
  ['ice-pwd', (v) => isIceText(v, 22)],
  ['ice-options', (v) => v.trim() !== ''],
  ['candidate', parseCandidate],
  ['fingerprint', parseFingerprint],
  ['setup', parseSetup],
  ['tls-id', isWord],
  ['identity', (v) => isWord(splitFirst(v)[0])],
  ['mid', isWord],
  ['extmap', parseExtmap],
  ['rtpmap', parseRtpmap],
  ['fmtp', parseFmtp],
  ['rtcp-fb', parseRtcpFeedback],
  ['rtcp', parseRtcp],
  ['ptime', parseReal],
  ['maxptime', parseReal],
  ['ssrc', parseSsrc],
  ['ssrc-group', parseSsrcGroup],
  ['msid', parseMsid],
  ['sctpmap', parseSctpmap],
  ['sctp-port', (v) => parseInteger(v.trim(), 65535) !== undefined],
  ['max-message-size', (v) => parseInteger(v.trim()) !== undefined],
])

/** Attributes without a value. */
const bare: ReadonlySet<string> = new Set([
  'sendrecv',
  'sendonly',
  'recvonly',
  'inactive',
  'rtcp-mux',
  'rtcp-mux-only',
  'rtcp-rsize',
  'bundle-only',
  'end-of-candidates',
  'ice-lite',
  'extmap-allow-mixed',
])

/** What is wrong with an `a=` line, or undefined. Unknown attributes are never wrong (RFC 8866 §5.13). */
export function attributeProblem(line: Line, media: boolean): string | undefined {
  const { name } = line
  if (name === '') return 'an attribute without a name'
  if (name.length === line.value.length) return valued.has(name) ? `"a=${name}" has no value` : undefined
  if (bare.has(name)) return attributeValue(line).trim() === '' ? undefined : `"a=${name}" takes no value`
  const check = valued.get(name)
  if (check === undefined) return undefined
  if (name === 'mid' && !media) return '"a=mid" belongs below an "m=" line'
  const result = check(attributeValue(line))
  return result === undefined || result === false ? `malformed "a=${name}"` : undefined
}

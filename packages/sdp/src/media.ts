import { formatCandidate, parseCandidate, type Candidate } from './attributes/candidate.ts'
import {
  codecLines,
  parseFmtp,
  parseRtcpFeedback,
  parseRtpmap,
  staticPayloadTypes,
  type Codec,
  type Rtpmap,
} from './attributes/codec.ts'
import {
  formatMsid,
  formatRtcp,
  parseMsid,
  parseRtcp,
  parseSsrc,
  parseSsrcGroup,
  type Msid,
  type Rtcp,
  type Ssrc,
  type SsrcGroup,
} from './attributes/rtp.ts'
import {
  formatRid,
  formatSimulcast,
  parseRid,
  parseSimulcast,
  type Rid,
  type Simulcast,
} from './attributes/simulcast.ts'
import { parseSctpmap } from './attributes/transport.ts'
import type { Line } from './line.ts'
import { parsedList, Section } from './section.ts'
import { fields, parseInteger, parseReal } from './text.ts'

/** The fields of `m=` (RFC 8866 §5.14). */
export interface MediaLine {
  /** `audio`, `video`, `application`, … */
  readonly kind: string
  readonly port: number
  /** The number of ports of `m=audio 49170/2`, when written. */
  readonly portCount?: number
  /** `UDP/TLS/RTP/SAVPF`, `UDP/DTLS/SCTP`, … */
  readonly protocol: string
  /** Payload types for RTP, `webrtc-datachannel` for data channels. */
  readonly formats: readonly string[]
}

/** An `m=` line and everything that belongs to it. */
export class MediaSection extends Section {
  protected override readonly parent: Section
  #media: MediaLine | undefined

  /** Sections are made by `parse` and by `SessionDescription.addMedia`. */
  constructor(session: Section, lines: Line[]) {
    super(lines, true)
    this.parent = session
  }

  // -- the m= line

  get mediaLine(): MediaLine {
    this.#media ??= parseMediaLine(this.lines[0]!.value) ?? { kind: '', port: 0, protocol: '', formats: [] }
    return this.#media
  }

  set mediaLine(value: MediaLine) {
    this.setLineAt(0, 'm', formatMediaLine(value))
    this.#media = undefined
  }

  get kind(): string {
    return this.mediaLine.kind
  }

  get port(): number {
    return this.mediaLine.port
  }

  set port(port: number) {
    this.mediaLine = { ...this.mediaLine, port }
  }

  get protocol(): string {
    return this.mediaLine.protocol
  }

  set protocol(protocol: string) {
    this.mediaLine = { ...this.mediaLine, protocol }
  }

  get formats(): readonly string[] {
    return this.mediaLine.formats
  }

  set formats(formats: readonly string[]) {
    this.mediaLine = { ...this.mediaLine, formats }
  }

  get isRtp(): boolean {
    return this.protocol.split('/').includes('RTP')
  }

  get isSctp(): boolean {
    return this.protocol.split('/').includes('SCTP')
  }

  /** Port 0 without `a=bundle-only` (RFC 3264 §6, RFC 9143 §6). */
  get isRejected(): boolean {
    return this.port === 0 && !this.bundleOnly
  }

  /** Port 0 and no `a=bundle-only`: the section is refused or stopped. Its other lines stay. */
  reject(): void {
    this.bundleOnly = false
    this.port = 0
  }

  // -- identification and bundling

  /** `a=mid` (RFC 5888 §4) */
  get mid(): string | undefined {
    return this.attribute('mid')
  }

  set mid(value: string | undefined) {
    this.setText('mid', value)
  }

  /** `a=bundle-only` (RFC 9143 §6) */
  get bundleOnly(): boolean {
    return this.hasAttribute('bundle-only')
  }

  set bundleOnly(value: boolean) {
    this.setFlag('bundle-only', value)
  }

  // -- candidates (RFC 8839 §5.1). `attributes('candidate')` has them as text.

  get candidates(): readonly Candidate[] {
    return parsedList(this.attributes('candidate'), parseCandidate)
  }

  set candidates(list: readonly Candidate[]) {
    this.setAttributes('candidate', list.map(formatCandidate))
  }

  /** Adds a candidate: typed, or text with or without `candidate:` or `a=candidate:` in front. */
  addCandidate(candidate: Candidate | string): void {
    this.addAttribute(
      'candidate',
      typeof candidate === 'string' ? candidate.replace(/^(a=)?candidate:/, '') : formatCandidate(candidate),
    )
  }

  /** `a=end-of-candidates` (RFC 8840 §8.2), here or for the whole session. */
  get endOfCandidates(): boolean {
    return this.inherited('end-of-candidates') !== undefined
  }

  set endOfCandidates(value: boolean) {
    this.setFlag('end-of-candidates', value)
  }

  // -- SCTP (RFC 8841)

  /** `a=sctp-port`; for peers of the draft days the port of `a=sctpmap` or of `m=… DTLS/SCTP 5000`. */
  get sctpPort(): number | undefined {
    const value = this.attribute('sctp-port')
    if (value !== undefined) return parseInteger(value.trim(), 65535)
    if (this.protocol !== 'DTLS/SCTP') return undefined
    const map = this.attribute('sctpmap')
    return map === undefined ? parseInteger(this.formats[0], 65535) : parseSctpmap(map)?.port
  }

  set sctpPort(port: number | undefined) {
    this.setText('sctp-port', port)
  }

  /** `a=max-message-size` in bytes; 0 is without limit, and 65536 holds when it is undefined (RFC 8841 §6.1). */
  get maxMessageSize(): number | undefined {
    return parseInteger(this.attribute('max-message-size')?.trim())
  }

  set maxMessageSize(bytes: number | undefined) {
    this.setText('max-message-size', bytes)
  }

  /** `a=sctp-init`: the peer's INIT chunk in base64, as Chromium offers it to save a round trip (draft-hancke-tsvwg-snap). */
  get sctpInit(): string | undefined {
    return this.attribute('sctp-init')
  }

  set sctpInit(base64: string | undefined) {
    this.setText('sctp-init', base64)
  }

  // -- RTP

  /** `a=rtcp` (RFC 3605) */
  get rtcp(): Rtcp | undefined {
    const value = this.attribute('rtcp')
    return value === undefined ? undefined : parseRtcp(value)
  }

  set rtcp(value: Rtcp | undefined) {
    this.setText('rtcp', value === undefined ? undefined : formatRtcp(value))
  }

  /** `a=rtcp-mux` (RFC 5761 §5.1.1) */
  get rtcpMux(): boolean {
    return this.hasAttribute('rtcp-mux')
  }

  set rtcpMux(value: boolean) {
    this.setFlag('rtcp-mux', value)
  }

  /** `a=rtcp-mux-only` (RFC 8858) */
  get rtcpMuxOnly(): boolean {
    return this.hasAttribute('rtcp-mux-only')
  }

  set rtcpMuxOnly(value: boolean) {
    this.setFlag('rtcp-mux-only', value)
  }

  /** `a=rtcp-rsize` (RFC 5506 §5) */
  get rtcpReducedSize(): boolean {
    return this.hasAttribute('rtcp-rsize')
  }

  set rtcpReducedSize(value: boolean) {
    this.setFlag('rtcp-rsize', value)
  }

  /** `a=msid` lines (RFC 8830). */
  get msids(): readonly Msid[] {
    return parsedList(this.attributes('msid'), parseMsid)
  }

  set msids(list: readonly Msid[]) {
    this.setAttributes('msid', list.map(formatMsid))
  }

  /**
   * The payload types of the `m=` line in its order (of preference), each with its rtpmap, fmtp and rtcp-fb lines.
   * Static payload types need no rtpmap (RFC 3551); dynamic ones without are left out.
   */
  get codecs(): readonly Codec[] {
    if (!this.isRtp) return []
    const maps = new Map<number, Rtpmap>()
    for (const map of parsedList(this.attributes('rtpmap'), parseRtpmap)) {
      if (!maps.has(map.payloadType)) maps.set(map.payloadType, map)
    }
    const fmtp = new Map<string, string>()
    for (const f of parsedList(this.attributes('fmtp'), parseFmtp)) {
      const before = fmtp.get(f.format)
      fmtp.set(f.format, before === undefined ? f.parameters : `${before};${f.parameters}`)
    }
    const feedback = new Map<number | '*', string[]>()
    for (const f of parsedList(this.attributes('rtcp-fb'), parseRtcpFeedback)) {
      const list = feedback.get(f.payloadType)
      if (list === undefined) feedback.set(f.payloadType, [f.message])
      else list.push(f.message)
    }
    const everywhere = [...new Set(feedback.get('*'))]
    const codecs: Codec[] = []
    for (const format of new Set(this.formats)) {
      const payloadType = parseInteger(format, 127)
      if (payloadType === undefined) continue
      const map = maps.get(payloadType) ?? staticPayloadTypes.get(payloadType)
      if (map === undefined) continue
      const parameters = fmtp.get(format)
      const own = feedback.get(payloadType)
      codecs.push({
        ...map,
        ...(parameters === undefined ? undefined : { fmtp: parameters }),
        feedback: own === undefined ? everywhere : [...new Set([...everywhere, ...own])],
      })
    }
    return codecs
  }

  /** Rewrites the formats of the `m=` line and all rtpmap, fmtp and rtcp-fb lines. */
  set codecs(codecs: readonly Codec[]) {
    this.formats = codecs.map((codec) => String(codec.payloadType))
    this.replaceAttributes(['rtpmap', 'fmtp', 'rtcp-fb'], codecs.flatMap(codecLines))
  }

  /** `a=ssrc` lines put together by source, in the order of their first line (RFC 5576). */
  get ssrcs(): readonly Ssrc[] {
    const sources = new Map<number, { name: string; value?: string }[]>()
    for (const { ssrc, name, value } of parsedList(this.attributes('ssrc'), parseSsrc)) {
      const entry = value === undefined ? { name } : { name, value }
      const list = sources.get(ssrc)
      if (list === undefined) sources.set(ssrc, [entry])
      else list.push(entry)
    }
    return Array.from(sources, ([ssrc, attributes]) => ({ ssrc, attributes }))
  }

  set ssrcs(list: readonly Ssrc[]) {
    this.setAttributes(
      'ssrc',
      list.flatMap((s) =>
        s.attributes.map((a) => `${s.ssrc} ${a.value === undefined ? a.name : `${a.name}:${a.value}`}`),
      ),
    )
  }

  /** `a=ssrc-group` lines (RFC 5576 §4.2). */
  get ssrcGroups(): readonly SsrcGroup[] {
    return parsedList(this.attributes('ssrc-group'), parseSsrcGroup)
  }

  set ssrcGroups(list: readonly SsrcGroup[]) {
    this.setAttributes(
      'ssrc-group',
      list.map((g) => `${g.semantics} ${g.ssrcs.join(' ')}`),
    )
  }

  /** `a=rid` lines (RFC 8851). */
  get rids(): readonly Rid[] {
    return parsedList(this.attributes('rid'), parseRid)
  }

  set rids(list: readonly Rid[]) {
    this.setAttributes('rid', list.map(formatRid))
  }

  /** `a=simulcast` (RFC 8853). */
  get simulcast(): Simulcast | undefined {
    const value = this.attribute('simulcast')
    return value === undefined ? undefined : parseSimulcast(value)
  }

  set simulcast(value: Simulcast | undefined) {
    this.setText('simulcast', value === undefined ? undefined : formatSimulcast(value))
  }

  /** `a=framerate` in frames per second (RFC 8866 §6.11) */
  get framerate(): number | undefined {
    return parseReal(this.attribute('framerate'))
  }

  set framerate(perSecond: number | undefined) {
    this.setText('framerate', perSecond)
  }

  /** `a=ptime` in ms (RFC 8866 §6.4) */
  get ptime(): number | undefined {
    return parseReal(this.attribute('ptime'))
  }

  set ptime(ms: number | undefined) {
    this.setText('ptime', ms)
  }

  /** `a=maxptime` in ms (RFC 8866 §6.5) */
  get maxptime(): number | undefined {
    return parseReal(this.attribute('maxptime'))
  }

  set maxptime(ms: number | undefined) {
    this.setText('maxptime', ms)
  }
}

export function parseMediaLine(text: string): MediaLine | undefined {
  const [kind, ports, protocol, ...formats] = fields(text)
  if (kind === undefined || ports === undefined || protocol === undefined || formats.length === 0) return undefined
  const slash = ports.indexOf('/')
  const port = parseInteger(slash < 0 ? ports : ports.slice(0, slash), 65535)
  if (port === undefined) return undefined
  if (slash < 0) return { kind, port, protocol, formats }
  const portCount = parseInteger(ports.slice(slash + 1), 65535)
  return portCount === undefined ? undefined : { kind, port, portCount, protocol, formats }
}

function formatMediaLine(m: MediaLine): string {
  const count = m.portCount === undefined ? '' : `/${m.portCount}`
  return `${m.kind} ${m.port}${count} ${m.protocol} ${m.formats.join(' ')}`
}

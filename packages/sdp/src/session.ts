import { parseGroup, type Connection, type Group } from './attributes/transport.ts'
import { makeLine, type Line } from './line.ts'
import { MediaSection, type MediaLine } from './media.ts'
import { print } from './print.ts'
import { parsedList, Section } from './section.ts'
import { fields, isToken, isWord, parseInteger } from './text.ts'

/** `o=` (RFC 8866 §5.2) */
export interface Origin {
  /** `-` when the user is not named. */
  readonly username: string
  /** Digits; text because it has up to 64 bits. */
  readonly sessionId: string
  /** Digits; grows with every changed description. */
  readonly sessionVersion: string
  readonly netType: string
  readonly addressType: string
  readonly address: string
}

/** Options of a new description. */
export interface SessionOptions {
  /** Fields of `o=`; `- <random> 0 IN IP4 127.0.0.1` by default, as browsers write it (RFC 9429 §5.2.1). */
  origin?: Partial<Origin>
  /** `s=`, `-` by default. */
  name?: string
}

/** A whole session description: the session level's lines and the media sections below it. */
export class SessionDescription extends Section {
  protected override readonly parent: undefined
  #media: MediaSection[] = []
  /** Dropped by every change of a section. */
  #byMid: Map<string, MediaSection> | undefined

  /**
   * Starts a new description with `v=`, `o=`, `s=` and `t=0 0`.
   * @throws {SdpError} `ERR_SDP_VALUE` for a value with a line break in it
   */
  constructor(options: SessionOptions = {}) {
    super([makeLine('v', '0'), makeLine('o', ''), makeLine('s', '-'), makeLine('t', '0 0')], false)
    this.origin = {
      username: '-',
      sessionId: options.origin?.sessionId ?? randomSessionId(),
      sessionVersion: '0',
      netType: 'IN',
      addressType: 'IP4',
      address: '127.0.0.1',
      ...options.origin,
    }
    if (options.name !== undefined) this.setLines('s', [options.name])
  }

  /** The text, byte for byte what was parsed where nothing was changed. */
  override toString(): string {
    return print(this)
  }

  /** The media sections in their order, which never changes during a session (RFC 3264 §8). */
  get media(): readonly MediaSection[] {
    return this.#media
  }

  /** Appends a section: an `m=` line and `c=IN IP4 0.0.0.0` (or what is given; null for none). */
  addMedia(
    media: MediaLine,
    connection: Connection | null = { netType: 'IN', addressType: 'IP4', address: '0.0.0.0' },
  ): MediaSection {
    const section = new MediaSection(this, [makeLine('m', '')])
    section.mediaLine = media
    if (connection !== null) section.connection = connection
    this.#media.push(section)
    this.#byMid = undefined
    return section
  }

  /** Appends a copy of a section, of this or another description. What it inherited there is not copied. */
  addMediaCopy(source: MediaSection): MediaSection {
    const lines = source.lines.map((line) => makeLine(line.type, line.value))
    const section = new MediaSection(this, lines)
    this.#media.push(section)
    this.#byMid = undefined
    return section
  }

  /** The first section with that `a=mid`. */
  mediaByMid(mid: string): MediaSection | undefined {
    if (this.#byMid === undefined) {
      this.#byMid = new Map()
      for (const section of this.#media) {
        if (section.mid !== undefined && !this.#byMid.has(section.mid)) this.#byMid.set(section.mid, section)
      }
    }
    return this.#byMid.get(mid)
  }

  // -- session level

  /** `o=`; undefined when missing or malformed, which `parse` lets through only when lenient. */
  get origin(): Origin | undefined {
    const value = this.line('o')
    return value === undefined ? undefined : parseOrigin(value)
  }

  set origin(o: Origin) {
    this.setLines('o', [`${o.username} ${o.sessionId} ${o.sessionVersion} ${o.netType} ${o.addressType} ${o.address}`])
  }

  /** `s=` */
  get name(): string | undefined {
    return this.line('s')
  }

  set name(value: string) {
    this.setLines('s', [value])
  }

  /** `a=group` lines (RFC 5888 §5). */
  get groups(): readonly Group[] {
    return this.parsed('group', () => parsedList(this.attributes('group'), parseGroup))
  }

  set groups(list: readonly Group[]) {
    this.setAttributes(
      'group',
      list.map((g) => [g.semantics, ...g.mids].join(' ')),
    )
  }

  /** The BUNDLE group that a mid is in (RFC 9143 §5). */
  bundleOf(mid: string): Group | undefined {
    const byMid = this.parsed('bundle', () => {
      const map = new Map<string, Group>()
      for (const group of this.groups) {
        if (group.semantics !== 'BUNDLE') continue
        for (const one of group.mids) if (!map.has(one)) map.set(one, group)
      }
      return map
    })
    return byMid.get(mid)
  }

  /** `a=ice-lite` (RFC 8839 §5.3) */
  get iceLite(): boolean {
    return this.hasAttribute('ice-lite')
  }

  set iceLite(value: boolean) {
    this.setFlag('ice-lite', value)
  }

  /** `a=ice-pacing` in ms (RFC 8839 §5.5): the Ta that the sender proposes; 50 holds when it is undefined. */
  get icePacing(): number | undefined {
    return parseInteger(this.attribute('ice-pacing')?.trim(), 9_999_999_999)
  }

  set icePacing(ms: number | undefined) {
    this.setText('ice-pacing', ms)
  }

  /** `a=identity` lines (RFC 8827 §5), as written. */
  get identities(): readonly string[] {
    return this.attributes('identity')
  }

  set identities(list: readonly string[]) {
    this.setAttributes('identity', list)
  }

  protected override sectionChanged(): void {
    this.#byMid = undefined
  }

  /** For the parser: a description of lines as they are. */
  static fromLines(session: Line[], media: Line[][]): SessionDescription {
    const description = new SessionDescription({ origin: { sessionId: '0' } })
    description.adopt(session)
    description.#media = media.map((lines) => new MediaSection(description, lines))
    return description
  }
}

/** `- 8845082108989755154 2 IN IP4 127.0.0.1` */
export function parseOrigin(text: string): Origin | undefined {
  const parts = fields(text)
  if (parts.length !== 6 || !parts.every(isWord)) return undefined
  const [username, sessionId, sessionVersion, netType, addressType, address] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  if (!isDigits(sessionId) || !isDigits(sessionVersion) || !isToken(netType) || !isToken(addressType)) return undefined
  return { username, sessionId, sessionVersion, netType, addressType, address }
}

export function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 48 || text.charCodeAt(i) > 57) return false
  return text.length > 0
}

/** RFC 9429 §5.2.1: a random 64-bit number whose highest bit is zero. */
function randomSessionId(): string {
  const words = crypto.getRandomValues(new Uint32Array(2))
  return ((BigInt(words[0]! & 0x7fffffff) << 32n) | BigInt(words[1]!)).toString()
}

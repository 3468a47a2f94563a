import {
  parseConnection,
  parseFingerprint,
  parseSetup,
  type Connection,
  type Fingerprint,
  type Setup,
} from './attributes/transport.ts'
import { formatExtmap, isDirection, parseExtmap, type Direction, type Extmap } from './attributes/rtp.ts'
import { SdpError } from './error.ts'
import { attributeValue, isLineValue, makeLine, type Line } from './line.ts'
import { attributePosition, typePosition } from './order.ts'
import { fields, parseInteger } from './text.ts'

/** `b=` (RFC 8866 §5.8), e.g. `AS` in kbit/s or `TIAS` in bit/s (RFC 3890). */
export interface Bandwidth {
  readonly type: string
  readonly value: number
}

const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

/**
 * What the session level and a media section have in common: lines in their order, attributes by name, and the typed
 * attributes that may stand at either level.
 *
 * Reading never changes a line. A setter rewrites only the lines it names: the first keeps its place, further ones of
 * the same name go away, and a value that was not there before is put where browsers put it. Setting `undefined` or an
 * empty list removes. A value with a line break throws {@link SdpError} `ERR_SDP_VALUE`.
 */
export abstract class Section {
  #lines: Line[]
  /** Attribute lines by name; dropped by every change. */
  #index: Map<string, Line[]> | undefined
  /** Parsed values that sections below ask for again and again; dropped by every change. */
  #parsed: Map<string, unknown> | undefined
  readonly #media: boolean

  protected constructor(lines: Line[], media: boolean) {
    this.#lines = lines
    this.#media = media
  }

  /** The session level that this section inherits from; undefined for the session itself. */
  protected abstract readonly parent: Section | undefined

  /** All lines in the order they are printed. */
  get lines(): readonly Line[] {
    return this.#lines
  }

  /** The value of the first `a=name:value`, '' for a bare `a=name`, undefined when there is none. This level only. */
  attribute(name: string): string | undefined {
    const line = this.#attributes(name)?.[0]
    return line === undefined ? undefined : attributeValue(line)
  }

  /** The values of all `a=name` lines of this level in order. */
  attributes(name: string): string[] {
    return this.#attributes(name)?.map(attributeValue) ?? []
  }

  hasAttribute(name: string): boolean {
    return this.#attributes(name) !== undefined
  }

  /** Puts `a=name` (`value` undefined) or `a=name:value` in the place of all lines of that name. */
  setAttribute(name: string, value?: string): void {
    this.#replace([name], [[name, value]])
  }

  /** Puts one line per value in the place of all lines of that name. */
  setAttributes(name: string, values: readonly string[]): void {
    this.#replace(
      [name],
      values.map((value) => [name, value]),
    )
  }

  /** Adds a line behind the last of the same name. */
  addAttribute(name: string, value?: string): void {
    const line = attributeLine(name, value)
    let at = -1
    for (let i = this.#lines.length - 1; i >= 0 && at < 0; i--) if (this.#lines[i]!.name === name) at = i + 1
    this.#lines.splice(at >= 0 ? at : attributePosition(this.#lines, name), 0, line)
    this.#changed()
  }

  removeAttribute(name: string): void {
    this.#replace([name], [])
  }

  /** The value of the first `type=` line (`c`, `i`, …), undefined when there is none. */
  line(type: string): string | undefined {
    return this.#lines.find((line) => line.type === type)?.value
  }

  /** Puts one `type=` line per value in the place of all lines of that type. */
  setLines(type: string, values: readonly string[]): void {
    const lines = values.map((value) => checkedLine(type, value))
    let at = this.#lines.findIndex((line) => line.type === type)
    const kept = this.#lines.filter((line) => line.type !== type)
    if (at < 0) at = typePosition(kept, type, this.#media)
    this.#setLines(insert(kept, at, lines))
  }

  // -- connection data and bandwidth

  /** `c=` of this level (RFC 8866 §5.7); a media section without one takes the session's. */
  get connection(): Connection | undefined {
    const value = this.line('c')
    return value === undefined ? this.parent?.connection : parseConnection(value)
  }

  set connection(c: Connection | undefined) {
    this.setLines('c', c === undefined ? [] : [`${c.netType} ${c.addressType} ${c.address}`])
  }

  /** `b=` lines of this level. */
  get bandwidths(): readonly Bandwidth[] {
    const result: Bandwidth[] = []
    for (const line of this.#lines) {
      if (line.type !== 'b') continue
      const parsed = parseBandwidth(line.value)
      if (parsed !== undefined) result.push(parsed)
    }
    return result
  }

  set bandwidths(list: readonly Bandwidth[]) {
    this.setLines(
      'b',
      list.map((b) => `${b.type}:${b.value}`),
    )
  }

  // -- ICE (RFC 8839)

  /** `a=ice-ufrag`, of the session when the section has none (RFC 8839 §5.4). */
  get iceUfrag(): string | undefined {
    return this.inherited('ice-ufrag')
  }

  set iceUfrag(value: string | undefined) {
    this.#setOptional('ice-ufrag', value)
  }

  /** `a=ice-pwd`, of the session when the section has none (RFC 8839 §5.4). */
  get icePwd(): string | undefined {
    return this.inherited('ice-pwd')
  }

  set icePwd(value: string | undefined) {
    this.#setOptional('ice-pwd', value)
  }

  /** `a=ice-options` of this level and, for a media section, of the session (RFC 8839 §5.6). */
  get iceOptions(): readonly string[] {
    const own = this.parsed('ice-options', () => [...new Set(this.attributes('ice-options').flatMap(fields))])
    const above = this.parent?.iceOptions ?? []
    return above.length === 0 ? own : [...new Set([...above, ...own])]
  }

  set iceOptions(options: readonly string[]) {
    this.#setOptional('ice-options', options.length === 0 ? undefined : options.join(' '))
  }

  // -- DTLS (RFC 8122, 8842)

  /** `a=fingerprint` lines; those of the session when the section has none (RFC 8122 §5). */
  get fingerprints(): readonly Fingerprint[] {
    if (!this.hasAttribute('fingerprint')) return this.parent?.fingerprints ?? []
    return this.parsed('fingerprint', () => parsedList(this.attributes('fingerprint'), parseFingerprint))
  }

  set fingerprints(list: readonly Fingerprint[]) {
    this.setAttributes(
      'fingerprint',
      list.map((f) => `${f.algorithm} ${f.value}`),
    )
  }

  /** `a=setup`, of the session when the section has none (RFC 4145 §4). */
  get setup(): Setup | undefined {
    const value = this.inherited('setup')
    return value === undefined ? undefined : parseSetup(value)
  }

  set setup(value: Setup | undefined) {
    this.#setOptional('setup', value)
  }

  /** `a=tls-id` (RFC 8842 §4) */
  get tlsId(): string | undefined {
    return this.inherited('tls-id')
  }

  set tlsId(value: string | undefined) {
    this.#setOptional('tls-id', value)
  }

  // -- media at either level

  /** `a=sendrecv` and its three sisters; the session's, and `sendrecv` when nothing is said (RFC 8866 §6.7). */
  get direction(): Direction {
    const own = this.parsed('direction', () => this.#lines.find((line) => isDirection(line.name))?.name)
    return isDirection(own) ? own : (this.parent?.direction ?? 'sendrecv')
  }

  set direction(value: Direction) {
    this.#replace(directions, [[value, undefined]])
  }

  /** `a=extmap` lines; a media section also has those of the session (RFC 8285 §5). */
  get extmaps(): readonly Extmap[] {
    const own = this.parsed('extmap', () => parsedList(this.attributes('extmap'), parseExtmap))
    const above = this.parent?.extmaps ?? []
    return above.length === 0 ? own : [...above, ...own]
  }

  set extmaps(list: readonly Extmap[]) {
    this.setAttributes('extmap', list.map(formatExtmap))
  }

  /** `a=extmap-allow-mixed`; given for the session it holds for every section (RFC 8285 §6). */
  get extmapAllowMixed(): boolean {
    return this.hasAttribute('extmap-allow-mixed') || (this.parent?.extmapAllowMixed ?? false)
  }

  set extmapAllowMixed(value: boolean) {
    this.setFlag('extmap-allow-mixed', value)
  }

  // -- for subclasses

  /** A section below has changed. */
  protected sectionChanged(): void {}

  /** A value of this level alone, made once until the level changes. */
  protected parsed<T>(name: string, make: () => T): T {
    this.#parsed ??= new Map()
    if (!this.#parsed.has(name)) this.#parsed.set(name, make())
    return this.#parsed.get(name) as T
  }

  /** The attribute of this level or, failing that, of the session. */
  protected inherited(name: string): string | undefined {
    return this.attribute(name) ?? this.parent?.attribute(name)
  }

  protected setFlag(name: string, value: boolean): void {
    if (value !== this.hasAttribute(name)) this.#replace([name], value ? [[name, undefined]] : [])
  }

  protected setText(name: string, value: string | number | undefined): void {
    this.#setOptional(name, value)
  }

  /** Removes all attributes of the given names and puts others where the first of them stood. */
  protected replaceAttributes(
    names: readonly string[],
    entries: readonly (readonly [string, string | undefined])[],
  ): void {
    this.#replace(names, entries)
  }

  /** Takes lines over as they are, for the parser. */
  protected adopt(lines: Line[]): void {
    this.#setLines(lines)
  }

  /** Replaces the line at an index. */
  protected setLineAt(index: number, type: string, value: string): void {
    const old = this.#lines[index]
    const line = checkedLine(type, value)
    this.#lines[index] = { ...line, eol: old?.eol }
    this.#changed()
  }

  #setOptional(name: string, value: string | number | undefined): void {
    this.#replace([name], value === undefined ? [] : [[name, String(value)]])
  }

  #attributes(name: string): Line[] | undefined {
    this.#index ??= indexAttributes(this.#lines)
    return this.#index.get(name)
  }

  #replace(names: readonly string[], entries: readonly (readonly [string, string | undefined])[]): void {
    const lines = entries.map(([name, value]) => attributeLine(name, value))
    const kept: Line[] = []
    let at = -1
    for (const line of this.#lines) {
      if (line.type === 'a' && names.includes(line.name)) {
        if (at < 0) at = kept.length
      } else kept.push(line)
    }
    if (at < 0 && lines.length > 0) at = attributePosition(kept, lines[0]!.name)
    this.#setLines(insert(kept, at, lines))
  }

  #setLines(lines: Line[]): void {
    this.#lines = lines
    this.#changed()
  }

  #changed(): void {
    this.#index = undefined
    this.#parsed = undefined
    this.parent?.sectionChanged()
  }
}

function insert(lines: Line[], at: number, added: readonly Line[]): Line[] {
  return added.length === 0 ? lines : lines.slice(0, at).concat(added, lines.slice(at))
}

function indexAttributes(lines: readonly Line[]): Map<string, Line[]> {
  const index = new Map<string, Line[]>()
  for (const line of lines) {
    if (line.type !== 'a') continue
    const list = index.get(line.name)
    if (list === undefined) index.set(line.name, [line])
    else list.push(line)
  }
  return index
}

function attributeLine(name: string, value: string | undefined): Line {
  if (name === '' || name.includes(':'))
    throw new SdpError('ERR_SDP_VALUE', 'an attribute name has at least one letter and no colon')
  return checkedLine('a', value === undefined ? name : `${name}:${value}`)
}

function checkedLine(type: string, value: string): Line {
  if (type.length !== 1) throw new SdpError('ERR_SDP_VALUE', 'a line type is one letter')
  if (!isLineValue(value)) throw new SdpError('ERR_SDP_VALUE', `a line break or NUL cannot stand in a "${type}=" line`)
  return makeLine(type, value)
}

/** `AS:512` (RFC 8866 §5.8) */
export function parseBandwidth(text: string): Bandwidth | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0) return undefined
  const value = parseInteger(text.slice(colon + 1).trim())
  return value === undefined ? undefined : { type: text.slice(0, colon), value }
}

/** Every value that parses; what does not is left to the syntax check of `parse`. */
export function parsedList<T>(values: readonly string[], parse: (text: string) => T | undefined): T[] {
  const result: T[] = []
  for (const value of values) {
    const parsed = parse(value)
    if (parsed !== undefined) result.push(parsed)
  }
  return result
}

// The grammar that RFC 9429 §5.8 has every line checked against before any of it is used.

import { isLineValue, type Line } from './line.ts'
import { attributeProblem } from './attributes/syntax.ts'
import { parseMediaLine } from './media.ts'
import { parseBandwidth } from './section.ts'
import { isDigits, parseOrigin } from './session.ts'
import { parseConnection } from './attributes/transport.ts'
import { fields } from './text.ts'

export interface SyntaxProblem {
  /** 0: behind the last line. */
  readonly line: number
  readonly reason: string
}

/** RFC 8866 §5: the order of types at the session level. Each may be missing but v, o, s and t. */
const order = 'vosiuepcbtrzka'
const repeatable = 'epbtra'

/** Attributes that a level has once; said twice with different values, nobody knows which is meant. */
const single: ReadonlySet<string> = new Set([
  'mid',
  'ice-ufrag',
  'ice-pwd',
  'setup',
  'tls-id',
  'sctp-port',
  'max-message-size',
])

/** The first thing wrong with a description, or undefined. */
export function checkSession(session: readonly Line[], media: readonly (readonly Line[])[]): SyntaxProblem | undefined {
  const last = media[media.length - 1] ?? session
  const problem = checkOrder(session) ?? checkLevel(session, false, last)
  if (problem !== undefined) return problem
  for (const section of media) {
    const found = checkLevel(section, true, last)
    if (found !== undefined) return found
  }
  return undefined
}

function checkOrder(lines: readonly Line[]): SyntaxProblem | undefined {
  if (lines[0]?.type !== 'v') return { line: 1, reason: 'a description starts with "v=0"' }
  let rank = -1
  let previous = ''
  for (const line of lines) {
    const at = line.type === '' ? -1 : order.indexOf(line.type)
    if (at < 0) continue
    // r= and z= belong to the t= before them, so a second t= may follow them.
    const again = line.type === 't' && (previous === 'r' || previous === 't' || previous === 'z')
    if (at < rank && !again) return { line: line.number, reason: `"${line.type}=" stands too late` }
    if (at === rank && !repeatable.includes(line.type)) {
      return { line: line.number, reason: `a second "${line.type}=" line` }
    }
    for (let missing = rank + 1; missing < at; missing++) {
      if ('vost'.includes(order[missing]!))
        return { line: line.number, reason: `"${order[missing]}=" is missing before` }
    }
    rank = at
    previous = line.type
  }
  for (let missing = rank + 1; missing < order.length; missing++) {
    if ('vost'.includes(order[missing]!)) return { line: 0, reason: `"${order[missing]}=" is missing` }
  }
  return undefined
}

function checkLevel(lines: readonly Line[], media: boolean, last: readonly Line[]): SyntaxProblem | undefined {
  const seen = new Map<string, string>()
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.type === '') {
      if (lines === last && isBlankFrom(lines, i)) return undefined
      return {
        line: line.number,
        reason: line.value === '' ? 'an empty line' : 'the line is not of the form "x=value"',
      }
    }
    const reason = lineProblem(line, media)
    if (reason !== undefined) return { line: line.number, reason }
    if (line.type === 'a' && single.has(line.name)) {
      const before = seen.get(line.name)
      if (before !== undefined && before !== line.value) {
        return { line: line.number, reason: `a second "a=${line.name}" that contradicts the first` }
      }
      seen.set(line.name, line.value)
    }
  }
  return undefined
}

/** Empty lines behind the end are what copying and pasting leaves; they are kept and excused. */
function isBlankFrom(lines: readonly Line[], from: number): boolean {
  for (let i = from; i < lines.length; i++) if (lines[i]!.type !== '' || lines[i]!.value !== '') return false
  return true
}

function lineProblem(line: Line, media: boolean): string | undefined {
  const { type, value } = line
  if (!isLineValue(value)) return 'a carriage return or NUL within the line'
  switch (type) {
    case 'v':
      return value === '0' && !media ? undefined : 'the version is not 0' // RFC 8866 §5.1
    case 'o':
      return parseOrigin(value) === undefined ? 'malformed "o="' : undefined
    case 'm':
      return parseMediaLine(value) === undefined ? 'malformed "m="' : undefined
    case 'c':
      return parseConnection(value) === undefined ? 'malformed "c="' : undefined
    case 'b':
      return parseBandwidth(value) === undefined ? 'malformed "b="' : undefined
    case 't': {
      const times = fields(value)
      return times.length === 2 && times.every(isDigits) ? undefined : 'malformed "t="'
    }
    case 'i':
    case 'u':
    case 'e':
    case 'p':
    case 'r':
    case 'z':
    case 'k':
      return value === '' ? `an empty "${type}="` : undefined
    case 'a':
      return attributeProblem(line, media)
    default:
      return undefined // s= is any text; types not known to RFC 8866 are kept and not understood
  }
}

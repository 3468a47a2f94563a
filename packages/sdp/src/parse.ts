import { makeLine, type Line } from './line.ts'
import { SessionDescription } from './session.ts'
import { checkSession, type SyntaxProblem } from './syntax.ts'

/** Options of {@link parse}. */
export interface ParseOptions {
  /**
   * Accept everything that can be cut into lines, so that it can be read and mended: missing or misplaced `v=`, `o=`,
   * `s=`, `t=` lines, malformed attributes, lines that are not `x=…`, bare attribute fragments (RFC 8840). By default
   * the text must be a well-formed description (RFC 8866 §5, RFC 9429 §5.8).
   */
  lenient?: boolean
  /** Longest accepted text in UTF-16 units, 4 Mi by default. */
  maxLength?: number
  /** Most accepted lines, 100 000 by default. */
  maxLines?: number
  /** Most accepted `m=` lines, 2048 by default. */
  maxMedia?: number
}

/** Why a text is not a session description. */
export interface SdpSyntaxError {
  /** The offending line, counted from 1: the W3C's `sdpLineNumber`. */
  readonly line: number
  /** A sentence for a person, naming the rule. */
  readonly reason: string
}

export type ParseResult =
  | { readonly ok: true; readonly description: SessionDescription }
  | { readonly ok: false; readonly error: SdpSyntaxError }

/**
 * Parses a session description. Undefined when the text is not one; {@link tryParse} also tells why and where.
 * `print` gives back the same text, byte for byte, whatever spacing, order or unknown lines it has.
 * Never throws, and takes time linear in the text.
 */
export function parse(text: string, options?: ParseOptions): SessionDescription | undefined {
  const result = tryParse(text, options)
  return result.ok ? result.description : undefined
}

/** Parses a session description, or says which line is wrong and why. */
export function tryParse(text: string, options: ParseOptions = {}): ParseResult {
  if (text.length > (options.maxLength ?? 4 * 1024 * 1024)) return fail(1, 'the description is too long')
  const maxLines = options.maxLines ?? 100_000
  const maxMedia = options.maxMedia ?? 2048
  const session: Line[] = []
  const media: Line[][] = []
  let current = session
  let number = 0
  for (let start = 0; start < text.length;) {
    if (++number > maxLines) return fail(number, 'the description has too many lines')
    const newline = text.indexOf('\n', start)
    const next = newline < 0 ? text.length : newline + 1
    const end =
      newline < 0 ? text.length : newline > start && text.charCodeAt(newline - 1) === 0x0d ? newline - 1 : newline
    const typed = end - start >= 2 && text.charCodeAt(start + 1) === 0x3d && isLetter(text.charCodeAt(start))
    const line = typed
      ? makeLine(text[start]!, text.slice(start + 2, end), text.slice(end, next), number)
      : makeLine('', text.slice(start, end), text.slice(end, next), number)
    if (line.type === 'm') {
      if (media.length >= maxMedia) return fail(number, 'the description has too many media sections')
      current = []
      media.push(current)
    }
    current.push(line)
    start = next
  }
  const description = SessionDescription.fromLines(session, media)
  if (options.lenient !== true) {
    const problem: SyntaxProblem | undefined = checkSession(session, media)
    if (problem !== undefined) return fail(problem.line || Math.max(1, number), problem.reason)
  }
  return { ok: true, description }
}

function isLetter(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a)
}

function fail(line: number, reason: string): ParseResult {
  return { ok: false, error: { line, reason } }
}

// Small readers shared by the attribute parsers. All are linear in their input and return undefined for what they refuse.

/** A decimal integer without sign, at most `max`. */
export function parseInteger(text: string | undefined, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined || text.length === 0 || text.length > 20) return undefined
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value <= max ? value : undefined
}

/** Fields between runs of spaces; RFC 8866 asks for exactly one, peers are not always so strict. */
export function fields(text: string): string[] {
  const result: string[] = []
  let start = -1
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 0x20
    const blank = c === 0x20 || c === 0x09
    if (blank && start >= 0) {
      result.push(text.slice(start, i))
      start = -1
    } else if (!blank && start < 0) start = i
  }
  return result
}

/** The first field and the rest of the line behind it (without the blanks between). */
export function splitFirst(text: string): [first: string, rest: string] {
  let start = 0
  while (isBlank(text.charCodeAt(start))) start++
  let end = start
  while (end < text.length && !isBlank(text.charCodeAt(end))) end++
  let rest = end
  while (isBlank(text.charCodeAt(rest))) rest++
  return [text.slice(start, end), text.slice(rest)]
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09
}

/** RFC 8866 §9 `token`. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    const ok =
      c === 0x21 ||
      (c >= 0x23 && c <= 0x27) ||
      c === 0x2a ||
      c === 0x2b ||
      c === 0x2d ||
      c === 0x2e ||
      (c >= 0x30 && c <= 0x39) ||
      (c >= 0x41 && c <= 0x5a) ||
      (c >= 0x5e && c <= 0x7e)
    if (!ok) return false
  }
  return true
}

/** Visible characters only: what every single-word value must at least be. */
export function isWord(text: string): boolean {
  if (text.length === 0) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) <= 0x20 || text.charCodeAt(i) === 0x7f) return false
  return true
}

/** RFC 8866 §6.4: `non-zero-int-or-real`. */
export function parseReal(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 32 || !/^\d+(\.\d+)?$/.test(text.trim())) return undefined
  const value = Number(text)
  return value > 0 ? value : undefined
}

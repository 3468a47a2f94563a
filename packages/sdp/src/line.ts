/**
 * One line of a session description as it stood in the text. Lines are immutable; a section replaces them.
 */
export interface Line {
  /** The type letter before `=`. Empty for text that is not of the form `x=…` (kept when parsed leniently). */
  readonly type: string
  /** Everything after `=` up to the line's end. The whole text when `type` is empty. */
  readonly value: string
  /** The attribute's name when the line is `a=name` or `a=name:value`, else empty. */
  readonly name: string
  /** `\r\n`, `\n` or, for a last line without one, empty. Undefined for lines that did not come from text. */
  readonly eol: string | undefined
  /** Where the line stood in the parsed text, counted from 1. 0 for lines that did not come from text. */
  readonly number: number
}

export function makeLine(type: string, value: string, eol?: string, number = 0): Line {
  return { type, value, name: type === 'a' ? attributeName(value) : '', eol, number }
}

export function attributeName(value: string): string {
  const colon = value.indexOf(':')
  return colon < 0 ? value : value.slice(0, colon)
}

/** What follows `name:`; the empty string for a property attribute (`a=rtcp-mux`). */
export function attributeValue(line: Line): string {
  return line.value.slice(line.name.length + 1)
}

export function lineText(line: Line): string {
  return line.type === '' ? line.value : `${line.type}=${line.value}`
}

/** RFC 8866 §9: `byte-string` excludes these, and a value holding one would become two lines when printed. */
export function isLineValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c === 0x0a || c === 0x0d || c === 0x00) return false
  }
  return true
}

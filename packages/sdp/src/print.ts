import { lineText, type Line } from './line.ts'
import type { SessionDescription } from './session.ts'

/**
 * Prints a description. Lines that came from text and were not touched come out as they went in, line ends included;
 * new lines end as the description's first line does, with CRLF (RFC 8866 §5) in a new one.
 */
export function print(description: SessionDescription): string {
  const sections: (readonly Line[])[] = [description.lines]
  for (const section of description.media) sections.push(section.lines)
  let last: Line | undefined
  let defaultEol: string | undefined
  for (const lines of sections) {
    for (const line of lines) {
      if (line.eol !== undefined && line.eol !== '') defaultEol ??= line.eol
      last = line
    }
  }
  defaultEol ??= '\r\n'
  let text = ''
  for (const lines of sections) {
    for (const line of lines) {
      text += lineText(line)
      // A line that ended the text without a break needs one once something stands behind it.
      text += line === last ? (line.eol ?? defaultEol) : line.eol || defaultEol
    }
  }
  return text
}

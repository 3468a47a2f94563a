type FormatParameters = ReadonlyMap<string, string> | undefined

/** Whether two `a=fmtp` say the same. */
export function sameFormatParameters(a: FormatParameters, b: FormatParameters): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.size !== b.size) return false
  for (const [name, value] of a) if (b.get(name) !== value) return false
  return true
}

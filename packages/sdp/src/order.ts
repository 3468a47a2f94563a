import type { Line } from './line.ts'

// Where a new line goes. RFC 8866 §5 fixes the order of types; attributes are free, so new ones follow the order that
// browsers write and people are used to reading.

const sessionTypes = 'vosiuepcbtrzka'
const mediaTypes = 'micbka'

const attributeOrder: ReadonlyMap<string, number> = new Map(
  [
    ['group'],
    ['extmap-allow-mixed'],
    ['msid-semantic'],
    ['ice-lite'],
    ['ice-pacing'],
    ['rtcp'],
    ['candidate'],
    ['end-of-candidates'],
    ['remote-candidates'],
    ['ice-ufrag'],
    ['ice-pwd'],
    ['ice-options'],
    ['identity'],
    ['fingerprint'],
    ['tls-id'],
    ['setup'],
    ['mid'],
    ['bundle-only'],
    ['extmap'],
    ['sendrecv', 'sendonly', 'recvonly', 'inactive'],
    ['msid'],
    ['rtcp-mux'],
    ['rtcp-mux-only'],
    ['rtcp-rsize'],
    ['rtpmap', 'rtcp-fb', 'fmtp'],
    ['framerate'],
    ['ptime'],
    ['maxptime'],
    ['imageattr'],
    ['rid'],
    ['simulcast'],
    ['ssrc-group'],
    ['ssrc'],
    ['sctpmap'],
    ['sctp-port'],
    ['max-message-size'],
    ['sctp-init'],
  ].flatMap((names, rank) => names.map((name) => [name, rank] as const)),
)

/** Index at which a new `type=` line belongs: behind the last line whose type may stand before it or is the same. */
export function typePosition(lines: readonly Line[], type: string, media: boolean): number {
  const order = media ? mediaTypes : sessionTypes
  const rank = order.indexOf(type)
  let position = media ? Math.min(1, lines.length) : 0
  for (let i = 0; i < lines.length; i++) {
    const other = order.indexOf(lines[i]!.type)
    if (other >= 0 && other <= rank) position = i + 1
    else if (other > rank) break
  }
  return position
}

/** Index at which a new attribute belongs: behind the last attribute that comes before it in the usual order. */
export function attributePosition(lines: readonly Line[], name: string): number {
  const rank = attributeOrder.get(name)
  if (rank === undefined) return lines.length
  let first = lines.length
  let position = -1
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.type !== 'a') continue
    if (first === lines.length) first = i
    const other = attributeOrder.get(line.name)
    if (other !== undefined && other <= rank) position = i + 1
  }
  return position >= 0 ? position : first
}

import type { Stats } from './signaling.js'
import type { Side } from './waterfall.js'

/** A row of a table; texts are never read as markup. */
export function row(cells: { text: string; className?: string }[]): HTMLTableRowElement {
  const element = document.createElement('tr')
  for (const { text, className } of cells) {
    const cell = document.createElement('td')
    cell.textContent = text
    if (className !== undefined) cell.className = className
    element.append(cell)
  }
  return element
}

/** Every candidate as it is found, with the side that found it. */
export function addCandidate(table: HTMLElement, side: Side, candidate: RTCIceCandidate): void {
  const address = `${candidate.address ?? '?'}:${candidate.port ?? '?'}`
  table.append(
    row([
      { text: side === 'node' ? 'Node' : 'browser', className: `side-${side}` },
      { text: `${candidate.type ?? '?'} ${candidate.protocol ?? ''}` },
      { text: address, className: 'address' },
      { text: String(candidate.priority ?? ''), className: 'number' },
    ]),
  )
}

/** The candidate pairs of a stats report, the selected one first. Returns how many there are. */
export function showPairs(table: HTMLElement, report: RTCStatsReport): number {
  const byId = new Map<string, Stats>()
  report.forEach((stats: Stats) => byId.set(String(stats.id), stats))
  const all = [...byId.values()]
  const selected = all.find((stats) => stats.type === 'transport')?.selectedCandidatePairId
  const pairs = all.filter((stats) => stats.type === 'candidate-pair')
  pairs.sort(
    (a, b) =>
      Number(b.id === selected) - Number(a.id === selected) || Number(b.priority ?? 0) - Number(a.priority ?? 0),
  )
  const describe = (id: unknown): string => {
    const candidate = byId.get(String(id))
    if (candidate === undefined) return '?'
    return `${candidate.address || candidate.ip || 'mDNS'}:${candidate.port}`
  }
  const rows = pairs.map((pair) => {
    const rtt = pair.currentRoundTripTime
    const element = row([
      { text: pair.id === selected ? 'selected' : String(pair.state) },
      { text: `${describe(pair.localCandidateId)} ⇄ ${describe(pair.remoteCandidateId)}`, className: 'address' },
      { text: typeof rtt === 'number' ? `${(rtt * 1000).toFixed(1)} ms` : '', className: 'number' },
      { text: `${pair.responsesReceived ?? 0}/${pair.requestsSent ?? 0}`, className: 'number' },
    ])
    element.classList.toggle('selected', pair.id === selected)
    return element
  })
  table.replaceChildren(...rows)
  return pairs.length
}

/** What the transport settled on, as terms and their values. */
export function describeTransport(report: RTCStatsReport): [string, string][] {
  const facts: [string, string][] = []
  report.forEach((stats: Stats) => {
    if (stats.type !== 'transport') return
    const tls = { FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3', FEFF: 'DTLS 1.0' }[String(stats.tlsVersion)] ?? stats.tlsVersion
    facts.push(['Security', String(tls ?? '–')])
    facts.push(['Cipher suite', String(stats.dtlsCipher ?? '–')])
    facts.push(['DTLS role of the browser', String(stats.dtlsRole ?? '–')])
    facts.push(['ICE role of the browser', String(stats.iceRole ?? '–')])
    facts.push([
      'Sent and received',
      `${formatBytes(Number(stats.bytesSent ?? 0))}, ${formatBytes(Number(stats.bytesReceived ?? 0))}`,
    ])
  })
  return facts
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}

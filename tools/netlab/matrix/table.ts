import { expectedWinner } from './expected.ts'
import { type Cell, HELP, type Winner } from './help.ts'
import type { Pair } from './peer.mjs'
import type { Outcome } from './scene.ts'

export interface Result {
  readonly cell: Cell
  readonly outcome: Outcome
}

/** Of two relays the better one is named; which of the ways through them wins is a matter of priorities that are near to each other. */
export function winnerOf({ chromium, kaon }: Outcome): Winner {
  if (chromium === undefined || kaon === undefined) return '–'
  const relays = [chromium, kaon].map(({ local, relayProtocol }) => (local === 'relay' ? relayProtocol : undefined))
  for (const transport of ['udp', 'tcp', 'tls'] as const) if (relays.includes(transport)) return `relay/${transport}`
  return chromium.protocol as 'udp' | 'tcp'
}

/** One table for each network of Chromium's: a row for each of Kaon's, a column for each kind of help. */
export function formatTables(results: readonly Result[]): string {
  const lines = [
    '',
    'Local candidates of the selected pair (Chromium’s – Kaon’s; without a word it is UDP), and ms from the beginning',
    'of the side that offers until its channel is open. "!" marks what was expected otherwise.',
  ]
  for (const chromium of unique(results.map(({ cell }) => cell.chromium))) {
    const own = results.filter(({ cell }) => cell.chromium === chromium)
    lines.push('', formatRow(`Chromium: ${chromium}`, HELP))
    for (const kaon of unique(own.map(({ cell }) => cell.kaon))) {
      const texts = HELP.map((help) => {
        const found = own.find(({ cell }) => cell.kaon === kaon && cell.help === help)
        return found === undefined ? '' : formatResult(found)
      })
      lines.push(formatRow(`  Kaon: ${kaon}`, texts))
    }
  }
  return lines.join('\n')
}

function formatRow(name: string, texts: readonly string[]): string {
  return [name.padEnd(29), ...texts.map((text) => text.padEnd(26))].join('').trimEnd()
}

function formatResult({ cell, outcome }: Result): string {
  const { chromium, kaon, ms } = outcome
  const mark = winnerOf(outcome) === expectedWinner(cell) ? '' : '!'
  if (chromium === undefined || kaon === undefined || ms === undefined) return `${mark}–`
  const over = chromium.protocol === 'tcp' ? 'tcp ' : ''
  return `${mark}${over}${formatLocal(chromium)} – ${formatLocal(kaon)} ${Math.round(ms)}`
}

const formatLocal = ({ local, relayProtocol }: Pair): string =>
  local === 'relay' ? `${local}/${relayProtocol}` : local

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]

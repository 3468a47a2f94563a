// Chromium behind one NAT of the Linux kernel and Kaon behind another, with many kinds of help (`npm run build` first).
// Here some networks; all of them, as a table, with `npm run nat-matrix`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectedWinner } from '../../../tools/netlab/matrix/expected.ts'
import { type Cell, HELP, type Help } from '../../../tools/netlab/matrix/help.ts'
import { measureRow } from '../../../tools/netlab/matrix/row.ts'
import { Scene } from '../../../tools/netlab/matrix/scene.ts'
import { formatTables, type Result, winnerOf } from '../../../tools/netlab/matrix/table.ts'
import { ACCESSES, type Access } from '../../../tools/netlab/ruleset.mjs'

const isWhole = process.env.KAON_NAT_MATRIX !== undefined
/** Whoever offers is the controlling side. Of the few networks, one and then the other. */
const offererOf = (row: number): 'kaon' | 'chromium' =>
  process.env.KAON_NAT_MATRIX === 'kaon' || (!isWhole && row % 2 === 1) ? 'kaon' : 'chromium'

/** Every way that a connection can go, and to end without one. */
const SOME: Partial<Record<Access, readonly (readonly [Access, Help])[]>> = {
  open: [
    ['port-restricted', 'none'],
    ['udp-blocked', 'turn tcp'],
  ],
  'port-restricted': [
    ['full-cone', 'stun'],
    ['port-restricted', 'none'],
    ['port-restricted', 'stun'],
    ['symmetric-random', 'turn udp'],
    ['udp-blocked', 'turn tls'],
    ['open', 'no udp'],
    ['port-restricted', 'no udp'],
  ],
  'symmetric-random': [
    ['full-cone', 'stun'],
    ['symmetric-random', 'stun'],
    ['symmetric-random', 'turn udp'],
    ['symmetric-random', 'turn tls'],
    ['port-restricted', 'turn tcp'],
    ['open', 'none'],
  ],
  'udp-blocked': [
    ['open', 'none'],
    ['full-cone', 'turn tcp'],
    ['symmetric-random', 'turn tls'],
  ],
}

const rows: readonly (readonly [Access, Cell[]])[] = isWhole
  ? ACCESSES.map((chromium) => [chromium, ACCESSES.flatMap((kaon) => HELP.map((help) => ({ chromium, kaon, help })))])
  : Object.entries(SOME).map(([name, cells]) => {
      const chromium = name as Access
      return [chromium, cells.map(([kaon, help]) => ({ chromium, kaon, help }))]
    })

let scene: Scene
const all: Result[] = []

beforeAll(() => {
  const kaon = [...new Set(rows.flatMap(([, cells]) => cells.map((cell) => cell.kaon)))]
  scene = new Scene({ name: `kaon-matrix-${process.pid}`, chromium: rows.map(([chromium]) => chromium), kaon })
})
afterAll(async () => {
  await scene?.close()
  if (isWhole) console.log(formatTables(all))
})

const describeCell = ({ kaon, help }: Cell): string => `${kaon}, ${help}`

describe('Chromium behind', () => {
  it.each(rows)(
    '%s meets Kaon behind many others',
    async (name, cells) => {
      const offerer = offererOf(rows.findIndex(([chromium]) => chromium === name))
      const options = isWhole ? { timeout: 10_000, settle: 2500 } : { timeout: 6000, settle: 1500 }
      const results = await measureRow(scene, cells, { atOnce: 6, offerer, ...options })
      all.push(...results)
      const found = Object.fromEntries(results.map(({ cell, outcome }) => [describeCell(cell), winnerOf(outcome)]))
      expect(found).toEqual(Object.fromEntries(cells.map((cell) => [describeCell(cell), expectedWinner(cell)])))
    },
    isWhole ? 600_000 : 60_000,
  )
})

import type { Cell } from './help.ts'
import type { MeetOptions, Scene } from './scene.ts'
import type { Result } from './table.ts'

/** The cells of one Chromium, several at a time, those without UDP at the end; then it is closed. */
export async function measureRow(
  scene: Scene,
  cells: readonly Cell[],
  { atOnce, ...options }: MeetOptions & { readonly atOnce: number },
): Promise<Result[]> {
  const results: Result[] = []
  const measure = async (some: readonly Cell[]): Promise<void> => {
    const rest = [...some]
    const work = async (): Promise<void> => {
      for (let cell = rest.shift(); cell !== undefined; cell = rest.shift())
        results.push({ cell, outcome: await scene.meet(cell, options) })
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  }
  await measure(cells.filter(({ help }) => help !== 'no udp'))
  const blocked = cells.filter(({ help }) => help === 'no udp')
  if (blocked.length > 0) {
    scene.blockUdp(true)
    await measure(blocked)
    scene.blockUdp(false)
  }
  for (const chromium of new Set(cells.map((cell) => cell.chromium))) await scene.endBrowser(chromium)
  return cells.map((cell) => results.find((result) => result.cell === cell)!)
}

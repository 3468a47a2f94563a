import { LiveChart } from './charts.js'
import { EndStats, type Flow, type Sample } from './media-stats.js'
import type { Stats } from './signaling.js'
import { row } from './tables.js'
import type { Side } from './waterfall.js'

const kinds: { key: keyof Sample; title: string; unit: string; digits: number }[] = [
  { key: 'bitrate', title: 'Bitrate', unit: 'kbit/s', digits: 0 },
  { key: 'loss', title: 'Packets lost', unit: '%', digits: 1 },
  { key: 'jitter', title: 'Jitter', unit: 'ms', digits: 1 },
  { key: 'roundTripTime', title: 'Round-trip time', unit: 'ms', digits: 1 },
]
const seconds = 30

/** Charts of what arrives at both ends, and the table of their streams. */
export class Meters {
  readonly #charts: LiveChart[] = []
  readonly #outputs: Record<Side, HTMLOutputElement>[] = []
  readonly #tables: Record<Side, HTMLElement>
  readonly #ends: Record<Side, EndStats> = { browser: new EndStats(), node: new EndStats() }
  readonly #samples: Partial<Record<Side, Sample>> = {}
  #drawn = 0

  constructor(container: HTMLElement, tables: Record<Side, HTMLElement>) {
    this.#tables = tables
    for (const { title, unit } of kinds) {
      const meter = document.createElement('div')
      meter.className = 'meter'
      const head = document.createElement('div')
      head.className = 'meter-head'
      const name = document.createElement('h3')
      name.textContent = `${title}, ${unit}`
      const reading = document.createElement('p')
      const output = (side: Side): HTMLOutputElement => {
        const element = document.createElement('output')
        element.className = `side-${side}`
        element.ariaLabel = `${title}, ${side === 'node' ? 'Node' : 'browser'}`
        element.ariaLive = 'off' // twice a second is too often to be read out
        element.textContent = '–'
        reading.append(element)
        return element
      }
      this.#outputs.push({ browser: output('browser'), node: output('node') })
      head.append(name, reading)
      const chart = document.createElement('div')
      chart.className = 'chart'
      meter.append(head, chart)
      container.append(meter)
      this.#charts.push(new LiveChart(chart, '', ['--browser', '--node'], seconds))
    }
    this.clear()
  }

  /** @param time seconds on the charts' axis */
  add(side: Side, entries: readonly Stats[], time: number): void {
    const { sample, flows } = this.#ends[side].read(entries)
    this.#samples[side] = sample
    for (const [index, { key, digits }] of kinds.entries())
      this.#outputs[index]![side].textContent = sample[key]?.toFixed(digits) ?? '–'
    this.#showFlows(side, flows)
    // Node's reports come a little before or after the browser's: both are drawn where the browser's are.
    if (side === 'node' || time <= this.#drawn) return
    this.#drawn = time
    for (const [index, { key }] of kinds.entries())
      this.#charts[index]!.add(time, sample[key], this.#samples.node?.[key] ?? null)
  }

  clear(): void {
    for (const side of ['browser', 'node'] as const) {
      this.#ends[side] = new EndStats()
      delete this.#samples[side]
      this.#showFlows(side, [])
      for (const outputs of this.#outputs) outputs[side].textContent = '–'
    }
    for (const chart of this.#charts) chart.clear()
  }

  #showFlows(side: Side, flows: readonly Flow[]): void {
    const rows = flows.map(({ direction, codec, picture, frames, nack, pli }) =>
      row(
        [direction, codec, picture, frames, nack, pli].map((text, index) => ({
          text,
          className: index > 2 ? 'number' : '',
        })),
      ),
    )
    if (rows.length === 0)
      rows.push(row([{ text: 'none yet', className: 'empty' }, ...Array.from({ length: 5 }, () => ({ text: '' }))]))
    this.#tables[side].replaceChildren(...rows)
  }
}

import uPlot from 'uplot'

/** Lines over the last seconds that scroll, in the page's own colours. */
export class LiveChart {
  readonly #plot: uPlot
  readonly #times: number[] = []
  readonly #lines: (number | null)[][]
  readonly #window: number

  /** @param colors a CSS custom property for each line; @param seconds how much of the past is shown */
  constructor(container: HTMLElement, unit: string, colors: readonly string[], seconds: number) {
    this.#window = seconds
    this.#lines = colors.map(() => [])
    const style = getComputedStyle(document.body)
    const probe = document.createElement('span')
    document.body.append(probe)
    // Canvas wants plain colours: let the browser resolve light-dark().
    const resolve = (name: string, alpha?: number): string => {
      probe.style.color =
        alpha === undefined ? `var(${name})` : `color-mix(in srgb, var(${name}) ${alpha}%, transparent)`
      return getComputedStyle(probe).color
    }
    const axis = {
      stroke: resolve('--dim'),
      grid: { stroke: resolve('--line'), width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    }
    this.#plot = new uPlot(
      {
        width: container.clientWidth,
        height: container.clientHeight,
        cursor: { show: false },
        legend: { show: false },
        padding: [8, 22, 0, 0],
        scales: {
          x: { time: false, range: (_plot, _min, max) => [Math.max(0, max - seconds), Math.max(seconds, max)] },
          y: { range: (_plot, _min, max) => [0, Math.max(max * 1.15, 1)] },
        },
        axes: [
          { ...axis, size: 30, values: (_plot, splits) => splits.map((split) => `${split} s`) },
          {
            ...axis,
            size: unit === '' ? 42 : 62,
            values: (_plot, splits) => splits.map((split) => `${split} ${unit}`.trimEnd()),
          },
        ],
        series: [
          {},
          ...colors.map((color) => ({
            stroke: resolve(color),
            fill: resolve(color, 16),
            width: 2,
            points: { show: false },
          })),
        ],
      },
      [[], ...this.#lines],
      container,
    )
    probe.remove()
    new ResizeObserver(() =>
      this.#plot.setSize({ width: container.clientWidth, height: container.clientHeight }),
    ).observe(container)
  }

  /** @param time in seconds on the chart's own axis; @param values one for each line, null for a gap */
  add(time: number, ...values: (number | null)[]): void {
    this.#times.push(time)
    this.#lines.forEach((line, index) => line.push(values[index] ?? null))
    while (this.#times.length > 2 && this.#times[1]! < time - this.#window) {
      this.#times.shift()
      for (const line of this.#lines) line.shift()
    }
    this.#plot.setData([this.#times, ...this.#lines])
  }

  clear(): void {
    this.#times.length = 0
    for (const line of this.#lines) line.length = 0
    this.#plot.setData([this.#times, ...this.#lines])
  }
}

import uPlot from 'uplot'

/** A line over the last seconds that scrolls, in the page's own colours. */
export class LiveChart {
  readonly #plot: uPlot
  readonly #times: number[] = []
  readonly #values: number[] = []
  readonly #window: number

  /** @param color a CSS custom property; @param seconds how much of the past is shown */
  constructor(container: HTMLElement, unit: string, color: string, seconds: number) {
    this.#window = seconds
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
          { ...axis, values: (_plot, splits) => splits.map((split) => `${split} s`) },
          { ...axis, size: 62, values: (_plot, splits) => splits.map((split) => `${split} ${unit}`) },
        ],
        series: [{}, { stroke: resolve(color), fill: resolve(color, 16), width: 2, points: { show: false } }],
      },
      [[], []],
      container,
    )
    probe.remove()
    new ResizeObserver(() =>
      this.#plot.setSize({ width: container.clientWidth, height: container.clientHeight }),
    ).observe(container)
  }

  /** @param time in seconds on the chart's own axis */
  add(time: number, value: number): void {
    this.#times.push(time)
    this.#values.push(value)
    while (this.#times.length > 2 && this.#times[1]! < time - this.#window) {
      this.#times.shift()
      this.#values.shift()
    }
    this.#plot.setData([this.#times, this.#values])
  }

  clear(): void {
    this.#times.length = 0
    this.#values.length = 0
    this.#plot.setData([[], []])
  }
}

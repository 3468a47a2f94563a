export type Side = 'browser' | 'node'

const rows: [phase: string, title: string][] = [
  ['signaling', 'Offer, answer'],
  ['ice', 'ICE checks'],
  ['dtls', 'DTLS'],
  ['sctp', 'SCTP'],
  ['channel', 'Channel open'],
]

interface Bar {
  side: Side
  phase: string
  start: number
  end: number
  element: HTMLElement
}

/** Bars per floor of the connection, the browser's above Node's, on one axis of ms. */
export class Waterfall {
  readonly #tracks = new Map<string, HTMLElement>()
  #bars: Bar[] = []

  constructor(container: HTMLElement) {
    for (const [phase, title] of rows) {
      const name = document.createElement('div')
      name.className = 'name'
      name.textContent = title
      const track = document.createElement('div')
      track.className = 'track'
      container.append(name, track)
      this.#tracks.set(phase, track)
    }
  }

  mark(side: Side, phase: string, start: number, end: number): void {
    const track = this.#tracks.get(phase)
    if (track === undefined) return
    const element = document.createElement('div')
    element.className = `bar ${side}`
    element.append(document.createElement('span'))
    track.append(element)
    this.#bars.push({ side, phase, start, end, element })
    this.#layout()
  }

  /** ms at which the last floor was up, if it is. */
  get total(): number | undefined {
    return this.#bars.find((bar) => bar.phase === 'channel' && bar.side === 'browser')?.end
  }

  clear(): void {
    for (const bar of this.#bars) bar.element.remove()
    this.#bars = []
  }

  #layout(): void {
    const scale = 100 / Math.max(10, ...this.#bars.map((bar) => bar.end * 1.12))
    for (const { element, start, end } of this.#bars) {
      element.style.left = `${start * scale}%`
      element.style.width = `${(end - start) * scale}%`
      element.classList.toggle('flip', end * scale > 82)
      element.firstElementChild!.textContent = `${(end - start).toFixed(1)} ms`
    }
  }
}

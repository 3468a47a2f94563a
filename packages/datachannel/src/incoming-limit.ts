import { utf8 } from './dcep.ts'

interface Labelled {
  readonly label: string
  readonly protocol: string
}

/** What the channels that the peer brought may cost. */
export class IncomingLimit {
  readonly #maxChannels: number
  readonly #maxLabelBytes: number
  #channels = 0
  #labelBytes = 0

  constructor(maxChannels: number, maxLabelBytes: number) {
    this.#maxChannels = maxChannels
    this.#maxLabelBytes = maxLabelBytes
  }

  allows(channel: Labelled): boolean {
    return this.#channels < this.#maxChannels && this.#labelBytes + labelBytes(channel) <= this.#maxLabelBytes
  }

  add(channel: Labelled): void {
    this.#channels++
    this.#labelBytes += labelBytes(channel)
  }

  remove(channel: Labelled): void {
    this.#channels--
    this.#labelBytes -= labelBytes(channel)
  }
}

function labelBytes({ label, protocol }: Labelled): number {
  return utf8(label).length + utf8(protocol).length
}

import type { HeaderExtension } from '../packet/rtp-packet.ts'

/**
 * Frame numbers of dependency descriptors (AV1 RTP specification, A.8.2) that go on across a switch of sources. Receivers know frames by
 * them: one whose number is not above that of a frame that was decoded is dropped, and all that refer to it. What they refer to is told
 * by differences, which stay as they are.
 */
export class DependencyContinuity {
  #shift = 0
  #last = -1

  /** The packet that has these extensions is the first of another source. */
  begin(extensions: readonly HeaderExtension[], id: number): void {
    const index = indexOf(extensions, id)
    if (index < 0) return
    this.#shift = this.#last < 0 ? 0 : (this.#last + 1 - frameNumber(extensions[index]!.data)) & 0xffff
  }

  /** The extensions as they have to go out; `newest` when their packet is the newest so far. Copied only where a number has to change. */
  rewrite(extensions: readonly HeaderExtension[], id: number, newest: boolean): readonly HeaderExtension[] {
    const index = indexOf(extensions, id)
    if (index < 0) return extensions
    const { data } = extensions[index]!
    const number = (frameNumber(data) + this.#shift) & 0xffff
    if (newest) this.#last = number
    if (this.#shift === 0) return extensions
    const copy = data.slice()
    copy[1] = number >>> 8
    copy[2] = number & 0xff
    const changed = extensions.slice()
    changed[index] = { id, data: copy }
    return changed
  }
}

/** Where the descriptor is; -1 without one that is whole. */
function indexOf(extensions: readonly HeaderExtension[], id: number): number {
  for (let i = 0; i < extensions.length; i++) {
    if (extensions[i]!.id === id) return extensions[i]!.data.length < 3 ? -1 : i
  }
  return -1
}

function frameNumber(data: Uint8Array): number {
  return (data[1]! << 8) | data[2]!
}

import { SequenceUnwrapper } from '../../packet/sequence.ts'
import { readDependencyDescriptor } from './read.ts'
import type { DependencyDescriptor, FrameDependencyStructure } from './types.ts'

/**
 * Reads the dependency descriptors of one stream, and keeps what they refer to: the structure that came last, and which decode
 * targets are active.
 */
export class DependencyDescriptorReader {
  #structure: FrameDependencyStructure | undefined
  #structureFrame = 0
  #frames = new SequenceUnwrapper()
  #activeDecodeTargets = 0

  /** The last structure, undefined before the first. */
  get structure(): FrameDependencyStructure | undefined {
    return this.#structure
  }

  /** A bit for each decode target that the sender still sends; 0 before the first structure. */
  get activeDecodeTargets(): number {
    return this.#activeDecodeTargets
  }

  /** Undefined when it is malformed, or when no structure came before it. */
  read(data: Uint8Array): DependencyDescriptor | undefined {
    const descriptor = readDependencyDescriptor(data, this.#structure)
    if (descriptor === undefined) return undefined
    // What comes late, from before the structure, neither fits it nor brings an old one back.
    const frame = this.#frames.unwrap(descriptor.frameNumber)
    if (this.#structure !== undefined && frame < this.#structureFrame) {
      return descriptor.structure === undefined ? undefined : descriptor
    }
    if (descriptor.structure !== undefined) {
      this.#structure = descriptor.structure
      this.#structureFrame = frame
    }
    if (descriptor.activeDecodeTargets !== undefined) this.#activeDecodeTargets = descriptor.activeDecodeTargets
    return descriptor
  }

  /** Forgets the structure: the stream begins anew, maybe with lower frame numbers. */
  reset(): void {
    this.#structure = undefined
    this.#frames = new SequenceUnwrapper()
    this.#activeDecodeTargets = 0
  }
}

/**
 * What a frame means to one decode target (AV1 RTP specification, A.4): it is not part of it; nothing depends on it; the target
 * can be entered there; the target needs it.
 */
export type DecodeTargetIndication = 'not-present' | 'discardable' | 'switch' | 'required'

/** In the order of their codes on the wire. */
export const DECODE_TARGET_INDICATIONS: readonly DecodeTargetIndication[] = [
  'not-present',
  'discardable',
  'switch',
  'required',
]

/** How a frame depends on others. */
export interface FrameDependencies {
  /** 0–3 */
  readonly spatialId: number
  /** 0–7 */
  readonly temporalId: number
  /** One for each decode target. */
  readonly decodeTargetIndications: readonly DecodeTargetIndication[]
  /** How many frames before this one those are that it refers to. */
  readonly frameDiffs: readonly number[]
  /** For each chain, how many frames before this one its last frame is; 0 where there is none. */
  readonly chainDiffs: readonly number[]
}

/** What comes with a key frame and holds for the frames after it. */
export interface FrameDependencyStructure {
  /** 0–63 */
  readonly templateIdOffset: number
  /** 1–32 */
  readonly decodeTargetCount: number
  readonly chainCount: number
  /** The chain that protects each decode target; empty without chains. */
  readonly decodeTargetProtectedBy: readonly number[]
  /** Ordered by spatial, then by temporal layer. At most 64. */
  readonly templates: readonly FrameDependencies[]
  /** Largest picture of each spatial layer, when it was told. */
  readonly resolutions?: readonly { readonly width: number; readonly height: number }[]
}

/** The dependency descriptor of one packet. */
export interface DependencyDescriptor {
  readonly startOfFrame: boolean
  readonly endOfFrame: boolean
  /** 16 bits. Counts the frames of all layers. */
  readonly frameNumber: number
  /** The new structure, when the packet brings one. */
  readonly structure?: FrameDependencyStructure
  /** A bit for each decode target that is still sent, when the packet says so. A new structure alone makes all of them active. */
  readonly activeDecodeTargets?: number
  readonly frame: FrameDependencies
}

import { BitReader } from '../../bit-reader.ts'
import {
  DECODE_TARGET_INDICATIONS,
  type DecodeTargetIndication,
  type DependencyDescriptor,
  type FrameDependencies,
  type FrameDependencyStructure,
} from './types.ts'

const MAX_TEMPLATES = 64
const MAX_SPATIAL_ID = 3
const MAX_TEMPORAL_ID = 7

/**
 * Reads a dependency descriptor (AV1 RTP specification, A.8.2) against the structure that came last, unless it brings its own.
 * Undefined when it is malformed, or names a template that the structure does not have.
 */
export function readDependencyDescriptor(
  data: Uint8Array,
  known: FrameDependencyStructure | undefined,
): DependencyDescriptor | undefined {
  if (data.length < 3) return undefined
  const reader = new BitReader(data)
  const startOfFrame = reader.flag()
  const endOfFrame = reader.flag()
  const templateId = reader.bits(6)
  const frameNumber = reader.bits(16)

  let attached: FrameDependencyStructure | undefined
  let activeDecodeTargets: number | undefined
  let customIndications = false
  let customFrameDiffs = false
  let customChains = false
  if (data.length > 3) {
    const structurePresent = reader.flag()
    const activePresent = reader.flag()
    customIndications = reader.flag()
    customFrameDiffs = reader.flag()
    customChains = reader.flag()
    if (structurePresent) {
      attached = readStructure(reader)
      if (attached === undefined) return undefined
      activeDecodeTargets = 2 ** attached.decodeTargetCount - 1
    }
    const structure = attached ?? known
    if (structure === undefined) return undefined
    if (activePresent) activeDecodeTargets = reader.bits(structure.decodeTargetCount)
  }

  const structure = attached ?? known
  const template = structure?.templates[(templateId + 64 - structure.templateIdOffset) % 64]
  if (structure === undefined || template === undefined) return undefined
  const frame: FrameDependencies = {
    spatialId: template.spatialId,
    temporalId: template.temporalId,
    decodeTargetIndications: customIndications
      ? readIndications(reader, structure.decodeTargetCount)
      : template.decodeTargetIndications,
    frameDiffs: customFrameDiffs ? readCustomFrameDiffs(reader) : template.frameDiffs,
    chainDiffs: customChains ? readList(reader, structure.chainCount, 8) : template.chainDiffs,
  }
  if (reader.overrun) return undefined
  return {
    startOfFrame,
    endOfFrame,
    frameNumber,
    frame,
    ...(attached !== undefined && { structure: attached }),
    ...(activeDecodeTargets !== undefined && { activeDecodeTargets }),
  }
}

function readStructure(reader: BitReader): FrameDependencyStructure | undefined {
  const templateIdOffset = reader.bits(6)
  const decodeTargetCount = reader.bits(5) + 1
  const layers = readLayers(reader)
  if (layers === undefined) return undefined
  const indications = layers.map(() => readIndications(reader, decodeTargetCount))
  const frameDiffs = layers.map(() => readTemplateFrameDiffs(reader))
  const chainCount = reader.nonSymmetric(decodeTargetCount + 1)
  if (chainCount > decodeTargetCount) return undefined
  const decodeTargetProtectedBy: number[] = []
  if (chainCount > 0) {
    for (let i = 0; i < decodeTargetCount; i++) decodeTargetProtectedBy.push(reader.nonSymmetric(chainCount))
  }
  const chainDiffs = layers.map(() => readList(reader, chainCount, 4))
  const resolutions: { width: number; height: number }[] = []
  if (reader.flag()) {
    const spatialLayers = layers.at(-1)!.spatialId + 1
    for (let i = 0; i < spatialLayers; i++) {
      resolutions.push({ width: reader.bits(16) + 1, height: reader.bits(16) + 1 })
    }
  }
  if (reader.overrun) return undefined
  return {
    templateIdOffset,
    decodeTargetCount,
    chainCount,
    decodeTargetProtectedBy,
    templates: layers.map((layer, i) => ({
      ...layer,
      decodeTargetIndications: indications[i]!,
      frameDiffs: frameDiffs[i]!,
      chainDiffs: chainDiffs[i]!,
    })),
    ...(resolutions.length > 0 && { resolutions }),
  }
}

/** `template_layers`: each template says how the layer of the next one differs from its own. */
function readLayers(reader: BitReader): { spatialId: number; temporalId: number }[] | undefined {
  const layers: { spatialId: number; temporalId: number }[] = []
  let spatialId = 0
  let temporalId = 0
  for (;;) {
    layers.push({ spatialId, temporalId })
    const next = reader.bits(2)
    if (reader.overrun) return undefined
    if (next === 3) return layers
    if (next === 1) {
      temporalId++
    } else if (next === 2) {
      temporalId = 0
      spatialId++
    }
    if (layers.length === MAX_TEMPLATES || temporalId > MAX_TEMPORAL_ID || spatialId > MAX_SPATIAL_ID) return undefined
  }
}

function readIndications(reader: BitReader, count: number): DecodeTargetIndication[] {
  const indications: DecodeTargetIndication[] = []
  for (let i = 0; i < count; i++) indications.push(DECODE_TARGET_INDICATIONS[reader.bits(2)]!)
  return indications
}

function readTemplateFrameDiffs(reader: BitReader): number[] {
  const diffs: number[] = []
  while (reader.flag()) diffs.push(reader.bits(4) + 1)
  return diffs
}

function readCustomFrameDiffs(reader: BitReader): number[] {
  const diffs: number[] = []
  for (let size = reader.bits(2); size > 0; size = reader.bits(2)) diffs.push(reader.bits(4 * size) + 1)
  return diffs
}

function readList(reader: BitReader, count: number, width: number): number[] {
  const list: number[] = []
  for (let i = 0; i < count; i++) list.push(reader.bits(width))
  return list
}

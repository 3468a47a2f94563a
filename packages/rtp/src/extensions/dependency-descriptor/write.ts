import { RtpError } from '../../errors.ts'
import { BitWriter } from './bit-writer.ts'
import {
  DECODE_TARGET_INDICATIONS,
  type DecodeTargetIndication,
  type DependencyDescriptor,
  type FrameDependencies,
  type FrameDependencyStructure,
} from './types.ts'

/**
 * Writes a dependency descriptor (AV1 RTP specification, A.8.2) against `structure`, or against its own when it brings one. It
 * names the template of the frame's layer that says most of it; the rest is written out.
 * @throws RtpError `ERR_RTP_ARGUMENT` when the structure has no template of that layer, or a number does not fit.
 */
export function writeDependencyDescriptor(
  descriptor: DependencyDescriptor,
  structure: FrameDependencyStructure | undefined = descriptor.structure,
): Uint8Array {
  const against = descriptor.structure ?? structure
  if (against === undefined) throw new RtpError('ERR_RTP_ARGUMENT', 'a descriptor needs a structure')
  const { frame } = descriptor
  const index = bestTemplate(against, frame)
  const template = against.templates[index]!
  const customIndications = !equal(template.decodeTargetIndications, frame.decodeTargetIndications)
  const customFrameDiffs = !equal(template.frameDiffs, frame.frameDiffs)
  const customChains = !equal(template.chainDiffs, frame.chainDiffs)
  const allActive = descriptor.structure !== undefined ? 2 ** against.decodeTargetCount - 1 : undefined
  const active = descriptor.activeDecodeTargets !== allActive ? descriptor.activeDecodeTargets : undefined

  const writer = new BitWriter()
  writer.flag(descriptor.startOfFrame)
  writer.flag(descriptor.endOfFrame)
  writer.bits((index + against.templateIdOffset) % 64, 6)
  writer.bits(descriptor.frameNumber, 16)
  const extended = [descriptor.structure !== undefined, active !== undefined, customIndications, customFrameDiffs]
  if (customChains || extended.includes(true)) {
    for (const flag of extended) writer.flag(flag)
    writer.flag(customChains)
    if (descriptor.structure !== undefined) writeStructure(descriptor.structure, writer)
    if (active !== undefined) writer.bits(active, against.decodeTargetCount)
    if (customIndications) writeIndications(frame.decodeTargetIndications, against.decodeTargetCount, writer)
    if (customFrameDiffs) writeCustomFrameDiffs(frame.frameDiffs, writer)
    if (customChains) writeList(frame.chainDiffs, against.chainCount, 8, writer)
  }
  return writer.finish()
}

function bestTemplate(structure: FrameDependencyStructure, frame: FrameDependencies): number {
  let best = -1
  let bestScore = -1
  structure.templates.forEach((template, index) => {
    if (template.spatialId !== frame.spatialId || template.temporalId !== frame.temporalId) return
    // What is written out costs two bits a decode target, some more a reference, and eight a chain.
    const score =
      (equal(template.decodeTargetIndications, frame.decodeTargetIndications)
        ? 2 * frame.decodeTargetIndications.length
        : 0) +
      (equal(template.frameDiffs, frame.frameDiffs) ? 6 * frame.frameDiffs.length + 2 : 0) +
      (equal(template.chainDiffs, frame.chainDiffs) ? 8 * frame.chainDiffs.length : 0)
    if (score > bestScore) {
      best = index
      bestScore = score
    }
  })
  if (best === -1) throw new RtpError('ERR_RTP_ARGUMENT', 'no template has the layer of the frame')
  return best
}

function writeStructure(structure: FrameDependencyStructure, writer: BitWriter): void {
  const { templates, decodeTargetCount, chainCount, resolutions } = structure
  writer.bits(structure.templateIdOffset, 6)
  writer.bits(decodeTargetCount - 1, 5)
  for (let i = 1; i < templates.length; i++) writer.bits(nextLayer(templates[i - 1]!, templates[i]!), 2)
  writer.bits(3, 2)
  for (const template of templates) writeIndications(template.decodeTargetIndications, decodeTargetCount, writer)
  for (const template of templates) {
    for (const diff of template.frameDiffs) {
      if (!(diff >= 1 && diff <= 16)) throw new RtpError('ERR_RTP_ARGUMENT', `${diff} is no frame diff of a template`)
      writer.bits(0x10 | (diff - 1), 5)
    }
    writer.flag(false)
  }
  writer.nonSymmetric(chainCount, decodeTargetCount + 1)
  if (chainCount > 0) {
    for (const chain of structure.decodeTargetProtectedBy) writer.nonSymmetric(chain, chainCount)
  }
  for (const template of templates) writeList(template.chainDiffs, chainCount, 4, writer)
  writer.flag(resolutions !== undefined)
  for (const { width, height } of resolutions ?? []) {
    writer.bits(width - 1, 16)
    writer.bits(height - 1, 16)
  }
}

function nextLayer(from: FrameDependencies, to: FrameDependencies): number {
  if (to.spatialId === from.spatialId && to.temporalId === from.temporalId) return 0
  if (to.spatialId === from.spatialId && to.temporalId === from.temporalId + 1) return 1
  if (to.spatialId === from.spatialId + 1 && to.temporalId === 0) return 2
  throw new RtpError('ERR_RTP_ARGUMENT', 'templates are not in the order of their layers')
}

function writeIndications(list: readonly DecodeTargetIndication[], count: number, writer: BitWriter): void {
  if (list.length !== count) throw new RtpError('ERR_RTP_ARGUMENT', 'one indication is due for each decode target')
  for (const indication of list) writer.bits(DECODE_TARGET_INDICATIONS.indexOf(indication), 2)
}

function writeCustomFrameDiffs(diffs: readonly number[], writer: BitWriter): void {
  for (const diff of diffs) {
    if (!(diff >= 1 && diff <= 0x1000)) throw new RtpError('ERR_RTP_ARGUMENT', `${diff} is no frame diff`)
    const size = diff <= 0x10 ? 1 : diff <= 0x100 ? 2 : 3
    writer.bits(size, 2)
    writer.bits(diff - 1, 4 * size)
  }
  writer.bits(0, 2)
}

function writeList(list: readonly number[], count: number, width: number, writer: BitWriter): void {
  if (list.length !== count) throw new RtpError('ERR_RTP_ARGUMENT', 'one chain diff is due for each chain')
  for (const value of list) {
    if (!(value >= 0 && value < 2 ** width)) throw new RtpError('ERR_RTP_ARGUMENT', `${value} is no chain diff`)
    writer.bits(value, width)
  }
}

function equal<Item>(a: readonly Item[], b: readonly Item[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => item === b[i]))
}

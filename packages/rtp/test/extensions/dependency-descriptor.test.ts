import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DecodeTargetIndication,
  type DependencyDescriptor,
  DependencyDescriptorReader,
  type FrameDependencies,
  type FrameDependencyStructure,
  writeDependencyDescriptor,
} from '../../src/index.ts'
import { readDependencyDescriptor } from '../../src/extensions/dependency-descriptor/read.ts'

fc.configureGlobal({ seed: 1, numRuns: 300 })

/** Bits as the tables of the specification write them; spaces are for the eye. */
function bits(text: string): Uint8Array {
  const digits = text.replaceAll(/[^01]/g, '')
  const bytes = new Uint8Array(Math.ceil(digits.length / 8))
  for (let i = 0; i < digits.length; i++) if (digits[i] === '1') bytes[i >>> 3]! |= 0x80 >>> (i & 7)
  return bytes
}

const indications = (text: string): DecodeTargetIndication[] =>
  [...text].map((letter) => ({ '-': 'not-present', D: 'discardable', S: 'switch', R: 'required' })[letter]!) as never

const template = (layer: string, dti: string, frameDiffs: number[], chainDiffs: number[]): FrameDependencies => ({
  spatialId: Number(layer[0]),
  temporalId: Number(layer[1]),
  decodeTargetIndications: indications(dti),
  frameDiffs,
  chainDiffs,
})

/** Two temporal layers with one chain, as L1T2 of the specification's examples (A.10). */
const L1T2: FrameDependencyStructure = {
  templateIdOffset: 0,
  decodeTargetCount: 2,
  chainCount: 1,
  decodeTargetProtectedBy: [0, 0],
  templates: [template('00', 'SS', [], [0]), template('00', 'SS', [2], [2]), template('01', '-D', [1], [1])],
  resolutions: [{ width: 640, height: 360 }],
}

describe('dependency descriptor', () => {
  test('a key frame of L1T2, bit by bit', () => {
    const data = bits(
      [
        '1 0 000000 0000000000000001', // start, not end, template 0, frame 1
        '1 0 0 0 0', // a structure and nothing else
        '000000 00001', // offset 0, two decode targets
        '00 01 11', // same layer, next temporal layer, no more
        '1010 1010 0001', // SS, SS, -D
        '0 100010 100000', // no frame diff; 2; 1
        '10', // ns(3) of one chain
        '0000 0010 0001', // decode targets need no bits with one chain; its diffs
        '1 0000001001111111 0000000101100111', // 640 x 360
      ].join(''),
    )
    const reader = new DependencyDescriptorReader()
    const descriptor = reader.read(data)!
    expect(descriptor).toEqual({
      startOfFrame: true,
      endOfFrame: false,
      frameNumber: 1,
      structure: L1T2,
      activeDecodeTargets: 3,
      frame: L1T2.templates[0],
    })
    expect(reader.structure).toEqual(L1T2)
    expect(reader.activeDecodeTargets).toBe(3)
    expect(writeDependencyDescriptor(descriptor)).toEqual(data)

    // A frame after it takes three bytes.
    const next = bits('11 000010 0000000000000010')
    expect(reader.read(next)).toEqual({
      startOfFrame: true,
      endOfFrame: true,
      frameNumber: 2,
      frame: L1T2.templates[2],
    })
    expect(writeDependencyDescriptor(reader.read(next)!, reader.structure)).toEqual(next)

    // Everything of its own: one decode target only, indications, diffs, chain.
    const custom = bits(
      '11 000001 0000000000000101  0 1 1 1 1  01  0100  01 0011 10 00010000 11 000011111111 00  00000100',
    )
    expect(reader.read(custom)).toEqual({
      startOfFrame: true,
      endOfFrame: true,
      frameNumber: 5,
      activeDecodeTargets: 1,
      frame: template('00', 'D-', [4, 17, 256], [4]),
    })
    expect(reader.activeDecodeTargets).toBe(1)
  })

  test('needs a structure, and a template of it', () => {
    const reader = new DependencyDescriptorReader()
    expect(reader.read(bits('11 000000 0000000000000001'))).toBeUndefined()
    const key: DependencyDescriptor = {
      startOfFrame: true,
      endOfFrame: true,
      frameNumber: 65530,
      structure: { ...L1T2, templateIdOffset: 62 },
      frame: L1T2.templates[0]!,
    }
    reader.read(writeDependencyDescriptor(key))
    expect(reader.read(bits('11 111110 0000000000000001'))!.frame).toEqual(L1T2.templates[0])
    expect(reader.read(bits('11 000000 0000000000000001'))!.frame).toEqual(L1T2.templates[2])
    expect(reader.read(bits('11 000001 0000000000000001'))).toBeUndefined()
    reader.reset()
    expect(reader.structure).toBeUndefined()
  })

  test('a late packet does not bring an old structure back, however long the new one lasts', () => {
    const reader = new DependencyDescriptorReader()
    const write = (frameNumber: number, structure?: FrameDependencyStructure): Uint8Array =>
      writeDependencyDescriptor(
        {
          startOfFrame: true,
          endOfFrame: true,
          frameNumber,
          frame: L1T2.templates[0]!,
          ...(structure && { structure }),
        },
        L1T2,
      )
    const { resolutions: _, ...other } = L1T2
    reader.read(write(100, L1T2))
    expect(reader.read(write(90, other))!.structure).toEqual(other)
    expect(reader.structure).toEqual(L1T2)
    expect(reader.read(write(91))).toBeUndefined()
    for (let frame = 100; frame < 60_000; frame += 1000) expect(reader.read(write(frame))).toBeDefined()
    reader.read(write(60_000, other))
    expect(reader.structure).toEqual(other)
  })

  const structure: fc.Arbitrary<FrameDependencyStructure> = fc
    .record({
      targets: fc.integer({ min: 1, max: 32 }),
      layers: fc.array(fc.nat(2), { maxLength: 20 }),
      offset: fc.nat(63),
      seed: fc.infiniteStream(fc.nat(0xffff)),
      resolutions: fc.boolean(),
    })
    .chain(({ targets, layers, offset, seed, resolutions }) =>
      fc.nat(targets).map((chainCount) => {
        const next = (limit: number): number => (seed.next().value as number) % limit
        const list = (length: number, limit: number): number[] => Array.from({ length }, () => next(limit))
        let spatialId = 0
        let temporalId = 0
        const templates: FrameDependencies[] = []
        for (const step of [0, ...layers]) {
          if (step === 1 && temporalId < 7) temporalId++
          else if (step === 2 && spatialId < 3) [spatialId, temporalId] = [spatialId + 1, 0]
          templates.push({
            spatialId,
            temporalId,
            decodeTargetIndications: indications(
              list(targets, 4)
                .map((i) => '-DSR'[i])
                .join(''),
            ),
            frameDiffs: list(next(4), 16).map((diff) => diff + 1),
            chainDiffs: list(chainCount, 16),
          })
        }
        return {
          templateIdOffset: offset,
          decodeTargetCount: targets,
          chainCount,
          decodeTargetProtectedBy: chainCount === 0 ? [] : list(targets, chainCount),
          templates,
          ...(resolutions && {
            resolutions: list(spatialId + 1, 0xffff).map((size) => ({ width: size + 1, height: next(0xffff) + 1 })),
          }),
        }
      }),
    )

  const descriptor: fc.Arbitrary<[DependencyDescriptor, FrameDependencyStructure]> = structure.chain((against) =>
    fc
      .record({
        startOfFrame: fc.boolean(),
        endOfFrame: fc.boolean(),
        frameNumber: fc.nat(0xffff),
        attach: fc.boolean(),
        active: fc.option(fc.nat(2 ** against.decodeTargetCount - 1), { nil: undefined }),
        index: fc.nat(against.templates.length - 1),
        ownDiffs: fc.option(fc.array(fc.integer({ min: 1, max: 4096 }), { maxLength: 4 })),
        ownChains: fc.option(fc.constant(new Array<number>(against.chainCount).fill(200))),
        ownIndications: fc.option(fc.constant(indications('R'.repeat(against.decodeTargetCount)))),
      })
      .map(({ attach, active, index, ownDiffs, ownChains, ownIndications, ...rest }) => {
        const base = against.templates[index]!
        const all = 2 ** against.decodeTargetCount - 1
        return [
          {
            ...rest,
            ...(attach
              ? { structure: against, activeDecodeTargets: active ?? all }
              : active !== undefined && { activeDecodeTargets: active }),
            frame: {
              ...base,
              decodeTargetIndications: ownIndications ?? base.decodeTargetIndications,
              frameDiffs: ownDiffs ?? base.frameDiffs,
              chainDiffs: ownChains ?? base.chainDiffs,
            },
          },
          against,
        ]
      }),
  )

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(descriptor, ([value, against]) => {
        expect(readDependencyDescriptor(writeDependencyDescriptor(value, against), against)).toEqual(value)
      }),
    )
  })

  test('any bytes, truncations and mutations do not throw', () => {
    fc.assert(
      fc.property(descriptor, fc.nat(), fc.nat(), fc.nat(255), ([value, against], cut, at, byte) => {
        const data = writeDependencyDescriptor(value, against)
        readDependencyDescriptor(data.subarray(0, cut % data.length), against)
        data[at % data.length] = byte
        const reader = new DependencyDescriptorReader()
        reader.read(data)
        readDependencyDescriptor(data, against)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (data) => {
        const reader = new DependencyDescriptorReader()
        if (data.length > 3) data[3]! |= 0x80
        const read = reader.read(data)
        if (read !== undefined) expect(read.frame).toBeDefined()
      }),
      { numRuns: 2000 },
    )
  })

  test('what cannot be written throws', () => {
    const value = (frame: FrameDependencies, more?: FrameDependencyStructure): (() => Uint8Array) => {
      return () => writeDependencyDescriptor({ startOfFrame: true, endOfFrame: true, frameNumber: 1, frame }, more)
    }
    const argument = expect.objectContaining({ code: 'ERR_RTP_ARGUMENT' })
    expect(value(L1T2.templates[0]!)).toThrow(argument)
    expect(value(template('10', 'SS', [], [0]), L1T2)).toThrow(argument)
    expect(value(template('00', 'S', [], [0]), L1T2)).toThrow(argument)
    expect(value(template('00', 'SS', [4097], [0]), L1T2)).toThrow(argument)
    expect(value(template('00', 'SS', [1], [256]), L1T2)).toThrow(argument)
  })
})

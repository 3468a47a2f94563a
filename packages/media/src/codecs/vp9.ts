// VP9 levels (webmproject.org/vp9/levels): luma samples per picture.
const LEVELS: readonly [samples: number, level: number][] = [
  [36_864, 10],
  [73_728, 11],
  [122_880, 20],
  [245_760, 21],
  [552_960, 30],
  [983_040, 31],
  [2_228_224, 40],
  [8_912_896, 50],
]

/** The level goes by the picture's size alone: the rate is not known beforehand. */
export function vp9CodecString(profile: number, bitDepth: number, width: number, height: number): string {
  const level = LEVELS.find(([most]) => width * height <= most)?.[1] ?? 60
  const two = (value: number): string => value.toString().padStart(2, '0')
  return `vp09.${two(profile)}.${two(level)}.${two(bitDepth)}`
}

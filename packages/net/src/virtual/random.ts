// Seeded randomness: sfc32, seeded through a hash of the seed and a label, so that each link and NAT has its own
// stream and adding one does not change what happens on the others.

/** Uniform in [0, 1). */
export type Random = () => number

export function createRandom(seed: number, label: string): Random {
  let a = mix(seed | 0, 0x9e3779b9)
  let b = mix((seed / 4294967296) | 0, 0x243f6a88)
  let c = 0xb7e15162
  for (let i = 0; i < label.length; i++) c = mix(c ^ label.charCodeAt(i), 0x85ebca6b)
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4294967296
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

function mix(value: number, constant: number): number {
  value = Math.imul(value ^ (value >>> 16), constant | 1)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) + constant
}

import { createCipheriv } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createNodeCtr } from '../src/node/block.ts'
import { errorCode, noise, toHex } from './bytes.ts'

/** A counter block as SRTP makes them: a salt, the stream and the number mixed into it, and a counter that starts at 0. */
function blockOf(stream: number, number: number, salt = noise(16, 99)): Uint8Array {
  const block = salt.slice()
  block[4]! ^= stream
  block[10]! ^= number >>> 24
  block[11]! ^= number >>> 16
  block[12]! ^= number >>> 8
  block[13]! ^= number
  return block.fill(0, 14)
}

function judge(key: Uint8Array, block: Uint8Array, data: Uint8Array): string {
  return createCipheriv(key.length === 16 ? 'aes-128-ctr' : 'aes-256-ctr', key, block)
    .update(data)
    .toString('hex')
}

describe.each([16, 32])('AES-CTR in batches, key of %i bytes', (keyLength) => {
  const key = noise(keyLength)

  it('takes over from the platform in mid-stream without a seam', () => {
    const cipher = createNodeCtr(key)
    for (let number = 0; number < 100; number++) {
      const data = noise(1 + ((number * 37) % 1300), number + 1)
      expect(toHex(cipher.process(blockOf(1, number), data))).toBe(judge(key, blockOf(1, number), data))
    }
  })

  it('is right for all lengths, across the end of the number, in any order', () => {
    const cipher = createNodeCtr(key, 0)
    const lengths = [0, 1, 15, 16, 17, 1200, 3072, 3073, 40, 9000]
    for (let i = 0; i < 300; i++) {
      const number = 65_400 + ((i * 7) % 300) - (i % 3) * 5
      const data = noise(lengths[i % lengths.length]! >>> (i % 2), i + 1)
      expect(toHex(cipher.process(blockOf(2, number), data))).toBe(judge(key, blockOf(2, number), data))
    }
  })

  it('keeps many streams apart', () => {
    const cipher = createNodeCtr(key, 0)
    for (let number = 0; number < 40; number++) {
      for (let stream = 0; stream < 24; stream++) {
        const data = noise(50 + 40 * (stream % 3), number + stream + 1)
        const block = blockOf(stream, number + 1000 * stream)
        if (toHex(cipher.process(block, data)) !== judge(key, block, data)) throw new Error(`${stream} ${number}`)
      }
    }
  })

  it('leaves counters that start elsewhere to the platform', () => {
    const cipher = createNodeCtr(key, 0)
    for (const [last, before] of [
      [1, 0],
      [0, 1],
      [255, 255],
    ] as const) {
      const block = blockOf(3, 3)
      block[15] = last
      block[14] = before
      expect(toHex(cipher.process(block, noise(5000)))).toBe(judge(key, block, noise(5000)))
    }
  })

  it('writes where it is told', () => {
    const cipher = createNodeCtr(key, 0)
    const memory = new Uint8Array(70).fill(7)
    memory.set(noise(60), 5)
    const view = cipher.process(blockOf(1, 1), memory.subarray(5, 65), memory, 5)
    expect(toHex(view)).toBe(judge(key, blockOf(1, 1), noise(60)))
    expect(view.buffer).toBe(memory.buffer)
    expect([...memory.subarray(0, 5), ...memory.subarray(65)]).toEqual(Array(10).fill(7))
    expect(errorCode(() => cipher.process(noise(12), noise(3)))).toBe('ERR_CRYPTO_NONCE_LENGTH')
    expect(errorCode(() => cipher.process(blockOf(1, 2), noise(30), memory, 50))).toBe('ERR_CRYPTO_OUTPUT_SIZE')
  })
})

describe('AES-CTR where batches cannot be made', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('is the plain cipher', async () => {
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const module = await import('../src/node/block.ts')
    const key = noise(16)
    const cipher = module.createNodeCtr(key, 0)
    expect(cipher.constructor.name).toBe('Object')
    expect(toHex(cipher.process(blockOf(1, 1), noise(100)))).toBe(judge(key, blockOf(1, 1), noise(100)))
  })
})

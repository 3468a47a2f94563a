import { createCipheriv } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createNodeAead, createNodeGcm } from '../src/node/aead.ts'
import { noise, toHex } from './bytes.ts'

function judge(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): string {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce)
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString('hex')
}

function nonceOf(stream: number, number: number): Uint8Array {
  const nonce = noise(12, stream + 1)
  new DataView(nonce.buffer).setUint32(8, number)
  return nonce
}

function seal(aead: ReturnType<typeof createNodeGcm>, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const out = new Uint8Array(plaintext.length + 16)
  aead.seal(nonce, noise(13), plaintext, out, 0)
  return out
}

describe('AES-GCM in batches', () => {
  it('serves more keys than there are tables, in turn', () => {
    const keys = Array.from({ length: 530 }, (_, i) => noise(16, i + 1))
    const ciphers = keys.map((key) => createNodeGcm('aes-128-gcm', key, 0))
    for (let number = 0; number < 3; number++) {
      for (const [i, cipher] of ciphers.entries()) {
        const sealed = seal(cipher, nonceOf(i, number), noise(50 + i, number + 1))
        expect(toHex(sealed)).toBe(judge(keys[i]!, nonceOf(i, number), noise(13), noise(50 + i, number + 1)))
        expect(toHex(cipher.open(nonceOf(i, number), noise(13), sealed))).toBe(toHex(noise(50 + i, number + 1)))
      }
    }
  })

  it.each([2, 4, 16, 17, 40])('serves %i interleaved streams under one key', (streams) => {
    const key = noise(32)
    const sender = createNodeGcm('aes-256-gcm', key, 0)
    const receiver = createNodeGcm('aes-256-gcm', key, 0)
    for (let number = 0; number < 50; number++) {
      for (let stream = 0; stream < streams; stream++) {
        const [nonce, plaintext] = [nonceOf(stream, number), noise(100 + stream, number + 1)]
        const sealed = seal(sender, nonce, plaintext)
        expect(toHex(sealed)).toBe(judge(key, nonce, noise(13), plaintext))
        expect(toHex(receiver.open(nonce, noise(13), sealed))).toBe(toHex(plaintext))
      }
    }
  })

  it('serves records that grow and shrink within and across groups of nonces', () => {
    const key = noise(16)
    const cipher = createNodeGcm('aes-128-gcm', key, 0)
    const lengths = [0, 1200, 16, 3072, 3073, 40, 3071, 1, 2000, 9000, 1500, 60]
    for (let number = 0; number < 300; number++) {
      const [nonce, plaintext] = [nonceOf(1, number), noise(lengths[number % 12]! >> (number % 3), number + 1)]
      const sealed = seal(cipher, nonce, plaintext)
      if (toHex(sealed) !== judge(key, nonce, noise(13), plaintext)) throw new Error(`wrong at ${number}`)
      if (toHex(cipher.open(nonce, noise(13), sealed)) !== toHex(plaintext)) throw new Error(`not opened at ${number}`)
    }
  })

  it('is not led astray by forged records between the genuine ones', () => {
    const key = noise(16)
    const sender = createNodeGcm('aes-128-gcm', key, 0)
    const receiver = createNodeGcm('aes-128-gcm', key, 0)
    for (let number = 0; number < 100; number++) {
      const sealed = seal(sender, nonceOf(1, number), noise(200, number + 1))
      const forged = noise(100 + ((number * 37) % 2000), number + 7)
      expect(receiver.open(nonceOf(1, number), noise(13), forged)).toBeUndefined()
      expect(receiver.open(nonceOf(1, number ^ 0x35), noise(13), forged)).toBeUndefined()
      expect(receiver.open(nonceOf(number, 0xffffffff - number), noise(13), forged)).toBeUndefined()
      expect(toHex(receiver.open(nonceOf(1, number), noise(13), sealed))).toBe(toHex(noise(200, number + 1)))
    }
  })

  it('takes long additional data', () => {
    const key = noise(16)
    const cipher = createNodeGcm('aes-128-gcm', key, 0)
    for (const length of [64, 65, 999, 1000, 1001, 5000]) {
      const out = new Uint8Array(26)
      cipher.seal(nonceOf(1, length), noise(length), noise(10), out, 0)
      expect(toHex(out)).toBe(judge(key, nonceOf(1, length), noise(length), noise(10)))
      expect(toHex(cipher.open(nonceOf(1, length), noise(length), out))).toBe(toHex(noise(10)))
    }
  })
})

describe('AES-GCM where batches cannot be made', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('is the plain cipher', async () => {
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const module = await import('../src/node/aead.ts')
    const cipher = module.createNodeGcm('aes-128-gcm', noise(16), 0)
    expect(cipher.constructor.name).toBe(createNodeAead('aes-128-gcm', noise(16)).constructor.name)
    expect(toHex(seal(cipher, nonceOf(1, 1), noise(40)))).toBe(judge(noise(16), nonceOf(1, 1), noise(13), noise(40)))
  })
})

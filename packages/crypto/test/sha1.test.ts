import { createHash, createHmac } from 'node:crypto'
import { defaultProvider, nobleProvider } from '@kaon/crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Hmac } from '../src/types.ts'
import { createWasmHmacSha1 } from '../src/wasm/sha1.ts'
import { noise, toHex } from './bytes.ts'

function judge(key: Uint8Array, data: Uint8Array): string {
  return createHmac('sha1', key).update(data).digest('hex')
}

const never: Hmac = {
  length: 20,
  sign() {
    throw new Error('not to be used')
  },
}

describe('HMAC-SHA1 in WebAssembly', () => {
  it('is right for every length of message and key', () => {
    for (let length = 0; length < 300; length++) {
      const [key, data] = [noise(length % 65, length + 1), noise(length, length + 2)]
      if (toHex(createWasmHmacSha1(key, never)!.sign(data)) !== judge(key, data)) throw new Error(`wrong at ${length}`)
    }
    for (const length of [1200, 4096, 60_000, 64_368]) {
      expect(toHex(createWasmHmacSha1(noise(20), never)!.sign(noise(length)))).toBe(judge(noise(20), noise(length)))
    }
  })

  it('leaves to others what is too long', () => {
    expect(createWasmHmacSha1(noise(65), never)).toBeUndefined()
    expect(() => createWasmHmacSha1(noise(20), never)!.sign(noise(64_369))).toThrow('not to be used')
    expect(() => createWasmHmacSha1(noise(20), never)!.sign(noise(64_365), noise(4))).toThrow('not to be used')
  })

  it('lets the platform hash long messages, under any of several keys', () => {
    let calls = 0
    const sha1 = (data: Uint8Array): string => {
      calls++
      return createHash('sha1').update(data).digest('binary')
    }
    const keys = [1, 2, 3].map((seed) => noise(10 + 27 * seed - 27, seed))
    const macs = keys.map((key) => createWasmHmacSha1(key, never, sha1)!)
    for (let i = 0; i < 60; i++) {
      const [k, data] = [(i * i) % 3, noise(570 + i, i + 1)]
      expect(toHex(macs[k]!.sign(data.subarray(0, 300), data.subarray(300)))).toBe(judge(keys[k]!, data))
    }
    expect(calls).toBe(30)
  })

  it('keeps keys apart', () => {
    const keys = [1, 2, 3].map((seed) => noise(20, seed))
    const macs = keys.map((key) => createWasmHmacSha1(key, never)!)
    for (let i = 0; i < 30; i++) {
      const k = (i * i) % 3
      expect(toHex(macs[k]!.sign(noise(i)))).toBe(judge(keys[k]!, noise(i)))
    }
  })

  it.each([defaultProvider, nobleProvider])('is what $name comes to use, for all lengths and keys', (provider) => {
    for (const keyLength of [20, 64, 65]) {
      const key = noise(keyLength)
      const mac = provider.createHmac('sha1', key)
      for (let i = 0; i < 60; i++) {
        const [data, suffix] = [noise(i * 61, i + 1), noise(i % 5, i + 2)]
        expect(toHex(mac.sign(data, suffix))).toBe(judge(key, Uint8Array.from([...data, ...suffix])))
      }
    }
  })
})

describe('HMAC-SHA1 without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('gives way', async () => {
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const module = await import('../src/wasm/sha1.ts')
    expect(module.createWasmHmacSha1(noise(20), never)).toBeUndefined()
    const { defaultProvider: provider } = await import('@kaon/crypto')
    const mac = provider.createHmac('sha1', noise(20))
    for (let i = 0; i < 20; i++) expect(toHex(mac.sign(noise(i)))).toBe(judge(noise(20), noise(i)))
  })
})

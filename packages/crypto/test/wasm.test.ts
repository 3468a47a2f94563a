import { readFileSync } from 'node:fs'
import { createCipheriv } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Aead, AeadName } from '../src/types.ts'
import { generate } from '../wasm/build.mjs'
import { noise, toHex } from './bytes.ts'

describe('the WebAssembly modules', () => {
  it('are what their sources make', () => {
    const files = generate()
    for (const [path, text] of files) {
      expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(text)
    }
    expect(files.size).toBeGreaterThan(0)
  })
})

describe('ChaCha20-Poly1305 in WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  const key = noise(32)
  const never = (): Aead => {
    throw new Error('not to be used')
  }

  async function fresh(): Promise<typeof import('../src/wasm/chacha20-poly1305.ts')> {
    vi.resetModules()
    return import('../src/wasm/chacha20-poly1305.ts')
  }

  it('does not need the fallback for any record of a datagram, and calls it for more', async () => {
    const { createWasmChaCha20Poly1305 } = await fresh()
    const aead = createWasmChaCha20Poly1305(key, never)!
    const out = new Uint8Array(70_000)
    expect(aead.seal(noise(12), noise(1500), new Uint8Array(60_000), out, 0)).toBe(60_016)
    expect(() => aead.seal(noise(12), noise(13), new Uint8Array(65_000), out, 0)).toThrow('not to be used')
    expect(() => aead.open(noise(12), noise(1600), new Uint8Array(100))).toThrow('not to be used')
  })

  it('takes over from the platform in mid-stream without a seam', async () => {
    const { defaultProvider, nobleProvider } = await import('@kaon/crypto')
    const [sender, receiver] = [
      defaultProvider.createAead('chacha20-poly1305', key),
      defaultProvider.createAead('chacha20-poly1305', key),
    ]
    const judge = nobleProvider.createAead('chacha20-poly1305', key)
    for (let i = 0; i < 40; i++) {
      const [nonce, aad, plaintext] = [noise(12, i), noise(13, i + 1), noise(100 + i, i + 2)]
      const sealed = new Uint8Array(plaintext.length + 16)
      expect(sender.seal(nonce, aad, plaintext, sealed, 0)).toBe(sealed.length)
      expect(toHex(judge.open(nonce, aad, sealed)!)).toBe(toHex(plaintext))
      expect(toHex(receiver.open(nonce, aad, sealed)!)).toBe(toHex(plaintext))
      sealed[i]! ^= 1
      expect(receiver.open(nonce, aad, sealed)).toBeUndefined()
    }
  })

  it('is right up to its largest record and beyond', async () => {
    const { defaultProvider, nobleProvider } = await import('@kaon/crypto')
    for (const provider of [defaultProvider, nobleProvider]) {
      const aead = provider.createAead('chacha20-poly1305', key)
      // Node's backend takes the platform's cipher for the first records.
      for (let i = 0; i < 20; i++) aead.seal(noise(12), noise(13), noise(10), new Uint8Array(26), 0)
      for (const [length, aadLength] of [
        [6144, 13],
        [6145, 13],
        [63_215, 1520],
        [63_216, 13],
        [63_217, 13],
        [100_000, 0],
        [100, 3000],
      ] as const) {
        const [nonce, aad, plaintext] = [noise(12, length), noise(aadLength, 5), noise(length, 6)]
        const sealed = new Uint8Array(length + 16)
        aead.seal(nonce, aad, plaintext, sealed, 0)
        const judge = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
        judge.setAAD(aad, { plaintextLength: length })
        const expected = Buffer.concat([judge.update(plaintext), judge.final(), judge.getAuthTag()])
        expect(Buffer.compare(expected, sealed)).toBe(0)
        expect(Buffer.compare(aead.open(nonce, aad, sealed)!, plaintext)).toBe(0)
      }
    }
  })

  it('keeps the keys of several ciphers apart', async () => {
    const { createWasmChaCha20Poly1305 } = await fresh()
    const ciphers = [1, 2, 3].map((seed) => createWasmChaCha20Poly1305(noise(32, seed), never)!)
    const records = ciphers.map((cipher, i) => {
      const out = new Uint8Array(316)
      cipher.seal(noise(12), noise(i), noise(300), out, 0)
      return out
    })
    for (const [i, cipher] of ciphers.entries()) {
      for (const [k, record] of records.entries()) {
        expect(toHex(cipher.open(noise(12), noise(k), record))).toBe(i === k ? toHex(noise(300)) : undefined)
      }
    }
  })

  it.each([
    ['is absent', undefined],
    [
      'is forbidden',
      {
        Module: class {
          constructor() {
            throw new Error('blocked by a content security policy')
          }
        },
      },
    ],
  ])('gives way where WebAssembly %s', async (_, value) => {
    vi.stubGlobal('WebAssembly', value)
    const { createWasmChaCha20Poly1305 } = await fresh()
    expect(createWasmChaCha20Poly1305(key, never)).toBeUndefined()
    const { createPortableAead } = await import('../src/wasm/aead.ts')
    const asked: AeadName[] = []
    createPortableAead('chacha20-poly1305', key, () => {
      asked.push('chacha20-poly1305')
      return {} as Aead
    })
    expect(asked).toEqual(['chacha20-poly1305'])
  })
})

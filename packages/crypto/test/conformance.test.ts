import * as nodeEntry from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import * as portableEntry from '../src/index.ts'
import { createNodeAead, createNodeGcm } from '../src/node/aead.ts'
import { nobleLibrary } from '../src/node/noble.ts'
import { createNobleAead } from '../src/noble/aead.ts'
import { describeAead } from './conformance/aead.ts'
import { describeAsymmetric } from './conformance/asymmetric.ts'
import { describeSymmetric } from './conformance/symmetric.ts'

const BACKENDS = [nodeEntry.defaultProvider, portableEntry.defaultProvider]

for (const provider of BACKENDS) {
  describeAead(provider.name, (name, key) => provider.createAead(name, key))
  describeSymmetric(provider.name, provider)
  describeAsymmetric(provider.name, provider)
}

// What the accelerated ciphers stand in for is still there, for records that do not fit them and platforms without WebAssembly.
describeAead('node:crypto alone', createNodeAead, ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'])
describeAead('AES-GCM from the first record on', (name, key) => createNodeGcm(name, key, 0), [
  'aes-128-gcm',
  'aes-256-gcm',
])
describeAead('noble alone', (name, key) => createNobleAead(nobleLibrary, name, key), ['chacha20-poly1305'])

describe('entry points', () => {
  it('have the same names', () => {
    expect(Object.keys(nodeEntry).sort()).toEqual(Object.keys(portableEntry).sort())
  })

  it('differ in their default backend', () => {
    expect([nodeEntry.defaultProvider.name, nodeEntry.nobleProvider.name]).toEqual(['node', 'noble'])
    expect([portableEntry.defaultProvider.name, portableEntry.nobleProvider.name]).toEqual(['noble', 'noble'])
  })
})

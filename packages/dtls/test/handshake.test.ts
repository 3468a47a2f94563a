import { describe, expect, it } from 'vitest'
import type { CipherSuiteName } from '@kaon/dtls'
import { bytes, dataOf, identity, Pair, text } from './pair.ts'

const ECDSA: CipherSuiteName[] = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CCM',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CCM',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
]
const RSA: CipherSuiteName[] = [
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
]

describe('a full handshake', () => {
  for (const suite of [...ECDSA, ...RSA]) {
    it(`works with ${suite}`, () => {
      const certificate = identity(suite.includes('_RSA_') ? 'rsa-2048' : 'ecdsa-p256', 'server')
      const pair = new Pair({}, { certificate, cipherSuites: [suite] })
      // What is not offered by default has to be asked for on both sides.
      const client = new Pair({ cipherSuites: [suite] }, { certificate, cipherSuites: [suite] })
      expect(suite.includes('CCM') ? 'failed' : 'connected').toBe(
        (pair.client.start(pair.now), pair.run().client.state),
      )
      client.connect()
      expect(client.client.selected?.cipherSuite).toBe(suite)
      expect(client.server.selected).toEqual(client.client.selected)
      for (const size of [1, 15, 16, 17, 1200, 16384]) {
        const data = new Uint8Array(size).fill(size)
        client.client.send(data)
        client.server.send(data)
        client.run()
        expect(dataOf(client.serverEvents)).toEqual([data])
        expect(dataOf(client.clientEvents)).toEqual([data])
        client.serverEvents.length = 0
        client.clientEvents.length = 0
      }
    })
  }
})

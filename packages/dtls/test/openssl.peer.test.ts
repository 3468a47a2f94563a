import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { CipherSuiteName, DtlsCertificate } from '@kaon/dtls'
import { type DtlsConnectOptions, type DtlsListenOptions, DtlsServer, DtlsSocket } from '@kaon/dtls/driver'
import { KeyFolder, OpenSsl } from './openssl.ts'
import { bytes, identity, text } from './pair.ts'

const SUITES: readonly [string, CipherSuiteName][] = [
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  ['ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-ECDSA-AES128-CCM', 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM'],
  ['ECDHE-ECDSA-AES256-CCM8', 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8'],
  ['ECDHE-ECDSA-AES128-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
  ['ECDHE-ECDSA-AES256-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA'],
  ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  ['ECDHE-RSA-CHACHA20-POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-RSA-AES128-SHA', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'],
  ['ECDHE-RSA-AES256-SHA', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA'],
]
const EXPORT = ['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', '60']
const SRTP = ['-use_srtp', 'SRTP_AES128_CM_SHA1_80']

const folder = new KeyFolder()
const open: { kill?(): Promise<void>; close?(): void }[] = []

afterEach(async () => {
  for (const thing of open.splice(0)) {
    thing.close?.()
    await thing.kill?.()
  }
})
afterAll(() => folder.remove())

function certificateFor(suite: CipherSuiteName, name: string): DtlsCertificate {
  return identity(suite.includes('_RSA_') ? 'rsa-2048' : 'ecdsa-p256', name)
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex').toUpperCase()
}

/** A Kaon server, and one connection of it. */
async function kaonServer(
  certificate: DtlsCertificate,
  options: Partial<DtlsListenOptions> = {},
): Promise<{ port: string; socket: Promise<DtlsSocket>; server: DtlsServer }> {
  const server = await DtlsServer.listen({
    address: '127.0.0.1',
    certificate,
    cookie: false,
    requireClientCertificate: false,
    verifyPeer: () => true,
    retransmissionTimeout: 200,
    ...options,
  })
  open.push(server)
  const socket = new Promise<DtlsSocket>((resolve, reject) => {
    server.onconnection = resolve
    server.onerror = reject
  })
  return { port: `127.0.0.1:${server.local.port}`, socket, server }
}

function sClient(port: string, ...args: string[]): OpenSsl {
  const peer = new OpenSsl(['s_client', '-dtls1_2', '-connect', port, ...args])
  open.push(peer)
  return peer
}

async function sServer(certificate: DtlsCertificate, ...args: string[]): Promise<{ peer: OpenSsl; port: number }> {
  const keys = folder.arguments('server', certificate)
  const peer = new OpenSsl(['s_server', '-dtls1_2', '-accept', '127.0.0.1:0', ...keys, ...args])
  open.push(peer)
  const match = await peer.until(/ACCEPT .*:(\d+)/)
  return { peer, port: Number(match[1]) }
}

async function kaonClient(port: number, options: Partial<DtlsConnectOptions> = {}): Promise<DtlsSocket> {
  const socket = await DtlsSocket.connect({
    host: '127.0.0.1',
    port,
    verifyPeer: () => true,
    retransmissionTimeout: 200,
    handshakeTimeout: 10_000,
    ...options,
  })
  open.push(socket)
  return socket
}

function nextMessage(socket: DtlsSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.onmessage = (data) => resolve(text(data))
  })
}

describe('openssl s_client against a Kaon server', () => {
  for (const [cipher, suite] of SUITES) {
    it(`speaks ${cipher}, with the same exported keys`, async () => {
      const certificate = certificateFor(suite, 'server')
      const { port, socket } = await kaonServer(certificate, {
        cipherSuites: [suite],
        srtpProfiles: ['SRTP_AES128_CM_HMAC_SHA1_80'],
      })
      const peer = sClient(port, '-cipher', cipher, ...SRTP, ...EXPORT)
      const connection = await socket
      expect(connection.selected).toMatchObject({
        cipherSuite: suite,
        srtpProfile: 'SRTP_AES128_CM_HMAC_SHA1_80',
        extendedMasterSecret: true,
      })
      const [, keys] = await peer.until(/Keying material: ([0-9A-F]+)/)
      expect(keys).toBe(hex(connection.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60)))
      const message = nextMessage(connection)
      peer.write('from openssl\n')
      expect(await message).toBe('from openssl\n')
      connection.send(bytes('from kaon'))
      await peer.until(/from kaon/)
      const closed = new Promise((resolve) => {
        connection.onclose = resolve
      })
      peer.endInput()
      expect(await closed).toBeUndefined()
    })
  }
})

describe('a Kaon client against openssl s_server', () => {
  for (const [cipher, suite] of SUITES) {
    it(`speaks ${cipher}, with the same exported keys`, async () => {
      const certificate = certificateFor(suite, 'server')
      const { peer, port } = await sServer(certificate, '-cipher', cipher, ...SRTP, ...EXPORT)
      const socket = await kaonClient(port, {
        cipherSuites: [suite],
        srtpProfiles: ['SRTP_AEAD_AES_128_GCM', 'SRTP_AES128_CM_HMAC_SHA1_80'],
      })
      expect(socket.selected).toMatchObject({
        cipherSuite: suite,
        srtpProfile: 'SRTP_AES128_CM_HMAC_SHA1_80',
        extendedMasterSecret: true,
      })
      const [, keys] = await peer.until(/Keying material: ([0-9A-F]+)/)
      expect(keys).toBe(hex(socket.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60)))
      socket.send(bytes('from kaon\n'))
      await peer.until(/from kaon/)
      const message = nextMessage(socket)
      peer.write('from openssl\n')
      expect(await message).toBe('from openssl\n')
    })
  }
})

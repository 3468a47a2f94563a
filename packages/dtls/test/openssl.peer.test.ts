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

describe('small datagrams', () => {
  for (const mtu of [256, 512]) {
    // The value that OpenSSL takes includes IP and UDP headers.
    const flag = ['-mtu', String(mtu)]

    it(`s_client and a Kaon server at ${mtu} bytes`, async () => {
      const certificate = identity('rsa-2048', 'server')
      const client = identity('rsa-2048', 'client')
      const { port, socket } = await kaonServer(certificate, { mtu: mtu - 28, requireClientCertificate: true })
      const peer = sClient(port, ...flag, ...folder.arguments('client', client))
      const connection = await socket
      expect(connection.remoteCertificates[0]).toEqual(client.chain[0])
      expect(connection.stats.datagramsReceived).toBeGreaterThan(3)
      expect(connection.stats.bytesSent / connection.stats.datagramsSent).toBeLessThanOrEqual(mtu - 28)
      const message = nextMessage(connection)
      peer.write('small\n')
      expect(await message).toBe('small\n')
    })

    it(`a Kaon client and s_server at ${mtu} bytes`, async () => {
      const certificate = identity('rsa-2048', 'server')
      const client = identity('rsa-2048', 'client')
      const { peer, port } = await sServer(certificate, ...flag, '-Verify', '1')
      const socket = await kaonClient(port, { mtu: mtu - 28, certificate: client })
      expect(socket.stats.datagramsReceived).toBeGreaterThan(4)
      const message = nextMessage(socket)
      socket.send(bytes('small\n'))
      await peer.until(/small/)
      peer.write('small too\n')
      expect(await message).toBe('small too\n')
    })
  }
})

describe('client certificates', () => {
  for (const type of ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'] as const) {
    it(`s_client shows one (${type})`, async () => {
      const client = identity(type, 'client')
      const { port, socket } = await kaonServer(identity(), { requireClientCertificate: true })
      sClient(port, ...folder.arguments('client', client))
      const connection = await socket
      expect(connection.remoteCertificates).toEqual(client.chain)
    })

    it(`s_server checks ours (${type})`, async () => {
      const { peer, port } = await sServer(identity(), '-Verify', '1')
      const socket = await kaonClient(port, { certificate: identity(type, 'client') })
      socket.send(bytes('accepted\n'))
      await peer.until(/accepted/)
      expect(peer.output).toMatch(/subject=CN = client/)
    })
  }

  it('s_client without one is refused', async () => {
    const { port, socket } = await kaonServer(identity(), { requireClientCertificate: true })
    const peer = sClient(port)
    await expect(socket).rejects.toMatchObject({ code: 'ERR_DTLS_CERTIFICATE', alert: 'handshake_failure' })
    await peer.until(/alert handshake failure/)
  })

  it('s_server refuses us without one', async () => {
    const { port } = await sServer(identity(), '-Verify', '1', '-verify_return_error')
    await expect(kaonClient(port)).rejects.toMatchObject({ code: 'ERR_DTLS_ALERT' })
  })
})

describe('cookies', () => {
  it('s_client follows a HelloVerifyRequest of the gate', async () => {
    const { port, socket } = await kaonServer(identity(), { cookie: true })
    const peer = sClient(port)
    const connection = await socket
    const message = nextMessage(connection)
    peer.write('verified\n')
    expect(await message).toBe('verified\n')
  })

  it('we follow that of s_server -listen', async () => {
    const { peer, port } = await sServer(identity(), '-listen')
    const socket = await kaonClient(port)
    socket.send(bytes('verified\n'))
    await peer.until(/verified/)
  })
})

describe('groups and signatures', () => {
  for (const [name, group] of [
    ['X25519', 'x25519'],
    ['P-256', 'p256'],
    ['P-384', 'p384'],
  ] as const) {
    it(`s_client with ${name}`, async () => {
      const { port, socket } = await kaonServer(identity('rsa-2048', 'server'))
      sClient(port, '-groups', name)
      expect((await socket).selected?.group).toBe(group)
    })

    it(`s_server with ${name}`, async () => {
      const { port } = await sServer(identity('rsa-2048', 'server'), '-groups', name)
      expect((await kaonClient(port)).selected?.group).toBe(group)
    })
  }

  for (const scheme of ['rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha512'] as const) {
    const name = {
      rsa_pss_rsae_sha256: 'RSA-PSS+SHA256',
      rsa_pkcs1_sha256: 'RSA+SHA256',
      rsa_pkcs1_sha512: 'RSA+SHA512',
    }

    it(`s_client with ${scheme} only`, async () => {
      const { port, socket } = await kaonServer(identity('rsa-2048', 'server'))
      sClient(port, '-sigalgs', name[scheme])
      expect((await socket).state).toBe('connected')
    })

    it(`s_server asked for ${scheme} only`, async () => {
      const { port } = await sServer(identity('rsa-2048', 'server'))
      expect((await kaonClient(port, { signatureSchemes: [scheme] })).state).toBe('connected')
    })
  }
})

describe('old and awkward peers', () => {
  it('without the extended master secret', async () => {
    const { peer, port } = await sServer(identity(), ...EXPORT)
    const socket = await kaonClient(port, {
      clientHello: (hello) => ({ ...hello, extensions: hello.extensions.filter(({ type }) => type !== 23) }),
    })
    expect(socket.selected?.extendedMasterSecret).toBe(false)
    const [, keys] = await peer.until(/Keying material: ([0-9A-F]+)/)
    expect(keys).toBe(hex(socket.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60)))
  })

  it('s_server may give us a ticket, if we ask for one', async () => {
    const { peer, port } = await sServer(identity())
    const received: unknown[] = []
    const socket = await kaonClient(port, {
      trace: ({ name, data }) => name === 'message-received' && received.push((data as { type: number }).type),
      clientHello: (hello) => ({ ...hello, extensions: [...hello.extensions, { type: 35, data: new Uint8Array(0) }] }),
    })
    socket.send(bytes('with a ticket\n'))
    await peer.until(/with a ticket/)
    expect(received).toEqual([3, 2, 11, 12, 14, 4, 20])
  })

  it('s_server that takes at its word an extension which was for show is refused', async () => {
    const { port } = await sServer(identity())
    const connecting = kaonClient(port, {
      cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
      clientHello: (hello) => ({ ...hello, extensions: [...hello.extensions, { type: 22, data: new Uint8Array(0) }] }), // encrypt_then_mac
    })
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_DTLS_NEGOTIATION', alert: 'unsupported_extension' })
  })

  it('s_client that speaks only 1.0 is refused', async () => {
    const { port, socket } = await kaonServer(identity())
    const peer = new OpenSsl(['s_client', '-dtls1', '-cipher', 'ALL:@SECLEVEL=0', '-connect', port])
    open.push(peer)
    await expect(socket).rejects.toMatchObject({ code: 'ERR_DTLS_NEGOTIATION', alert: 'protocol_version' })
    await peer.until(/alert protocol version/)
  })

  it('s_server without a common suite refuses us', async () => {
    const { port } = await sServer(identity(), '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384')
    const suites: CipherSuiteName[] = ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256']
    await expect(kaonClient(port, { cipherSuites: suites })).rejects.toMatchObject({
      code: 'ERR_DTLS_ALERT',
      alert: 'handshake_failure',
    })
  })

  it('s_client that wants to renegotiate hears that we do not, and makes that its end', async () => {
    const { port, socket } = await kaonServer(identity())
    const peer = sClient(port)
    const connection = await socket
    const closed = new Promise((resolve) => {
      connection.onclose = resolve
    })
    peer.write('R\n')
    await peer.until(/no renegotiation/)
    expect(connection.stats.refusedRenegotiations).toBe(1)
    expect(await closed).toMatchObject({ code: 'ERR_DTLS_ALERT', alert: 'handshake_failure' })
  })

  it('s_server that wants to renegotiate is refused, and stays connected', async () => {
    const { peer, port } = await sServer(identity())
    const socket = await kaonClient(port)
    const message = nextMessage(socket)
    peer.write('r\n')
    await until(() => socket.stats.refusedRenegotiations > 0)
    peer.write('still here\n')
    expect(await message).toBe('still here\n')
    expect(socket.state).toBe('connected')
  })
})

describe('the end', () => {
  it('our close reaches s_client', async () => {
    const { port, socket } = await kaonServer(identity())
    const peer = sClient(port)
    const connection = await socket
    await peer.until(/Verify return code/)
    connection.close()
    await peer.untilExit()
    expect(peer.output).toMatch(/closed/)
  })

  it('our close reaches s_server', async () => {
    const { peer, port } = await sServer(identity())
    const socket = await kaonClient(port)
    await peer.until(/CIPHER is/)
    socket.close()
    await peer.until(/DONE/)
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

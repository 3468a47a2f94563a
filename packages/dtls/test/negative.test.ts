import { type CryptoProvider, defaultProvider } from '@kaon/crypto'
import { describe, expect, it, vi } from 'vitest'
import type { DtlsConnection, DtlsEvent, DtlsOptions } from '@kaon/dtls'
import { encodeMessage } from '../src/handshake/header.ts'
import { RecordLayer } from '../src/record/layer.ts'
import { FORGED_SUITE, Forger, plainRecord } from './forger.ts'
import { bytes, dataOf, identity, Pair, sha256Of, text } from './pair.ts'

type Side = 'client' | 'server'
const SIDES: readonly Side[] = ['client', 'server']
const other = (side: Side): Side => (side === 'client' ? 'server' : 'client')

/** Runs a handshake that `victim` must not take for good, and returns its error. */
function failure(pair: Pair, victim: Side): { code: string; alert: string | undefined } {
  pair.client.start(pair.now)
  pair.run()
  const events = victim === 'client' ? pair.clientEvents : pair.serverEvents
  expect(events.map(({ type }) => type)).toEqual(['failed'])
  expect(pair[victim].state).toBe('failed')
  const event = events[0] as Extract<DtlsEvent, { type: 'failed' }>
  return { code: event.error.code, alert: event.error.alert }
}

/** A pair where `side` has these options. */
function pairWith(side: Side, options: Partial<DtlsOptions>, others: Partial<DtlsOptions> = {}): Pair {
  return side === 'client' ? new Pair(options, others) : new Pair(others, options)
}

/** An established pair, whose keys are known. */
function forged(): { pair: Pair; forger: Forger } {
  const lines: string[] = []
  const pair = new Pair({ cipherSuites: [FORGED_SUITE], keyLog: (line) => lines.push(line) }).connect()
  return { pair, forger: new Forger(lines[0]!, pair) }
}

/** Both directions still carry data. */
function expectAlive(pair: Pair): void {
  pair.clientEvents.length = 0
  pair.serverEvents.length = 0
  pair.client.send(bytes('to the server'))
  pair.server.send(bytes('to the client'))
  pair.run()
  expect(dataOf(pair.serverEvents).map(text)).toEqual(['to the server'])
  expect(dataOf(pair.clientEvents).map(text)).toEqual(['to the client'])
}

/** A provider whose HMAC goes wrong for one label of the PRF. */
function lying(label: string): CryptoProvider {
  const wrong = bytes(label)
  return new Proxy(defaultProvider, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name !== 'createHmac') return typeof value === 'function' ? value.bind(target) : value
      return (...args: Parameters<CryptoProvider['createHmac']>) => {
        const hmac = target.createHmac(...args)
        return {
          length: hmac.length,
          sign: (data: Uint8Array): Uint8Array => {
            const tag = hmac.sign(data)
            if (Buffer.from(data).includes(Buffer.from(wrong))) tag[0]! ^= 1
            return tag
          },
        }
      }
    },
  })
}

describe.each(SIDES)('what a %s does not accept', (victim) => {
  const attacker = other(victim)

  it('a certificate whose key the peer does not hold', () => {
    for (const type of ['ecdsa-p256', 'rsa-2048'] as const) {
      const shown = identity(type, 'victim of theft')
      const stolen = { chain: shown.chain, privateKey: identity(type, 'thief').privateKey }
      const pair = pairWith(attacker, { certificate: stolen })
      expect(failure(pair, victim)).toEqual({ code: 'ERR_DTLS_SIGNATURE', alert: 'decrypt_error' })
      expect(pair[attacker].state).toBe('failed')
    }
  })

  it('a Finished that does not match', () => {
    const pair = pairWith(attacker, { crypto: lying(`${attacker} finished`) })
    expect(failure(pair, victim)).toEqual({ code: 'ERR_DTLS_FINISHED', alert: 'decrypt_error' })
  })

  it('a certificate that the fingerprints do not announce', () => {
    const remoteFingerprints = [sha256Of(identity('ecdsa-p256', 'somebody else'))]
    const pair = pairWith(victim, { remoteFingerprints })
    expect(failure(pair, victim)).toEqual({ code: 'ERR_DTLS_FINGERPRINT', alert: 'bad_certificate' })
    expect(pair[attacker].state).toBe('failed')
  })

  it('a certificate of the right weak hash and the wrong strong one', () => {
    const right = identity('ecdsa-p256', attacker)
    const weak = { algorithm: 'sha-1', value: sha1Of(right.chain[0]!) }
    const wrong = sha256Of(identity('ecdsa-p256', 'somebody else'))
    expect(failure(pairWith(victim, { remoteFingerprints: [weak, wrong] }), victim).code).toBe('ERR_DTLS_FINGERPRINT')
    expect(failure(pairWith(victim, { remoteFingerprints: [] }), victim).code).toBe('ERR_DTLS_FINGERPRINT')
    const pair = pairWith(victim, { remoteFingerprints: [wrong, sha256Of(right)] }).connect()
    expect(pair[victim].state).toBe('connected')
    expect(pairWith(victim, { remoteFingerprints: [weak] }).connect()[victim].state).toBe('connected')
  })

  it('a certificate that verifyPeer refuses', () => {
    const chains: (readonly Uint8Array[])[] = []
    const pair = pairWith(victim, {
      verifyPeer: (chain) => {
        chains.push(chain)
        return false
      },
    })
    expect(failure(pair, victim)).toEqual({ code: 'ERR_DTLS_CERTIFICATE', alert: 'bad_certificate' })
    expect(chains).toEqual([identity('ecdsa-p256', attacker).chain])
  })

  it('a verifyPeer that throws', () => {
    const verifyPeer = (): boolean => {
      throw new Error('cannot decide')
    }
    expect(failure(pairWith(victim, { verifyPeer }), victim).alert).toBe('internal_error')
  })

  it('a certificate that cannot be read', () => {
    const chain = [Uint8Array.of(0x30, 3, 1, 2, 3)]
    const certificate = { chain, privateKey: identity().privateKey }
    const pair = pairWith(attacker, { certificate }, { verifyPeer: () => true })
    expect(failure(pair, victim)).toEqual({ code: 'ERR_DTLS_CERTIFICATE', alert: 'unsupported_certificate' })
  })

  it('a record that came before', () => {
    const pair = new Pair().connect()
    const copies: Uint8Array[] = []
    pair.intercept = (from, datagram) => {
      if (from === attacker) copies.push(datagram.slice(), datagram.slice())
      return [datagram]
    }
    pair[attacker].send(bytes('once'))
    pair.run()
    for (const copy of copies) pair.inject(victim, copy)
    pair.run()
    expect(dataOf(eventsOf(pair, victim)).map(text)).toEqual(['once'])
    expect(pair[victim].stats.droppedReplayed).toBe(2)
    expectAlive(pair)
  })

  it('a record from beyond the replay window', () => {
    const pair = pairWith(victim, { replayWindow: 64 }).connect()
    const late: Uint8Array[] = []
    pair.intercept = (from, datagram) => {
      if (from === attacker && late.length < 2) {
        late.push(datagram)
        return []
      }
      return [datagram]
    }
    // Two are delayed; then come as many as the window is long.
    for (let i = 0; i < 65; i++) pair[attacker].send(bytes(String(i)))
    pair.run()
    for (const datagram of late) pair.inject(victim, datagram)
    pair.run()
    const got = dataOf(eventsOf(pair, victim)).map(text)
    expect(got).toContain('1')
    expect(got).not.toContain('0')
    expect(got).toHaveLength(64)
    expect(pair[victim].stats.droppedReplayed).toBe(1)
  })

  it('a plaintext alert after the handshake', () => {
    const pair = new Pair().connect()
    for (const alert of [Uint8Array.of(2, 40), Uint8Array.of(1, 0), Uint8Array.of(2, 80)]) {
      pair.inject(victim, plainRecord(21, alert))
    }
    pair.run()
    expect(pair[victim].state).toBe('connected')
    expect(pair[victim].stats.ignoredAlerts).toBe(3)
    expect(eventsOf(pair, victim)).toEqual([])
    expectAlive(pair)
  })

  it('plaintext alerts during a handshake that goes on', () => {
    const pair = new Pair()
    pair.intercept = (_from, datagram) => [plainRecord(21, Uint8Array.of(2, 40)), datagram]
    pair.connect()
    expectAlive(pair)
  })

  it('a renegotiation, in the open', () => {
    const pair = new Pair().connect()
    const hello = pair.sent[0]!.datagram
    const request = plainRecord(22, encodeMessage(0, 0, new Uint8Array(0)))
    pair.inject(victim, hello.slice())
    pair.inject(victim, request)
    const sent = pair.sent.length
    pair.run()
    expect(pair.sent).toHaveLength(sent)
    expect(eventsOf(pair, victim)).toEqual([])
    expectAlive(pair)
  })

  it('a renegotiation, under the keys', () => {
    const { pair, forger } = forged()
    const hello = pair.sent[0]!.datagram.slice(13)
    for (let i = 0; i < 20; i++) pair.inject(victim, forger.record(attacker, 22, hello))
    pair.inject(victim, forger.record(attacker, 22, encodeMessage(0, 0, new Uint8Array(0))))
    const sent = pair.sent.length
    pair.run()
    expect(pair[victim].stats.refusedRenegotiations).toBe(21)
    expect(pair.sent.length - sent).toBe(4) // warnings, not one per request
    expect(eventsOf(pair, victim)).toEqual([])
    expect(eventsOf(pair, attacker)).toEqual([])
    expectAlive(pair)
  })

  it('content types, versions and epochs that do not exist', () => {
    const { pair, forger } = forged()
    for (const type of [0, 19, 24, 25, 26, 32, 63, 255]) {
      pair.inject(victim, plainRecord(type, bytes('?')))
      pair.inject(victim, forger.record(attacker, type, bytes('?')))
    }
    pair.inject(victim, plainRecord(23, bytes('in the open')))
    pair.inject(victim, plainRecord(23, bytes('in the open'), { epoch: 2 }))
    pair.inject(victim, plainRecord(22, bytes('in the open'), { epoch: 65535 }))
    pair.inject(victim, plainRecord(22, bytes('?'), { version: 0x0303 }))
    const wrongVersion = forger.record(attacker, 23, bytes('1.0'))
    wrongVersion[2] = 0xff
    pair.inject(victim, wrongVersion)
    pair.run()
    expect(pair[victim].stats.droppedUnexpected).toBe(21)
    expect(eventsOf(pair, victim)).toEqual([])
    expectAlive(pair)
  })

  it('a protected record that was changed', () => {
    const { pair, forger } = forged()
    const record = forger.record(attacker, 23, bytes('authentic'))
    for (let i = 0; i < record.length; i++) {
      const changed = record.slice()
      changed[i]! ^= 1
      pair.inject(victim, changed)
    }
    pair.run()
    expect(dataOf(eventsOf(pair, victim))).toEqual([])
    expect(pair[victim].stats.droppedUnauthenticated).toBeGreaterThan(20)
    pair.inject(victim, record)
    pair.run()
    expect(dataOf(eventsOf(pair, victim)).map(text)).toEqual(['authentic'])
  })
})

describe.each(SIDES)('what a %s does accept', (side) => {
  const peer = other(side)

  it('a fatal alert under the keys is the end', () => {
    const { pair, forger } = forged()
    pair.inject(side, forger.record(peer, 21, Uint8Array.of(2, 80)))
    pair.run()
    expect(pair[side].state).toBe('failed')
    expect(eventsOf(pair, side)).toMatchObject([
      { type: 'failed', error: { code: 'ERR_DTLS_ALERT', alert: 'internal_error' } },
    ])
  })

  it('warnings and malformed alerts under the keys are not', () => {
    const { pair, forger } = forged()
    for (const alert of [[1, 90], [1, 100], [3, 0], [2], [2, 40, 0], []]) {
      pair.inject(side, forger.record(peer, 21, Uint8Array.from(alert)))
    }
    pair.run()
    expect(eventsOf(pair, side)).toEqual([])
    expectAlive(pair)
  })

  it('close_notify is answered and closes', () => {
    const pair = new Pair().connect()
    pair[peer].close()
    pair[peer].close()
    pair.run()
    expect(pair[peer].state).toBe('closed')
    expect(pair[side].state).toBe('closed')
    expect(eventsOf(pair, side)).toEqual([{ type: 'closed' }])
    expect(eventsOf(pair, peer)).toEqual([])
    expect(pair.sent.slice(-2).map(({ from, datagram }) => [from, datagram[0]])).toEqual([
      [peer, 21],
      [side, 21],
    ])
    expect(() => pair[side].send(bytes('too late'))).toThrow(expect.objectContaining({ code: 'ERR_DTLS_STATE' }))
    expect(() => pair[side].exportKeyingMaterial('label', 8)).toThrow(
      expect.objectContaining({ code: 'ERR_DTLS_STATE' }),
    )
  })

  it('fingerprints that come late: connected waits, early data waits, both come in order', () => {
    const pair = pairWith(side, { remoteFingerprints: undefined as never })
    pair.client.start(pair.now)
    pair.run()
    expect(pair[peer].state).toBe('connected')
    expect(pair[side].state).toBe('connecting')
    expect(pair[side].deadline).toBe(Infinity)
    pair[peer].send(bytes('early'))
    pair.run()
    expect(eventsOf(pair, side)).toEqual([])
    pair[side].setRemoteFingerprints([sha256Of(identity('ecdsa-p256', peer))])
    pair.run()
    expect(eventsOf(pair, side).map(({ type }) => type)).toEqual(['connected', 'data'])
    expect(dataOf(eventsOf(pair, side)).map(text)).toEqual(['early'])
    expectAlive(pair)
  })

  it('fingerprints that come late and are wrong end it, before any data', () => {
    const pair = pairWith(side, { remoteFingerprints: undefined as never })
    pair.client.start(pair.now)
    pair.run()
    pair[peer].send(bytes('early'))
    pair.run()
    pair[side].setRemoteFingerprints([sha256Of(identity('ecdsa-p256', 'somebody else'))])
    pair.run()
    expect(eventsOf(pair, side)).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_FINGERPRINT' } }])
    expect(pair[peer].state).toBe('failed')
  })

  it('no more early data than the limit', () => {
    const pair = pairWith(side, { remoteFingerprints: undefined as never })
    pair.client.start(pair.now)
    pair.run()
    for (let i = 0; i < 300; i++) pair[peer].send(new Uint8Array(100))
    for (let i = 0; i < 300; i++) pair[peer].send(new Uint8Array(1200))
    pair.run()
    pair[side].setRemoteFingerprints([sha256Of(identity('ecdsa-p256', peer))])
    pair.run()
    expect(dataOf(eventsOf(pair, side))).toHaveLength(256)
    expect(pair[side].stats.droppedOverflow).toBe(344)
  })
})

describe('limits', () => {
  it('closes when the sequence numbers are used up', () => {
    const pair = new Pair().connect()
    const nonces = lastSequences(pair.client, 3)
    expect(nonces).toEqual([0xffff_ffff_fffd, 0xffff_ffff_fffe, 0xffff_ffff_ffff])
    expect(pair.client.state).toBe('failed')
    pair.drain()
    expect(pair.clientEvents).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_SEQUENCE_EXHAUSTED' } }])
  })

  it('a server without a client certificate that requires one', () => {
    const pair = new Pair({ certificate: undefined as never }, { verifyPeer: () => true })
    expect(failure(pair, 'server')).toEqual({ code: 'ERR_DTLS_CERTIFICATE', alert: 'handshake_failure' })
  })

  it('a server that only asks takes a client without certificate', () => {
    const options = { requireClientCertificate: false, requestClientCertificate: true, verifyPeer: () => false }
    const client = { certificate: undefined as never }
    const pair = new Pair(client, options).connect()
    expect(pair.server.remoteCertificates).toEqual([])
    expectAlive(pair)
  })
})

function eventsOf(pair: Pair, side: Side): DtlsEvent[] {
  return side === 'client' ? pair.clientEvents : pair.serverEvents
}

function sha1Of(der: Uint8Array): string {
  return Buffer.from(defaultProvider.hash('sha1', der))
    .toString('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')
}

/** Moves the numbering of epoch 1 to its end, sends until it is over, and returns the numbers that were used. */
function lastSequences(connection: DtlsConnection, left: number): number[] {
  const spy = vi.spyOn(RecordLayer.prototype, 'sequencesLeft')
  connection.send(bytes('who is it'))
  connection.pollTransmit(0)
  const inner = spy.mock.contexts[0] as RecordLayer
  spy.mockRestore()
  inner.setWriteSequence(1, 0xffff_ffff_ffff - left + 1)
  const numbers: number[] = []
  for (let i = 0; i < left; i++) {
    if (connection.state === 'connected') connection.send(bytes('?'))
    const out = connection.pollTransmit(0)!
    numbers.push(Number(Buffer.from(out).readUIntBE(5, 6)))
  }
  expect(connection.pollTransmit(0)).toBeUndefined()
  return numbers
}

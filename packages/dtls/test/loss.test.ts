import { describe, expect, it } from 'vitest'
import { type DtlsOptions } from '@kaon/dtls'
import { bytes, dataOf, identity, Pair, seeded, text, type Weather } from './pair.ts'

function weather(seed: number, loss: number): Weather {
  return { random: seeded(seed), loss, duplicate: 0.2, delay: [5, 60] }
}

describe('a handshake through loss, reordering and duplication', () => {
  for (const mtu of [256, 1200]) {
    for (const [name, type, cookie] of [
      ['ECDSA', 'ecdsa-p256', false],
      ['RSA', 'rsa-2048', true],
    ] as const) {
      it(`always completes at ${mtu} bytes with ${name}`, () => {
        // At 256 bytes an RSA flight is seven datagrams, of which any loss costs a round: less loss then.
        const loss = mtu === 256 ? 0.1 : 0.3
        const options: Partial<DtlsOptions> = { mtu, retransmissionTimeout: 100, handshakeTimeout: 3_600_000 }
        for (let seed = 0; seed < 60; seed++) {
          const certificate = identity(type, 'c')
          const server = identity(type, 's')
          const pair = new Pair(
            { ...options, certificate },
            { ...options, cookie, certificate: server },
            weather(seed, loss),
          )
          pair.client.start(pair.now)
          pair.run(3_600_000)
          expect([seed, pair.client.state, pair.server.state]).toEqual([seed, 'connected', 'connected'])
          expect(pair.clientEvents).toEqual([{ type: 'connected' }])
          expect(pair.serverEvents).toEqual([{ type: 'connected' }])
          for (const { datagram } of pair.sent) expect(datagram.length).toBeLessThanOrEqual(mtu)
          expect(pair.client.exportKeyingMaterial('x', 16)).toEqual(pair.server.exportKeyingMaterial('x', 16))
        }
      })
    }
  }

  it('delivers data that overtakes the end of the handshake, once and whole', () => {
    for (let seed = 100; seed < 140; seed++) {
      const options = { retransmissionTimeout: 100, handshakeTimeout: 3_600_000 }
      const pair = new Pair(options, options, weather(seed, 0.2))
      let said = false
      pair.intercept = (_from, datagram) => {
        if (!said && pair.server.state === 'connected') {
          said = true
          for (let i = 0; i < 20; i++) pair.server.send(bytes(String(i)))
        }
        return [datagram]
      }
      pair.client.start(pair.now)
      pair.run(3_600_000)
      const got = dataOf(pair.clientEvents).map(text)
      expect(new Set(got).size).toBe(got.length)
      expect(got.length).toBeGreaterThan(5)
      expect(pair.clientEvents[0]).toEqual({ type: 'connected' })
    }
  })
})

describe('retransmission', () => {
  it('doubles its timeout, tries smaller datagrams, and gives up', () => {
    const pair = new Pair({ handshakeTimeout: 20_000, mtu: 1200, certificate: identity('rsa-2048', 'c') })
    pair.intercept = () => []
    pair.client.start(pair.now)
    pair.run()
    expect(pair.sent.map(({ at }) => at - 1000)).toEqual([0, 1000, 3000, 7000, 15000])
    expect(pair.clientEvents).toMatchObject([{ type: 'failed', error: { code: 'ERR_DTLS_TIMEOUT' } }])
    expect(pair.client.deadline).toBe(Infinity)
    expect(pair.client.stats.flightsRetransmitted).toBe(4)
  })

  it('cuts a flight smaller after three timeouts (RFC 6347 §4.1.1.1)', () => {
    const pair = new Pair({}, { certificate: identity('rsa-2048', 's') })
    // A path that silently swallows whatever is larger than 600 bytes.
    pair.intercept = (_from, datagram) => (datagram.length > 600 ? [] : [datagram])
    pair.connect()
    expect(pair.server.stats.flightsRetransmitted).toBeGreaterThanOrEqual(3)
  })

  it('stops at the maximum', () => {
    const options = { retransmissionTimeout: 50, maxRetransmissionTimeout: 200, handshakeTimeout: 1000 }
    const pair = new Pair(options)
    pair.intercept = () => []
    pair.client.start(pair.now)
    pair.run()
    expect(pair.sent.map(({ at }) => at - 1000)).toEqual([0, 50, 150, 350, 550, 750, 950])
  })

  it('starts with the timeout that was set last', () => {
    const pair = new Pair({ handshakeTimeout: 500 })
    pair.intercept = () => []
    pair.client.setRetransmissionTimeout(50)
    pair.client.start(pair.now)
    pair.run()
    expect(pair.sent.map(({ at }) => at - 1000)).toEqual([0, 50, 150, 350])
  })

  it('numbers repeated records anew, and the messages as before', () => {
    const pair = new Pair()
    pair.intercept = () => []
    pair.client.start(pair.now)
    pair.run(4000)
    const [first, second, third] = pair.sent.map(({ datagram }) => Buffer.from(datagram))
    expect([first!, second!, third!].map((datagram) => datagram.readUIntBE(5, 6))).toEqual([0, 1, 2])
    expect(second!.subarray(13)).toEqual(first!.subarray(13))
  })

  it('answers a repeated last flight with its own, long after the handshake, and only then', () => {
    const pair = new Pair({ retransmissionTimeout: 100 })
    let swallow = true
    const finished: Uint8Array[] = []
    pair.intercept = (from, datagram) => {
      const isLast = from === 'server' && datagram[0] === 20
      if (isLast) finished.push(datagram)
      return isLast && swallow ? [] : [datagram]
    }
    pair.client.start(pair.now)
    pair.run(5000)
    expect([pair.client.state, pair.server.state]).toEqual(['connecting', 'connected'])
    const asked = pair.server.stats.flightsRetransmitted
    expect(asked).toBeGreaterThan(3)
    expect(finished).toHaveLength(asked + 1)
    expect(pair.server.deadline).toBe(Infinity)
    swallow = false
    pair.run()
    expect(pair.client.state).toBe('connected')
    expect(pair.serverEvents).toEqual([{ type: 'connected' }])
  })

  it('is not set off by forged repetitions after the handshake', () => {
    const pair = new Pair().connect()
    const plain = pair.sent.filter(({ from, datagram }) => from === 'client' && datagram[0] === 22)
    const before = pair.sent.length
    for (const { datagram } of plain) {
      pair.now += 1000
      pair.inject('server', datagram.slice())
    }
    pair.run()
    expect(pair.sent).toHaveLength(before)
    expect(pair.server.stats.flightsRetransmitted).toBe(0)
  })

  it('answers at most one copy of a repeated hello per interval', () => {
    const pair = new Pair()
    pair.client.start(pair.now)
    pair.drain()
    const hello = pair.sent[0]!.datagram
    pair.intercept = (from, datagram) => (from === 'server' ? [] : [datagram])
    for (let i = 0; i < 50; i++) pair.inject('server', hello.slice())
    pair.run(15)
    for (let i = 0; i < 50; i++) pair.inject('server', hello.slice())
    pair.run(100)
    expect(pair.sent.filter(({ from }) => from === 'server').length).toBeLessThanOrEqual(3)
  })

  it('believes a plaintext fatal alert once nothing else comes', () => {
    const pair = new Pair()
    pair.intercept = () => []
    pair.client.start(pair.now)
    pair.run(500)
    pair.inject('client', Uint8Array.of(21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40))
    pair.run(400)
    expect(pair.client.state).toBe('connecting')
    pair.run(200)
    expect(pair.clientEvents).toMatchObject([
      { type: 'failed', error: { code: 'ERR_DTLS_ALERT', alert: 'handshake_failure' } },
    ])
  })
})

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createNetwork, type TcpConnection } from '@kaon/net'
import { expect, it } from 'vitest'

const network = createNetwork()
const read = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const identity = { certificate: read('localhost.cert.pem'), privateKey: read('localhost.key.pem') }

it('a listener with an identity speaks TLS, and survives clients that do not', async () => {
  const listener = await network.listenTcp({
    address: '127.0.0.1',
    tls: { ...identity, alpnProtocols: ['stun.turn'] },
  })
  const { port } = listener.local
  const accepted = new Promise<TcpConnection>((resolve) => {
    listener.onconnection = resolve
  })
  const stray = connect(port, '127.0.0.1', () => stray.write('GET / HTTP/1.0\r\n\r\n'))
  stray.on('error', () => {})
  await new Promise((resolve) => stray.once('close', resolve))
  const tls = { authorities: [identity.certificate], serverName: 'kaon.test', alpnProtocols: ['stun.turn'] }
  const client = await network.connectTcp({ host: '127.0.0.1', port, tls })
  const server = await accepted
  expect(server.remote).toEqual(client.local)
  const received = new Promise<Uint8Array>((resolve) => {
    client.ondata = resolve
  })
  server.write(Uint8Array.of(1, 2, 3))
  expect([...(await received)]).toEqual([1, 2, 3])
  for (const one of [client, server, listener]) one.close()
})

// Streams that take no more: what can be dropped is dropped, at either end.
import type { Network, TcpConnection } from '@kaon/net'
import { VirtualNetwork } from '@kaon/net/virtual'
import { attribute, decodeMessage, LongTermCredentials, MessageBuilder, methods } from '@kaon/stun'
import type { Link } from '@kaon/stun/driver/link'
import { expect, it } from 'vitest'
import { ChannelDataWriter } from '../src/index.ts'
import { StreamClientLink } from '../src/driver/client-links.ts'
import { Session } from '../src/driver/session.ts'
import { peerAt } from './core-harness.ts'
import { user } from './scene.ts'

const MEGABYTE = 1024 * 1024
const channelData = (): Uint8Array => new ChannelDataWriter().write(0x4000, new Uint8Array(10), true)
const indication = (method: number): Uint8Array =>
  new MessageBuilder().start('indication', method, new Uint8Array(12)).finish()
const response = (): Uint8Array => new MessageBuilder().start('success', 1, new Uint8Array(12)).finish()

it('a server drops data for a client that does not read, and still answers it', () => {
  const written: Uint8Array[] = []
  const tcp = {
    bufferedAmount: MEGABYTE,
    local: peerAt(1),
    remote: peerAt(2),
    write: (data: Uint8Array) => written.push(data) > 0,
  }
  const stats = { droppedBacklog: 0 }
  const link = new StreamClientLink(tcp as unknown as TcpConnection, 'tcp', 0, stats)
  for (const message of [channelData(), indication(methods.data), response()]) link.send(message, tcp.remote)
  expect([written.length, stats.droppedBacklog]).toEqual([3, 0])
  tcp.bufferedAmount++
  for (const message of [channelData(), indication(methods.data), response()]) link.send(message, tcp.remote)
  expect(written).toHaveLength(4)
  expect(decodeMessage(written[3]!)?.messageClass).toBe('success')
  expect(stats.droppedBacklog).toBe(2)
})

it('a client drops data for a server that does not read, and still asks it', () => {
  const network: Network = new VirtualNetwork().addHost()
  const written: Uint8Array[] = []
  const link: Link & { bufferedAmount: number } = {
    transport: 'tcp',
    reliable: true,
    local: peerAt(1),
    remote: peerAt(2),
    bufferedAmount: 0,
    onmessage: undefined,
    onerror: undefined,
    onbroken: undefined,
    send: (message) => void written.push(message),
    close: () => {},
    ref: () => {},
    unref: () => {},
  }
  const credentials = new LongTermCredentials(user)
  const trusting = {
    authenticate: () => ({ accept: () => true, retry: () => false }),
    reset: () => credentials.reset(),
  }
  const session = new Session(network, link, { credentials: trusting }, () => {})
  const answer = (add: (builder: MessageBuilder) => void = () => {}): void => {
    const request = decodeMessage(written.pop()!)!
    const builder = new MessageBuilder().start('success', request.method, request.transactionId)
    add(builder)
    link.onmessage!(builder.finish())
  }
  session.allocate()
  answer((builder) => builder.add(attribute.xorRelayedAddress, peerAt(3)).add(attribute.xorMappedAddress, peerAt(1)))
  session.permit(peerAt(9).address)
  answer()
  session.send(peerAt(9), new Uint8Array(1))
  expect(written.splice(0)).toHaveLength(2) // the indication, and ChannelBind
  link.bufferedAmount = MEGABYTE + 1
  session.send(peerAt(9), new Uint8Array(1))
  expect([written.length, session.stats.droppedOutgoing]).toEqual([0, 1])
  session.permit(peerAt(10).address)
  expect(decodeMessage(written.pop()!)?.method).toBe(methods.createPermission)
  session.close()
})

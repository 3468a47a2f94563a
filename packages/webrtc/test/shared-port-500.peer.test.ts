import { SharedPorts } from '@kaon/ice/driver'
import { createNetwork } from '@kaon/net'
import { afterEach, expect, it } from 'vitest'
import { RTCPeerConnection, type RTCDataChannelEvent } from '../src/index.ts'
import { closeAll, negotiate, once, opened, peer, trickle } from './support/peers.ts'

// On this machine's sockets: it takes a while, and is no unit test for that.

afterEach(closeAll)

const PEERS = 500
/** Set up at a time: all at once would have the first wait for the last. */
const AT_A_TIME = 25

it(`${PEERS} peer connections at one UDP port, each with a channel`, async () => {
  const network = createNetwork()
  const loopback = { includeLoopback: true, addressFilter: (address: string) => address === '127.0.0.1' }
  const sharedPorts = await SharedPorts.open({ network, ...loopback })
  const certificates = [await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })]
  const received = new Map<number, string>()

  async function join(i: number): Promise<() => void> {
    const client = peer({ certificates, ice: loopback })
    const ours = peer({ certificates, ice: { ...loopback, sharedPorts } })
    trickle(client, ours)
    const channel = client.createDataChannel(`${i}`)
    channel.onmessage = ({ data }) => received.set(i, String(data))
    const incoming = once<Event & RTCDataChannelEvent>(ours, 'datachannel')
    await negotiate(client, ours)
    const { channel: remote } = await incoming
    remote.onmessage = ({ data }) => remote.send(`${String(data)} of ${remote.label}`)
    await opened(channel)
    expect(ours.sctp!.transport.iceTransport.getSelectedCandidatePair()!.local.port).toBe(sharedPorts.port)
    return () => channel.send('hello')
  }

  const speakers: (() => void)[] = []
  for (let i = 0; i < PEERS; i += AT_A_TIME) {
    speakers.push(...(await Promise.all(Array.from({ length: AT_A_TIME }, (_, j) => join(i + j)))))
  }
  expect(sharedPorts.stats.shares).toBe(PEERS)
  for (const speak of speakers) speak()
  await expect.poll(() => received.size, { timeout: 20_000 }).toBe(PEERS)
  for (const [i, text] of received) expect(text).toBe(`hello of ${i}`)
  closeAll()
  expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
  sharedPorts.close()
})

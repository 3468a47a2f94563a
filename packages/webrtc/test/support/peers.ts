import {
  RTCPeerConnection,
  type RTCConfiguration,
  type RTCDataChannel,
  type RTCDataChannelEvent,
} from '../../src/index.ts'
import { stillNetwork } from './still-network.ts'

const open = new Set<RTCPeerConnection>()

/** A connection that `closeAll` closes. */
export function peer(configuration: RTCConfiguration = {}): RTCPeerConnection {
  const connection = new RTCPeerConnection(configuration)
  open.add(connection)
  return connection
}

/** One that never opens a socket. */
export function stillPeer(configuration: RTCConfiguration = {}): RTCPeerConnection {
  return peer({ net: stillNetwork(), ...configuration })
}

export function closeAll(): void {
  for (const connection of open) connection.close()
  open.clear()
}

/** The next event of that type. */
export function once<E extends Event = Event>(target: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) => target.addEventListener(type, (event) => resolve(event as E), { once: true }))
}

/** Candidates travel as they are found, in order and behind the descriptions. */
export function trickle(a: RTCPeerConnection, b: RTCPeerConnection): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.addEventListener('icecandidate', (event) => {
      const { candidate } = event as unknown as { candidate: RTCIceCandidate | null }
      void to.addIceCandidate(candidate?.toJSON()).catch(() => {})
    })
  }
}

export async function negotiate(offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<void> {
  await offerer.setLocalDescription()
  await answerer.setRemoteDescription(offerer.localDescription!)
  await answerer.setLocalDescription()
  await offerer.setRemoteDescription(answerer.localDescription!)
}

export async function opened(channel: RTCDataChannel): Promise<RTCDataChannel> {
  if (channel.readyState === 'connecting') await once(channel, 'open')
  return channel
}

export interface Connected {
  a: RTCPeerConnection
  b: RTCPeerConnection
  channel: RTCDataChannel
  remote: RTCDataChannel
}

/** Two peers of this process over loopback with one open channel. */
export async function connect(configuration: RTCConfiguration = {}): Promise<Connected> {
  const options: RTCConfiguration = { ice: { includeLoopback: true }, ...configuration }
  const a = peer(options)
  const b = peer(options)
  trickle(a, b)
  const channel = a.createDataChannel('main')
  const incoming = once<Event & RTCDataChannelEvent>(b, 'datachannel')
  await negotiate(a, b)
  const remote = (await incoming).channel
  await Promise.all([opened(channel), opened(remote)])
  return { a, b, channel, remote }
}

/** The next `count` messages; the listener is in place when this returns. */
export function messages(channel: RTCDataChannel, count: number): Promise<unknown[]> {
  return new Promise((resolve) => {
    const got: unknown[] = []
    const listener = (event: Event): void => {
      got.push((event as MessageEvent).data)
      if (got.length < count) return
      channel.removeEventListener('message', listener)
      resolve(got)
    }
    channel.addEventListener('message', listener)
  })
}

/** The name of the `DOMException`, or of the error. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as Error).name
  }
  return 'fulfilled'
}

export function thrown(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return (error as Error).name
  }
  return 'returned'
}

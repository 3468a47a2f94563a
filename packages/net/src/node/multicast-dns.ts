// The part of multicast-dns (and of the dns-packet messages it hands out) that is used here; it brings no types.

import type { Socket } from 'node:dgram'

export interface Question {
  name: string
  type: string
  class?: string
}

export interface Answer {
  name: string
  type: string
  class?: string
  ttl?: number
  flush?: boolean
  data?: unknown
}

export interface Message {
  id?: number
  questions?: Question[]
  answers?: Answer[]
  authorities?: Answer[]
  additionals?: Answer[]
}

export interface Remote {
  address: string
  port: number
}

export interface MulticastDns {
  on(event: 'query' | 'response', listener: (message: Message, remote: Remote) => void): this
  on(event: 'error' | 'warning', listener: (error: Error) => void): this
  query(message: Message, remote: Remote, callback: (error?: Error | null) => void): void
  respond(message: Message, remote: Remote, callback: (error?: Error | null) => void): void
  destroy(): void
}

export type CreateMulticastDns = (options: {
  type: 'udp4' | 'udp6'
  port: number
  ip: string
  interface: string
  bind: false
  multicast: false
  socket: Socket
}) => MulticastDns

/** Not before it is needed: an import of this package loads nothing else. */
export async function loadMulticastDns(): Promise<CreateMulticastDns> {
  // @ts-expect-error there are no types
  const loaded = (await import('multicast-dns')) as { default: CreateMulticastDns }
  return loaded.default
}

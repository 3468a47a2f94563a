import type { Endpoint, UdpSocket } from '@kaon/net'
import { type VirtualHost, VirtualNetwork } from '@kaon/net/virtual'
import { LongTermAuthenticator } from '@kaon/stun'
import { TurnClient, type TurnClientOptions, TurnServer, type TurnServerOptions } from '../src/driver/index.ts'

export const user = { username: 'alice', password: 'secret' }

export const authenticator = (): LongTermAuthenticator =>
  new LongTermAuthenticator({
    realm: 'example.org',
    passwords: new Map([
      ['alice', 'secret'],
      ['bob', 'hidden'],
    ]),
  })

export interface Scene {
  readonly net: VirtualNetwork
  readonly host: VirtualHost
  readonly serverHost: VirtualHost
  readonly server: TurnServer
  client(options?: Partial<TurnClientOptions>): TurnClient
}

/** A client, a server and what is between them, on virtual time. The addresses of the virtual network are documentation’s: all are relayed to. */
export async function makeScene(options: Partial<TurnServerOptions> = {}, seed = 1): Promise<Scene> {
  const net = new VirtualNetwork({ seed })
  const serverHost = net.addHost({ name: 'server', families: [4, 6] })
  const host = net.addHost({ name: 'client', families: [4, 6] })
  net.addName('turn.example.org', serverHost)
  const server = await TurnServer.listen({
    network: serverHost,
    authenticator: authenticator(),
    permitPeer: () => true,
    tcp: false,
    ...options,
  })
  return {
    net,
    host,
    serverHost,
    server,
    client: (more) => new TurnClient({ network: host, server: 'turn:turn.example.org', family: 4, ...user, ...more }),
  }
}

export interface Echo {
  readonly socket: UdpSocket
  readonly at: Endpoint
  readonly heard: { readonly from: Endpoint; readonly text: string }[]
}

/** A peer on a host of its own that sends everything back. */
export async function addEcho(net: VirtualNetwork, family: 4 | 6 = 4): Promise<Echo> {
  const host = net.addHost({ families: [4, 6] })
  const socket = await host.bindUdp({ family })
  const heard: Echo['heard'] = []
  socket.onmessage = (data, from) => {
    heard.push({ from, text: decode(data) })
    socket.send(data, from)
  }
  const address = host.addresses.find((one) => one.includes(':') === (family === 6))!
  return { socket, at: { address, port: socket.local.port, family }, heard }
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

// A server for STUN and TURN by UDP, TCP and TLS, and hosts that reach it in many ways.
import { VirtualNetwork } from '@kaon/net/virtual'
import { LongTermAuthenticator } from '@kaon/stun'
import { TurnServer } from '@kaon/turn/driver'
import type { IceServer } from '../../src/driver/index.ts'

export const SERVER = '198.18.0.10'
export const account = { username: 'alice', credential: 'secret' }

export interface TurnScene {
  readonly net: VirtualNetwork
  readonly server: TurnServer
  /** PEM, to be given as an authority. */
  readonly authority: string
}

export async function makeTurnScene(seed = 1): Promise<TurnScene> {
  const net = new VirtualNetwork({ seed })
  const host = net.addHost({ address: SERVER, name: 'turn' })
  net.addName('turn.example.org', host)
  const server = await TurnServer.listen({
    network: host,
    authenticator: new LongTermAuthenticator({
      realm: 'example.org',
      passwords: new Map([[account.username, account.credential]]),
    }),
    permitPeer: () => true,
    tls: { ...net.issueCertificate(['turn.example.org', SERVER]), port: 443 },
  })
  return { net, server, authority: net.authority }
}

export const turnUrls = {
  udp: 'turn:turn.example.org',
  tcp: 'turn:turn.example.org?transport=tcp',
  tls: 'turns:turn.example.org:443?transport=tcp',
} as const

export function turnServers(...transports: (keyof typeof turnUrls)[]): IceServer[] {
  return [{ urls: transports.map((one) => turnUrls[one]), ...account }]
}

import type { VirtualHost } from '@kaon/net/virtual'
import { LongTermAuthenticator } from '@kaon/stun'
import { TurnServer, type TurnServerOptions } from '@kaon/turn/driver'

export const account = { username: 'alice', credential: 'secret' }

/** Kaon's server with one account, on a host of the virtual network. */
export function turnServer(network: VirtualHost, options: Partial<TurnServerOptions> = {}): Promise<TurnServer> {
  return TurnServer.listen({
    network,
    authenticator: new LongTermAuthenticator({
      realm: 'example.org',
      passwords: new Map([[account.username, account.credential]]),
    }),
    permitPeer: () => true,
    ...options,
  })
}

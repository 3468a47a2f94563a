// The server of `load.mjs`, in a process of its own: prints its port, runs until it is killed.
import { createNetwork } from '@kaon/net'
import { LongTermAuthenticator } from '@kaon/stun'
import { TurnServer } from '@kaon/turn/driver'

const server = await TurnServer.listen({
  network: createNetwork(),
  addresses: ['127.0.0.1'],
  port: 0,
  tcp: false,
  authenticator: new LongTermAuthenticator({ realm: 'bench', passwords: new Map([['u', 'p']]) }),
  permitPeer: () => true,
  maxAllocations: 100_000,
  maxAllocationsPerUser: 100_000,
  maxRequestsPerSecond: Infinity,
})
console.log(JSON.stringify({ port: server.port }))

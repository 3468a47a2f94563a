import type { Endpoint } from '@kaon/net'
import { attribute } from '../../attributes.ts'
import { transactionKey } from '../../message.ts'
import type { ProbeSocket } from './probe-socket.ts'
import type { NatDoubtReason, NatReport } from './report.ts'
import type { Session } from './session.ts'

/**
 * When mappings are looked for again, in ms: also shortly before the half minute, the minute, and the two, three and five minutes that
 * NATs are set to. RFC 4787 REQ-5 wants two minutes at least and recommends five.
 */
export const LIFETIMES: readonly number[] = [10, 20, 28, 45, 58, 90, 118, 150, 178, 240, 298].map((s) => s * 1000)

const TRIES = 5

type Poke = 'alive' | 'gone' | 'refused'

/**
 * RFC 5780 §4.6: a socket is left alone for a while, then another one asks the server to answer to the first one's port. Instead of one
 * socket again and again with longer and longer pauses there is one for each pause, all at the same time.
 */
export async function measureLifetime(
  session: Session,
  server: Endpoint,
  rto: number,
  lifetimes: readonly number[],
): Promise<NonNullable<NatReport['bindingLifetime']> | NatDoubtReason> {
  const asker = await session.open()
  const sleepers: { socket: ProbeSocket; port: number; since: number }[] = []
  // One more than needed: the first shows that the server does what is asked.
  for (let count = 0; count <= lifetimes.length; count++) {
    const socket = await session.open()
    const result = await session.ask('binding lifetime', socket, server, { rto })
    if (result.type !== 'answer') return 'answers-missing'
    sleepers.push({ socket, port: result.mapped.port, since: session.network.now() })
  }
  const poke = async ({ socket, port }: { socket: ProbeSocket; port: number }): Promise<Poke> => {
    const id = session.transactionId()
    const key = transactionKey(id)
    const end = new Promise<Poke>((resolve) => {
      socket.await(key, () => resolve('alive'))
      asker.await(key, () => resolve('refused')) // an error response, or an answer of one who does not look at the port
    })
    let outcome: Poke | void = undefined
    for (let tries = 0; tries < TRIES && outcome === undefined && !session.closed; tries++) {
      asker.tell(server, (builder) => builder.add(attribute.responsePort, port), id)
      outcome = await Promise.race([end, session.sleep(rto * 2 ** tries)])
    }
    socket.forget(key)
    asker.forget(key)
    return outcome ?? 'gone'
  }
  if ((await poke(sleepers[0]!)) !== 'alive') return 'no-response-port'
  let atLeast = 0
  for (const [index, lifetime] of lifetimes.entries()) {
    const sleeper = sleepers[index + 1]!
    await session.sleep(Math.max(0, sleeper.since + lifetime - session.network.now()))
    const outcome = await poke(sleeper)
    if (outcome === 'refused') return 'no-response-port'
    if (outcome === 'gone') return { atLeast, below: lifetime }
    atLeast = lifetime
  }
  return { atLeast, below: undefined }
}

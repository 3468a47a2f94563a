import type { Endpoint } from '@kaon/net'
import { transactionKey } from '../../message.ts'
import type { Session } from './session.ts'

const ROUNDS = 6

/**
 * RFC 5780 §3.4: whether a socket hears what another one sends to its outside address. Both send to each other, since a NAT may let in only
 * whom one has sent something to, hairpin or not.
 */
export async function testHairpinning(session: Session, server: Endpoint, rto: number): Promise<boolean | undefined> {
  const left = await session.open()
  const right = await session.open()
  const [leftSeen, rightSeen] = await Promise.all([
    session.ask('hairpinning', left, server, { rto }),
    session.ask('hairpinning', right, server, { rto }),
  ])
  if (leftSeen.type !== 'answer' || rightSeen.type !== 'answer') return undefined
  let hear: (heard: true) => void = () => {}
  const heard = new Promise<true>((resolve) => {
    hear = resolve
  })
  for (let round = 0; round < ROUNDS && !session.closed; round++) {
    right.await(transactionKey(left.tell(rightSeen.mapped)), () => hear(true))
    left.await(transactionKey(right.tell(leftSeen.mapped)), () => hear(true))
    if ((await Promise.race([heard, session.sleep(rto)])) === true) return true
  }
  return false
}

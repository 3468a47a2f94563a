import type { Connection } from '../connection.ts'
import { domError } from '../rtc-error.ts'
import { updateSender } from './start-media.ts'
import type { TransceiverHost } from './transceiver.ts'

/** The connection as its senders, receivers and transceivers see it. */
export function createHost(connection: Connection, cname: string): TransceiverHost {
  return {
    cname,
    queueTask: (task) => connection.tasks.queue(task),
    nextTask: () => connection.tasks.next(),
    chain: (operation) => connection.chain.chain(operation),
    assertOpen: () => {
      if (connection.closed) throw domError('InvalidStateError', 'The connection is closed')
    },
    negotiationMayBeNeeded: () => connection.negotiationMayBeNeeded(),
    updateSender: (sender) => updateSender(connection, sender),
    stats: async (selector) => connection.stats(selector),
    sources: (receiver, kind) => {
      const now = connection.network.now()
      const epoch = connection.network.wallClock() - now
      const heard = receiver.handle?.heard.list(kind, now) ?? []
      return heard.map(({ source, rtpTimestamp, time, audioLevel }) => ({
        source,
        rtpTimestamp,
        timestamp: epoch + time,
        ...(audioLevel === undefined ? {} : { audioLevel }),
      }))
    },
  }
}

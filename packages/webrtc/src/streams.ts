/** Extension: the messages of a channel as Web streams. */
import type { DataChannelCore } from './data-channel-core.ts'

/** What arrives. */
export type Message = string | ArrayBuffer | Blob
/** What can be sent. */
export type Payload = string | ArrayBuffer | ArrayBufferView | Blob

/** Ends when the channel closes; cancelling closes the channel. SCTP has no pause, so that what is not read is kept. */
export function readableOf(core: DataChannelCore): ReadableStream<Message> {
  const iterator = core.iterate()
  return new ReadableStream<Message>(
    {
      async pull(controller) {
        const next = await iterator.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await iterator.return?.()
        core.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Writes wait until `bufferedAmount` is at or below the threshold. Closing or aborting it closes the channel. */
export function writableOf(core: DataChannelCore): WritableStream<Payload> {
  const close = (): Promise<void> => core.dispose()
  return new WritableStream<Payload>({
    async write(payload) {
      await core.ready(undefined)
      core.send(payload)
    },
    close,
    abort: close,
  })
}

import type { Channel } from './channel.ts'
import type { DataChannelError } from './errors.ts'

/** A message of the application. Strings came as strings; `data` belongs to the taker. */
export interface ChannelMessageEvent {
  readonly type: 'message'
  readonly channel: Channel
  readonly data: string | Uint8Array
}

/** What a manager has to tell. */
export type ChannelEvent =
  /** The association is up. Fires once, before any `open`. */
  | { readonly type: 'connected' }
  /** The peer created a channel, which is open already. */
  | { readonly type: 'channel'; readonly channel: Channel }
  /** A channel of ours, or a negotiated one, is open: `send` works. */
  | { readonly type: 'open'; readonly channel: Channel }
  | ChannelMessageEvent
  /** `bufferedAmount` fell from above to at or below `bufferedAmountLowThreshold`. */
  | { readonly type: 'buffered-amount-low'; readonly channel: Channel }
  /** The peer closes the channel: what we have queued is still sent, then `closed` follows. */
  | { readonly type: 'closing'; readonly channel: Channel }
  /** The channel is closed, with `error` if not in good order. Nothing follows for it; its id may be used again. */
  | { readonly type: 'closed'; readonly channel: Channel; readonly error: DataChannelError | undefined }
  /** The association ended, with `error` unless it was shut down. Every channel was `closed` before. Nothing follows. */
  | { readonly type: 'ended'; readonly error: DataChannelError | undefined }

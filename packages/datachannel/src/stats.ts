/** Plain counters of one channel (W3C `RTCDataChannelStats`). Bytes are the application's. */
export interface ChannelStats {
  messagesSent: number
  bytesSent: number
  messagesReceived: number
  bytesReceived: number
}

/** Plain counters of one manager. */
export interface ManagerStats {
  /** Channels that became open (W3C `dataChannelsOpened`). */
  channelsOpened: number
  /** Open channels that were closed (W3C `dataChannelsClosed`). */
  channelsClosed: number
  /** DATA_CHANNEL_OPENs refused with a stream reset, or ignored (`idInUse`), by reason. */
  readonly refused: { malformed: number; parity: number; limit: number; stream: number; idInUse: number }
  /** Messages thrown away, by reason. */
  readonly dropped: {
    /** Bytes for streams without a channel, beyond `maxHeldBytes`. */
    noChannel: number
    /** The channel is closing or closed here. */
    closing: number
    unknownPpid: number
    unexpectedAck: number
    malformedDcep: number
    /** Deprecated partial messages that cannot be put together. */
    partial: number
    /** Stream resets of streams that are not in use. */
    unexpectedReset: number
  }
}

export function createChannelStats(): ChannelStats {
  return { messagesSent: 0, bytesSent: 0, messagesReceived: 0, bytesReceived: 0 }
}

export function createManagerStats(): ManagerStats {
  return {
    channelsOpened: 0,
    channelsClosed: 0,
    refused: { malformed: 0, parity: 0, limit: 0, stream: 0, idInUse: 0 },
    dropped: {
      noChannel: 0,
      closing: 0,
      unknownPpid: 0,
      unexpectedAck: 0,
      malformedDcep: 0,
      partial: 0,
      unexpectedReset: 0,
    },
  }
}

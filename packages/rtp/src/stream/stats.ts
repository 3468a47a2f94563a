/** What the receiver of a stream reports (W3C `RTCRemoteInboundRtpStreamStats`). */
export interface RemoteInboundStats {
  /** Report blocks that came. */
  reportsReceived: number
  packetsLost: number
  /** 0–1, since the report before. */
  fractionLost: number
  /** s */
  jitter: number
  /** s; undefined before the first measurement. */
  roundTripTime: number | undefined
  /** s */
  totalRoundTripTime: number
  roundTripTimeMeasurements: number
}

/** Plain counters of one sent stream (W3C `RTCOutboundRtpStreamStats`). Retransmissions count in the totals, as they do there. */
export interface OutboundStats {
  packetsSent: number
  /** Payload, padding not included. */
  bytesSent: number
  /** RTP headers, extensions and padding. */
  headerBytesSent: number
  retransmittedPacketsSent: number
  retransmittedBytesSent: number
  framesSent: number
  keyFramesSent: number
  /** Frames that were not sent: the queue was full or the payload format could not carry them. */
  framesDropped: number
  /** s, from `writeFrame` or `writePacket` to `pollTransmit`. */
  totalPacketSendDelay: number
  /** Packets of feedback that came. */
  nackCount: number
  pliCount: number
  firCount: number
  /** Packets that were asked for and are not known any more. */
  nackedPacketsExpired: number
  reportsSent: number
  readonly remote: RemoteInboundStats
}

/** What the sender of a stream reports (W3C `RTCRemoteOutboundRtpStreamStats`). */
export interface RemoteOutboundStats {
  packetsSent: number
  bytesSent: number
  /** Sender's wall clock of the last report, ms since 1970; undefined before the first. */
  remoteTimestamp: number | undefined
  reportsSent: number
  /** s, by the answer to our reference time; undefined before the first. */
  roundTripTime: number | undefined
  /** s */
  totalRoundTripTime: number
  roundTripTimeMeasurements: number
}

/** Plain counters of one received stream (W3C `RTCInboundRtpStreamStats`). */
export interface InboundStats {
  /** Of the stream and its retransmissions and repairs. */
  packetsReceived: number
  bytesReceived: number
  headerBytesReceived: number
  /** RFC 3550 §6.4.1: expected less received; what was recovered stays lost. */
  packetsLost: number
  /** s */
  jitter: number
  lastPacketReceivedTimestamp: number | undefined
  retransmittedPacketsReceived: number
  retransmittedBytesReceived: number
  fecPacketsReceived: number
  fecBytesReceived: number
  /** Packets that FEC brought back. */
  fecPacketsRecovered: number
  /** Too late to be part of a frame, or of a frame that was given up. */
  packetsDiscarded: number
  packetsDuplicated: number
  framesReceived: number
  keyFramesReceived: number
  /** Begun and never completed, or not decodable. */
  framesDropped: number
  framesAssembledFromMultiplePackets: number
  /** s, over all frames: from the first packet to the whole frame. */
  totalAssemblyTime: number
  /** s, over all frames: from the first packet to the frame's event. */
  jitterBufferDelay: number
  jitterBufferEmittedCount: number
  /** Feedback that was sent. */
  nackCount: number
  pliCount: number
  firCount: number
  reportsSent: number
  restarts: number
  readonly remote: RemoteOutboundStats
  /** Packets and reports thrown away, by reason. */
  readonly dropped: {
    ssrc: number
    payloadType: number
    /** Far from what was expected; the second in a row is taken for a restart. */
    sequenceNumber: number
    malformed: number
    /** Nobody took them out of `pollEvent`. */
    events: number
  }
}

export function createOutboundStats(): OutboundStats {
  return {
    packetsSent: 0,
    bytesSent: 0,
    headerBytesSent: 0,
    retransmittedPacketsSent: 0,
    retransmittedBytesSent: 0,
    framesSent: 0,
    keyFramesSent: 0,
    framesDropped: 0,
    totalPacketSendDelay: 0,
    nackCount: 0,
    pliCount: 0,
    firCount: 0,
    nackedPacketsExpired: 0,
    reportsSent: 0,
    remote: {
      reportsReceived: 0,
      packetsLost: 0,
      fractionLost: 0,
      jitter: 0,
      roundTripTime: undefined,
      totalRoundTripTime: 0,
      roundTripTimeMeasurements: 0,
    },
  }
}

export function createInboundStats(): InboundStats {
  return {
    packetsReceived: 0,
    bytesReceived: 0,
    headerBytesReceived: 0,
    packetsLost: 0,
    jitter: 0,
    lastPacketReceivedTimestamp: undefined,
    retransmittedPacketsReceived: 0,
    retransmittedBytesReceived: 0,
    fecPacketsReceived: 0,
    fecBytesReceived: 0,
    fecPacketsRecovered: 0,
    packetsDiscarded: 0,
    packetsDuplicated: 0,
    framesReceived: 0,
    keyFramesReceived: 0,
    framesDropped: 0,
    framesAssembledFromMultiplePackets: 0,
    totalAssemblyTime: 0,
    jitterBufferDelay: 0,
    jitterBufferEmittedCount: 0,
    nackCount: 0,
    pliCount: 0,
    firCount: 0,
    reportsSent: 0,
    restarts: 0,
    remote: {
      packetsSent: 0,
      bytesSent: 0,
      remoteTimestamp: undefined,
      reportsSent: 0,
      roundTripTime: undefined,
      totalRoundTripTime: 0,
      roundTripTimeMeasurements: 0,
    },
    dropped: { ssrc: 0, payloadType: 0, sequenceNumber: 0, malformed: 0, events: 0 },
  }
}

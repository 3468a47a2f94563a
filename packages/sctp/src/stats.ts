/** Plain counters of one association. Bytes are user data unless said. */
export interface AssociationStats {
  packetsSent: number
  packetsReceived: number
  /** Whole SCTP packets. */
  bytesSent: number
  bytesReceived: number
  messagesSent: number
  messagesReceived: number
  messageBytesSent: number
  messageBytesReceived: number
  dataChunksSent: number
  dataChunksReceived: number
  duplicateChunksReceived: number
  retransmittedChunks: number
  fastRetransmits: number
  tailLossProbes: number
  retransmissionTimeouts: number
  spuriousRetransmits: number
  messagesAbandoned: number
  messagesDiscarded: number
  sacksSent: number
  sacksReceived: number
  heartbeatsSent: number
  heartbeatAcksReceived: number
  restarts: number
  /** Packets and chunks thrown away, by reason. */
  readonly dropped: {
    shortPacket: number
    ports: number
    checksum: number
    verificationTag: number
    outOfTheBlue: number
    malformedChunk: number
    unknownChunk: number
    unexpectedChunk: number
    invalidCookie: number
    staleCookie: number
    streamId: number
    emptyData: number
    window: number
    limit: number
  }
}

/** Counters at zero. */
export function createStats(): AssociationStats {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    messagesSent: 0,
    messagesReceived: 0,
    messageBytesSent: 0,
    messageBytesReceived: 0,
    dataChunksSent: 0,
    dataChunksReceived: 0,
    duplicateChunksReceived: 0,
    retransmittedChunks: 0,
    fastRetransmits: 0,
    tailLossProbes: 0,
    retransmissionTimeouts: 0,
    spuriousRetransmits: 0,
    messagesAbandoned: 0,
    messagesDiscarded: 0,
    sacksSent: 0,
    sacksReceived: 0,
    heartbeatsSent: 0,
    heartbeatAcksReceived: 0,
    restarts: 0,
    dropped: {
      shortPacket: 0,
      ports: 0,
      checksum: 0,
      verificationTag: 0,
      outOfTheBlue: 0,
      malformedChunk: 0,
      unknownChunk: 0,
      unexpectedChunk: 0,
      invalidCookie: 0,
      staleCookie: 0,
      streamId: 0,
      emptyData: 0,
      window: 0,
      limit: 0,
    },
  }
}

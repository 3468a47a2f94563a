/** Plain counters of a media transport. */

export interface MediaTransportStats {
  packetsSent: number
  packetsReceived: number
  /** SRTP and SRTCP, as on the wire. */
  bytesSent: number
  bytesReceived: number
  rtcpPacketsSent: number
  rtcpPacketsReceived: number
  /** Packets that were kept until keys, a description or a stream were there for them. */
  held: number
  /** Packets thrown away, by reason. */
  readonly dropped: MediaDrops
}

export interface MediaDrops {
  /** Came before the keys, and more of them than are kept. */
  early: number
  /** Not authentic, not new, or no SRTP. */
  srtp: number
  /** No RTP or RTCP inside. */
  malformed: number
  /** Nobody told whose they are. */
  unknown: number
  /** A simulcast layer that was not negotiated. */
  rid: number
  payloadType: number
  /** Of a source that has said goodbye. */
  late: number
  /** More SSRCs than are kept. */
  ssrcs: number
  /** RTCP of or for a source that is not known. */
  rtcp: number
  /** Outgoing, which SRTP refused: the end of its key. */
  protect: number
}

export function createMediaStats(): MediaTransportStats {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    rtcpPacketsSent: 0,
    rtcpPacketsReceived: 0,
    held: 0,
    dropped: {
      early: 0,
      srtp: 0,
      malformed: 0,
      unknown: 0,
      rid: 0,
      payloadType: 0,
      late: 0,
      ssrcs: 0,
      rtcp: 0,
      protect: 0,
    },
  }
}

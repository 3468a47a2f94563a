/**
 * RTP and RTCP share a port with `a=rtcp-mux`; this tells them apart by their second byte (RFC 5761 §4): RTCP packet types
 * are 192 to 223, which no RTP packet shows whose payload type keeps out of 64 to 95. Says nothing about well-formedness;
 * the caller knows already that the datagram is one of both (RFC 7983: first byte 128 to 191).
 */
export function isRtcp(datagram: Uint8Array): boolean {
  return datagram.length > 1 && datagram[1]! >= 192 && datagram[1]! <= 223
}

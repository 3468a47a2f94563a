export { RtpPacket, type HeaderExtension, type RtpPacketInit } from './packet/rtp-packet.ts'
export type { RtcpPacket } from './rtcp/types.ts'

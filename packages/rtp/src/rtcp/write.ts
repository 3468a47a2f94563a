import { writeApplicationDefined } from './application-defined.ts'
import { writeCongestionControlFeedback } from './congestion-control-feedback.ts'
import { writeExtendedReport } from './extended-report.ts'
import { writeGoodbye } from './goodbye.ts'
import { writeFullIntraRequest, writePictureLossIndication } from './key-frame-request.ts'
import { writeGenericNack } from './nack.ts'
import { writeRemb } from './remb.ts'
import { writeReceiverReport, writeSenderReport } from './report.ts'
import { writeSourceDescription } from './source-description.ts'
import { writeTransportFeedback } from './transport-feedback.ts'
import type { RtcpPacket } from './types.ts'
import { RtcpWriter } from './writer.ts'

/**
 * One datagram with the packets in their order. Whether they make a compound packet, a report and an SDES with the CNAME
 * first (RFC 3550 §6.1), is the caller's business.
 *
 * Numbers are clamped to their fields or wrap in them, texts are cut to 255 bytes, lists longer than one packet can count (31)
 * go on in another, and packets that exist only for their list (NACK, FIR, TWCC) are not written without one. So the result can
 * be empty.
 * @throws RtpError `ERR_RTP_ARGUMENT` when one packet has more than 256 KiB.
 */
export function writeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const out = new RtcpWriter()
  for (const packet of packets) writePacket(packet, out)
  return out.finish()
}

function writePacket(packet: RtcpPacket, out: RtcpWriter): void {
  switch (packet.type) {
    case 'SR':
      return writeSenderReport(packet, out)
    case 'RR':
      return writeReceiverReport(packet, out)
    case 'SDES':
      return writeSourceDescription(packet, out)
    case 'BYE':
      return writeGoodbye(packet, out)
    case 'APP':
      return writeApplicationDefined(packet, out)
    case 'NACK':
      return writeGenericNack(packet, out)
    case 'PLI':
      return writePictureLossIndication(packet, out)
    case 'FIR':
      return writeFullIntraRequest(packet, out)
    case 'REMB':
      return writeRemb(packet, out)
    case 'TWCC':
      return writeTransportFeedback(packet, out)
    case 'CCFB':
      return writeCongestionControlFeedback(packet, out)
    case 'XR':
      return writeExtendedReport(packet, out)
    case 'unknown':
      out.begin(packet.packetType, packet.count)
      out.bytes(packet.body)
      return out.end()
  }
}

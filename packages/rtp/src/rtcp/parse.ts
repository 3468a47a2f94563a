import { readUint16 } from '../bytes.ts'
import { readApplicationDefined } from './application-defined.ts'
import { readCongestionControlFeedback } from './congestion-control-feedback.ts'
import { readExtendedReport } from './extended-report.ts'
import { readGoodbye } from './goodbye.ts'
import { readFullIntraRequest, readPictureLossIndication } from './key-frame-request.ts'
import { readGenericNack } from './nack.ts'
import * as types from './packet-types.ts'
import { isRemb, readRemb } from './remb.ts'
import { readReceiverReport, readSenderReport } from './report.ts'
import { readSourceDescription } from './source-description.ts'
import { readTransportFeedback } from './transport-feedback.ts'
import type { RtcpPacket } from './types.ts'

/** Transport feedback claims up to 65535 packets in twenty bytes: all of it in one datagram may claim that much. */
const MAX_STATUSES = 0xffff

/**
 * Takes a datagram of RTCP packets apart: a compound one (RFC 3550 §6.1) or of reduced size (RFC 5506), with whatever packet
 * first. Undefined when any of it is malformed. Byte fields are views of the datagram, which belongs to them from then on.
 *
 * Padding is taken on every packet and in any amount: RFC 3550 §6.4.1 has it on the last only, in multiples of four, but
 * browsers pad each transport feedback by one to three bytes.
 */
export function parseRtcp(datagram: Uint8Array): RtcpPacket[] | undefined {
  const { length } = datagram
  const packets: RtcpPacket[] = []
  let statuses = MAX_STATUSES
  let offset = 0
  do {
    if (offset + types.HEADER_SIZE > length) return undefined
    const first = datagram[offset]!
    if (first >>> 6 !== 2) return undefined
    const next = offset + types.HEADER_SIZE + 4 * readUint16(datagram, offset + 2)
    if (next > length) return undefined
    let end = next
    if ((first & 0x20) !== 0) {
      const padding = datagram[next - 1]!
      if (padding === 0 || padding > next - offset - types.HEADER_SIZE) return undefined
      end = next - padding
    }
    const packet = readPacket(datagram, offset, end, first & 0x1f, statuses)
    if (packet === undefined) return undefined
    if (packet.type === 'TWCC') statuses -= packet.deltas.length
    packets.push(packet)
    offset = next
  } while (offset < length)
  return packets
}

function readPacket(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
  maxStatuses: number,
): RtcpPacket | undefined {
  const packetType = bytes[offset + 1]!
  switch (packetType) {
    case types.SR:
      return readSenderReport(bytes, offset, end, count)
    case types.RR:
      return readReceiverReport(bytes, offset, end, count)
    case types.SDES:
      return readSourceDescription(bytes, offset, end, count)
    case types.BYE:
      return readGoodbye(bytes, offset, end, count)
    case types.APP:
      return readApplicationDefined(bytes, offset, end, count)
    case types.XR:
      return readExtendedReport(bytes, offset, end)
    case types.RTPFB:
      if (count === types.FMT_NACK) return readGenericNack(bytes, offset, end)
      if (count === types.FMT_TWCC) return readTransportFeedback(bytes, offset, end, maxStatuses)
      if (count === types.FMT_CCFB) return readCongestionControlFeedback(bytes, offset, end)
      break
    case types.PSFB:
      if (count === types.FMT_PLI) return readPictureLossIndication(bytes, offset, end)
      if (count === types.FMT_FIR) return readFullIntraRequest(bytes, offset, end)
      if (count === types.FMT_AFB && isRemb(bytes, offset, end)) return readRemb(bytes, offset, end)
      break
  }
  return { type: 'unknown', packetType, count, body: bytes.subarray(offset + types.HEADER_SIZE, end) }
}

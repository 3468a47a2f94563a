/** Incoming RTCP: which streams each packet is for. */
import type { ReportBlock, RtcpPacket } from '@kaon/rtp'
import type { Demultiplexer } from './demultiplexer.ts'
import type { ReceiverStream } from './receiver-stream.ts'
import type { SenderEncoding } from './sender-encoding.ts'

export interface RtcpTargets {
  readonly demultiplexer: Demultiplexer
  /** By the SSRC of their media. */
  readonly encodings: ReadonlyMap<number, SenderEncoding>
  touchReceiver(stream: ReceiverStream): void
  touchSender(encoding: SenderEncoding): void
}

/** False when nobody here is meant. */
export function dispatchRtcp(packet: RtcpPacket, targets: RtcpTargets, now: number): boolean {
  switch (packet.type) {
    case 'SR': {
      const isSource = toReceiver(packet.ssrc, packet, targets, now)
      return toReported(packet, packet.reports, targets, now) || isSource
    }
    case 'RR':
      // A report without blocks says that its sender is there.
      return toReported(packet, packet.reports, targets, now) || packet.reports.length === 0
    case 'BYE': {
      let any = false
      for (const ssrc of packet.ssrcs) any = toReceiver(ssrc, packet, targets, now) || any
      return any
    }
    case 'NACK':
    case 'PLI':
      return toSender(packet.mediaSsrc, packet, targets, now)
    case 'FIR':
      return toSenders(
        packet.entries.map(({ ssrc }) => ssrc),
        packet,
        targets,
        now,
      )
    case 'REMB':
      return toSenders(packet.ssrcs, packet, targets, now)
    case 'XR':
      // A reference time is for whoever reports next, the answer to ours for the stream that asked.
      for (const ssrc of targets.encodings.keys()) toSender(ssrc, packet, targets, now)
      toReceiver(packet.ssrc, packet, targets, now)
      return true
    default:
      // SDES tells what signalling told already; feedback on the transport has been taken before.
      return true
  }
}

function toReceiver(ssrc: number, packet: RtcpPacket, targets: RtcpTargets, now: number): boolean {
  const stream = targets.demultiplexer.stream(ssrc)
  if (stream === undefined) return false
  stream.receiveRtcp(packet, now)
  targets.touchReceiver(stream)
  return true
}

function toSender(ssrc: number, packet: RtcpPacket, targets: RtcpTargets, now: number): boolean {
  const encoding = targets.encodings.get(ssrc)
  if (encoding === undefined) return false
  encoding.rtp.receiveRtcp(packet, now)
  targets.touchSender(encoding)
  return true
}

/** Each encoding once, however often it is named. */
function toSenders(ssrcs: readonly number[], packet: RtcpPacket, targets: RtcpTargets, now: number): boolean {
  const meant = new Set<SenderEncoding>()
  for (const ssrc of ssrcs) {
    const encoding = targets.encodings.get(ssrc)
    if (encoding !== undefined) meant.add(encoding)
  }
  for (const encoding of meant) toSender(encoding.ssrc, packet, targets, now)
  return meant.size > 0
}

function toReported(packet: RtcpPacket, reports: readonly ReportBlock[], targets: RtcpTargets, now: number): boolean {
  return toSenders(
    reports.map(({ ssrc }) => ssrc),
    packet,
    targets,
    now,
  )
}

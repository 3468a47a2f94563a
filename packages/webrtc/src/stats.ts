/** W3C WebRTC Statistics, as far as there is something to tell. */
import { parseCertificate } from '@kaon/crypto'
import type { Candidate } from '@kaon/ice'
import type { CandidatePairStats } from '@kaon/ice/driver'
import type { RTCCertificate } from './certificate.ts'
import type { Connection } from './connection.ts'
import type { DataChannelCore } from './data-channel-core.ts'
import type { RTCStats } from './types.ts'

/** §8.2 of W3C WebRTC 1.0: a map from `id` to dictionary. */
export class RTCStatsReport extends Map<string, RTCStats & Record<string, unknown>> {}

void parseCertificate
export function collectStats(_connection: Connection): RTCStatsReport {
  return new RTCStatsReport()
}
export type Later = [Candidate, CandidatePairStats, RTCCertificate, DataChannelCore]

// One name for each header extension, exported together as `headerExtension`.
export { type AudioLevel, audioLevel, csrcAudioLevels } from './audio.ts'
export { mid, repairedRid, rid } from './identification.ts'
export { type AbsCaptureTime, absCaptureTime, absSendTime, absSendTimeOf, transmissionOffset } from './time.ts'
export {
  type TransportSequenceNumber2,
  transportSequenceNumber,
  transportSequenceNumber2,
} from './transport-sequence-number.ts'
export {
  type PlayoutDelay,
  playoutDelay,
  videoContentType,
  type VideoOrientation,
  videoOrientation,
  type VideoTiming,
  videoTiming,
} from './video.ts'

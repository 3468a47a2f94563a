// One name for each header extension, exported together as `headerExtension`.
export { audioLevel, csrcAudioLevels } from './audio.ts'
export { mid, repairedRid, rid } from './identification.ts'
export { absCaptureTime, absSendTime, absSendTimeOf, transmissionOffset } from './time.ts'
export { transportSequenceNumber, transportSequenceNumber2 } from './transport-sequence-number.ts'
export { playoutDelay, videoContentType, videoOrientation, videoTiming } from './video.ts'

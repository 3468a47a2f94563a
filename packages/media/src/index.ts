export { MediaError } from './errors.ts'
export type { MediaErrorCode } from './errors.ts'
export type {
  EncodedFrame,
  FramesOptions,
  MediaFormat,
  MediaFrame,
  MediaReader,
  MediaTrackInfo,
  MediaTrackOptions,
  MediaWriter,
  ReceivedFrame,
} from './types.ts'
export { openMedia } from './open.ts'
export type { OpenOptions } from './open.ts'
export { createMediaWriter } from './create-writer.ts'
export { formatOfName } from './formats.ts'
export { sniffFormat } from './sniff.ts'
export { MemorySource } from './io/byte-source.ts'
export type { ByteSource } from './io/byte-source.ts'
export { MemorySink } from './io/byte-sink.ts'
export type { ByteSink } from './io/byte-sink.ts'
export { play } from './play/play.ts'
export type { Playback } from './play/playback.ts'
export type { Clock, PlayOptions, PlayTracks, TrackSink } from './play/options.ts'
export { record } from './record/record.ts'
export type { Recorder } from './record/recorder.ts'
export type { RecordedTrack, RecordingDrops, RecordingInfo, RecordOptions, TrackSource } from './record/types.ts'

import { mediaFirefox } from './support/browsers.ts'
import { ALL_PLAYED, playing } from './support/suites/media-playing.ts'
import { ALL_RECORDED, recording } from './support/suites/media-recording.ts'

// Firefox has H.264 only with a plug-in that it downloads.
playing(
  mediaFirefox,
  ALL_PLAYED.filter(({ codec }) => codec !== 'video/H264'),
)
recording(
  mediaFirefox,
  ALL_RECORDED.filter(({ video, audio }) => audio === 'audio/opus' && (video === 'video/VP8' || video === 'video/VP9')),
)

import { mediaFirefox } from './support/browsers.ts'
import { echo } from './support/suites/media-echo.ts'

echo(mediaFirefox, [
  { video: 'video/VP8', audio: 'audio/opus' },
  { video: 'video/VP9', audio: 'audio/G722' },
])

import { mediaChromium } from './support/browsers.ts'
import { echo } from './support/suites/media-echo.ts'

echo(mediaChromium, [
  { video: 'video/VP8', audio: 'audio/opus' },
  { video: 'video/VP9', audio: 'audio/PCMU' },
  { video: 'video/H264', audio: 'audio/PCMA' },
  { video: 'video/AV1', audio: 'audio/G722' },
])

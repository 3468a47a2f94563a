import { mediaChromium } from './support/browsers.ts'
import { ALL_RECORDED, recording } from './support/suites/media-recording.ts'

recording(mediaChromium, ALL_RECORDED)

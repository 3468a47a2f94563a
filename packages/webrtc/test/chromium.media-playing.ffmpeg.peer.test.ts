import { mediaChromium } from './support/browsers.ts'
import { ALL_PLAYED, playing } from './support/suites/media-playing.ts'

playing(mediaChromium, ALL_PLAYED)

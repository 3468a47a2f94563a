import { chromium } from './support/browsers.ts'
import { channels } from './support/suites/channels.ts'

channels(chromium, 50_000_000)

import { firefox } from './support/browsers.ts'
import { channels } from './support/suites/channels.ts'

channels(firefox, 10_000_000)

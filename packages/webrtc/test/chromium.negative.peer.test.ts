import { chromium } from './support/browsers.ts'
import { failing } from './support/suites/negative.ts'

failing(chromium)

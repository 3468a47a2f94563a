import { chromium } from './support/browsers.ts'
import { connecting } from './support/suites/connect.ts'

connecting(chromium)

import { chromium } from './support/browsers.ts'
import { paths } from './support/suites/ice-paths.ts'

paths(chromium)

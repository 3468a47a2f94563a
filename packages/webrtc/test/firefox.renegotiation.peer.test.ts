import { firefox } from './support/browsers.ts'
import { renegotiation } from './support/suites/renegotiation.ts'

renegotiation(firefox)

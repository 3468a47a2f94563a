import { afterAll, beforeAll } from 'vitest'
import { launchChromium } from '../../../../tools/peers/chromium.ts'
import { launchFirefox } from '../../../../tools/peers/firefox.ts'
import type { Side } from './browser-pair.ts'
import type { DrivenPage } from './browser-peer.ts'

export interface Browser {
  newPage(): Promise<DrivenPage>
  close(): Promise<void>
}

/** A browser that the suites can be run with. */
export interface BrowserKind {
  name: string
  launch(options: { mdns: boolean }): Promise<Browser>
}

export const chromium: BrowserKind = { name: 'Chromium', launch: launchChromium }
export const firefox: BrowserKind = { name: 'Firefox', launch: launchFirefox }

/** One browser for the tests of the enclosing `describe`; gives what makes a page of it. */
export function launched(launch: () => Promise<Browser>): () => Promise<DrivenPage> {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  return () => browser!.newPage()
}

/** Both sides, for `describe.each`, and how a test's name calls them. */
export const sides = (kind: BrowserKind): { side: Side; who: string }[] => [
  { side: 'kaon', who: 'Kaon' },
  { side: 'browser', who: kind.name },
]

/** With a fake camera and a fake microphone, which pages may use, and sound without a click. */
export const mediaChromium: BrowserKind = {
  name: 'Chromium',
  launch: (options) =>
    launchChromium({ ...options, loopback: true, args: ['--autoplay-policy=no-user-gesture-required'] }),
}
export const mediaFirefox: BrowserKind = {
  name: 'Firefox',
  launch: (options) =>
    launchFirefox({
      ...options,
      prefs: {
        'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true,
        'media.autoplay.default': 0,
      },
    }),
}

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { serveBlankPage } from './blank-page.ts'
import { peers } from './catalogue.mjs'

export interface FirefoxOptions {
  /** Hide host addresses behind mDNS names, Firefox's default; false shows them. */
  mdns?: boolean
  /** More preferences, as in `about:config`. */
  prefs?: Record<string, string | number | boolean>
}

export interface Firefox {
  /** A new page of `http://127.0.0.1:…`, blank, a secure context. */
  newPage(): Promise<Page>
  readonly browser: Browser
  readonly origin: string
  close(): Promise<void>
}

/** Starts headless Firefox with a profile of its own and a server for a blank page. Throws when Firefox is not installed. */
export async function launchFirefox(options: FirefoxOptions = {}): Promise<Firefox> {
  const executablePath = peers.find((peer) => peer.name === 'firefox')?.find()
  if (executablePath === undefined) throw new Error('Firefox is not installed; set KAON_FIREFOX to its path')
  const profile = mkdtempSync(join(tmpdir(), 'kaon-firefox-'))
  const removeProfile = (): void => rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  const blank = await serveBlankPage()
  let browser: Browser
  try {
    browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      userDataDir: profile,
      // Firefox keeps caches and crash reports under the home directory: they go away with the profile.
      env: { ...process.env, HOME: profile },
      timeout: 60_000,
      protocolTimeout: 120_000,
      extraPrefsFirefox: {
        // Nothing to save at the end.
        'toolkit.shutdown.fastShutdownStage': 3,
        ...(options.mdns === false ? { 'media.peerconnection.ice.obfuscate_host_addresses': false } : {}),
        ...options.prefs,
      },
    })
  } catch (error) {
    blank.close()
    removeProfile()
    throw error
  }
  const child = browser.process()!
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve()
  return {
    browser,
    origin: blank.origin,
    newPage: async () => {
      const page = await browser.newPage()
      page.on('pageerror', (error) => console.error('page error:', error))
      await page.goto(blank.origin)
      return page
    },
    close: async () => {
      await browser.close()
      await ended
      blank.close()
      removeProfile()
    },
  }
}
